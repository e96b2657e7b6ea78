#include "token_service/idp/federation/pending_sign_in.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/seal.h"
#include "encoding/base64url.h"
#include "encoding/json.h"

namespace writ::token_service::idp {
namespace {

constexpr const char* kPurpose = "federated sign-in";
constexpr std::size_t kCookieBytesMax = 3'800;   // browsers give up at some 4,096
constexpr std::size_t kNameBytes = 12;           // of the state, in the cookie's name
constexpr std::size_t kAtOnceMax = 5;

std::string prefix(const Idp& idp) { return idp.settings.issuer.starts_with("https:") ? "__Host-writ_signin_" : "writ_signin_"; }
std::string name_for(const Idp& idp, std::string_view state) { return prefix(idp) + std::string(state.substr(0, kNameBytes)); }

std::string derived(const Idp& idp, std::string_view what, std::string_view state) {
  return base64url::encode(crypto::hmac_sha256(idp.form_key.reveal(), std::string(what) + ":" + std::string(state)));
}
crypto::SealingKey key_of(const Idp& idp) { return crypto::SealingKey(Secret(crypto::hmac_sha256(idp.form_key.reveal(), kPurpose))); }

// 32 bytes in base64url: what new_pending makes, and nothing that could name another cookie.
bool is_state(std::string_view text) {
  const auto bytes = base64url::decode(text);
  return bytes && bytes->size() == 32;
}

}  // namespace

PendingSignIn new_pending(std::string connector, std::string continue_with, Instant now) {
  return {crypto::random_token(32), std::move(connector), std::move(continue_with), now + kPendingFor};
}

std::string nonce_of(const Idp& idp, const PendingSignIn& pending) { return derived(idp, "upstream nonce", pending.state); }
std::string verifier_of(const Idp& idp, const PendingSignIn& pending) { return derived(idp, "upstream code verifier", pending.state); }

std::optional<std::string> cookie_for(const Idp& idp, const PendingSignIn& pending) {
  const json::Value content = json::Array{pending.state, pending.connector, pending.continue_with, to_unix_seconds(pending.expires)};
  const std::string sealed = base64url::encode(key_of(idp).seal(json::write(content), kPurpose));
  if (sealed.size() > kCookieBytesMax) return std::nullopt;
  return Cookies(idp.settings.issuer).set(name_for(idp, pending.state), sealed) + "; Max-Age=" + std::to_string(kPendingFor.count());
}

std::string clearing_cookie_for(const Idp& idp, const PendingSignIn& pending) { return Cookies(idp.settings.issuer).clear(name_for(idp, pending.state)); }

std::vector<std::string> clearing_cookies_of_others(const Idp& idp, const http::Request& request) {
  std::vector<std::string> names;
  for (std::string_view rest : request.headers.find_all("Cookie")) {
    while (!rest.empty()) {
      const auto end = std::min(rest.find(';'), rest.size());
      std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      const auto name = pair.substr(0, pair.find('='));
      const auto suffix = name.starts_with(prefix(idp)) ? name.substr(prefix(idp).size()) : std::string_view();
      if (suffix.size() == kNameBytes && base64url::decode(suffix)) names.emplace_back(name);
    }
  }
  if (names.size() < kAtOnceMax) names.clear();
  for (std::string& name : names) name = Cookies(idp.settings.issuer).clear(name);
  return names;
}

std::optional<PendingSignIn> find_pending(const Idp& idp, const http::Request& request, std::string_view state, Instant now) {
  if (!is_state(state)) return std::nullopt;
  const auto cookie = Cookies::find(request, name_for(idp, state));
  const auto sealed = cookie ? base64url::decode(*cookie) : std::nullopt;
  const auto opened = sealed ? key_of(idp).open(*sealed, kPurpose) : std::nullopt;
  if (!opened) return std::nullopt;
  const auto content = json::parse(opened->reveal());
  const auto* parts = content ? content->as_array() : nullptr;
  if (!parts || parts->size() != 4) return std::nullopt;
  const auto *stated = (*parts)[0].as_string(), *connector = (*parts)[1].as_string(), *continue_with = (*parts)[2].as_string();
  const auto* expires = (*parts)[3].as_int();
  if (!stated || !connector || !continue_with || !expires) return std::nullopt;
  // The name holds a part of the state only.
  if (!crypto::constant_time_equal(*stated, state) || now >= from_unix_seconds(*expires)) return std::nullopt;
  return PendingSignIn{*stated, *connector, *continue_with, from_unix_seconds(*expires)};
}

}  // namespace writ::token_service::idp
