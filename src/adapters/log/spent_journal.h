#pragma once

// The spent claims on disk, apart from the audit segments, so that deleting those never makes a claim free again.
//
//   journal N    header (64 bytes), then records of 32 bytes: key (24), forget-after in seconds (4), CRC-32 over both and its place (4)
//   snapshot N   what was spent before journal N began, without what may be forgotten: header, records, SHA-256
//
// The claims of a group stand in the group too, and are on disk with it: a journal that a crash left behind is completed from the newest
// audit segment. It is synced before a segment or a journal is closed, so nothing older is ever needed.
//
// Reading at start: the newest valid snapshot and one journal (two, when the process died while a snapshot was being made).

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "adapters/log/files.h"
#include "adapters/log/format.h"
#include "adapters/log/spent_index.h"

namespace writ::log {

struct JournalOptions {
  std::shared_ptr<Files> files;
  std::string directory;
  std::uint64_t roll_bytes = 64 << 20;
  std::uint64_t room_bytes = 256 << 10;   // made ahead of use
};

// Claims as they stand in a group and, with another checksum at the end, in the journal.
std::string encode_claim(const SpentClaim& claim);
std::string journal_path(const std::string& directory, std::uint32_t number);
// Where in a journal the record with this index begins.
std::uint64_t journal_offset(std::uint64_t index);

// One thread.
class SpentJournal {
 public:
  // Makes the first journal of a new log.
  static Result<void, IoError> create(const JournalOptions& options, const LogId& id);
  // Reads everything into `index`. `forgotten_before` as in SpentIndex. The error is a sentence that names what is damaged.
  static Result<std::unique_ptr<SpentJournal>, IoError> open(JournalOptions options, const LogId& id, SpentIndex& index, std::uint32_t forgotten_before);
  // True when the folder holds nothing, or a first journal without a claim.
  static Result<bool, IoError> is_fresh(const JournalOptions& options);
  ~SpentJournal();

  std::uint32_t number() const { return number_; }
  std::uint32_t count() const { return count_; }
  // How many records of the newest journal are undamaged from its beginning on: fewer than `count` after a power loss.
  std::uint32_t sound() const { return sound_; }

  // Start-up: the group with these claims says they stand from `index` of journal `number` on. Writes what is missing.
  // The error names damage that no crash explains.
  Result<void, IoError> reconcile(std::uint32_t number, std::uint64_t at, std::string_view claims, SpentIndex& index, std::uint32_t forgotten_before);
  // After the last group: whatever lies behind it and is sound stays spent. How many these are.
  Result<std::uint32_t, IoError> finish_reconciling();

  // Room for so many more claims: an error without space leaves everything as it was.
  Result<void, IoError> make_room(std::size_t claims);
  Result<void, IoError> append(std::string_view claims);   // claims as in a group
  Result<void, IoError> sync();
  // Begins the next journal when this one is large, and makes the snapshot on a thread of its own. False: it is not time.
  Result<bool, IoError> roll_when_full(std::uint32_t forgotten_before);
  bool is_full() const;
  void wait_for_snapshot();
  void on_notice(std::function<void(const std::string&)> callback) { notice_ = std::move(callback); }

 private:
  SpentJournal() = default;
  std::string path(std::uint32_t number, const char* suffix) const;
  Result<void, IoError> load(SpentIndex& index, std::uint32_t forgotten_before);
  Result<void, IoError> make_snapshot(std::uint32_t number, std::uint32_t forgotten_before) const;

  JournalOptions options_;
  LogId id_{};
  std::unique_ptr<File> file_;
  std::uint32_t number_ = 1, count_ = 0, sound_ = 0;
  std::uint32_t reconciled_ = 0;      // records of the newest journal that a group has confirmed
  std::uint64_t room_end_ = 0;        // the file is zeros up to here
  std::uint32_t synced_ = 0;
  std::thread snapshot_thread_;
  std::function<void(const std::string&)> notice_;
};

}  // namespace writ::log
