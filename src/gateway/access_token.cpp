#include "gateway/access_token.h"

#include "dpop/proof.h"
#include "oauth/identifiers.h"

namespace writ::gateway {
namespace {

// `aud` names this resource and nothing else: a token for several audiences could be replayed between them (MCPA-104, MCPA-108).
bool is_audience(const json::Value& claims, std::string_view resource) {
  const json::Value* audience = claims.find("aud");
  if (!audience) return false;
  if (const auto* one = audience->as_string()) return *one == resource;
  const json::Array* several = audience->as_array();
  if (!several || several->size() != 1) return false;
  const auto* only = several->front().as_string();
  return only && *only == resource;
}

Result<std::string, TokenRefusal> required(const json::Value& claims, std::string_view name) {
  const auto* value = claims.find_string(name);
  if (!value || value->empty()) return unexpected(TokenRefusal::missing_claim);
  return *value;
}

struct Confirmation {
  std::string jkt, x5t;
};

// The two forms of binding that are understood, each of which must then be proved. A token that is bound in any other way, too, proves nothing here.
Result<Confirmation, TokenRefusal> read_confirmation(const json::Value& claims) {
  Confirmation read;
  const json::Value* confirmation = claims.find("cnf");
  if (!confirmation) return read;
  const json::Object* members = confirmation->as_object();
  if (!members || members->empty()) return unexpected(TokenRefusal::key_bound);
  for (const auto& member : *members) {
    const std::string* thumbprint = member.value.as_string();
    // Of a key (RFC 7638) or a certificate (RFC 8705 §3.1): both are a SHA-256 in base64url.
    if ((member.name != "jkt" && member.name != "x5t#S256") || !thumbprint || !dpop::is_thumbprint(*thumbprint)) return unexpected(TokenRefusal::key_bound);
    (member.name == "jkt" ? read.jkt : read.x5t) = *thumbprint;
  }
  return read;
}

std::string optional_text(const json::Value& claims, std::string_view name) {
  const auto* value = claims.find_string(name);
  return value ? *value : std::string();
}

}  // namespace

std::string_view to_string(TokenRefusal refusal) {
  switch (refusal) {
    case TokenRefusal::absent: return "token_absent";
    case TokenRefusal::repeated: return "token_repeated";
    case TokenRefusal::in_query: return "token_in_query";
    case TokenRefusal::not_bearer: return "token_not_bearer";
    case TokenRefusal::malformed: return "token_malformed";
    case TokenRefusal::wrong_type: return "token_wrong_type";
    case TokenRefusal::bad_token: return "token_not_jws";
    case TokenRefusal::wrong_issuer: return "token_wrong_issuer";
    case TokenRefusal::unknown_key: return "token_unknown_key";
    case TokenRefusal::bad_signature: return "token_bad_signature";
    case TokenRefusal::wrong_audience: return "token_wrong_audience";
    case TokenRefusal::missing_claim: return "token_missing_claim";
    case TokenRefusal::bad_claim: return "token_bad_claim";
    case TokenRefusal::key_bound: return "token_key_bound";
    case TokenRefusal::not_key_bound: return "token_not_key_bound";
    case TokenRefusal::proof_absent: return "dpop_proof_absent";
    case TokenRefusal::proof_refused: return "dpop_proof_of_another_key";
    case TokenRefusal::proof_needs_nonce: return "dpop_nonce_needed";
    case TokenRefusal::binding_required: return "token_binding_required";
    case TokenRefusal::certificate_absent: return "client_certificate_absent";
    case TokenRefusal::certificate_mismatch: return "client_certificate_of_another";
    case TokenRefusal::expired: return "token_expired";
    case TokenRefusal::not_yet_valid: return "token_not_yet_valid";
    case TokenRefusal::revoked: return "token_revoked";
    case TokenRefusal::session_ended: return "session_ended";
    case TokenRefusal::user_unknown: return "user_unknown";
    case TokenRefusal::user_disabled: return "user_disabled";
    case TokenRefusal::user_not_before: return "user_not_before";
    case TokenRefusal::account_unlinked: return "account_unlinked";
    case TokenRefusal::issuer_disabled: return "issuer_disabled";
    case TokenRefusal::agent_unknown: return "agent_unknown";
    case TokenRefusal::agent_disabled: return "agent_disabled";
    case TokenRefusal::keys_unavailable: return "keys_unavailable";
  }
  return "";
}

Result<void, TokenRefusal> check_claimed(const jose::UnverifiedJwt& jwt, std::string_view issuer, std::string_view resource) {
  // An ID-JAG, an ID token or a client assertion is signed by keys that we trust, too: the type tells them apart (J2, RFC 9068 §4).
  if (!jwt.has_type(oauth::kTypAccessToken)) return unexpected(TokenRefusal::wrong_type);
  const auto* claimed_issuer = jwt.claimed().find_string("iss");
  if (!claimed_issuer || *claimed_issuer != issuer) return unexpected(TokenRefusal::wrong_issuer);
  if (!is_audience(jwt.claimed(), resource)) return unexpected(TokenRefusal::wrong_audience);
  TRY(read_confirmation(jwt.claimed()));
  return {};
}

std::string principal_key(const AccessToken& token) {
  std::string key;
  for (const std::string* part : {&token.issuer, &token.subject, &token.client_id, &token.audience}) {
    key.append(std::to_string(part->size())).append(":").append(*part);
  }
  return key;
}

Result<AccessToken, TokenRefusal> read_access_token(const jose::VerifiedJwt& jwt, std::string_view issuer, std::string_view resource) {
  const json::Value& claims = jwt.claims();
  if (!jwt.has_type(oauth::kTypAccessToken)) return unexpected(TokenRefusal::wrong_type);
  AccessToken token;
  token.issuer = TRY(required(claims, "iss"));
  if (token.issuer != issuer) return unexpected(TokenRefusal::wrong_issuer);
  if (!is_audience(claims, resource)) return unexpected(TokenRefusal::wrong_audience);
  token.audience = std::string(resource);
  Confirmation confirmation = TRY(read_confirmation(claims));
  token.confirmation_jkt = std::move(confirmation.jkt), token.confirmation_x5t = std::move(confirmation.x5t);
  token.subject = TRY(required(claims, "sub"));
  token.client_id = TRY(required(claims, "client_id"));
  token.jti = TRY(required(claims, "jti"));
  const auto* expires = claims.find_int("exp");
  const auto* issued_at = claims.find_int("iat");
  if (!claims.find("exp") || !claims.find("iat")) return unexpected(TokenRefusal::missing_claim);
  if (!expires || !issued_at || *expires <= *issued_at || *issued_at < 0) return unexpected(TokenRefusal::bad_claim);
  token.expires = *expires, token.issued_at = *issued_at;
  if (const json::Value* not_before = claims.find("nbf")) {
    const auto* seconds = not_before->as_int();
    if (!seconds) return unexpected(TokenRefusal::bad_claim);
    token.not_before = *seconds;
  }
  if (const json::Value* scope = claims.find("scope")) {
    const auto* text = scope->as_string();
    auto parsed = text && !text->empty() ? oauth::ScopeSet::parse(*text) : std::optional<oauth::ScopeSet>(oauth::ScopeSet());
    if (!text || !parsed) return unexpected(TokenRefusal::bad_claim);
    token.scope = std::move(*parsed);
  }
  auto linked = registry::read_linked_subject(claims);
  if (!linked) return unexpected(TokenRefusal::bad_claim);
  token.linked = std::move(*linked);
  token.session = optional_text(claims, "sid");
  token.id_jag_jti = optional_text(claims, "id_jag_jti");
  token.acr = optional_text(claims, "acr");
  if (const json::Value* amr = claims.find("amr")) token.amr = to_strings(*amr).value_or(std::vector<std::string>());
  if (const auto* auth_time = claims.find_int("auth_time")) token.auth_time = *auth_time;
  if (const auto* kid = jwt.header().find_string("kid")) token.kid = *kid;
  token.principal = {principal_key(token), token.issuer, token.session, token.jti, token.id_jag_jti};
  return token;
}

}  // namespace writ::gateway
