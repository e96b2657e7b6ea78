#include "upstreams/credentials/authorization_servers.h"

#include <algorithm>

#include "base/overloaded.h"
#include "encoding/form.h"
#include "registry/secret_file.h"

namespace writ::upstreams {
namespace {

constexpr Seconds kRemembered{3600}, kFailureRemembered{5};
constexpr Seconds kLifetimeUnknown{300}, kLifetimeMax{24 * 3600};
constexpr int kTimeoutMs = 10'000;
constexpr json::Limits kLimits = {.bytes_max = 128 * 1024, .depth_max = 16, .members_max = 2'000};

// The same authorities, and the same certificate of ours, as for the server itself.
class OverTls final : public http::Outgoing {
 public:
  OverTls(http::Outgoing& outgoing, registry::UpstreamAddress address, const std::atomic<bool>& is_closed) : outgoing_(outgoing), address_(std::move(address)), is_closed_(is_closed) {}
  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest request) override {
    if (is_closed_) return closed();
    request.ca_file = address_.ca_file;
    if (request.url.starts_with("https:")) {
      request.client_certificate_file = address_.client_certificate_file;
      request.client_key_file = address_.client_key_file;
    }
    request.timeout_ms = std::min(request.timeout_ms, kTimeoutMs);
    request.response_bytes_max = kLimits.bytes_max;
    return outgoing_.fetch(std::move(request));
  }

 private:
  static Task<Result<http::OutgoingResponse, http::OutgoingFailure>> closed() { co_return unexpected(http::OutgoingFailure{http::OutgoingFailure::Kind::broken, "the service stops"}); }
  http::Outgoing& outgoing_;
  registry::UpstreamAddress address_;
  const std::atomic<bool>& is_closed_;
};

std::string text_of(const json::Value& body, std::string_view name) {
  const auto* text = body.find_string(name);
  return text ? *text : std::string();
}

Result<TokenAnswer, TokenProblem> read_answer(const http::OutgoingResponse& response, const std::string& issuer) {
  const std::string at = "the authorization server " + issuer;
  if (response.status != 200) {
    const client::Failure refusal = client::read_refusal(response, at);
    if (refusal.kind == client::FailureKind::unreachable) return unexpected(TokenProblem(credential_failure(refusal.message)));
    return unexpected(TokenProblem(TokenRefused{refusal.error, refusal.message, refusal.error == "invalid_grant"}));
  }
  const auto body = json::parse(response.body, kLimits);
  if (!body || !body->is_object()) return unexpected(TokenProblem(credential_failure(at + " gave an answer that is no JSON object")));
  if (!http::equals_ignoring_case(text_of(*body, "token_type"), "Bearer")) {
    return unexpected(TokenProblem(credential_failure(at + " gave a token of a type other than Bearer, which the gateway cannot use")));
  }
  const std::string token = text_of(*body, "access_token");
  if (!is_bearer_value(token)) return unexpected(TokenProblem(credential_failure(at + " gave no usable access token")));
  TokenAnswer answer;
  answer.access_token = Secret(token);
  answer.refresh_token = text_of(*body, "refresh_token");
  answer.id_token = text_of(*body, "id_token");
  answer.scope = text_of(*body, "scope");
  const auto* seconds = body->find_int("expires_in");
  answer.lifetime = seconds ? Seconds{std::clamp<std::int64_t>(*seconds, 0, kLifetimeMax.count())} : kLifetimeUnknown;
  return answer;
}

}  // namespace

bool is_bearer_value(std::string_view text) {
  return !text.empty() && text.size() <= 16 * 1024 && std::all_of(text.begin(), text.end(), [](char letter) { return letter > 0x20 && letter < 0x7F; });
}

Failure credential_failure(std::string detail) { return Failure{Failure::Kind::credential, std::move(detail), "", std::nullopt}; }

Failure to_failure(const TokenProblem& problem, const std::string& server) {
  return std::visit(Overloaded{[&](const TokenRefused& refused) { return credential_failure("no access token for server `" + server + "`: " + refused.sentence); },
                               [&](const Failure& failure) {
                                 Failure told = failure;
                                 told.detail = "no access token for server `" + server + "`: " + failure.detail;
                                 return told;
                               }},
                    problem);
}

std::string resource_parameter(const registry::UpstreamAddress& address) {
  const registry::UpstreamOAuth& oauth = *address.oauth;
  if (!oauth.send_resource) return "";
  return oauth.resource.empty() ? address.url : oauth.resource;
}

std::optional<Result<KnownServer, Failure>> AuthorizationServers::from_memory(const std::string& key, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  const Entry& entry = found->second;
  if (entry.known && now - entry.fetched < kRemembered) return Result<KnownServer, Failure>(entry.known);
  if (entry.failed && now - *entry.failed < kFailureRemembered) return Result<KnownServer, Failure>(unexpected(credential_failure(entry.detail)));
  return std::nullopt;
}

Task<Result<KnownServer, Failure>> AuthorizationServers::find(registry::UpstreamAddress address, Instant now) {
  const auto self = shared_from_this();
  const std::string issuer = address.oauth->issuer;
  const std::string key = issuer + "\n" + address.ca_file + "\n" + address.client_certificate_file;
  auto remembered = from_memory(key, now);
  if (remembered) co_return std::move(*remembered);
  OverTls outgoing(outgoing_, std::move(address), is_closed_);
  auto fetched = co_await client::discover_authorization_server(outgoing, issuer);
  const std::lock_guard lock(mutex_);
  if (entries_.size() > 1'000) entries_.clear();   // documents of servers that were changed a thousand times
  Entry& entry = entries_[key];
  if (fetched) {
    entry.known = std::make_shared<const client::AuthorizationServer>(std::move(*fetched));
    entry.fetched = now;
    entry.failed.reset();
    co_return entry.known;
  }
  entry.failed = now;
  entry.detail = fetched.error().message;
  co_return unexpected(credential_failure(entry.detail));
}

Result<client::ClientCredentials, Failure> AuthorizationServers::credentials(const registry::UpstreamAddress& address, const client::AuthorizationServer& server,
                                                                             const std::vector<std::string>& methods) const {
  const registry::UpstreamOAuth& oauth = *address.oauth;
  client::ClientCredentials credentials{oauth.client_id, client::NoAuthentication{}};
  if (oauth.client_secret_file.empty()) return credentials;   // a public client, or one that its TLS certificate names (RFC 8705 §2)
  auto secret = read_secret_(oauth.client_secret_file);
  if (!secret) return unexpected(credential_failure(std::move(secret).error()));
  if (secret->reveal().starts_with("-----BEGIN")) {
    const auto key = crypto::PrivateKey::from_pem(*secret);
    if (!key) return unexpected(credential_failure("`" + oauth.client_secret_file + "` begins like a private key and is none that can be used"));
    using enum crypto::Algorithm;
    for (const crypto::Algorithm algorithm : {es256, es384, rs256, eddsa}) {
      if (!key->fits(algorithm)) continue;
      credentials.method = client::PrivateKeyJwt{jose::SigningKey{jose::thumbprint(key->public_key()), algorithm, *key}};
      return credentials;
    }
    return unexpected(credential_failure("the private key in `" + oauth.client_secret_file + "` is of a kind that signs with none of ES256, ES384, RS256, EdDSA"));
  }
  const auto offers = [&](const char* method) { return std::find(methods.begin(), methods.end(), method) != methods.end(); };
  // Absent means basic (RFC 8414 §2).
  if (methods.empty() || offers("client_secret_basic")) {
    credentials.method = client::ClientSecretBasic{std::move(*secret)};
  } else if (offers("client_secret_post")) {
    credentials.method = client::ClientSecretPost{std::move(*secret)};
  } else {
    return unexpected(credential_failure("the authorization server " + server.issuer + " takes neither client_secret_basic nor client_secret_post: give a private key in `client_secret_file`"));
  }
  return credentials;
}

Task<Result<TokenAnswer, TokenProblem>> AuthorizationServers::ask_token(registry::UpstreamAddress address, client::FormFields form, Instant now) {
  const auto self = shared_from_this();
  const auto server = co_await find(address, now);
  if (!server) co_return unexpected(TokenProblem(server.error()));
  auto credentials = this->credentials(address, **server, (*server)->token_endpoint_auth_methods);
  if (!credentials) co_return unexpected(TokenProblem(std::move(credentials).error()));
  OverTls outgoing(outgoing_, address, is_closed_);
  const std::string endpoint = (*server)->token_endpoint, issuer = (*server)->issuer;
  auto answer = co_await client::post_token_request(outgoing, endpoint, issuer, std::move(*credentials), std::move(form), now);
  if (!answer) co_return unexpected(TokenProblem(credential_failure(answer.error().message)));
  co_return read_answer(*answer, issuer);
}

Task<Result<bool, Failure>> AuthorizationServers::revoke(registry::UpstreamAddress address, Secret token, std::string hint, Instant now) {
  const auto self = shared_from_this();
  const auto server = co_await find(address, now);
  if (!server) co_return unexpected(server.error());
  if ((*server)->revocation_endpoint.empty()) co_return false;
  auto credentials = this->credentials(address, **server, (*server)->token_endpoint_auth_methods);
  if (!credentials) co_return unexpected(std::move(credentials).error());
  OverTls outgoing(outgoing_, address, is_closed_);
  client::FormFields form{{"token", std::string(token.reveal())}, {"token_type_hint", hint}};
  const std::string endpoint = (*server)->revocation_endpoint, issuer = (*server)->issuer;
  auto answer = co_await client::post_token_request(outgoing, endpoint, issuer, std::move(*credentials), std::move(form), now);
  if (!answer) co_return unexpected(credential_failure(answer.error().message));
  // Anything but 200 means that the token must be assumed to live on (RFC 7009 §2.2.1).
  if (answer->status != 200) co_return unexpected(credential_failure("the authorization server " + issuer + " answered " + std::to_string(answer->status) + " to a revocation"));
  co_return true;
}

Task<Result<json::Value, Failure>> AuthorizationServers::get(registry::UpstreamAddress address, std::string url, Secret access_token) {
  const auto self = shared_from_this();
  OverTls outgoing(outgoing_, std::move(address), is_closed_);
  http::OutgoingRequest request;
  request.url = url;
  request.headers.add("Accept", "application/json");
  request.headers.add("Authorization", "Bearer " + std::string(access_token.reveal()));
  const auto answer = co_await outgoing.fetch(std::move(request));
  if (!answer) co_return unexpected(credential_failure("cannot read " + url + ": " + answer.error().detail));
  const auto* type = answer->headers.find_single("Content-Type");
  const bool is_json = type && http::equals_ignoring_case(type->substr(0, type->find(';')), "application/json");
  auto body = answer->status == 200 && is_json ? json::parse(answer->body, kLimits) : Result<json::Value, json::Problem>(unexpected(json::Problem::syntax));
  if (!body || !body->is_object()) co_return unexpected(credential_failure(url + " answers with something that is no JSON object"));
  co_return std::move(*body);
}

}  // namespace writ::upstreams
