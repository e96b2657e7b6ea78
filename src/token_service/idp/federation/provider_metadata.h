#pragma once

// What an upstream provider publishes about itself (OpenID Connect Discovery §3), and the memory of it.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "crypto/key.h"
#include "http/message.h"

namespace writ::token_service::idp {

struct ProviderMetadata {
  std::string issuer, authorization_endpoint, token_endpoint, jwks_uri;
  std::string userinfo_endpoint, end_session_endpoint;   // may be empty
  std::vector<crypto::Algorithm> algorithms;             // for ID tokens: the provider's that we verify with, never empty
  bool sends_issuer = false;                             // its authorization responses carry `iss` (RFC 9207)
};

enum class MetadataProblem {
  unreachable,
  bad_status,            // anything but 200: redirects are not followed (N2)
  malformed,
  wrong_issuer,          // the document is about somebody else (N6)
  endpoint_missing,
  endpoint_insecure,     // no https, or a way from elsewhere to this machine's own ports (N1)
  no_common_algorithm,
};
std::string_view to_string(MetadataProblem problem);

Result<ProviderMetadata, MetadataProblem> parse_provider_metadata(std::string_view body, const std::string& issuer);

// Remembers documents for an hour, and the last good one for a day when the provider cannot be reached. After a failure it asks again after ten
// seconds at the earliest, and never more than four times at once: people who click do not become a flood (N3). Safe to share between threads.
class ProviderDirectory {
 public:
  explicit ProviderDirectory(http::Outgoing& outgoing) : outgoing_(outgoing) {}
  using Known = std::shared_ptr<const ProviderMetadata>;
  Task<Result<Known, MetadataProblem>> find(std::string issuer, Instant now);

 private:
  struct Entry {
    Known known;
    Instant fetched{};
    std::optional<Instant> failed;
    MetadataProblem problem = MetadataProblem::unreachable;
    int in_flight = 0;
  };
  std::optional<Result<Known, MetadataProblem>> from_memory(const std::string& issuer, Instant now);
  Result<Known, MetadataProblem> note(const std::string& issuer, Result<ProviderMetadata, MetadataProblem> fetched, Instant now);

  http::Outgoing& outgoing_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace writ::token_service::idp
