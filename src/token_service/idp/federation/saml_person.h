#pragma once

// The person that an assertion describes, in our words: by the connector's names of attributes, and its allow-list of groups, as with claims. Pure.

#include "saml/assertion.h"
#include "token_service/idp/federation/upstream_person.h"

namespace writ::token_service::idp {

// What identifies a NameID beside its value: format and qualifiers (core §2.2.2, RAS-45). It stands as `tenant` of the person's link, so that the
// `sub` of an ID token and the same text as a NameID are two people until an administrator says otherwise (`attributes: {subject: …}`).
std::string name_space_of(const saml::NameId& name_id);

Result<UpstreamPerson, PersonProblem> read_person(const registry::IdentityConnector& connector, const saml::Assertion& assertion);

}  // namespace writ::token_service::idp
