#include "admin/authentication.h"

namespace writ::admin {

std::variant<Actor, Unauthenticated> authenticate(const http::Request& request, const registry::Snapshot& snapshot) {
  if (request.headers.count("Authorization") > 1) return Unauthenticated{"several_authorization_headers"};
  const std::string* header = request.headers.find_single("Authorization");
  if (!header) {
    // Whoever may open the socket is the service's own user or root and could read the store as well (rules §8.2).
    if (request.peer.local_socket) return Actor{"local", "", Actor::Role::admin, true, "local"};
    return Unauthenticated{"no_token"};
  }
  if (header->size() < 8 || !http::equals_ignoring_case(std::string_view(*header).substr(0, 7), "bearer ")) return Unauthenticated{"no_bearer_token"};
  const Secret token(header->substr(7));
  // Looked up by its hash: what the time tells about the hash is of no use for guessing the token.
  const registry::ApiToken* known = snapshot.api_token(registry::sha256_hex(token));
  if (!known) return Unauthenticated{"unknown_token"};
  if (!known->active) return Unauthenticated{"inactive_token"};
  // Made for asking policy and nothing else: it reads nothing here.
  if (known->role != "admin" && known->role != "auditor") return Unauthenticated{"token_of_another_use"};
  Actor actor{"token:" + known->id, known->id, Actor::Role::auditor, false, request.peer.address};
  if (known->role == "admin") actor.role = Actor::Role::admin;
  return actor;
}

}  // namespace writ::admin
