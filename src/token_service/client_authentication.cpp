#include "token_service/client_authentication.h"

#include <algorithm>

#include "base/secret.h"
#include "crypto/client_certificate.h"
#include "crypto/hash.h"
#include "encoding/base64url.h"
#include "encoding/form.h"
#include "encoding/utf8.h"
#include "jose/jwt.h"
#include "oauth/identifiers.h"
#include "token_service/mutual_tls.h"

namespace writ::token_service {
namespace {

constexpr std::size_t kParsedKeySetsMax = 1'000;
constexpr std::size_t kJtiBytesMax = 256;

bool is_text(std::string_view text) {
  return utf8::is_valid(text) &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

// True when one active secret has this digest. Looks at all of them, and at as many for a client that does not exist, so that neither the
// position of a match nor its absence shows in the time (T6).
bool matches_a_secret(std::string_view presented_sha256_hex, const registry::Registration* registration, Instant now) {
  constexpr std::size_t kCompared = 2;
  static const std::string kNobody(64, '0');
  const std::size_t count = registration == nullptr ? 0 : registration->secrets.size();
  bool matches = false;
  for (std::size_t i = 0; i < std::max(count, kCompared); ++i) {
    const registry::ClientSecret* secret = i < count ? &registration->secrets[i] : nullptr;
    const bool equal = crypto::constant_time_equal(presented_sha256_hex, secret == nullptr ? kNobody : secret->sha256_hex);
    const bool active = secret != nullptr && (!secret->expires || now < *secret->expires);
    matches = matches | (equal & active);
  }
  return matches;
}

ClientProblem to_client_problem(CertificateProblem problem) {
  switch (problem) {
    case CertificateProblem::untrusted: return ClientProblem::certificate_untrusted;
    case CertificateProblem::times: return ClientProblem::certificate_times;
    case CertificateProblem::subject: return ClientProblem::certificate_subject;
    case CertificateProblem::unregistered: return ClientProblem::certificate_unregistered;
    default: return ClientProblem::certificate_absent;
  }
}

ClientProblem to_client_problem(jose::JwtProblem problem) {
  switch (problem) {
    case jose::JwtProblem::algorithm_not_allowed: return ClientProblem::assertion_algorithm;
    case jose::JwtProblem::unknown_key:
    case jose::JwtProblem::bad_signature: return ClientProblem::assertion_signature;
    case jose::JwtProblem::type_mismatch: return ClientProblem::assertion_type;
    default: return ClientProblem::assertion_malformed;
  }
}

// ---- the rules of a client assertion, one function each (RFC 7523 §3, rfc7523bis)

// One type per use (RFC 8725 §3.11): an ID token, an access token or an ID-JAG never authenticates a client (J10, OB-12).
bool has_assertion_type(const jose::UnverifiedJwt& jwt, const ClientAuthenticationRules& rules) {
  if (!jwt.has_any_type() || jwt.has_type(oauth::kTypClientAuthentication)) return true;
  return rules.accept_plain_jwt_type && jwt.has_type("JWT");
}

bool is_issued_by(const json::Value& claims, std::string_view client_id) {
  const std::string* issuer = claims.find_string("iss");
  const std::string* subject = claims.find_string("sub");
  return issuer != nullptr && subject != nullptr && *issuer == client_id && *subject == client_id;
}

// Our issuer identifier as the sole value. An assertion that also names someone else could be used against them (audience injection).
bool is_for_us(const json::Value& claims, const ClientAuthenticationRules& rules) {
  const json::Value* audience = claims.find("aud");
  if (audience == nullptr) return false;
  if (const json::Array* several = audience->as_array()) {
    if (several->size() != 1) return false;
    audience = &several->front();
  }
  const std::string* name = audience->as_string();
  if (name == nullptr) return false;
  return *name == rules.issuer || (rules.accept_token_endpoint_audience && *name == rules.token_endpoint);
}

bool is_current(const json::Value& claims, const ClientAuthenticationRules& rules, std::int64_t now_seconds) {
  if (!jose::check_times(claims, now_seconds, {.skew_seconds = rules.skew_seconds, .lifetime_seconds_max = {}})) return false;
  // `iat` is optional, so the lifetime is judged by what is left of it: how long we must remember the jti.
  return *claims.find_int("exp") <= now_seconds + rules.assertion_lifetime_seconds_max + rules.skew_seconds;
}

const std::string* usable_jti(const json::Value& claims) {
  const std::string* jti = claims.find_string("jti");
  return jti != nullptr && !jti->empty() && jti->size() <= kJtiBytesMax ? jti : nullptr;
}

}  // namespace

std::string_view to_string(ClientProblem problem) {
  switch (problem) {
    case ClientProblem::none_given: return "no_client_authentication";
    case ClientProblem::several_methods: return "several_client_authentications";
    case ClientProblem::malformed_basic: return "malformed_basic";
    case ClientProblem::unknown_client: return "unknown_client";
    case ClientProblem::disabled_client: return "disabled_client";
    case ClientProblem::wrong_secret: return "wrong_secret";
    case ClientProblem::method_not_registered: return "method_not_registered";
    case ClientProblem::assertion_type: return "assertion_type";
    case ClientProblem::assertion_malformed: return "assertion_malformed";
    case ClientProblem::assertion_algorithm: return "assertion_algorithm";
    case ClientProblem::assertion_signature: return "assertion_signature";
    case ClientProblem::assertion_issuer: return "assertion_issuer";
    case ClientProblem::assertion_audience: return "assertion_audience";
    case ClientProblem::assertion_times: return "assertion_times";
    case ClientProblem::assertion_jti: return "assertion_jti";
    case ClientProblem::assertion_replayed: return "assertion_replayed";
    case ClientProblem::client_id_mismatch: return "client_id_mismatch";
    case ClientProblem::device_unknown: return "device_unknown";
    case ClientProblem::keys_unavailable: return "no_client_keys";
    case ClientProblem::certificate_absent: return "client_certificate_absent";
    case ClientProblem::certificate_untrusted: return "client_certificate_untrusted";
    case ClientProblem::certificate_times: return "client_certificate_times";
    case ClientProblem::certificate_subject: return "client_certificate_of_another";
    case ClientProblem::certificate_unregistered: return "client_certificate_unregistered";
  }
  return "unknown";
}

// What the request presents, before any of it is believed.
struct ClientAuthenticator::Presented {
  registry::ClientAuthentication method = registry::ClientAuthentication::none;
  std::string client_id;
  Secret secret;
  std::optional<jose::UnverifiedJwt> assertion;
  bool basic = false;

