#pragma once

// The decisions log of our own: append-only audit segments with a hash chain, and the spent journal beside them (rules §6.3).
//
// One thread writes. It takes whatever has gathered while the last sync ran as one group: one write, and one sync when the group holds a
// commit that must survive power loss; others are answered after the write and synced within 50 ms. Claims are reserved in memory first, so
// that a concurrent duplicate is known at once.
//
// A write or sync that fails is never tried again on the same file: the log refuses everything until the process is started anew, and says
// so. A full disk is found out before anything of a group is written, while room is made ahead of use: then nothing was used up, and the log
// serves again as soon as there is space.
//
// Another thread reads. Reading never holds up writing.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/log/files.h"
#include "adapters/log/spent_index.h"
#include "audit/decisions_log.h"
#include "base/clock.h"
#include "jose/jwt.h"

namespace writ::log {

struct Options {
  std::string directory;            // segments, keys and checkpoints; the spent journal in `spent` below it. Made when absent.
  std::string node;                 // names this process in every record
  std::uint32_t number = 0;         // of a node among several: stands in the names of its records (audit/record_name.h)
  jose::SigningKey key;             // signs checkpoints: ES256
  std::shared_ptr<Files> files = system_files();

  std::uint64_t segment_bytes = 64 << 20, journal_bytes = 64 << 20;
  std::uint64_t room_bytes = 1 << 20;              // made ahead of use: a sync of bytes that had their place before is much faster
  Milliseconds sync_within{50};                    // rules §6.1
  Milliseconds checkpoint_every{10'000};
  Seconds keep{0};                                 // segments whose newest record is older are removed; 0: never
  std::size_t queue_max = 20'000;                  // commits in flight; beyond it they are refused

  // For a log that is begun: where positions start, and claims that were spent elsewhere before.
  std::uint64_t first_position = 1;
  std::vector<SpentClaim> spent_before;

  // Told, on the log's threads, how long it took: a batch of records with the sync that it needed, and each sync. May be empty.
  std::function<void(std::size_t records, std::chrono::steady_clock::duration)> on_batch{};
  std::function<void(std::chrono::steady_clock::duration)> on_sync{};
  // Told, on the writer's thread, whenever more records are on disk. May be empty.
  std::function<void()> on_disk{};
  // Asked before segments are removed: the first position that somebody still needs. Empty: `keep` alone decides.
  std::function<std::uint64_t()> needed_from{};

  enum class Level { info, warning, error };
  std::function<void(Level, const std::string&)> notice = [](Level, const std::string&) {};   // for the operator's log; from any thread
};

// Safe to share between threads.
class AppendOnlyLog final : public audit::DecisionsLog, public audit::AuditReader {
 public:
  // `clock` outlives the log. The error is a sentence that names what is damaged or in the way.
  static Result<std::unique_ptr<AppendOnlyLog>, std::string> open(Options options, const Clock& clock);
  ~AppendOnlyLog() override;   // commits what is queued, signs a last checkpoint

  Task<Result<audit::Committed, Unavailable>> commit(audit::Commit commit) override;
  Task<Result<std::vector<audit::StoredRecord>, Unavailable>> query(audit::Query query) override;
  Task<Result<std::optional<audit::StoredRecord>, Unavailable>> at(std::uint64_t position) override;

  const std::string& id() const;               // of the log, hexadecimal
  std::uint64_t first_position() const;        // of the oldest record that is there, or will be
  std::uint64_t newest_on_disk() const;        // position of the newest record that survives a power loss
  // What comes behind `after`, oldest first, also what is not on disk yet. Waits: not for an event loop.
  Result<std::vector<audit::StoredRecord>, std::string> read_on(std::uint64_t after, std::size_t limit);
  static bool is_there(Files& files, const std::string& directory);

 private:
  struct State;
  explicit AppendOnlyLog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace writ::log
