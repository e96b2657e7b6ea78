#include "token_service/resource_as/interactive/pending_authorization.h"

#include "crypto/hash.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "encoding/json.h"

namespace writ::token_service::resource_as {
namespace {

constexpr const char* kPurpose = "interactive authorization request";
constexpr std::size_t kCookieBytesMax = 3'800;   // browsers give up at some 4,096
constexpr std::size_t kNameBytes = 12;           // of the state, in the cookie's name

std::string name_for(const Interactive& interactive, std::string_view state) {
  return Cookies(interactive.settings.issuer).named("writ_ras_" + std::string(state.substr(0, kNameBytes)));
}

std::string derived(const Interactive& interactive, std::string_view what, std::string_view state) {
  return base64url::encode(crypto::hmac_sha256(interactive.key.reveal(), std::string(what) + ":" + std::string(state)));
}

// 32 bytes in base64url: what new_pending makes, and nothing that could name another cookie.
bool is_state(std::string_view text) {
  const auto bytes = base64url::decode(text);
  return bytes && bytes->size() == 32;
}

}  // namespace

PendingAuthorization new_pending(std::string request, bool stepped_up, Instant now) {
  return {crypto::random_token(32), std::move(request), stepped_up, now + kPendingFor};
}

std::string nonce_of(const Interactive& interactive, const PendingAuthorization& pending) { return derived(interactive, "nonce", pending.state); }
std::string verifier_of(const Interactive& interactive, const PendingAuthorization& pending) { return derived(interactive, "code verifier", pending.state); }

std::optional<std::string> cookie_for(const Interactive& interactive, const PendingAuthorization& pending) {
  const json::Value content = json::Array{pending.state, pending.request, pending.stepped_up, to_unix_seconds(pending.expires)};
  const std::string sealed = base64url::encode(interactive.seals().seal(json::write(content), kPurpose));
  if (sealed.size() > kCookieBytesMax) return std::nullopt;
  return Cookies(interactive.settings.issuer).set(name_for(interactive, pending.state), sealed) + "; Max-Age=" + std::to_string(kPendingFor.count());
}

std::string clearing_cookie_for(const Interactive& interactive, const PendingAuthorization& pending) {
  return Cookies(interactive.settings.issuer).clear(name_for(interactive, pending.state));
}

std::optional<PendingAuthorization> find_pending(const Interactive& interactive, const http::Request& http, std::string_view state, Instant now) {
  if (!is_state(state)) return std::nullopt;
  const auto cookie = Cookies::find(http, name_for(interactive, state));
  const auto sealed = cookie ? base64url::decode(*cookie) : std::nullopt;
  const auto opened = sealed ? interactive.seals().open(*sealed, kPurpose) : std::nullopt;
  if (!opened) return std::nullopt;
  const auto content = json::parse(opened->reveal());
  const auto* parts = content ? content->as_array() : nullptr;
  if (!parts || parts->size() != 4) return std::nullopt;
  const auto *stated = (*parts)[0].as_string(), *request = (*parts)[1].as_string();
  const auto* stepped_up = (*parts)[2].as_bool();
  const auto* expires = (*parts)[3].as_int();
  if (!stated || !request || !stepped_up || !expires) return std::nullopt;
  // The name holds a part of the state only.
  if (!crypto::constant_time_equal(*stated, state) || now >= from_unix_seconds(*expires)) return std::nullopt;
  return PendingAuthorization{*stated, *request, *stepped_up, from_unix_seconds(*expires)};
}

}  // namespace writ::token_service::resource_as
