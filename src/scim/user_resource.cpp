#include "scim/user_resource.h"

#include <algorithm>

#include "audit/record.h"
#include "crypto/hash.h"
#include "scim/resource.h"
#include "scim/schema.h"

namespace writ::scim {
namespace {

using registry::IdentityConnector;
using registry::User;

constexpr std::size_t kKeptBytesMax = 16 * 1024;

// What the registry itself keeps, and what only the server writes.
constexpr std::string_view kNotKept[] = {"schemas", "id", "externalId", "meta", "userName", "title", "active", "groups", "members"};

std::string text_of(const json::Value& object, std::string_view name) {
  const auto* text = object.find_string(name);
  return text ? *text : std::string();
}

// The address that is the person's: the primary one, else the one of type work, else the first.
std::string address_of(const json::Value& resource) {
  const auto* emails = resource.find_array("emails");
  if (!emails) return "";
  const json::Value* chosen = nullptr;
  int best = -1;
  for (const json::Value& email : *emails) {
    if (!email.find_string("value")) continue;
    const auto* primary = email.find_bool("primary");
    const int rank = primary && *primary ? 2 : is_same_name(text_of(email, "type"), "work") ? 1 : 0;
    if (rank > best) best = rank, chosen = &email;
  }
  return chosen ? text_of(*chosen, "value") : std::string();
}

std::string shown_name(const json::Value& resource) {
  if (std::string name = text_of(resource, "displayName"); !name.empty()) return name;
  const json::Value* name = resource.find("name");
  if (!name) return "";
  if (std::string whole = text_of(*name, "formatted"); !whole.empty()) return whole;
  const std::string given = text_of(*name, "givenName"), family = text_of(*name, "familyName");
  return given + (given.empty() || family.empty() ? "" : " ") + family;
}

// A directory vouches for addresses in the domains of its connector and for no others (rules §1.4).
bool is_verified(const std::string& email, const IdentityConnector& connector) {
  const std::string domain = registry::domain_of(email);
  if (domain.empty()) return false;
  if (connector.domains.empty()) return connector.email_is_verified;
  return std::find(connector.domains.begin(), connector.domains.end(), domain) != connector.domains.end();
}

json::Value kept_of(const json::Value& resource) {
  json::Value kept = json::Object{};
  for (const json::Member& member : *resource.as_object()) {
    if (std::find(std::begin(kNotKept), std::end(kNotKept), member.name) == std::end(kNotKept)) kept.set(member.name, member.value);
  }
  if (json::Value* enterprise = find_exactly(kept, kEnterpriseSchema)) {
    enterprise->erase("department");
    if (enterprise->as_object()->empty()) kept.erase(kEnterpriseSchema);
  }
  return kept;
}

}  // namespace

void add_meta(json::Value& resource, std::string_view type, const Kept* kept, std::string location) {
  const std::string digest = crypto::sha256_bytes(json::write(resource)).substr(0, 8);
  std::string version = "W/\"";
  for (const char byte : digest) version += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4], version += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15];
  json::Value meta{{"resourceType", type}};
  // Somebody whom an administrator gave to the directory was not made by it, and nobody knows when it will first speak.
  if (kept) meta.set("created", audit::to_iso8601(kept->created)), meta.set("lastModified", audit::to_iso8601(kept->last_modified));
  meta.set("location", std::move(location));
  meta.set("version", version + "\"");
  resource.set("meta", std::move(meta));
}

