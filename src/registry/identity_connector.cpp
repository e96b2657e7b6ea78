#include "registry/identity_connector.h"

#include <algorithm>

#include "oauth/scope.h"
#include "registry/check_connector.h"
#include "registry/credentials.h"
#include "registry/read_connector.h"
#include "registry/saml_connector.h"

namespace writ::registry {
namespace {

using Map = std::map<std::string, std::string>;
constexpr Seconds kSubjectAgeMax{24 * 3600};
constexpr Seconds kSessionMax{30 * 24 * 3600};

const std::vector<std::pair<std::string, IdentityConnector::ClientAuthentication>> kMethods = {
    {"client_secret_basic", IdentityConnector::ClientAuthentication::client_secret_basic},
    {"client_secret_post", IdentityConnector::ClientAuthentication::client_secret_post},
    {"none", IdentityConnector::ClientAuthentication::none}};

Map read_map(Fields& fields, std::string_view name, Problems& problems) {
  Map map;
  const Node* node = fields.find(name);
  if (!node) return map;
  const std::string what = "`" + std::string(name) + "`";
  Fields all(*node, what, problems);
  for (const auto& entry : node->entries) map[entry.name] = all.required_text(entry.name);
  return map;
}

// externalId=<claim>, userName=<claim>, or email (rules §1.4).
void read_match(Fields& fields, IdentityConnector& connector) {
  using By = IdentityConnector::MatchBy;
  const std::string text = fields.text("match");
  if (text.empty()) return;
  const auto equals = text.find('=');
  const std::string by = text.substr(0, equals);
  connector.match_claim = equals == std::string::npos ? std::string() : text.substr(equals + 1);
  if (by == "email" && equals == std::string::npos) {
    connector.match_by = By::email;
  } else if (by == "externalId" && !connector.match_claim.empty()) {
    connector.match_by = By::external_id;
  } else if (by == "userName" && !connector.match_claim.empty()) {
    connector.match_by = By::user_name;
  } else {
    fields.error(fields.at("match"), "`match` must be externalId=CLAIM, userName=CLAIM or email, not `" + text.substr(0, 60) + "`");
  }
}

std::string written_match(const IdentityConnector& connector) {
  switch (connector.match_by) {
    case IdentityConnector::MatchBy::nothing: return "";
    case IdentityConnector::MatchBy::external_id: return "externalId=" + connector.match_claim;
    case IdentityConnector::MatchBy::user_name: return "userName=" + connector.match_claim;
    case IdentityConnector::MatchBy::email: return "email";
  }
  return "";
}

void read_claims(Fields& fields, IdentityConnector& connector, Problems& problems) {
  const Node* node = fields.find("claims");
  if (!node) return;
  Fields names(*node, "`claims`", problems);
  auto& claims = connector.claims;
  for (const auto& [name, claim] : {std::pair("subject", &claims.subject), std::pair("user_name", &claims.user_name), std::pair("email", &claims.email),
                                    std::pair("display_name", &claims.display_name), std::pair("department", &claims.department), std::pair("title", &claims.title),
                                    std::pair("groups", &claims.groups), std::pair("tenant", &claims.tenant)}) {
    *claim = names.text(name, *claim);
  }
  names.finish();
}

std::string lower(std::string text) {
  for (char& letter : text) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  return text;
}

bool is_domain(std::string_view text) {
  if (text.empty() || text.size() > 253 || text.front() == '.' || text.back() == '.' || text.find('.') == std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(), [](char letter) { return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '.'; });
}

void write_map(json::Value& out, std::string_view name, const Map& map) {
  if (map.empty()) return;
  json::Value written = json::Object{};
  for (const auto& [key, value] : map) written.set(key, value);
  out.set(name, std::move(written));
}

}  // namespace

std::string_view to_string(IdentityConnector::ClientAuthentication method) {
  for (const auto& [name, value] : kMethods) {
    if (value == method) return name;
  }
  return "none";
}

std::string sealing_purpose(const std::string& issuer) { return "client secret for " + issuer; }

std::string domain_of(std::string_view email) {
  const auto at = email.find('@');
  if (at == std::string_view::npos || at == 0 || at + 1 == email.size() || email.find('@', at + 1) != std::string_view::npos) return {};
  return lower(std::string(email.substr(at + 1)));
}

IdentityConnector read_identity_connector(const Node& node, Reading& reading, std::optional<Secret>& clear_secret) {
  Fields fields(node, "an identity connector", reading.problems);
  IdentityConnector connector;
  connector.id = fields.required_text("id");
  connector.display_name = fields.text("display_name");
  connector.active = fields.flag("active", true);
  connector.issuer = fields.required_text("issuer");
  connector.client_id = fields.required_text("client_id");
  clear_secret = read_client_secret(fields, connector);
  connector.client_authentication = fields.choice("client_authentication", connector.client_authentication, kMethods);
  if (fields.has("scopes")) connector.scopes = fields.texts("scopes");
  fields.find("scopes");
  for (std::string& domain : connector.domains = fields.texts("domains")) domain = lower(std::move(domain));
  read_match(fields, connector);
  connector.just_in_time = fields.flag("just_in_time", false);
  connector.scim = fields.flag("scim", false);
  connector.email_is_verified = fields.flag("email_is_verified", false);
  connector.required_claims = read_map(fields, "required_claims", reading.problems);
  read_claims(fields, connector, reading.problems);
  connector.groups = read_map(fields, "groups", reading.problems);
  connector.acr = read_map(fields, "acr", reading.problems);
  connector.amr = read_map(fields, "amr", reading.problems);
  connector.userinfo = fields.flag("userinfo", true);
  connector.subject_clients = read_map(fields, "subject_clients", reading.problems);
  connector.max_subject_age_seconds = fields.duration("max_subject_age", Seconds{connector.max_subject_age_seconds}, Seconds{1}, kSubjectAgeMax).count();
  if (fields.has("session_max")) connector.session_max_seconds = fields.duration("session_max", kSessionMax, Seconds{60}, kSessionMax).count();
  connector.sign_out_upstream = fields.flag("sign_out_upstream", true);
  connector.group_overage = fields.flag("group_overage", false);
  connector.saml = read_saml(fields, reading);
  fields.finish();
  return connector;
}

json::Value write(const IdentityConnector& connector) {
  const IdentityConnector defaults;
  json::Value out = json::Object{};
  const auto text = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out.set(name, value);
  };
  text("id", connector.id);
  text("display_name", connector.display_name);
  if (!connector.active) out.set("active", false);
  text("issuer", connector.issuer);
  text("client_id", connector.client_id);
  text("client_secret_file", connector.client_secret_file);
  text("client_secret_sealed", connector.client_secret_sealed);
  if (connector.client_authentication != defaults.client_authentication) out.set("client_authentication", to_string(connector.client_authentication));
  if (connector.scopes != defaults.scopes) out.set("scopes", json::from_strings(connector.scopes));
  if (!connector.domains.empty()) out.set("domains", json::from_strings(connector.domains));
  text("match", written_match(connector));
  if (connector.just_in_time) out.set("just_in_time", true);
  if (connector.scim) out.set("scim", true);
  if (connector.email_is_verified) out.set("email_is_verified", true);
  write_map(out, "required_claims", connector.required_claims);
  if (!(connector.claims == defaults.claims)) {
    json::Value claims = json::Object{};
    const auto claim = [&](std::string_view name, const std::string& value, const std::string& usual) {
      if (value != usual) claims.set(name, value);
    };
    const auto& usual = defaults.claims;
    claim("subject", connector.claims.subject, usual.subject);
    claim("user_name", connector.claims.user_name, usual.user_name);
    claim("email", connector.claims.email, usual.email);
    claim("display_name", connector.claims.display_name, usual.display_name);
    claim("department", connector.claims.department, usual.department);
    claim("title", connector.claims.title, usual.title);
    claim("groups", connector.claims.groups, usual.groups);
    claim("tenant", connector.claims.tenant, usual.tenant);
    out.set("claims", std::move(claims));
  }
  write_map(out, "groups", connector.groups);
  write_map(out, "acr", connector.acr);
  write_map(out, "amr", connector.amr);
  if (!connector.userinfo) out.set("userinfo", false);
  write_map(out, "subject_clients", connector.subject_clients);
  if (connector.max_subject_age_seconds != defaults.max_subject_age_seconds) out.set("max_subject_age", connector.max_subject_age_seconds);
  if (connector.session_max_seconds) out.set("session_max", *connector.session_max_seconds);
  if (!connector.sign_out_upstream) out.set("sign_out_upstream", false);
  if (connector.group_overage) out.set("group_overage", true);
  write_saml(out, connector.saml);
  return out;
}

