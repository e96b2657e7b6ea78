#include "token_service/idp/device_registration.h"

#include "crypto/random.h"
#include "jose/jwk.h"
#include "jose/jwt.h"
#include "token_service/idp/tokens.h"

namespace writ::token_service::idp {
namespace {

constexpr std::size_t kNameBytesMax = 64;

Result<jose::Jwk, Refusal> parse_device_key(const std::string& text) {
  auto value = json::parse(text, json::Limits{4096, 4, 32});
  if (!value) return unexpected(refuse(Problem::device_key_malformed, std::string(json::to_string(value.error()))));
  auto jwk = jose::parse_jwk(*value);
  if (!jwk) return unexpected(refuse(Problem::device_key_malformed, std::string(jose::to_string(jwk.error()))));
  if (!jwk->key.fits(crypto::Algorithm::es256)) return unexpected(refuse(Problem::device_key_malformed, "not a P-256 key"));
  return std::move(*jwk);
}

bool states(const json::Value& claims, const char* name, std::string_view expected) {
  const auto* text = claims.find_string(name);
  return text && *text == expected;
}

Result<void, Refusal> check_proof(const std::string& text, const crypto::PublicKey& key, std::string_view client_id,
                                  std::string_view code, const Settings& settings, Instant now) {
  const auto wrong = [](const char* what) { return unexpected(refuse(Problem::device_proof_invalid, what)); };
  auto unverified = jose::UnverifiedJwt::parse(text);
  if (!unverified) return wrong("malformed");
  if (!unverified->has_type(kTypDeviceProof)) return wrong("type");
  static constexpr crypto::Algorithm kAllowed[] = {crypto::Algorithm::es256};
  const auto verified = jose::VerifiedJwt::verify(std::move(*unverified), key, kAllowed);
  if (!verified) return wrong("signature");
  const json::Value& claims = verified->claims();
  if (!states(claims, "iss", client_id) || !states(claims, "sub", client_id)) return wrong("issuer");
  if (!has_single_audience(claims, settings.issuer)) return wrong("audience");
  if (!jose::check_times(claims, to_unix_seconds(now),
                         {.skew_seconds = settings.skew_seconds,
                          .lifetime_seconds_max = settings.device_proof_seconds_max,
                          .iat_required = true})) {
    return wrong("times");
  }
  const auto* jti = claims.find_string("jti");
  if (!jti || jti->empty()) return wrong("jti");
  // Tied to this code, which is good once: a proof taken from another sign-in registers nothing.
  if (!states(claims, "code", digest_of(code))) return wrong("code");
  return {};
}

// Shown in lists of devices: printable, short, and never empty.
std::string device_name(const std::string* asked) {
  std::string name;
  for (const char byte : asked ? *asked : std::string()) {
    const auto value = static_cast<unsigned char>(byte);
    if (name.size() < kNameBytesMax && value >= 0x20 && value < 0x7F) name += byte;
  }
  return name.empty() ? "device" : name;
}

}  // namespace

Result<std::optional<DeviceKey>, Refusal> check_device_registration(const TokenRequest& request, const Client& client,
                                                                    std::string_view code, const AuthorizationCode& redeemed,
                                                                    const DeviceKeys& known, const Settings& settings) {
  const auto* key = request.parameters.find("writ_device_key");
  const auto* proof = request.parameters.find("writ_device_proof");
  if (!key && !proof) return std::optional<DeviceKey>{};
  if (!client.registration->device_keys) return unexpected(refuse(Problem::device_key_not_offered));
  if (!key || !proof) return unexpected(refuse(Problem::missing_parameter, key ? "writ_device_proof" : "writ_device_key"));
  const jose::Jwk jwk = TRY(parse_device_key(*key));
  TRY(check_proof(*proof, jwk.key, client.registration->client_id, code, settings, request.now));

  DeviceKey registered;
  registered.thumbprint = jose::thumbprint(jwk.key);
  if (const auto earlier = known.find(registered.thumbprint)) {
    // What an administrator took away does not come back by the same key signing in again (A6).
    if (!earlier->active) return unexpected(refuse(Problem::device_key_revoked));
    if (earlier->user_id != redeemed.user_id || earlier->agent_id != client.agent->id) {
      return unexpected(refuse(Problem::device_key_of_another_user));
    }
    registered = *earlier;
  } else {
    registered.id = "dev_" + crypto::random_token(12);
    registered.created = request.now;
  }
  registered.user_id = redeemed.user_id;
  registered.agent_id = client.agent->id;
  registered.name = device_name(request.parameters.find("writ_device_name"));
  registered.jwk = json::write(jose::to_json(jose::Jwk{registered.thumbprint, crypto::Algorithm::es256, jwk.key}));
  registered.session = redeemed.sid;
  return std::optional<DeviceKey>{std::move(registered)};
}

}  // namespace writ::token_service::idp