json::Value write_user(const User& user, const View& view) {
  const auto kept = view.kept().find(registry::ObjectKind::user, user.id);
  json::Value out{{"schemas", json::Array{kUserSchema}}, {"id", user.id}};
  if (!user.external_id.empty()) out.set("externalId", user.external_id);
  out.set("userName", user.name);
  if (!user.display_name.empty() && (!kept || kept->attributes.find("displayName"))) out.set("displayName", user.display_name);
  if (!user.title.empty()) out.set("title", user.title);
  out.set("active", user.active);
  json::Value enterprise = json::Object{};
  if (kept) {
    for (const json::Member& member : *kept->attributes.as_object()) {
      if (member.name == kEnterpriseSchema) enterprise = member.value;
      else if (member.name != "displayName") out.set(member.name, member.value);
    }
  }
  // An administrator may have given the person another address since.
  if (address_of(out) != user.email) {
    out.erase("emails");
    if (!user.email.empty()) out.set("emails", json::Array{json::Value{{"value", user.email}, {"type", "work"}, {"primary", true}}});
  }
  if (!user.department.empty()) enterprise.set("department", user.department);
  if (!enterprise.as_object()->empty()) {
    out.set(kEnterpriseSchema, std::move(enterprise));
    out.set("schemas", json::Array{kUserSchema, kEnterpriseSchema});
  }
  json::Array groups;
  for (const std::string& id : user.groups) {
    if (const registry::Group* group = view.group(id)) {
      groups.push_back(json::Value{{"value", id}, {"$ref", view.location("/Groups", id)}, {"display", group->display_name}, {"type", "direct"}});
    }
  }
  if (!groups.empty()) out.set("groups", std::move(groups));
  add_meta(out, "User", kept.get(), view.location("/Users", user.id));
  return out;
}

Result<SaidOfUser, Error> read_user(const json::Value& resource, const IdentityConnector& connector, User& user) {
  SaidOfUser said;
  user.name = text_of(resource, "userName");
  if (user.name.empty()) return unexpected(invalid_value("a user needs `userName`"));
  user.display_name = shown_name(resource);
  user.external_id = text_of(resource, "externalId");
  user.title = text_of(resource, "title");
  const json::Value* enterprise = resource.find(kEnterpriseSchema);
  user.department = enterprise ? text_of(*enterprise, "department") : std::string();
  const std::string email = address_of(resource);
  // What was verified here by other means stays so while the address does.
  if (email != user.email) user.email_verified = is_verified(email, connector);
  user.email_verified = user.email_verified || is_verified(email, connector);
  user.email = email;
  if (const auto* active = resource.find_bool("active")) said.active = *active;
  said.kept = kept_of(resource);
  if (json::write(said.kept).size() > kKeptBytesMax) return unexpected(invalid_value("more than 16 KiB are said of one user"));
  return said;
}

Result<const User*, Error> find_to_adopt(const User& made, const View& view) {
  using By = IdentityConnector::MatchBy;
  const IdentityConnector& connector = view.connector();
  const registry::PeopleIndex& people = view.snapshot().people();
  const std::vector<const User*> namesakes = people.namesakes(made.name);
  std::vector<const User*> fitting;
  switch (connector.match_by) {
    case By::nothing: break;
    case By::external_id:
      fitting = people.with_external_id(made.external_id);
      std::erase_if(fitting, [&](const User* user) { return user->external_id != made.external_id; });
      // The claim that people are matched by is the one that they are known by: then a link says the same as an `externalId`.
      if (connector.match_claim == connector.claims.subject && !made.external_id.empty()) {
        for (const User* user : people.linked_to(connector.issuer, made.external_id)) {
          if (user->external_id != made.external_id) fitting.push_back(user);
        }
      }
      break;
    case By::user_name: fitting = namesakes; break;
    case By::email:
      if (made.email_verified) fitting = people.with_email(made.email);
      std::erase_if(fitting, [](const User* user) { return !user->email_verified; });
      break;
  }
  std::erase_if(fitting, [](const User* user) { return !user->provisioned_by.empty(); });
  if (fitting.size() > 1) return unexpected(taken("several people who are here already fit this one: an administrator says who it is"));
  const User* found = fitting.empty() ? nullptr : fitting.front();
  if (found) {
    // What a first sign-in at the provider may not take over, its directory may not either (token_service/idp/federation/find_person.cpp).
    const bool is_of_others = std::any_of(found->links.begin(), found->links.end(), [&](const User::Link& link) {
      return link.issuer != connector.issuer && view.snapshot().identity_connector_of(link.issuer);
    });
    const bool is_local = found->kind != User::Kind::person || !found->password_hash.empty();
    if (is_local || is_of_others) return unexpected(taken("somebody who fits is here already and is not this directory's to keep: an administrator sets `provisioned_by`"));
  }
  if (std::any_of(namesakes.begin(), namesakes.end(), [&](const User* namesake) { return namesake != found; })) return unexpected(taken("`userName` " + quoted(made.name) + " is taken"));
  return found;
}

}  // namespace writ::scim
