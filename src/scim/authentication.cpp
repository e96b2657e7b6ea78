#include "scim/authentication.h"

#include <algorithm>

#include "registry/read.h"

namespace writ::scim {

std::variant<Caller, Unauthenticated> authenticate(const http::Request& request, const registry::Snapshot& snapshot) {
  constexpr const char* kSend = "send `Authorization: Bearer` with the token of a connector";
  if (request.headers.count("Authorization") > 1) return Unauthenticated{"several_authorization_headers", 401, kSend};
  const std::string* header = request.headers.find_single("Authorization");
  if (!header) return Unauthenticated{"no_token", 401, kSend};
  if (header->size() < 8 || !http::equals_ignoring_case(std::string_view(*header).substr(0, 7), "bearer ")) return Unauthenticated{"no_bearer_token", 401, kSend};
  const Secret token(header->substr(7));
  // Looked up by its hash: what the time tells about the hash is of no use for guessing the token.
  const registry::ApiToken* known = snapshot.api_token(registry::sha256_hex(token));
  if (!known) return Unauthenticated{"unknown_token", 401, "this token is not known here"};
  if (!known->active) return Unauthenticated{"inactive_token", 401, "this token was switched off"};
  if (known->role != "scim") return Unauthenticated{"token_of_another_use", 403, "this token is not of role `scim`"};
  const registry::IdentityConnector* connector = snapshot.identity_connector(known->connector);
  if (!connector || !connector->scim) return Unauthenticated{"connector_without_scim", 403, "the token's connector takes no people by SCIM"};
  if (!connector->active) return Unauthenticated{"connector_disabled", 403, "the token's connector is switched off"};
  return Caller{known, connector};
}

bool has_directory(const registry::Snapshot& snapshot) {
  const auto& tokens = snapshot.objects().api_tokens;
  return std::any_of(tokens.begin(), tokens.end(), [](const registry::ApiToken& token) { return token.role == "scim"; });
}

}  // namespace writ::scim
