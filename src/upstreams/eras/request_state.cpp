#include "upstreams/eras/request_state.h"

#include "crypto/hash.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "encoding/json.h"

namespace writ::upstreams {
namespace {

constexpr std::string_view kPurpose = "eras/request-state";
constexpr std::size_t kBytesMax = 4'096;

// One value for all that a state belongs to, so that it stays short and tells nothing.
std::string binding(std::string_view principal, std::string_view server, std::string_view digest) {
  return base64url::encode(crypto::sha256_bytes(json::write(json::Array{std::string(principal), std::string(server), base64url::encode(digest)})));
}

}  // namespace

RequestStates::RequestStates() : key_(Secret(crypto::random_bytes(32))) {}

std::string RequestStates::seal(const RequestState& state) const {
  const json::Value plain{{"call", state.call}, {"round", state.round}, {"for", binding(state.principal, state.server, state.digest)}, {"exp", state.expires}};
  return base64url::encode(key_.seal(json::write(plain), kPurpose));
}

std::optional<RequestState> RequestStates::open(std::string_view sealed, std::string_view principal, std::string_view server, std::string_view digest, Instant now) const {
  if (sealed.size() > kBytesMax) return std::nullopt;
  const auto bytes = base64url::decode(sealed);
  const auto plain = bytes ? key_.open(*bytes, kPurpose) : std::nullopt;
  const auto value = plain ? json::parse(plain->reveal()) : Result<json::Value, json::Problem>(unexpected(json::Problem::syntax));
  if (!value) return std::nullopt;
  const auto *call = value->find_string("call"), *bound = value->find_string("for");
  const auto *round = value->find_int("round"), *expires = value->find_int("exp");
  if (!call || !bound || !round || !expires || *expires <= to_unix_seconds(now)) return std::nullopt;
  if (!crypto::constant_time_equal(*bound, binding(principal, server, digest))) return std::nullopt;
  return RequestState{*call, *round, std::string(principal), std::string(server), std::string(digest), *expires};
}

}  // namespace writ::upstreams