std::vector<ConnectorProblem> problems_of(const IdentityConnector& connector) {
  using By = IdentityConnector::MatchBy;
  std::vector<ConnectorProblem> problems;
  const auto error = [&](std::string path, std::string message) { problems.push_back({std::move(path), std::move(message), false}); };
  const auto warning = [&](std::string path, std::string message) { problems.push_back({std::move(path), std::move(message), true}); };
  const bool has_secret = !connector.client_secret_file.empty() || !connector.client_secret_sealed.empty();
  const bool needs_secret = connector.client_authentication != IdentityConnector::ClientAuthentication::none;
  if (needs_secret && !has_secret) error("", "an identity connector needs `client_secret_file` or `client_secret`, or `client_authentication: none`");
  if (!needs_secret && has_secret) error("client_authentication", "a secret is of no use with `client_authentication: none`: remove one of the two");
  if (!oauth::ScopeSet::parse(connector.client_id) || connector.client_id.find(' ') != std::string::npos || connector.client_id.size() > 256) {
    error("client_id", "a `client_id` has up to 256 printable ASCII characters without spaces");
  }
  bool has_openid = false;
  for (std::size_t i = 0; i < connector.scopes.size(); ++i) {
    const auto scope = oauth::ScopeSet::parse(connector.scopes[i]);
    if (!scope || scope->values().size() != 1) error("scopes/" + std::to_string(i), "a scope is one word of printable ASCII without quotes and backslashes");
    has_openid = has_openid || connector.scopes[i] == "openid";
  }
  if (!has_openid) error("scopes", "`scopes` must contain `openid`: without it there is no ID token");
  for (std::size_t i = 0; i < connector.domains.size(); ++i) {
    if (!is_domain(connector.domains[i])) error("domains/" + std::to_string(i), "a domain is written like example.com, not `" + connector.domains[i].substr(0, 60) + "`");
  }
  if (connector.scim && connector.just_in_time) {
    error("just_in_time", "people of this connector come by SCIM, so nobody is created at sign-in: remove `just_in_time` or `scim`");
  }
  if (connector.match_by == By::email && connector.domains.empty()) {
    error("match", "`match: email` needs `domains`: an address counts only in a domain that this provider may speak for");
  }
  if (connector.claims.subject.empty()) error("claims/subject", "`subject` names the claim that a person is known by: `sub`, with Entra `oid`");
  if (!connector.groups.empty() && connector.claims.groups.empty()) error("claims/groups", "`groups` maps values of a claim: name that claim");
  check_saml(connector, problems);
  if (connector.issuer == "https://accounts.google.com" && connector.required_claims.empty()) {
    warning("issuer", "anybody can have a Google account: name your organisation, `required_claims: {hd: example.com}`");
  }
  return problems;
}

}  // namespace writ::registry
