#include "jose/fetch_keys.h"

#include <algorithm>

#include "encoding/uri.h"

namespace writ::jose {
namespace {

// Whoever waits for keys waits at most six seconds, so a chain of requests shares what one would have.
constexpr int kBudgetMs = 5'600;
constexpr int kSingleTimeoutMs = 5'000;
constexpr std::size_t kKeySetBytesMax = 256 * 1024;
constexpr json::Limits kMetadataLimits = {.bytes_max = 64 * 1024, .depth_max = 16, .members_max = 2'000};

using Answer = Result<http::OutgoingResponse, http::OutgoingFailure>;

http::OutgoingRequest request_for(const std::string& url, const KeySource& source, std::size_t bytes_max, int timeout_ms) {
  http::OutgoingRequest request;
  request.url = url;
  request.headers.add("Accept", "application/json");
  request.response_bytes_max = bytes_max;
  request.timeout_ms = timeout_ms;
  request.public_addresses_only = source.chosen_by_a_stranger;
  return request;
}

Result<std::string, KeyFetchProblem> body_of(Answer answer) {
  if (!answer) return unexpected(KeyFetchProblem::unreachable);
  if (answer->status != 200) return unexpected(KeyFetchProblem::bad_status);
  return std::move(answer->body);
}

// A key URI may be plain http on this machine only if its issuer is here too: metadata from elsewhere must not send us to local ports.
bool is_allowed(std::string_view jwks_uri, bool loopback_too) {
  const auto uri = uri::parse(jwks_uri);
  if (!uri || uri->has_userinfo || uri->fragment) return false;
  return uri->scheme == "https" || (loopback_too && uri::is_secure_or_loopback(*uri));
}

Result<std::string, KeyFetchProblem> jwks_uri_in(Answer answer, const std::string& issuer) {
  const std::string body = TRY(body_of(std::move(answer)));
  const auto metadata = json::parse(body, kMetadataLimits);
  if (!metadata) return unexpected(KeyFetchProblem::bad_metadata);
  // RFC 8414 §3.3: byte for byte, or whoever answers could speak for another issuer.
  const std::string* claimed = metadata->find_string("issuer");
  if (claimed == nullptr || *claimed != issuer) return unexpected(KeyFetchProblem::wrong_issuer);
  const std::string* jwks_uri = metadata->find_string("jwks_uri");
  if (jwks_uri == nullptr) return unexpected(KeyFetchProblem::bad_metadata);
  const auto asked = uri::parse(issuer);
  if (!is_allowed(*jwks_uri, asked && asked->is_loopback())) return unexpected(KeyFetchProblem::insecure_uri);
  return *jwks_uri;
}

Result<KeySet, KeyFetchProblem> key_set_in(Answer answer) {
  const std::string body = TRY(body_of(std::move(answer)));
  auto keys = KeySet::parse(body);
  if (!keys) return unexpected(KeyFetchProblem::no_key_set);
  if (keys->empty()) return unexpected(KeyFetchProblem::no_usable_key);
  return std::move(*keys);
}

}  // namespace

std::string_view to_string(KeyFetchProblem problem) {
  switch (problem) {
    case KeyFetchProblem::unreachable: return "unreachable";
    case KeyFetchProblem::bad_status: return "bad_status";
    case KeyFetchProblem::bad_metadata: return "bad_metadata";
    case KeyFetchProblem::wrong_issuer: return "wrong_issuer";
    case KeyFetchProblem::insecure_uri: return "insecure_uri";
    case KeyFetchProblem::no_key_set: return "no_key_set";
    case KeyFetchProblem::no_usable_key: return "no_usable_key";
  }
  return "unknown";
}

std::vector<std::string> metadata_urls(std::string_view issuer) {
  std::vector<std::string> urls;
  if (!uri::is_issuer(issuer)) return urls;
  for (auto& url : {uri::well_known(issuer, "oauth-authorization-server"), uri::well_known(issuer, "openid-configuration"),
                    uri::well_known_appended(issuer, "openid-configuration")})
    if (url && std::find(urls.begin(), urls.end(), *url) == urls.end()) urls.push_back(*url);
  return urls;
}

Task<Result<KeySet, KeyFetchProblem>> fetch_keys(http::Outgoing& outgoing, KeySource source) {
  if (!source.jwks_uri.empty()) {
    if (!is_allowed(source.jwks_uri, !source.chosen_by_a_stranger)) co_return unexpected(KeyFetchProblem::insecure_uri);
    auto request = request_for(source.jwks_uri, source, kKeySetBytesMax, kSingleTimeoutMs);
    auto answer = co_await outgoing.fetch(std::move(request));
    co_return key_set_in(std::move(answer));
  }

  const std::vector<std::string> urls = metadata_urls(source.issuer);
  const int timeout_ms = kBudgetMs / static_cast<int>(urls.size() + 1);
  KeyFetchProblem problem = KeyFetchProblem::insecure_uri;
  for (const std::string& url : urls) {
    auto request = request_for(url, source, kMetadataLimits.bytes_max, timeout_ms);
    auto answer = co_await outgoing.fetch(std::move(request));
    const auto jwks_uri = jwks_uri_in(std::move(answer), source.issuer);
    if (jwks_uri) {
      auto keys_request = request_for(*jwks_uri, source, kKeySetBytesMax, timeout_ms);
      auto keys = co_await outgoing.fetch(std::move(keys_request));
      co_return key_set_in(std::move(keys));
    }
    problem = jwks_uri.error();
    if (problem == KeyFetchProblem::unreachable) break;   // the other documents are on the same host
  }
  co_return unexpected(problem);
}

}  // namespace writ::jose
