#include "token_service/idp/federation/provider_metadata.h"

#include "encoding/json.h"
#include "encoding/uri.h"

namespace writ::token_service::idp {
namespace {

constexpr Seconds kFreshFor{3600};
constexpr Seconds kKeptFor{24 * 3600};
constexpr Seconds kCooldown{10};
constexpr int kAtOnceMax = 4;
constexpr json::Limits kLimits = {.bytes_max = 64 * 1024, .depth_max = 16, .members_max = 2'000};

bool is_allowed(std::string_view endpoint, bool loopback_too) {
  const auto parsed = uri::parse(endpoint);
  if (!parsed || parsed->has_userinfo || parsed->fragment) return false;
  return parsed->scheme == "https" || (loopback_too && uri::is_secure_or_loopback(*parsed));
}

struct Endpoint {
  const char* name;
  std::string ProviderMetadata::*member;
  bool is_required;
};
constexpr Endpoint kEndpoints[] = {{"authorization_endpoint", &ProviderMetadata::authorization_endpoint, true},
                                   {"token_endpoint", &ProviderMetadata::token_endpoint, true},
                                   {"jwks_uri", &ProviderMetadata::jwks_uri, true},
                                   {"userinfo_endpoint", &ProviderMetadata::userinfo_endpoint, false},
                                   {"end_session_endpoint", &ProviderMetadata::end_session_endpoint, false}};

}  // namespace

std::string_view to_string(MetadataProblem problem) {
  switch (problem) {
    case MetadataProblem::unreachable: return "provider_unreachable";
    case MetadataProblem::bad_status: return "provider_metadata_status";
    case MetadataProblem::malformed: return "provider_metadata_malformed";
    case MetadataProblem::wrong_issuer: return "provider_metadata_wrong_issuer";
    case MetadataProblem::endpoint_missing: return "provider_endpoint_missing";
    case MetadataProblem::endpoint_insecure: return "provider_endpoint_insecure";
    case MetadataProblem::no_common_algorithm: return "provider_no_common_algorithm";
  }
  return "provider_metadata_malformed";
}

Result<ProviderMetadata, MetadataProblem> parse_provider_metadata(std::string_view body, const std::string& issuer) {
  const auto document = json::parse(body, kLimits);
  if (!document || !document->is_object()) return unexpected(MetadataProblem::malformed);
  // Byte for byte: or whoever answers could sign people in under another provider's name (mix-up).
  const auto* claimed = document->find_string("issuer");
  if (!claimed || *claimed != issuer) return unexpected(MetadataProblem::wrong_issuer);
  ProviderMetadata metadata;
  metadata.issuer = issuer;
  const auto here = uri::parse(issuer);
  for (const Endpoint& endpoint : kEndpoints) {
    const json::Value* value = document->find(endpoint.name);
    if (value && !value->is_string()) return unexpected(MetadataProblem::malformed);
    if (!value && endpoint.is_required) return unexpected(MetadataProblem::endpoint_missing);
    if (!value) continue;
    if (!is_allowed(*value->as_string(), here && here->is_loopback())) return unexpected(MetadataProblem::endpoint_insecure);
    metadata.*endpoint.member = *value->as_string();
  }
  if (const json::Value* algorithms = document->find("id_token_signing_alg_values_supported")) {
    const auto names = json::to_strings(*algorithms);
    if (!names) return unexpected(MetadataProblem::malformed);
    // HS256 and `none` are not among ours, so they cannot get in (J1, J2).
    for (const std::string& name : *names) {
      if (const auto algorithm = crypto::parse_algorithm(name)) metadata.algorithms.push_back(*algorithm);
    }
  } else {
    metadata.algorithms = {crypto::Algorithm::rs256};   // what OpenID Connect Core §15.1 has everybody support
  }
  if (metadata.algorithms.empty()) return unexpected(MetadataProblem::no_common_algorithm);
  if (const json::Value* sends = document->find("authorization_response_iss_parameter_supported")) {
    if (!sends->is_bool()) return unexpected(MetadataProblem::malformed);
    metadata.sends_issuer = *sends->as_bool();
  }
  return metadata;
}

std::optional<Result<ProviderDirectory::Known, MetadataProblem>> ProviderDirectory::from_memory(const std::string& issuer, Instant now) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[issuer];
  const bool is_usable = entry.known && now < entry.fetched + kKeptFor;
  if (is_usable && now < entry.fetched + kFreshFor) return entry.known;
  const bool rests = (entry.failed && now < *entry.failed + kCooldown) || entry.in_flight >= kAtOnceMax || (is_usable && entry.in_flight > 0);
  if (!rests) {
    ++entry.in_flight;
    return std::nullopt;
  }
  if (is_usable) return entry.known;
  return unexpected(entry.problem);
}

Result<ProviderDirectory::Known, MetadataProblem> ProviderDirectory::note(const std::string& issuer, Result<ProviderMetadata, MetadataProblem> fetched, Instant now) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[issuer];
  --entry.in_flight;
  if (fetched) {
    entry.known = std::make_shared<const ProviderMetadata>(std::move(*fetched));
    entry.fetched = now;
    entry.failed.reset();
    return entry.known;
  }
  entry.failed = now;
  entry.problem = fetched.error();
  if (entry.known && now < entry.fetched + kKeptFor) return entry.known;
  return unexpected(entry.problem);
}

Task<Result<ProviderDirectory::Known, MetadataProblem>> ProviderDirectory::find(std::string issuer, Instant now) {
  if (auto known = from_memory(issuer, now)) co_return std::move(*known);
  http::OutgoingRequest request;
  request.url = uri::well_known_appended(issuer, "openid-configuration").value_or("");
  request.headers.add("Accept", "application/json");
  request.response_bytes_max = kLimits.bytes_max;
  auto response = co_await outgoing_.fetch(std::move(request));
  Result<ProviderMetadata, MetadataProblem> parsed = unexpected(MetadataProblem::unreachable);
  if (response && response->status != 200) parsed = unexpected(MetadataProblem::bad_status);
  if (response && response->status == 200) parsed = parse_provider_metadata(response->body, issuer);
  co_return note(issuer, std::move(parsed), now);
}

}  // namespace writ::token_service::idp
