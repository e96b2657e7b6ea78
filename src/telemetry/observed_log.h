#pragma once

// A decisions log that counts on the way through: decisions, tokens issued and refused, how long records took, and what could not be recorded. It notes
// on the trail of the request who it was and what was decided, and in the record which request it belongs to.

#include <atomic>

#include "audit/decisions_log.h"
#include "telemetry/instruments.h"

namespace writ::telemetry {

class ObservedLog final : public audit::DecisionsLog {
 public:
  // `is_method`: whether this is the name of an MCP method. Clients choose names, and only those that exist become labels.
  // What is passed by reference outlives the object.
  ObservedLog(audit::DecisionsLog& log, Instruments& instruments, bool (*is_method)(std::string_view)) : log_(log), instruments_(instruments), is_method_(is_method) {}

  Task<Result<audit::Committed, Unavailable>> commit(audit::Commit commit) override;
  // Whether the last record could not be committed.
  bool is_failing() const { return failing_.load(std::memory_order_relaxed); }

 private:
  // What is to be counted when the record was committed.
  struct Counts {
    std::array<Counter*, 4> counters{};
    Histogram* histogram = nullptr;
    double seconds = 0;
  };
  Counts counts_of(const audit::Record& record);
  void note(const audit::Record& record) const;

  audit::DecisionsLog& log_;
  Instruments& instruments_;
  bool (*is_method_)(std::string_view);
  std::atomic<bool> failing_{false};
};

}  // namespace writ::telemetry
