#pragma once

// A stream: what one receiver asked for, and where it wants it (SSF §8.1). Kept in the deployment's documents.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "encoding/json.h"
#include "registry/documents.h"

namespace writ::signals {

enum class Status { enabled, paused, disabled };
std::string_view to_string(Status status);
std::optional<Status> parse_status(std::string_view text);

struct Stream {
  std::string id;
  std::string audience;                    // issuer of the resource authorization server that receives; of the API token that made it
  bool push = false;                       // else the receiver polls
  std::string endpoint_url;                // of push
  std::string authorization_sealed;        // the value of the Authorization field that it wants to see; sealed, may be empty
  std::vector<std::string> events_requested;
  std::string description;
  Status status = Status::enabled;
  std::string reason;
  bool held_by_administrator = false;      // its receiver cannot enable it then (threat A6)
  std::vector<std::string> removed_subjects;   // canonical JSON: the receiver does not want to hear of these
  Instant created{};

  bool wants(std::string_view event_type) const;
};

// Safe to share between threads. Read from memory; a change is durable when its task completes.
class Streams final : public registry::DocumentOwner {
 public:
  static Result<std::unique_ptr<Streams>, Unavailable> open(registry::Documents& documents);
  std::optional<Stream> find(std::string_view id) const;
  std::optional<Stream> of_audience(std::string_view audience) const;   // one for each receiver
  std::vector<Stream> all() const;                                      // by id
  Task<Result<bool, Unavailable>> add(Stream stream);   // false: its receiver has one already
  Task<Result<void, Unavailable>> put(Stream stream);
  Task<Result<void, Unavailable>> remove(std::string id);

  std::string_view table() const override;
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  struct Entry {
    std::optional<Stream> stream;   // absent: removed
    std::int64_t version = 0;
  };
  explicit Streams(registry::Documents& documents) : documents_(documents) {}
  const Stream* of_audience_here(std::string_view audience) const;   // under the lock
  registry::Documents& documents_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace writ::signals