  ClientRefused refused(ClientProblem problem) const { return {problem, client_id, basic, std::nullopt}; }
};

ClientAuthenticator::ClientAuthenticator(ClientAuthenticationRules rules, audit::DecisionsLog& log, const DeviceKeys* device_keys,
                                         ClientKeys client_keys)
    : rules_(std::move(rules)), log_(log), device_keys_(device_keys), client_keys_(std::move(client_keys)),
      parsed_keys_(std::make_unique<ParsedKeys>()) {}

namespace {

struct BasicCredentials {
  std::string client_id;
  std::string secret;
};

// RFC 6749 §2.3.1: id and secret are form-encoded each, then joined and encoded in Base64 (OB-04).
std::optional<BasicCredentials> parse_basic(std::string_view authorization) {
  constexpr std::string_view kScheme = "basic ";
  if (authorization.size() < kScheme.size() || !http::equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme))
    return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  const auto pair = base64::decode(authorization);
  if (!pair) return std::nullopt;
  const std::size_t colon = pair->find(':');
  if (colon == std::string::npos) return std::nullopt;
  auto client_id = form::decode(std::string_view(*pair).substr(0, colon));
  auto secret = form::decode(std::string_view(*pair).substr(colon + 1));
  if (!client_id || !secret || client_id->empty() || !is_text(*client_id) || !is_text(*secret)) return std::nullopt;
  return BasicCredentials{std::move(*client_id), std::move(*secret)};
}

}  // namespace

Result<ClientAuthenticator::Presented, ClientRefused> ClientAuthenticator::read(const http::Request& request,
                                                                                const form::Parameters& parameters) const {
  using registry::ClientAuthentication;
  const std::string* client_id = parameters.find("client_id");
  const std::string* secret = parameters.find("client_secret");
  const std::string* assertion = parameters.find("client_assertion");
  const std::string* assertion_type = parameters.find("client_assertion_type");
  const std::size_t headers = request.headers.count("Authorization");

  Presented presented;
  presented.basic = headers != 0;
  if (client_id != nullptr) presented.client_id = *client_id;

  // T4: two credentials are a confused client or an attack; guessing which one counts helps only the latter. The type of an assertion
  // beside another credential is already a second one.
  const int methods = (headers != 0) + (secret != nullptr) + (assertion != nullptr || assertion_type != nullptr);
  if (methods > 1 || headers > 1) return unexpected(presented.refused(ClientProblem::several_methods));

  if (headers == 1) {
    auto basic = parse_basic(*request.headers.find_single("Authorization"));
    if (!basic) return unexpected(presented.refused(ClientProblem::malformed_basic));
    if (client_id != nullptr && *client_id != basic->client_id) return unexpected(presented.refused(ClientProblem::client_id_mismatch));
    presented.method = ClientAuthentication::client_secret;
    presented.client_id = std::move(basic->client_id);
    presented.secret = Secret(std::move(basic->secret));
    return presented;
  }
  if (assertion != nullptr || assertion_type != nullptr) {
    if (assertion_type == nullptr || *assertion_type != oauth::kClientAssertionJwtBearer)
      return unexpected(presented.refused(ClientProblem::assertion_type));
    if (assertion == nullptr) return unexpected(presented.refused(ClientProblem::assertion_malformed));
    auto jwt = jose::UnverifiedJwt::parse(*assertion);
    if (!jwt) return unexpected(presented.refused(to_client_problem(jwt.error())));
    const std::string* issuer = jwt->claimed().find_string("iss");
    if (issuer == nullptr || issuer->empty()) return unexpected(presented.refused(ClientProblem::assertion_issuer));
    if (client_id != nullptr && *client_id != *issuer) return unexpected(presented.refused(ClientProblem::client_id_mismatch));
    presented.method = ClientAuthentication::private_key_jwt;
    presented.client_id = *issuer;
    presented.assertion = std::move(*jwt);
    return presented;
  }
  if (client_id == nullptr) return unexpected(presented.refused(ClientProblem::none_given));
  if (secret != nullptr) {
    presented.method = ClientAuthentication::client_secret;
    presented.secret = Secret(*secret);
  }
  return presented;
}

namespace {

// The registration lives as long as the request's snapshot does.
void hold(Client& client, std::shared_ptr<const registry::Registration> described) {
  using Both = std::pair<std::shared_ptr<const registry::Snapshot>, std::shared_ptr<const registry::Registration>>;
  client.registration = described.get();
  const auto both = std::make_shared<const Both>(std::move(client.snapshot), std::move(described));
  client.snapshot = std::shared_ptr<const registry::Snapshot>(both, both->first.get());
}

}  // namespace

Task<Result<Client, AuthenticationFailure>> ClientAuthenticator::authenticate(const http::Request& request,
                                                                              const TokenRequest& token_request,
                                                                              std::shared_ptr<const registry::Snapshot> snapshot) const {
  const auto refused = [](ClientRefused problem) { return unexpected(AuthenticationFailure(std::move(problem))); };
  auto presented = read(request, token_request.parameters);
  if (!presented) co_return refused(presented.error());

  Client client;
  const auto found = rules_.find(*snapshot, presented->client_id);
  client.snapshot = std::move(snapshot);
  client.agent = found.agent;
  client.registration = found.registration;
  client.method = presented->method;
  if (client.registration != nullptr && client.registration->metadata_document) {
    if (!rules_.describe) co_return refused(presented->refused(ClientProblem::keys_unavailable));
    registry::Registration registered = *client.registration;
    auto describing = rules_.describe(std::move(registered), token_request.now);
    auto described = co_await describing;
    if (described == nullptr) co_return refused(presented->refused(ClientProblem::keys_unavailable));
    hold(client, std::move(described));
  }

  switch (presented->method) {
    case registry::ClientAuthentication::client_secret: {
      auto checked = check_secret(*presented, std::move(client), token_request.now);
      if (!checked) co_return refused(checked.error());
      co_return std::move(*checked);
    }
    case registry::ClientAuthentication::private_key_jwt: {
      auto checking = check_assertion(*presented, std::move(client), token_request);
      co_return co_await checking;
    }
    default: break;   // nothing in the message: what speaks for the client is the connection, or nothing
  }
  // A public client only says who it is; which grants that is enough for, the endpoint decides (rules §1.6).
  if (client.registration == nullptr) co_return refused(presented->refused(ClientProblem::unknown_client));
  if (is_mutual_tls(client.registration->authentication)) {
    auto checked = check_certificate(*presented, request.peer.certificate.get(), std::move(client), token_request.now);
    if (!checked) co_return refused(checked.error());
    co_return std::move(*checked);
  }
  if (!client.agent->active) co_return refused(presented->refused(ClientProblem::disabled_client));
  if (client.registration->authentication != registry::ClientAuthentication::none)
    co_return refused(presented->refused(ClientProblem::none_given));
  co_return client;
}

Result<Client, ClientRefused> ClientAuthenticator::check_secret(const Presented& presented, Client client, Instant now) const {
  // The work comes first and is the same for everyone (T6); then the answers.
  const std::string digest = to_hex(crypto::sha256_bytes(presented.secret.reveal()));
  const bool matches = matches_a_secret(digest, client.registration, now);
  if (client.registration == nullptr) return unexpected(presented.refused(ClientProblem::unknown_client));
  if (client.registration->authentication != registry::ClientAuthentication::client_secret)
    return unexpected(presented.refused(ClientProblem::method_not_registered));
  if (!matches) return unexpected(presented.refused(ClientProblem::wrong_secret));
  if (!client.agent->active) return unexpected(presented.refused(ClientProblem::disabled_client));
  return client;
}

Result<Client, ClientRefused> ClientAuthenticator::check_certificate(const Presented& presented, const crypto::ClientCertificate* certificate, Client client,
                                                                     Instant now) const {
  const CertificateProblem problem = check_client_certificate(certificate, *client.registration, now);
  if (problem != CertificateProblem::none) return unexpected(presented.refused(to_client_problem(problem)));
  if (!client.agent->active) return unexpected(presented.refused(ClientProblem::disabled_client));
  client.method = client.registration->authentication;
  return client;
}

std::shared_ptr<const jose::KeySet> ClientAuthenticator::inline_keys(const std::string& jwks) const {
  const std::lock_guard lock(parsed_keys_->mutex);
  if (const auto found = parsed_keys_->by_text.find(jwks); found != parsed_keys_->by_text.end()) return found->second;
  auto parsed = jose::KeySet::parse(jwks);
  if (!parsed) return nullptr;
  if (parsed_keys_->by_text.size() >= kParsedKeySetsMax) parsed_keys_->by_text.clear();
  auto shared = std::make_shared<const jose::KeySet>(std::move(*parsed));
  parsed_keys_->by_text.emplace(jwks, shared);
  return shared;
}

Task<Result<Client, AuthenticationFailure>> ClientAuthenticator::check_assertion(const Presented& presented, Client client,
                                                                                 const TokenRequest& request) const {
  const auto refused = [&presented](ClientProblem problem) { return unexpected(AuthenticationFailure(presented.refused(problem))); };
  const jose::UnverifiedJwt& jwt = *presented.assertion;
  const std::int64_t now_seconds = to_unix_seconds(request.now);

  if (client.registration == nullptr) co_return refused(ClientProblem::unknown_client);
  const registry::Registration& registration = *client.registration;
  if (!has_assertion_type(jwt, rules_)) co_return refused(ClientProblem::assertion_type);

  // Which keys may speak for this client: its registered ones, or, for `writ-cli`, the one that this device made at sign-in.
  std::shared_ptr<const jose::KeySet> keys;
  if (registration.device_keys) {
    const auto device = device_keys_ != nullptr && jwt.kid() ? device_keys_->find(*jwt.kid()) : std::nullopt;
    if (!device || !device->active || device->agent_id != client.agent->id) co_return refused(ClientProblem::device_unknown);
    const auto value = json::parse(device->jwk);
    const auto jwk = value ? jose::parse_jwk(*value) : Result<jose::Jwk, jose::JwkProblem>(unexpected(jose::JwkProblem::malformed));
    // The kid is the thumbprint of the stored key, computed here: a store that mixes rows up opens no door.
    if (!jwk || jose::thumbprint(jwk->key) != *jwt.kid()) co_return refused(ClientProblem::device_unknown);
    keys = std::make_shared<const jose::KeySet>(std::vector<jose::Jwk>{{*jwt.kid(), crypto::Algorithm::es256, jwk->key}});
    client.device_id = device->id;
    client.device_user_id = device->user_id;
  } else if (registration.authentication != registry::ClientAuthentication::private_key_jwt) {
    co_return refused(ClientProblem::method_not_registered);
  } else if (!registration.jwks.empty()) {
    keys = inline_keys(registration.jwks);
  } else if (!registration.jwks_uri.empty() && client_keys_) {
    auto fetching = client_keys_(registration.jwks_uri, jwt.kid());
    keys = co_await fetching;
    if (keys == nullptr) co_return unexpected(AuthenticationFailure(Unavailable{"client keys"}));
  }
  if (keys == nullptr) co_return refused(ClientProblem::keys_unavailable);

  const auto verified = jose::VerifiedJwt::verify(jwt, *keys, rules_.algorithms);
  if (!verified) co_return refused(to_client_problem(verified.error()));
  const json::Value& claims = verified->claims();
  if (!is_issued_by(claims, registration.client_id)) co_return refused(ClientProblem::assertion_issuer);
  if (!is_for_us(claims, rules_)) co_return refused(ClientProblem::assertion_audience);
  if (!is_current(claims, rules_, now_seconds)) co_return refused(ClientProblem::assertion_times);
  const std::string* jti = usable_jti(claims);
  if (jti == nullptr) co_return refused(ClientProblem::assertion_jti);
  if (!client.agent->active) co_return refused(ClientProblem::disabled_client);

  // Last of all the claim: what was refused above is not used up (C7).
  audit::Record used;
  used.event = audit::Event::client_authentication;
  used.time = request.now;
  used.reason = "assertion_used";
  used.agent = client.agent->id;
  used.client_id = registration.client_id;
  used.peer = request.peer;
  used.more.emplace_back("assertion_jti", *jti);
  audit::Record replayed = used;
  replayed.effect = audit::Effect::deny;
  replayed.reason = to_string(ClientProblem::assertion_replayed);
  const Instant forget_after = from_unix_seconds(*claims.find_int("exp") + rules_.skew_seconds);
  audit::Commit commit{std::move(used), audit::make_claim(audit::Claim::Use::client_assertion, registration.client_id, *jti, forget_after),
                       std::move(replayed), audit::Durability::power};
  auto committing = log_.commit(std::move(commit));
  const auto committed = co_await committing;
  if (!committed) co_return unexpected(AuthenticationFailure(committed.error()));
  if (committed->replayed) {
    ClientRefused replay = presented.refused(ClientProblem::assertion_replayed);
    replay.recorded_at = committed->position;
    co_return unexpected(AuthenticationFailure(std::move(replay)));
  }
  co_return client;
}

}  // namespace writ::token_service
