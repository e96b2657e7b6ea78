#pragma once

// An upstream ID token as subject token: the agent signs people in at the provider itself, so nobody signs in twice (rules §2, §3.6). There is no session
// here then; what stands for it is the provider's.

#include <memory>
#include <optional>
#include <variant>

#include "jose/jwt.h"
#include "token_service/idp/subject_token.h"

namespace writ::token_service::idp {

struct DirectSubject {
  std::shared_ptr<const registry::Snapshot> snapshot;   // with the person as the token has it
  Subject subject;                                      // its user is in that snapshot
};
using DirectOutcome = std::variant<DirectSubject, Refusal, Unavailable>;

// Absent: the subject token is none of an upstream provider that is registered here. It may change the directory (links, groups, new people), so call it
// after everything that can be said of the request without it. Into `read` comes an ID token that is none of theirs: nobody reads it twice.
Task<std::optional<DirectOutcome>> find_direct_subject(const Idp& idp, const TokenRequest& request, const Client& client, std::optional<jose::UnverifiedJwt>& read);

}  // namespace writ::token_service::idp
