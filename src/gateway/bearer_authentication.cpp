#include "gateway/bearer_authentication.h"

#include <algorithm>
#include <array>

#include "crypto/client_certificate.h"
#include "encoding/form.h"
#include "registry/withdrawn_keys.h"
#include "gateway/protected_resource_metadata.h"

namespace writ::gateway {
namespace {

constexpr std::array kAlgorithms = {crypto::Algorithm::es256, crypto::Algorithm::es384, crypto::Algorithm::rs256, crypto::Algorithm::ps256,
                                    crypto::Algorithm::eddsa};
constexpr std::size_t kTokenBytesMax = 16 * 1024;

// `access_token` as a name in the query, however it is escaped.
bool has_token(std::string_view query) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    const auto name = form::decode(pair.substr(0, pair.find('=')));
    if (name && *name == "access_token") return true;
    if (end == std::string_view::npos) break;
    query.remove_prefix(end + 1);
  }
  return false;
}

// RFC 6750 §2.1
constexpr std::array<bool, 256> kTokenCharacters = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (std::size_t c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (std::size_t c = '0'; c <= '9'; ++c) table[c] = true;
  for (const char c : std::string_view("-._~+/=")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

bool is_token_character(char c) { return kTokenCharacters[static_cast<unsigned char>(c)]; }

TokenRefusal refusal_of(jose::JwtProblem problem) {
  switch (problem) {
    case jose::JwtProblem::unknown_key: return TokenRefusal::unknown_key;
    case jose::JwtProblem::bad_signature:
    case jose::JwtProblem::algorithm_not_allowed: return TokenRefusal::bad_signature;
    case jose::JwtProblem::type_mismatch: return TokenRefusal::wrong_type;
    default: return TokenRefusal::bad_token;
  }
}

}  // namespace

Result<PresentedToken, TokenRefusal> find_token(const http::Request& request) {
  const auto fields = request.headers.find_all("Authorization");
  const bool in_query = has_token(request.query);
  // Two tokens in one request: whichever of them another reader would take, it would not be this one (G4).
  if (fields.size() > 1 || (in_query && !fields.empty())) return unexpected(TokenRefusal::repeated);
  if (in_query) return unexpected(TokenRefusal::in_query);
  if (fields.empty()) return unexpected(TokenRefusal::absent);
  std::string_view value = fields.front();
  const std::size_t space = value.find(' ');
  const bool as_dpop = http::equals_ignoring_case(value.substr(0, space), dpop::kScheme);
  if (!as_dpop && !http::equals_ignoring_case(value.substr(0, space), "Bearer")) return unexpected(TokenRefusal::not_bearer);
  if (space == std::string_view::npos) return unexpected(TokenRefusal::malformed);
  value.remove_prefix(std::min(value.find_first_not_of(' ', space), value.size()));
  const bool is_token = !value.empty() && value.size() <= kTokenBytesMax && std::all_of(value.begin(), value.end(), is_token_character);
  if (!is_token) return unexpected(TokenRefusal::malformed);
  return PresentedToken{value, as_dpop};
}

// A token is verified once and then known; that its holder has the key is proved with each request (RFC 9449 §7), and that it is the holder who connects (RFC
// 8705 §3), by each request's connection.
BearerAuthentication::Outcome BearerAuthentication::check_possession(const http::Request& request, const registry::Server& server, const PresentedToken& presented,
                                                                     std::shared_ptr<const AccessToken> token, Instant now) const {
  if (!token->confirmation_x5t.empty()) {
    const auto* certificate = request.peer.certificate.get();
    if (certificate == nullptr) return unexpected(AuthenticationRefusal(TokenRefusal::certificate_absent));
    if (certificate->x5t != token->confirmation_x5t) return unexpected(AuthenticationRefusal(TokenRefusal::certificate_mismatch));
  }
  const bool is_bound = !token->confirmation_jkt.empty();
  if (!is_bound && !presented.as_dpop) {
    if (server.dpop_required) return unexpected(AuthenticationRefusal(TokenRefusal::binding_required));
    return Authenticated{std::move(token)};
  }
  if (!is_bound) return unexpected(AuthenticationRefusal(TokenRefusal::not_key_bound));
  // OB-92: whoever stole it cannot use it as a Bearer token.
  if (!presented.as_dpop || proofs_ == nullptr) return unexpected(AuthenticationRefusal(TokenRefusal::key_bound));
  const std::string url = public_url(settings_.base, server);   // never from Host (OB-98)
  const auto proof = proofs_->check({.headers = request.headers,
                                     .method = request.method,
                                     .url = url,
                                     .access_token = presented.text,
                                     .nonce_demanded = settings_.dpop_nonce_demanded,
                                     .now = now});
  if (!proof) {
    const auto refusal = dpop::asks_for_nonce(proof.error()) ? TokenRefusal::proof_needs_nonce : TokenRefusal::proof_refused;
    return unexpected(AuthenticationRefusal(refusal, proof.error()));
  }
  if (!*proof) return unexpected(AuthenticationRefusal(TokenRefusal::proof_absent));
  if ((*proof)->jkt != token->confirmation_jkt) return unexpected(AuthenticationRefusal(TokenRefusal::proof_refused));
  return Authenticated{std::move(token), (*proof)->renew_nonce};
}

Task<Result<Authenticated, AuthenticationRefusal>> BearerAuthentication::authenticate(const http::Request& request, const registry::Server& server, Instant now) {
  const auto presented = find_token(request);
  if (!presented) co_return unexpected(AuthenticationRefusal(presented.error()));
  const auto refused = [](TokenRefusal why) { return unexpected(AuthenticationRefusal(why)); };
  if (presented->as_dpop && proofs_ == nullptr) co_return refused(TokenRefusal::not_bearer);
  // A server whose issuer is unset has no keys that could vouch for anybody.
  if (server.resource_as.empty() || server.resource.empty()) co_return refused(TokenRefusal::wrong_issuer);
  const crypto::Sha256 hash = crypto::sha256(presented->text);
  std::string issuer = server.resource_as;
  auto known_keys = co_await keys_.find(std::move(issuer), std::nullopt, now);
  if (known_keys) {
    if (auto known = verified_.find(hash, *known_keys)) {
      // The cache is shared by all servers: the same token at another resource is still a token for another resource.
      if (known->issuer != server.resource_as) co_return refused(TokenRefusal::wrong_issuer);
      if (known->audience != server.resource) co_return refused(TokenRefusal::wrong_audience);
      co_return check_possession(request, server, *presented, std::move(known), now);
    }
  }
  auto parsed = jose::UnverifiedJwt::parse(presented->text);
  if (!parsed) co_return refused(refusal_of(parsed.error()));
  const auto claimed = check_claimed(*parsed, server.resource_as, server.resource);
  if (!claimed) co_return refused(claimed.error());
  issuer = server.resource_as;
  auto kid = parsed->kid();
  auto found = co_await keys_.find(std::move(issuer), std::move(kid), now);   // an unknown kid may be a new key
  if (!found) co_return refused(TokenRefusal::keys_unavailable);
  std::shared_ptr<const jose::KeySet> keys = std::move(*found);
  const auto verified = jose::VerifiedJwt::verify(std::move(*parsed), *keys, kAlgorithms);
  if (!verified) co_return refused(refusal_of(verified.error()));
  auto token = read_access_token(*verified, server.resource_as, server.resource);
  if (!token) co_return refused(token.error());
  auto shared = std::make_shared<const AccessToken>(std::move(*token));
  verified_.insert(hash, std::move(keys), shared);
  co_return check_possession(request, server, *presented, std::move(shared), now);
}

Result<void, TokenRefusal> BearerAuthentication::check_time(const AccessToken& token, Instant now) const {
  const std::int64_t now_seconds = to_unix_seconds(now);
  if (now_seconds >= token.expires) return unexpected(TokenRefusal::expired);
  if (std::max(token.issued_at, token.not_before) > now_seconds + settings_.skew_seconds) return unexpected(TokenRefusal::not_yet_valid);
  return {};
}

Result<Caller, TokenRefusal> BearerAuthentication::resolve(const AccessToken& token, const registry::Snapshot& snapshot) const {
  // Our copy of the issuer's keys may still have one that was withdrawn a moment ago (rules §7.4).
  if (registry::is_key_withdrawn(token.issuer, token.kid, revocations_)) return unexpected(TokenRefusal::revoked);
  if (revocations_.is_token_revoked(token.jti)) return unexpected(TokenRefusal::revoked);
  if (!token.session.empty() && revocations_.is_session_ended(token.session)) return unexpected(TokenRefusal::session_ended);

  Caller caller;
  const bool is_our_own = !settings_.own_resource_as.empty() && token.issuer == settings_.own_resource_as;
  caller.user = is_our_own
                    ? snapshot.user(token.subject)
                    : snapshot.user_by_link(token.issuer, "", token.subject);
  if (!caller.user) return unexpected(TokenRefusal::user_unknown);
  if (!caller.user->active) return unexpected(TokenRefusal::user_disabled);
  if (registry::is_taken_back(from_unix_seconds(token.issued_at), *caller.user, revocations_)) return unexpected(TokenRefusal::user_not_before);
  // Another server's links are its own business.
  if (is_our_own && token.linked) {
    if (const auto why = registry::ended_because(*token.linked, token.subject, snapshot)) return unexpected(*why == registry::LinkEnded::issuer_disabled ? TokenRefusal::issuer_disabled : TokenRefusal::account_unlinked);
  }
  const auto at = snapshot.agent_at_resource_as(token.issuer, token.client_id);
  if (!at.agent) return unexpected(TokenRefusal::agent_unknown);
  if (!at.agent->active) return unexpected(TokenRefusal::agent_disabled);
  caller.agent = at.agent, caller.registration = at.registration;
  return caller;
}

}  // namespace writ::gateway
