#pragma once

// Compares what servers say about themselves with what was approved (rules §5.5; G19). Nothing but approved definitions is ever shown or used: what
// is new or changed is held from the moment it is seen, also while it is still on its way to the review inbox.

#include <atomic>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "gateway/definition_reviews.h"
#include "registry/snapshot.h"

namespace writ::gateway {

// Safe to share between threads.
class DefinitionWatch {
 public:
  using Kind = registry::ObjectKind;
  // `reviews` may be null: then nothing is kept, and what is not approved stays unseen.
  DefinitionWatch(DefinitionReviews* reviews, const Clock& clock) : reviews_(reviews), clock_(clock) {}

  // One thing as the server says it now. Answers the approved definition when that may be shown, else null. What administration does not know yet is
  // added to `news`.
  std::shared_ptr<const registry::Definition> look(const registry::Snapshot& snapshot, const registry::Server& server, Kind kind, const std::string& name,
                                                   const json::Value& said, std::vector<SeenDefinition>& news);
  // Whether it may be used now.
  bool is_usable(const registry::Snapshot& snapshot, const registry::Server& server, Kind kind, const std::string& name) const;

  // Whether what may be used of a server differs between two moments.
  static bool changes_use(const registry::Definitions& before, const registry::Definitions& after, const registry::Server& server, Kind kind);

  // Whether the server's first definitions are approved by themselves and there is one among these: then who waits for settle() and looks again
  // sees it.
  bool is_worth_waiting(const registry::Snapshot& snapshot, const registry::Server& server, const std::vector<SeenDefinition>& news) const;
  Task<void> settle(std::string server, std::vector<SeenDefinition> news);
  // Nobody waits; kept in batches, so that a server that changes with every list costs a write now and then.
  void report(const std::string& server, std::vector<SeenDefinition> news);
  // Sends what waits longer than the time between batches. On an event loop.
  void flush_due();

 private:
  static constexpr std::size_t kWaitingMax = 1'000;          // of one server; what is over it is held all the same, and seen at the next list
  static constexpr std::int64_t kSecondsBetween = 2;
  static constexpr double kWritesMax = 4'000, kWritesPerSecond = 0.1;   // of one server: a bucket

  struct Waiting {
    std::map<std::pair<Kind, std::string>, SeenDefinition> seen;
    Instant last_sent{};
    bool is_sending = false;
    double writes_left = kWritesMax;
    Instant counted{};
  };
  struct Changed {
    std::string digest;
    bool is_only_wording = false;
  };
  // From what waits, as much as the bucket allows.
  std::vector<SeenDefinition> take(Waiting& waiting, Instant now);
  void send(const std::string& server, std::vector<SeenDefinition> batch);
  std::size_t allowed(Waiting& waiting, std::size_t wanted, Instant now);

  DefinitionReviews* reviews_;
  const Clock& clock_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, Waiting, std::less<>> waiting_;
  // Approved definitions of which the server said something else. As many as there are approved ones at most.
  std::map<std::string, std::map<std::pair<Kind, std::string>, Changed>, std::less<>> changed_;
  std::atomic<std::size_t> changed_count_{0};
};

}  // namespace writ::gateway
