#include "token_service/idp/federation/upstream_person.h"

#include <algorithm>

#include "oauth/id_token.h"
#include "token_service/idp/federation/group_overage.h"

namespace writ::token_service::idp {
namespace {

constexpr std::size_t kTextBytesMax = 256;

// A claim by its name; a name that begins with a slash is a path: /realm_access/roles (Keycloak).
const json::Value* find_claim(const json::Value& claims, std::string_view name) {
  if (name.empty()) return nullptr;
  if (name.front() != '/') return claims.find(name);
  const json::Value* value = &claims;
  for (std::string_view rest = name; value && !rest.empty();) {
    rest.remove_prefix(1);
    const auto end = std::min(rest.find('/'), rest.size());
    value = value->find(rest.substr(0, end));
    rest.remove_prefix(end);
  }
  return value;
}

// "" when there is none.
Result<std::string, PersonProblem> text_of(const json::Value& claims, std::string_view name) {
  const json::Value* value = find_claim(claims, name);
  if (!value || value->is_null()) return std::string();
  if (!value->is_string() || value->as_string()->size() > kTextBytesMax) return unexpected(PersonProblem::claim_malformed);
  return *value->as_string();
}

Result<bool, PersonProblem> email_verified(const registry::IdentityConnector& connector, const json::Value& claims) {
  const json::Value* value = claims.find("email_verified");
  if (!value) return connector.email_is_verified;
  if (const auto* flag = value->as_bool()) return *flag;
  const auto* text = value->as_string();   // some providers quote it
  if (text && (*text == "true" || *text == "false")) return *text == "true";
  return unexpected(PersonProblem::claim_malformed);
}

Result<void, PersonProblem> check_required(const registry::IdentityConnector& connector, const json::Value& claims) {
  for (const auto& [name, wanted] : connector.required_claims) {
    const json::Value* value = find_claim(claims, name);
    if (!value || !value->is_string() || *value->as_string() != wanted) return unexpected(PersonProblem::required_claim);
  }
  return {};
}

Result<std::vector<std::string>, PersonProblem> groups_of(const registry::IdentityConnector& connector, const json::Value& claims) {
  std::vector<std::string> groups;
  if (connector.groups.empty()) return groups;
  // Reading a hint as "no groups" would lift every rule that forbids something to a group.
  if (says_groups_are_elsewhere(claims, connector.claims.groups)) return unexpected(PersonProblem::groups_elsewhere);
  const json::Value* value = find_claim(claims, connector.claims.groups);
  if (!value || value->is_null()) return groups;
  std::vector<std::string> said;
  if (const auto* one = value->as_string()) {
    said = {*one};
  } else if (auto several = json::to_strings(*value)) {
    said = std::move(*several);
  } else {
    return unexpected(PersonProblem::claim_malformed);
  }
  // The allow-list, and nothing else: a provider's groups are its own words until an administrator says what they mean here.
  for (const std::string& name : said) {
    const auto found = connector.groups.find(name);
    if (found != connector.groups.end() && std::find(groups.begin(), groups.end(), found->second) == groups.end()) groups.push_back(found->second);
  }
  std::sort(groups.begin(), groups.end());
  return groups;
}

}  // namespace

std::string_view to_string(PersonProblem problem) {
  switch (problem) {
    case PersonProblem::subject: return "upstream_subject_missing";
    case PersonProblem::tenant: return "upstream_tenant_missing";
    case PersonProblem::required_claim: return "upstream_required_claim";
    case PersonProblem::groups_elsewhere: return "upstream_groups_elsewhere";
    case PersonProblem::claim_malformed: return "upstream_claim_malformed";
  }
  return "upstream_claim_malformed";
}

Result<UpstreamPerson, PersonProblem> read_person(const registry::IdentityConnector& connector, const json::Value& claims) {
  TRY(check_required(connector, claims));
  UpstreamPerson person;
  person.issuer = connector.issuer;
  person.subject = TRY(text_of(claims, connector.claims.subject));
  if (person.subject.empty()) return unexpected(PersonProblem::subject);
  if (!connector.claims.tenant.empty()) {
    person.tenant = TRY(text_of(claims, connector.claims.tenant));
    if (person.tenant.empty()) return unexpected(PersonProblem::tenant);
  }
  person.user_name = TRY(text_of(claims, connector.claims.user_name));
  person.email = TRY(text_of(claims, connector.claims.email));
  person.display_name = TRY(text_of(claims, connector.claims.display_name));
  person.department = TRY(text_of(claims, connector.claims.department));
  person.title = TRY(text_of(claims, connector.claims.title));
  person.match_value = TRY(text_of(claims, connector.match_claim));
  person.email_verified = TRY(email_verified(connector, claims)) && !person.email.empty();
  person.groups = TRY(groups_of(connector, claims));
  return person;
}

json::Value merged(json::Value id_token_claims, const json::Value& userinfo) {
  if (!userinfo.is_object()) return id_token_claims;
  // What was verified is an address, not whatever stands in `email`: one document must not vouch for the other's.
  const json::Value* signed_email = id_token_claims.find("email");
  const json::Value* said_email = userinfo.find("email");
  const bool speaks_of_another = signed_email && (!said_email || !(*said_email == *signed_email));
  const bool had_verified = id_token_claims.find("email_verified") != nullptr;
  for (const auto& member : *userinfo.as_object()) {
    if (!id_token_claims.find(member.name)) id_token_claims.set(member.name, member.value);
  }
  if (speaks_of_another && !had_verified) id_token_claims.erase("email_verified");
  return id_token_claims;
}

std::string mapped(const std::map<std::string, std::string>& map, const std::string& value) {
  if (map.empty()) return value;
  const auto found = map.find(value);
  return found == map.end() ? std::string() : found->second;
}

std::vector<std::string> mapped(const std::map<std::string, std::string>& map, const std::vector<std::string>& values) {
  std::vector<std::string> ours;
  for (const std::string& value : values) {
    std::string name = mapped(map, value);
    if (!name.empty() && std::find(ours.begin(), ours.end(), name) == ours.end()) ours.push_back(std::move(name));
  }
  return ours;
}

std::vector<std::string> unmapped(const std::map<std::string, std::string>& map, const std::vector<std::string>& values) {
  if (map.empty()) return values;
  std::vector<std::string> theirs;
  for (const std::string& value : values) {
    for (const auto& [their, our] : map) {
      if (our == value) theirs.push_back(their);
    }
  }
  return theirs;
}

}  // namespace writ::token_service::idp
