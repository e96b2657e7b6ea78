#pragma once

// Lets an upstream person in: finds, links or creates the user, and keeps on the link which of our groups the provider's claims came to.

#include <memory>
#include <string>
#include <variant>

#include "token_service/idp/federation/federation.h"
#include "token_service/idp/federation/find_person.h"
#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

struct Admitted {
  std::shared_ptr<const registry::Snapshot> snapshot;   // with all changes in it
  const registry::User* user = nullptr;                 // into it
  const char* how = "linked";                           // or "matched", "created"
};
using AdmissionFailure = std::variant<NotAdmitted, Unavailable>;

// `as_of`: when the provider said so (`iat`). Older news than what the link has of its groups changes nothing.
Task<Result<Admitted, AdmissionFailure>> admit_person(const Idp& idp, Federation& federation, registry::IdentityConnector connector, UpstreamPerson person,
                                                      Instant as_of, std::string peer);

}  // namespace writ::token_service::idp
