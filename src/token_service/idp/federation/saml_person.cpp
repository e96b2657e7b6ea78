#include "token_service/idp/federation/saml_person.h"

namespace writ::token_service::idp {
namespace {

// Attributes as claims, so that one reader judges both. The names that we choose have a colon of their own and are never taken from the assertion.
constexpr std::string_view kOurs = "writ:";

Result<json::Value, PersonProblem> to_claim(const saml::Attribute& attribute) {
  if (!attribute.is_text) return unexpected(PersonProblem::claim_malformed);
  if (attribute.values.size() == 1) return json::Value(attribute.values.front());
  return json::from_strings(attribute.values);
}

std::string_view mapped_name(const registry::IdentityConnector::Saml& saml, const char* ours) {
  const auto found = saml.attributes.find(ours);
  return found == saml.attributes.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace

std::string name_space_of(const saml::NameId& name_id) {
  std::string text = "saml:" + name_id.format;
  // Qualifiers may be left out where they say what is known (core §8.3.7); said, they make it another name.
  if (!name_id.name_qualifier.empty()) text += " by " + name_id.name_qualifier;
  if (!name_id.sp_name_qualifier.empty()) text += " for " + name_id.sp_name_qualifier;
  return text;
}

Result<UpstreamPerson, PersonProblem> read_person(const registry::IdentityConnector& connector, const saml::Assertion& assertion) {
  const auto& saml = *connector.saml;
  json::Value claims = json::Object{};
  for (const saml::Attribute& attribute : assertion.attributes) {
    // For `required_claims` and `match`, which name an attribute themselves.
    const auto claim = attribute.name.starts_with(kOurs) ? Result<json::Value, PersonProblem>(json::Value()) : to_claim(attribute);
    if (claim && !claim->is_null()) claims.set(attribute.name, *claim);
  }
  registry::IdentityConnector by_attribute = connector;
  auto& names = by_attribute.claims;
  for (const auto& [ours, name] : {std::pair("subject", &names.subject), std::pair("tenant", &names.tenant), std::pair("user_name", &names.user_name), std::pair("email", &names.email),
                                   std::pair("display_name", &names.display_name), std::pair("department", &names.department), std::pair("title", &names.title),
                                   std::pair("groups", &names.groups), std::pair("match", &by_attribute.match_claim)}) {
    const auto theirs = mapped_name(saml, ours);
    if (theirs.empty() && std::string_view(ours) == "match") continue;   // then `match` names the attribute
    *name = std::string(kOurs) + ours;
    const saml::Attribute* attribute = theirs.empty() ? nullptr : assertion.attribute(theirs);
    if (!attribute) continue;
    claims.set(*name, TRY(to_claim(*attribute)));
  }
  const bool by_name_id = !saml.attributes.contains("subject");
  if (by_name_id) {
    if (assertion.name_id->format == saml::kTransient) return unexpected(PersonProblem::subject);
    claims.set(names.subject, assertion.name_id->value);
    claims.set(names.tenant, name_space_of(*assertion.name_id));
  } else if (!saml.attributes.contains("tenant")) {
    names.tenant.clear();
  }
  return read_person(by_attribute, claims);
}

}  // namespace writ::token_service::idp
