#pragma once

// The decisions log in memory, for tests and `writ demo`: nothing survives the process. Keeps the newest records up to a bound.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "audit/decisions_log.h"

namespace writ::memory {

// Safe to share between threads.
class MemoryDecisionsLog final : public audit::DecisionsLog, public audit::AuditReader {
 public:
  explicit MemoryDecisionsLog(std::string node = "memory", std::size_t records_max = 100'000);

  Task<Result<audit::Committed, Unavailable>> commit(audit::Commit commit) override;
  Task<Result<std::vector<audit::StoredRecord>, Unavailable>> query(audit::Query query) override;
  Task<Result<std::optional<audit::StoredRecord>, Unavailable>> at(std::uint64_t position) override;

  // For tests: the records as they were committed, oldest first; and a store that fails from now on.
  std::vector<audit::Record> records() const;
  void fail_from_now_on(bool failing);

 private:
  struct Kept {
    std::uint64_t position;
    audit::Record record;
  };
  mutable std::mutex mutex_;
  std::string node_;
  std::size_t records_max_;
  std::deque<Kept> records_;
  std::map<std::array<std::uint8_t, 24>, Instant> claims_;
  std::uint64_t next_position_ = 1;
  bool failing_ = false;
};

}  // namespace writ::memory
