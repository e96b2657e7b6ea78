#include "signals/receiver/transmitter_directory.h"

#include "encoding/json.h"
#include "encoding/uri.h"

namespace writ::signals {
namespace {

constexpr Seconds kFreshFor{3'600}, kKeptFor{86'400}, kCooldown{5};
constexpr json::Limits kLimits = {.bytes_max = 64 * 1024, .depth_max = 8, .members_max = 500};
using Problem = DirectoryProblem;

bool is_allowed(std::string_view endpoint, bool loopback_too) {
  const auto parsed = uri::parse(endpoint);
  if (!parsed || parsed->has_userinfo || parsed->fragment) return false;
  return parsed->scheme == "https" || (loopback_too && uri::is_secure_or_loopback(*parsed));
}

}  // namespace

std::string_view to_string(DirectoryProblem problem) {
  switch (problem) {
    case Problem::unreachable: return "transmitter_unreachable";
    case Problem::absent: return "transmitter_absent";
    case Problem::bad_status: return "transmitter_metadata_status";
    case Problem::malformed: return "transmitter_metadata_malformed";
    case Problem::wrong_issuer: return "transmitter_metadata_wrong_issuer";
    case Problem::endpoint_insecure: return "transmitter_endpoint_insecure";
  }
  return "transmitter_metadata_malformed";
}

Result<TransmitterMetadata, DirectoryProblem> parse_transmitter_metadata(std::string_view body, const std::string& issuer) {
  const auto document = json::parse(body, kLimits);
  if (!document || !document->is_object()) return unexpected(Problem::malformed);
  // EN-21. Byte for byte: or whoever answers could speak in another issuer's name.
  const auto* claimed = document->find_string("issuer");
  if (!claimed || *claimed != issuer) return unexpected(Problem::wrong_issuer);
  TransmitterMetadata metadata;
  metadata.issuer = issuer;
  const auto here = uri::parse(issuer);
  for (const auto& [name, member] :
       {std::pair{"jwks_uri", &TransmitterMetadata::jwks_uri}, std::pair{"configuration_endpoint", &TransmitterMetadata::configuration_endpoint},
        std::pair{"status_endpoint", &TransmitterMetadata::status_endpoint}, std::pair{"verification_endpoint", &TransmitterMetadata::verification_endpoint}}) {
    const json::Value* value = document->find(name);
    if (!value) continue;
    if (!value->is_string()) return unexpected(Problem::malformed);
    if (!is_allowed(*value->as_string(), here && here->is_loopback())) return unexpected(Problem::endpoint_insecure);
    metadata.*member = *value->as_string();
  }
  if (metadata.jwks_uri.empty()) return unexpected(Problem::malformed);
  const auto keys = uri::parse(metadata.jwks_uri);
  metadata.keys_elsewhere = !here || !keys || here->origin() != keys->origin();
  if (const json::Value* critical = document->find("critical_subject_members")) {
    auto names = json::to_strings(*critical);
    if (!names) return unexpected(Problem::malformed);
    metadata.critical_subject_members = std::move(*names);
  }
  return metadata;
}

std::optional<Result<TransmitterDirectory::Known, DirectoryProblem>> TransmitterDirectory::from_memory(const std::string& issuer, Instant now) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(issuer);
  if (found == entries_.end()) return std::nullopt;
  const Entry& entry = found->second;
  const bool is_usable = entry.known && now < entry.fetched + kKeptFor;
  if (is_usable && now < entry.fetched + kFreshFor) return entry.known;
  if (!entry.failed || now >= *entry.failed + kCooldown) return std::nullopt;
  if (is_usable) return entry.known;
  return Result<Known, DirectoryProblem>(unexpected(entry.problem));
}

Task<Result<TransmitterDirectory::Known, DirectoryProblem>> TransmitterDirectory::find(std::string issuer, Instant now) {
  if (auto known = from_memory(issuer, now)) co_return std::move(*known);
  http::OutgoingRequest request;
  request.url = uri::well_known(issuer, "ssf-configuration").value_or("");
  request.headers.add("Accept", "application/json");
  request.response_bytes_max = kLimits.bytes_max;
  auto response = co_await outgoing_.fetch(std::move(request));
  Result<TransmitterMetadata, DirectoryProblem> parsed = unexpected(Problem::unreachable);
  if (response && response->status == 200) parsed = parse_transmitter_metadata(response->body, issuer);
  else if (response && (response->status == 404 || response->status == 410)) parsed = unexpected(Problem::absent);
  else if (response) parsed = unexpected(Problem::bad_status);
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[issuer];
  if (parsed) {
    entry.known = std::make_shared<const TransmitterMetadata>(std::move(*parsed));
    entry.fetched = now;
    entry.failed.reset();
    co_return entry.known;
  }
  entry.failed = now;
  entry.problem = parsed.error();
  if (entry.known && now < entry.fetched + kKeptFor) co_return entry.known;
  co_return unexpected(parsed.error());
}

}  // namespace writ::signals
