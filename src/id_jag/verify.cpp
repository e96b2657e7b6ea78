#include "id_jag/verify.h"

#include <algorithm>

#include "encoding/base64url.h"
#include "id_jag/identity_claims.h"

namespace writ::id_jag {
namespace {

constexpr std::size_t kJtiBytesMax = 256;
constexpr std::size_t kResourcesMax = 20;

using Checked = Result<void, Rejection>;

// INVARIANT for all rules below: `claims` are those of a token whose signature was verified.

// Byte for byte (C2): the keys came from this issuer, so the token must be of this issuer too.
Checked check_issuer(const json::Value& claims, const Expectations& expectations) {
  const std::string* issuer = claims.find_string("iss");
  if (issuer == nullptr || *issuer != expectations.issuer) return unexpected(Rejection::issuer_mismatch);
  return {};
}

// RAS-12: a string, or an array of exactly that one string. With a second audience somebody else could redeem the same grant.
Checked check_audience(const json::Value& claims, const Expectations& expectations) {
  const json::Value* audience = claims.find("aud");
  if (audience != nullptr && audience->is_array())
    audience = audience->as_array()->size() == 1 ? &audience->as_array()->front() : nullptr;
  const std::string* name = audience == nullptr ? nullptr : audience->as_string();
  if (name == nullptr || *name != expectations.audience) return unexpected(Rejection::audience_not_us);
  return {};
}

// C4, EMA-15: both ends of the life are required, and it is short.
Checked check_times(const json::Value& claims, const Expectations& expectations) {
  const auto times = jose::check_times(claims, expectations.now_seconds,
                                       {.skew_seconds = expectations.skew_seconds,
                                        .lifetime_seconds_max = expectations.lifetime_seconds_max,
                                        .iat_required = true});
  if (!times) return unexpected(to_rejection(times.error()));
  return {};
}

// RAS-14: a grant that was stolen from one client is of no use to another (C9).
Checked check_client(const json::Value& claims, const Expectations& expectations) {
  const std::string* client_id = claims.find_string("client_id");
  if (client_id == nullptr || *client_id != expectations.client_id) return unexpected(Rejection::client_mismatch);
  return {};
}

// C5: without it nobody could tell a second use from the first.
Checked check_jti(const json::Value& claims) {
  const std::string* jti = claims.find_string("jti");
  if (jti == nullptr || jti->empty() || jti->size() > kJtiBytesMax) return unexpected(Rejection::malformed_jti);
  return {};
}

// RAS-60, RAS-64: the issuer tied the grant to a key. Only `jkt` is understood here; with anything else in it, or beside it, the grant would be
// taken for less bound than the issuer made it. Whether the key was proved is the redeemer's question.
Result<std::string, Rejection> read_confirmation(const json::Value& claims) {
  const json::Value* confirmation = claims.find("cnf");
  if (confirmation == nullptr) return std::string();
  const json::Object* members = confirmation->as_object();
  const std::string* thumbprint = members == nullptr || members->size() != 1 ? nullptr : confirmation->find_string("jkt");
  const auto bytes = thumbprint == nullptr ? std::nullopt : base64url::decode(*thumbprint);
  if (!bytes || bytes->size() != 32) return unexpected(Rejection::sender_constrained);
  return *thumbprint;
}

Checked check_subject(const json::Value& claims) {
  const std::string* subject = claims.find_string("sub");
  if (subject == nullptr || subject->empty()) return unexpected(Rejection::subject_missing);
  return {};
}

// RAS-20: a string or an array of strings. What they name is judged against the registry, not here.
Result<std::vector<std::string>, Rejection> read_resources(const json::Value& claims) {
  const json::Value* claim = claims.find("resource");
  std::vector<std::string> resources;
  if (claim == nullptr) return resources;
  if (claim->is_string()) {
    resources.push_back(*claim->as_string());
  } else {
    const auto several = json::to_strings(*claim);
    if (!several || several->empty() || several->size() > kResourcesMax) return unexpected(Rejection::malformed_resource);
    for (const std::string& resource : *several)
      if (std::find(resources.begin(), resources.end(), resource) == resources.end()) resources.push_back(resource);
  }
  for (const std::string& resource : resources)
    if (resource.empty()) return unexpected(Rejection::malformed_resource);
  return resources;
}

// RAS-21: one string, never an array (C10).
Result<std::optional<oauth::ScopeSet>, Rejection> read_scope(const json::Value& claims) {
  const json::Value* claim = claims.find("scope");
  if (claim == nullptr) return std::optional<oauth::ScopeSet>();
  auto scope = claim->is_string() ? oauth::ScopeSet::parse(*claim->as_string()) : std::nullopt;
  if (!scope) return unexpected(Rejection::malformed_scope);
  return std::optional(std::move(*scope));
}

Result<std::string, Rejection> read_text(const json::Value& claims, std::string_view name) {
  const json::Value* claim = claims.find(name);
  if (claim == nullptr) return std::string();
  if (!claim->is_string()) return unexpected(Rejection::malformed_claim);
  return *claim->as_string();
}

Result<std::optional<std::int64_t>, Rejection> read_time(const json::Value& claims, std::string_view name) {
  const json::Value* claim = claims.find(name);
  if (claim == nullptr) return std::optional<std::int64_t>();
  if (!claim->is_int() || *claim->as_int() < 0) return unexpected(Rejection::malformed_claim);
  return std::optional(*claim->as_int());
}

Result<std::vector<std::string>, Rejection> read_texts(const json::Value& claims, std::string_view name) {
  const json::Value* claim = claims.find(name);
  if (claim == nullptr) return std::vector<std::string>();
  auto texts = json::to_strings(*claim);
  if (!texts) return unexpected(Rejection::malformed_claim);
  return std::move(*texts);
}

}  // namespace

Result<VerifiedIdJag, Rejection> verify(const UnverifiedIdJag& unverified, const jose::KeySet& keys,
                                        const Expectations& expectations) {
  const auto verified = jose::VerifiedJwt::verify(unverified.jwt(), keys, expectations.algorithms);
  if (!verified) return unexpected(to_rejection(verified.error()));
  const json::Value& claims = verified->claims();
  // From here on the token is what this issuer signed.
  TRY(check_issuer(claims, expectations));
  TRY(check_audience(claims, expectations));
  TRY(check_times(claims, expectations));
  TRY(check_client(claims, expectations));
  TRY(check_jti(claims));
  std::string confirmation = TRY(read_confirmation(claims));
  TRY(check_subject(claims));

  IdJag id_jag;
  id_jag.resources = TRY(read_resources(claims));
  id_jag.scope = TRY(read_scope(claims));
  id_jag.sid = TRY(read_text(claims, "sid"));
  id_jag.session_expiry = TRY(read_time(claims, "session_expiry"));
  id_jag.auth_time = TRY(read_time(claims, "auth_time"));
  id_jag.acr = TRY(read_text(claims, "acr"));
  id_jag.amr = TRY(read_texts(claims, "amr"));
  TRY(read_identity_claims(claims, expectations.keeps_other_claims, id_jag));
  id_jag.issuer = *claims.find_string("iss");
  id_jag.subject = *claims.find_string("sub");
  id_jag.audience = expectations.audience;
  id_jag.client_id = *claims.find_string("client_id");
  id_jag.jti = *claims.find_string("jti");
  id_jag.issued_at = *claims.find_int("iat");
  id_jag.confirmation_jkt = std::move(confirmation);
  id_jag.expires = *claims.find_int("exp");
  return VerifiedIdJag(std::move(id_jag));
}

}  // namespace writ::id_jag
