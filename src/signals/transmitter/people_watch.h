#pragma once

// What changes of objects take away from people, told to receivers: one place, whoever makes the change (console, API, command, SCIM,
// sign-in). A change that was stored when the process died is found again at the next start.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "registry/documents.h"
#include "registry/object_store.h"
#include "registry/snapshot.h"
#include "signals/people_events.h"

namespace writ::signals {

// Pure. What becoming `after` takes away from the person of `before`. Null: there is no such person before, or afterwards.
std::vector<Event> events_of(const registry::User* before, const registry::User* after, Instant now);

class PeopleWatch final : public registry::DocumentOwner {
 public:
  // All of it outlives the watch.
  struct Parts {
    registry::Documents& documents;
    registry::ObjectStore& store;
    PeopleEvents& events;
    const Clock& clock;
    // Whether a receiver knows the person by another name now: then the old name's access is over. Empty: names do not change.
    std::function<bool(const registry::User& before, const registry::User& after)> is_renamed{};
  };
  // Blocks: at start. The error is what the store cannot answer.
  static Result<std::unique_ptr<PeopleWatch>, Unavailable> open(Parts parts);

  // After a change of these people was stored, before it is acknowledged. Changes come one at a time.
  Task<void> changed(std::shared_ptr<const registry::Snapshot> before, std::shared_ptr<const registry::Snapshot> after, std::vector<std::string> user_ids);
  // What a crash, or a store that was away, left untold. Call at start and now and then.
  Task<void> catch_up(std::shared_ptr<const registry::Snapshot> present);
  bool is_behind() const;

  // Of several nodes each tells of the changes that it makes; how far all is told is one word of all.
  std::string_view table() const override;
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  explicit PeopleWatch(Parts parts) : parts_(std::move(parts)) {}
  Task<bool> tell_difference(const registry::User* before, const registry::User* after);
  Task<bool> note_told(std::uint64_t sequence);

  Parts parts_;
  mutable std::mutex mutex_;
  std::optional<std::uint64_t> told_;      // the sequence up to which everything was told; absent: nobody has noted one yet
  std::int64_t version_ = 0;
  std::uint64_t missed_ = 0;               // how often something was not told
  bool behind_ = false, catching_up_ = false;
};

}  // namespace writ::signals
