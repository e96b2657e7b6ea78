#pragma once

// What the transmitters of others publish about themselves (/.well-known/ssf-configuration), and the memory of it. Asked for configured
// issuers only.

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
#include "http/message.h"

namespace writ::signals {

struct TransmitterMetadata {
  std::string issuer, jwks_uri;
  std::string configuration_endpoint, status_endpoint, verification_endpoint;   // may be empty
  std::vector<std::string> critical_subject_members;
  bool keys_elsewhere = false;     // `jwks_uri` is on another host than the issuer: only a public one will do (N1)
};

enum class DirectoryProblem {
  unreachable,
  absent,              // 404: this issuer publishes none
  bad_status,
  malformed,
  wrong_issuer,        // the document is about somebody else
  endpoint_insecure,   // no https, or a way from elsewhere to this machine's own ports
};
std::string_view to_string(DirectoryProblem problem);

Result<TransmitterMetadata, DirectoryProblem> parse_transmitter_metadata(std::string_view body, const std::string& issuer);

// Remembers a document for an hour, and the last good one for a day when there is none to be had. Safe to share between threads.
class TransmitterDirectory {
 public:
  explicit TransmitterDirectory(http::Outgoing& outgoing) : outgoing_(outgoing) {}
  using Known = std::shared_ptr<const TransmitterMetadata>;
  Task<Result<Known, DirectoryProblem>> find(std::string issuer, Instant now);

 private:
  struct Entry {
    Known known;
    Instant fetched{};
    std::optional<Instant> failed;
    DirectoryProblem problem = DirectoryProblem::unreachable;
  };
  std::optional<Result<Known, DirectoryProblem>> from_memory(const std::string& issuer, Instant now) const;

  http::Outgoing& outgoing_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace writ::signals
