#pragma once

// Who is it? An upstream person and the people that are here (rules §1.4). Pure.

#include <string_view>
#include <variant>

#include "registry/snapshot.h"
#include "token_service/idp/federation/upstream_person.h"

namespace writ::token_service::idp {

enum class NotAdmitted {
  user_disabled,          // known, and switched off: nothing that the person does switches it on (A6)
  not_a_person,           // the link or match leads to a service account
  unknown,                // no link, no match, and nobody is created here
  match_claim_missing,
  match_ambiguous,        // several people fit
  linked_to_another,      // who fits is somebody else at this provider already
  kept_by_another,        // who fits is kept by the directory of another connector
  local_account,          // who fits has a password here: only an administrator says that they are the same
  email_not_verified,
  email_not_in_domains,   // the provider may not speak for this address
  name_missing,           // nothing to call the new person
  name_taken,
  email_taken,
  change_refused,         // the directory did not take the change
};
std::string_view to_string(NotAdmitted reason);

struct Linked {
  const registry::User* user = nullptr;   // into the snapshot
};
struct ToLink {
  const registry::User* user = nullptr;
};
struct ToCreate {
  registry::User user;                    // without an id
};
using Found = std::variant<Linked, ToLink, ToCreate>;

Result<Found, NotAdmitted> find_person(const UpstreamPerson& person, const registry::IdentityConnector& connector, const registry::Snapshot& snapshot);

}  // namespace writ::token_service::idp
