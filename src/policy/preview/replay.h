#pragma once

// A candidate policy run over recorded decisions, with the objects as they were then: what it would newly deny, what it would newly allow, and where
// it cannot be told because a record does not have what the candidate would look at (rules §4.9). Records that differ in nothing that the candidate
// looks at are decided once.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audit/decisions_log.h"
#include "policy/cedar_policy.h"
#include "policy/tool_catalogue.h"
#include "registry/snapshot.h"

namespace writ::policy::preview {

enum class Replayed : std::uint8_t { same, newly_denied, newly_allowed, cannot_tell };
std::string_view to_string(Replayed outcome);

// All recorded decisions of one person through one agent about one thing that come out alike.
struct ReplayRow {
  Replayed outcome = Replayed::same;
  std::string user, user_name, agent, server;
  Action action = Action::connect;
  std::string subject;                 // scope, tool, prompt or resource
  std::string reason;                  // no_permit, forbidden, approval_pending, …; of cannot_tell: arguments_not_recorded, objects_not_known, issuer_not_recorded
  std::vector<std::string> policies;   // of the candidate, that decided the example
  std::uint64_t count = 0;
  std::string last;                    // time of the last one
  std::string code;                    // of its record: `writ why`
};

struct ReplayReport {
  std::uint64_t records = 0;           // that were read
  std::uint64_t decisions = 0;         // questions that policy had been asked; a record of a token may hold several
  std::uint64_t same = 0, newly_denied = 0, newly_allowed = 0, cannot_tell = 0;   // of these
  std::uint64_t not_decided_by_policy = 0;   // records of decisions that were made before any policy was asked
  std::uint64_t unreadable = 0;        // records that are no JSON, or whose names were too long and are cut
  std::string oldest, newest;          // times of the records
  std::vector<ReplayRow> rows;         // newly denied first, then newly allowed, then the rest; the most frequent first
  std::uint64_t rows_left_out = 0;     // more kinds of rows than are kept

  bool changes() const { return newly_denied + newly_allowed > 0; }
};

class Replay {
 public:
  // The candidate outlives the replay.
  explicit Replay(const CedarPolicy& candidate);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  // Goes on from `next`, and sets it behind what was read. Stops before a record that needs objects which were not given yet, and says of which
  // sequence; absent: all were read. Records in order of time, either way round, need each sequence once.
  std::optional<std::uint64_t> read(std::span<const audit::StoredRecord> records, std::size_t& next);
  // Null: the store has nothing of that time any more.
  void give(std::uint64_t sequence, std::shared_ptr<const registry::Snapshot> objects, std::shared_ptr<const ToolCatalogue> tools);

  ReplayReport report() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace writ::policy::preview
