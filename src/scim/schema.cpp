#include "scim/schema.h"

#include <algorithm>

#include "http/message.h"

namespace writ::scim {
namespace {

using Type = Attribute::Type;

constexpr Attribute text(std::string_view name, std::string_view description) { return {.name = name, .description = description}; }
constexpr Attribute flag(std::string_view name, std::string_view description) { return {.name = name, .type = Type::boolean, .description = description}; }

constexpr Attribute kNameParts[] = {text("formatted", "the full name as it is shown"), text("familyName", "the family name"), text("givenName", "the given name"),
                                    text("middleName", "middle names"), text("honorificPrefix", "a title before the name"), text("honorificSuffix", "a suffix behind the name")};
constexpr Attribute kValueParts[] = {text("value", "the value itself"), text("display", "how it is shown"), text("type", "what it is for, such as work or home"),
                                     flag("primary", "the one to use")};
constexpr Attribute kAddressParts[] = {text("formatted", "the whole address"), text("streetAddress", "street and number"), text("locality", "city"), text("region", "state or region"),
                                       text("postalCode", "postal code"), text("country", "country"), text("type", "what it is for, such as work or home"), flag("primary", "the one to use")};
constexpr Attribute kGroupOfUserParts[] = {{.name = "value", .case_exact = true, .read_only = true, .description = "id of the group"},
                                           {.name = "$ref", .type = Type::reference, .case_exact = true, .read_only = true, .description = "URI of the group"},
                                           {.name = "display", .read_only = true, .description = "its display name"},
                                           {.name = "type", .read_only = true, .description = "direct"}};
constexpr Attribute kMemberParts[] = {{.name = "value", .case_exact = true, .description = "id of a user or a group"},
                                      {.name = "$ref", .type = Type::reference, .case_exact = true, .description = "its URI"},
                                      text("display", "how it is shown"), text("type", "User or Group")};
constexpr Attribute kManagerParts[] = {{.name = "value", .case_exact = true, .description = "id of the manager"},
                                       {.name = "$ref", .type = Type::reference, .case_exact = true, .description = "URI of the manager"}, text("displayName", "the manager's name")};
constexpr Attribute kMetaParts[] = {{.name = "resourceType", .case_exact = true, .read_only = true, .description = "User or Group"},
                                    {.name = "created", .type = Type::date_time, .read_only = true, .description = "when it was first provisioned"},
                                    {.name = "lastModified", .type = Type::date_time, .read_only = true, .description = "when the directory last changed it"},
                                    {.name = "location", .type = Type::reference, .case_exact = true, .read_only = true, .description = "its URI"},
                                    {.name = "version", .case_exact = true, .read_only = true, .description = "its entity tag"}};

constexpr Attribute kCommon[] = {
    {.name = "schemas", .type = Type::reference, .multi_valued = true, .case_exact = true, .read_only = true, .description = "what the resource is made of", .always_returned = true},
    {.name = "id", .case_exact = true, .read_only = true, .is_unique = true, .description = "made by the server, never changes and is never reused", .always_returned = true},
    {.name = "externalId", .case_exact = true, .description = "what the directory calls it"},
    {.name = "meta", .type = Type::complex, .read_only = true, .description = "about the resource", .parts = kMetaParts}};

constexpr Attribute kUserAttributes[] = {
    {.name = "userName", .required = true, .is_unique = true, .description = "what the person is called at sign-in", .always_returned = true},
    {.name = "name", .type = Type::complex, .description = "the parts of the name", .parts = kNameParts},
    text("displayName", "the name as it is shown"),
    text("nickName", "a casual name"),
    {.name = "profileUrl", .type = Type::reference, .description = "a page about the person"},
    text("title", "the position held; policies can read it"),
    text("userType", "such as Employee or Contractor"),
    text("preferredLanguage", "as in Accept-Language"),
    text("locale", "for dates and numbers"),
    text("timezone", "an IANA time zone"),
    flag("active", "false: every access ends at once"),
    {.name = "emails", .type = Type::complex, .multi_valued = true, .description = "addresses; the primary one, else the one of type work, is the person's", .parts = kValueParts},
    {.name = "phoneNumbers", .type = Type::complex, .multi_valued = true, .description = "telephone numbers", .parts = kValueParts},
    {.name = "addresses", .type = Type::complex, .multi_valued = true, .description = "postal addresses", .parts = kAddressParts},
    {.name = "groups", .type = Type::complex, .multi_valued = true, .read_only = true, .description = "groups of the same directory, direct membership", .parts = kGroupOfUserParts},
    {.name = "roles", .type = Type::complex, .multi_valued = true, .description = "kept as sent; nothing is decided by them", .parts = kValueParts},
    {.name = "entitlements", .type = Type::complex, .multi_valued = true, .description = "kept as sent; nothing is decided by them", .parts = kValueParts}};
constexpr Attribute kEnterpriseAttributes[] = {text("employeeNumber", "the employee's number"), text("costCenter", "the cost centre"), text("organization", "the organisation"),
                                               text("division", "the division"), text("department", "the department; policies can read it"),
                                               {.name = "manager", .type = Type::complex, .description = "the manager", .parts = kManagerParts}};
constexpr Attribute kGroupAttributes[] = {
    {.name = "displayName", .required = true, .description = "the group's name, unique among the groups of its directory", .always_returned = true},
    {.name = "members", .type = Type::complex, .multi_valued = true, .description = "people and groups of the same directory", .parts = kMemberParts}};

constexpr Schema kUser{kUserSchema, "User", "a person", kUserAttributes};
constexpr Schema kEnterprise{kEnterpriseSchema, "EnterpriseUser", "what a company says of a person", kEnterpriseAttributes};
constexpr Schema kGroup{kGroupSchema, "Group", "a group of people and groups", kGroupAttributes};
constexpr ResourceType kUserType{"User", "/Users", &kUser, &kEnterprise};
constexpr ResourceType kGroupType{"Group", "/Groups", &kGroup, nullptr};

const Attribute* find_in(std::span<const Attribute> attributes, std::string_view name) {
  const auto found = std::find_if(attributes.begin(), attributes.end(), [&](const Attribute& attribute) { return is_same_name(attribute.name, name); });
  return found == attributes.end() ? nullptr : &*found;
}

std::string_view to_string(Type type) {
  switch (type) {
    case Type::string: return "string";
    case Type::boolean: return "boolean";
    case Type::complex: return "complex";
    case Type::date_time: return "dateTime";
    case Type::reference: return "reference";
  }
  return "string";
}

json::Value to_json(const Attribute& attribute) {
  json::Value out{{"name", attribute.name},
                  {"type", to_string(attribute.type)},
                  {"multiValued", attribute.multi_valued},
                  {"description", attribute.description},
                  {"required", attribute.required},
                  {"caseExact", attribute.case_exact},
                  {"mutability", attribute.read_only ? "readOnly" : "readWrite"},
                  {"returned", attribute.always_returned ? "always" : "default"},
                  {"uniqueness", attribute.is_unique ? "server" : "none"}};
  if (attribute.type == Type::reference) out.set("referenceTypes", json::Array{"uri"});
  if (!attribute.parts.empty()) {
    json::Array parts;
    for (const Attribute& part : attribute.parts) parts.push_back(to_json(part));
    out.set("subAttributes", std::move(parts));
  }
  return out;
}

}  // namespace

const Attribute* Attribute::find(std::string_view part) const { return find_in(parts, part); }
const Attribute* Schema::find(std::string_view attribute) const { return find_in(attributes, attribute); }
const Attribute* ResourceType::find(std::string_view attribute) const {
  const Attribute* common = find_in(kCommon, attribute);
  return common ? common : core->find(attribute);
}
const ResourceType& user_type() { return kUserType; }
const ResourceType& group_type() { return kGroupType; }

bool is_same_name(std::string_view a, std::string_view b) { return http::equals_ignoring_case(a, b); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& letter : out) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  return out;
}

json::Value to_json(const Schema& schema) {
  json::Array attributes;
  for (const Attribute& attribute : schema.attributes) attributes.push_back(to_json(attribute));
  return json::Value{{"schemas", json::Array{"urn:ietf:params:scim:schemas:core:2.0:Schema"}}, {"id", schema.id}, {"name", schema.name}, {"description", schema.description},
                     {"attributes", std::move(attributes)}};
}

}  // namespace writ::scim
