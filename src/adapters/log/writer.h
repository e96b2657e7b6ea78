#pragma once

// The one thread that writes.

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/log/append_only_log.h"
#include "adapters/log/background_sync.h"
#include "adapters/log/commit_queue.h"
#include "adapters/log/recovery.h"
#include "adapters/log/segments.h"
#include "adapters/log/spent_journal.h"

namespace writ::log {

class Writer {
 public:
  Writer(const Options& options, const Clock& clock, RecoveredSegment segment, std::unique_ptr<SpentJournal> journal, SpentIndex& spent, Segments& segments);
  ~Writer();   // writes what is queued

  // Before `start`: claims that were spent elsewhere, a signed checkpoint when the chain has none at its end, and old segments removed.
  Result<void, IoError> prepare();
  void start();
  // False when the log refuses or too much is in flight: then nothing happened to it.
  bool offer(Pending& pending) { return queue_->offer(pending); }
  std::uint64_t newest_on_disk() const { return newest_on_disk_.load(std::memory_order_acquire); }   // a position; from any thread

 private:
  using Slice = std::span<Pending>;
  void run();
  void write(Slice batch);
  Result<void, IoError> begin_group(std::size_t claims);              // rolls what is full, makes room for claims
  Result<void, IoError> make_room(std::size_t bytes);
  Result<void, IoError> write_group(GroupHeader::Kind kind, std::uint64_t first_position, std::string_view claims, const std::vector<std::string>& texts);
  Result<void, IoError> sync();
  void start_background_sync();
  Result<void, IoError> finish_background_sync(bool wait);
  Result<void, IoError> checkpoint();
  Result<void, IoError> roll();
  Result<void, IoError> remove_old_segments();
  Result<void, IoError> note(std::string reason, std::vector<std::pair<std::string, std::string>> more, std::string_view claims = {});
  void refuse(const IoError& error);
  void refuse_for_now(Slice batch, const IoError& error);
  bool has_unsynced() const { return on_disk_ < end_; }
  void note_on_disk(std::uint64_t position);
  std::uint32_t forgotten_before() const { return forgotten_before_seconds(clock_.now()); }

  const Options& options_;
  const Clock& clock_;
  Files& files_;
  SpentIndex& spent_;
  Segments& segments_;
  std::unique_ptr<SpentJournal> journal_;

  SegmentHeader header_;
  std::unique_ptr<File> file_;
  Link link_{};
  std::uint64_t next_position_, next_group_;
  std::uint64_t end_, on_disk_, room_end_;
  std::uint64_t syncing_to_ = 0;       // what the background sync makes durable
  std::uint64_t syncing_position_ = 0; // up to which record
  std::atomic<std::uint64_t> newest_on_disk_;
  bool closed_ = false;                // the segment ends in its checkpoint; only the next one is missing
  bool needs_checkpoint_;
  std::chrono::steady_clock::time_point unsynced_since_{}, last_checkpoint_ = std::chrono::steady_clock::now();
  bool full_ = false;                  // the last attempt found no space
  bool broken_ = false;

  const std::shared_ptr<CommitQueue> queue_;
  BackgroundSync background_;          // behind `file_`: it ends first
  std::thread thread_;
};

}  // namespace writ::log
