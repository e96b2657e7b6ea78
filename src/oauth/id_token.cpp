#include "oauth/id_token.h"

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::oauth {
namespace {

using Problem = IdTokenProblem;

// An access token, a logout token or a refresh token of the same provider is signed with the same keys, and its audience can be the same client (J10,
// X2). Header types other than JWT name themselves; the rest is known by what only they carry: Keycloak's `typ`, logout tokens' `events`, and the
// scopes of access tokens (Entra and Okta `scp`, RFC 9068 `scope`).
bool is_id_token(const jose::VerifiedJwt& token) {
  if (token.header().find("typ") && !token.has_type("JWT")) return false;
  const json::Value& claims = token.claims();
  if (const json::Value* type = claims.find("typ")) {
    if (!type->is_string() || *type->as_string() != "ID") return false;
  }
  return !claims.find("events") && !claims.find("scp") && !claims.find("scope");
}

// Half of the hash, by the algorithm's size (OIDC Core §3.1.3.6). Elsewhere than with SHA-256 it is not looked at: the code flow does not need it,
// the access token comes over the same connection.
bool fits_access_token(const json::Value& claimed, const std::string& access_token, crypto::Algorithm algorithm) {
  const auto* text = claimed.as_string();
  if (!text) return false;
  using enum crypto::Algorithm;
  if (algorithm != es256 && algorithm != rs256 && algorithm != ps256) return true;
  return crypto::constant_time_equal(*text, base64url::encode(crypto::sha256_bytes(access_token).substr(0, 16)));
}

Result<std::optional<Instant>, Problem> read_auth_time(const json::Value& claims, const IdTokenRules& rules) {
  const json::Value* value = claims.find("auth_time");
  if (!value) {
    if (rules.max_age_seconds) return unexpected(Problem::auth_time_missing);
    return std::optional<Instant>{};
  }
  const auto* seconds = value->as_int();
  const std::int64_t now = to_unix_seconds(rules.now);
  if (!seconds || *seconds < 0 || *seconds > now + rules.skew_seconds) return unexpected(Problem::authentication_context);
  if (rules.max_age_seconds && now - *seconds > *rules.max_age_seconds + rules.skew_seconds) return unexpected(Problem::authentication_too_old);
  return std::optional<Instant>{from_unix_seconds(*seconds)};
}

}  // namespace

std::string_view to_string(IdTokenProblem problem) {
  switch (problem) {
    case Problem::wrong_type: return "upstream_token_wrong_type";
    case Problem::signature: return "upstream_token_signature";
    case Problem::issuer: return "upstream_token_issuer";
    case Problem::audience: return "upstream_token_audience";
    case Problem::authorized_party: return "upstream_token_authorized_party";
    case Problem::times: return "upstream_token_times";
    case Problem::subject: return "upstream_token_subject";
    case Problem::nonce: return "upstream_token_nonce";
    case Problem::access_token_hash: return "upstream_token_access_token_hash";
    case Problem::auth_time_missing: return "upstream_token_auth_time_missing";
    case Problem::authentication_too_old: return "upstream_token_authentication_too_old";
    case Problem::authentication_context: return "upstream_token_authentication_context";
  }
  return "upstream_token_malformed";
}

std::optional<std::string> optional_text(const json::Value& claims, std::string_view name) {
  const json::Value* value = claims.find(name);
  if (!value) return std::string();
  if (!value->is_string()) return std::nullopt;
  return *value->as_string();
}

bool has_single_audience(const json::Value& claims, std::string_view audience) {
  const json::Value* found = claims.find("aud");
  if (!found) return false;
  if (const auto* text = found->as_string()) return *text == audience;
  const auto* array = found->as_array();
  return array && array->size() == 1 && array->front().is_string() && *array->front().as_string() == audience;
}

Result<IdToken, IdTokenProblem> check_id_token(jose::UnverifiedJwt token, const jose::KeySet& keys, const IdTokenRules& rules) {
  const crypto::Algorithm algorithm = token.algorithm();
  const auto verified = jose::VerifiedJwt::verify(std::move(token), keys, rules.algorithms);
  if (!verified) return unexpected(Problem::signature);
  if (!is_id_token(*verified)) return unexpected(Problem::wrong_type);
  const json::Value& claims = verified->claims();
  const auto* issuer = claims.find_string("iss");
  if (!issuer || *issuer != rules.issuer) return unexpected(Problem::issuer);
  // We trust no further audience, so there must not be one (OIDC Core §3.1.3.7 point 3).
  if (!has_single_audience(claims, rules.audience)) return unexpected(Problem::audience);
  if (const json::Value* party = claims.find("azp")) {
    if (!party->is_string() || *party->as_string() != rules.audience) return unexpected(Problem::authorized_party);
  }
  const std::int64_t now = to_unix_seconds(rules.now);
  if (!jose::check_times(claims, now, {.skew_seconds = rules.skew_seconds, .iat_required = true})) return unexpected(Problem::times);
  const auto* subject = claims.find_string("sub");
  if (!subject || subject->empty() || subject->size() > 255) return unexpected(Problem::subject);
  if (rules.nonce) {
    const auto* nonce = claims.find_string("nonce");
    if (!nonce || !crypto::constant_time_equal(*nonce, *rules.nonce)) return unexpected(Problem::nonce);
  }
  const json::Value* hash = claims.find("at_hash");
  if (hash && rules.access_token && !fits_access_token(*hash, *rules.access_token, algorithm)) return unexpected(Problem::access_token_hash);

  IdToken checked;
  checked.auth_time = TRY(read_auth_time(claims, rules));
  const auto sid = optional_text(claims, "sid"), acr = optional_text(claims, "acr");
  const json::Value* amr = claims.find("amr");
  const auto methods = amr ? json::to_strings(*amr) : std::vector<std::string>{};
  if (!sid || !acr || !methods || sid->size() > 255) return unexpected(Problem::authentication_context);
  checked.claims = claims;
  checked.subject = *subject;
  checked.sid = *sid;
  checked.acr = *acr;
  checked.amr = *methods;
  checked.issued_at = from_unix_seconds(*claims.find_int("iat"));
  checked.expires = from_unix_seconds(*claims.find_int("exp"));
  return checked;
}

}  // namespace writ::oauth
