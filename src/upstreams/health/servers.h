#pragma once

// What is known of the health of each server, from the requests that were sent to it. Nothing is sent to find out.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "registry/snapshot.h"
#include "upstreams/health/circuit.h"
#include "upstreams/upstream.h"

namespace writ::upstreams::health {

struct ServerState {
  std::string server;
  Circuit::State circuit = Circuit::State::closed;
  int failures = 0;                            // in a row
  std::optional<Instant> failing_since, retry_at;
  std::string last_failure;                    // its kind, while it fails: "connect", "tls", "timeout"
  std::size_t waiting = 0;
  // Since the process started.
  std::uint64_t requests = 0;                  // sent
  std::uint64_t failed = 0;                    // of these, failures that count
  std::uint64_t turned_away = 0;               // not sent: the circuit was open, or too many waited
};

// Safe to share between threads.
class Servers {
 public:
  explicit Servers(Settings settings) : settings_(settings) {}

  enum class Outcome { success, failure, says_nothing };
  struct Entry;
  // One request that was let through. Counts among those that wait until it is gone; unless told otherwise it said nothing.
  class Passage {
   public:
    Passage(std::shared_ptr<Entry> entry, Circuit::Passage kind, std::string principal, const Settings& settings)
        : entry_(std::move(entry)), kind_(kind), principal_(std::move(principal)), settings_(&settings) {}
    Passage(Passage&&) noexcept = default;
    Passage& operator=(Passage&&) = delete;
    ~Passage();
    void end(Outcome outcome, std::string_view failure, Instant now);

   private:
    std::shared_ptr<Entry> entry_;
    Circuit::Passage kind_;
    std::string principal_;
    const Settings* settings_;
  };
  // The error: when to try again, and why in words for the log.
  struct TurnedAway {
    Seconds retry_after;
    const char* why;
  };
  Result<Passage, TurnedAway> enter(const registry::Server& server, const std::string& principal, Instant now);

  // Of all servers that have an upstream, in the order of the objects.
  std::vector<ServerState> states(const registry::Snapshot& snapshot, Instant now) const;

 private:
  std::shared_ptr<Entry> entry_of(const registry::Server& server);
  const Settings settings_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Entry>> entries_;   // by server id: no more than there were servers
};

}  // namespace writ::upstreams::health
