#pragma once

// The authorization request of a client, however it came: in the browser's address, or pushed before (RFC 9126), and by whatever is known of the client: an
// object, or the document at the address that is its client_id.

#include "token_service/idp/authorization_request.h"
#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// `begins`: the browser has just come with it. `goes_on`: a form of ours carried it on, as a stranger's request again.
enum class Arrival { begins, goes_on };
Result<AuthorizationRequest, AuthorizationRefusal> check_client_request(const Idp& idp, const form::Parameters& parameters, const registry::Snapshot& snapshot, Arrival arrival, Instant now);

// Begins the pushed request that is named, if one is: its minute to begin is over then, and the time to sign in begins. Before the check of one that `begins`.
Task<Result<void, Unavailable>> begin_pushed_request(const Idp& idp, const form::Parameters& parameters, Instant now);

// Fetches the document of the client that the request names, if it is known by one. Whether there is one now, the check says.
Task<void> fetch_client_document(const Idp& idp, const form::Parameters& parameters, const registry::Snapshot& snapshot, Instant now);

// What is wrong with a request that is pushed; absent: nothing.
std::optional<oauth::Error> check_pushed_request(const Idp& idp, const form::Parameters& parameters, const registry::Snapshot& snapshot, Instant now);

}  // namespace writ::token_service::idp
