#include "upstreams/eras/request_state.h"

#include "crypto/hash.h"
#include "encoding/base64url.h"
#include "encoding/json.h"

namespace writ::upstreams {
namespace {

constexpr std::size_t kBytesMax = 4'096;

std::string bound_to(std::string_view principal, std::string_view server) {
  return "eras/request-state " + json::write(json::Array{std::string(principal), std::string(server)});
}

std::optional<crypto::Handles::Opened> opened(const crypto::Handles& handles, std::string_view sealed, std::string_view principal, std::string_view server, Instant now) {
  if (sealed.size() > kBytesMax) return std::nullopt;
  return handles.open(sealed, bound_to(principal, server), now);
}

}  // namespace

std::string RequestStates::seal(const RequestState& state) const {
  const json::Value plain{{"call", state.call}, {"round", state.round}, {"of", base64url::encode(state.digest)}};
  return handles_->seal(json::write(plain), bound_to(state.principal, state.server), state.expires);
}

std::optional<RequestState> RequestStates::open(std::string_view sealed, std::string_view principal, std::string_view server, std::string_view digest, Instant now) const {
  const auto state = opened(*handles_, sealed, principal, server, now);
  if (!state || state->node != handles_->node()) return std::nullopt;
  const auto value = json::parse(state->content);
  if (!value) return std::nullopt;
  const auto *call = value->find_string("call"), *of = value->find_string("of");
  const auto* round = value->find_int("round");
  if (!call || !of || !round || !crypto::constant_time_equal(*of, base64url::encode(digest))) return std::nullopt;
  return RequestState{*call, *round, std::string(principal), std::string(server), std::string(digest), {}};
}

std::optional<std::uint32_t> node_of_state(const crypto::Handles& handles, std::string_view sealed, std::string_view principal, std::string_view server, Instant now) {
  const auto state = opened(handles, sealed, principal, server, now);
  return state ? std::optional(state->node) : std::nullopt;
}

}  // namespace writ::upstreams
