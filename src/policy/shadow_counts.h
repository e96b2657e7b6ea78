#pragma once

// How often what is tried out disagreed with what decided, in the last day: "would have blocked 14 calls by 3 people". Counted from audit records, live
// and, after a start, from those that are there. Safe to share between threads.

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "audit/record.h"
#include "base/clock.h"
#include "encoding/json.h"

namespace writ::policy {

inline constexpr Seconds kShadowWindow{24 * 3600};

// One disagreement, as a record tells it.
struct ShadowSeen {
  bool of_candidate = false;
  std::string policy, version;                  // ids of what would have decided; version of the candidate
  std::string decided, would;                   // allow, hold, deny
  std::string user, user_name, agent, server, subject;   // tool, or scope, or the action
  std::uint64_t position = 0;
  Instant time{};
};
bool has_shadow(const audit::Record& record);
std::vector<ShadowSeen> shadows_in(const audit::Record& record, std::uint64_t position);
// The same from a line as audit::to_json_line writes it.
std::vector<ShadowSeen> shadows_in(const json::Value& line);

class ShadowCounts {
 public:
  void add(const ShadowSeen& seen);

  struct Row {
    ShadowSeen example;                         // the newest; its position makes the code
    std::uint64_t calls = 0;
  };
  struct Total {
    std::uint64_t calls = 0;
    std::size_t people = 0;
  };
  struct Summary {
    std::vector<Row> rows;                      // most calls first
    Total would_block, would_hold, would_allow;
    std::uint64_t not_counted = 0;              // beyond the bound on rows
  };
  // Of the active bundle's @shadow policies and of the candidate of that version; others are history.
  Summary summary(Instant now, const std::set<std::string>& policies, const std::string& candidate_version) const;

 private:
  static constexpr std::size_t kRowsMax = 20'000;
  using Key = std::tuple<bool, std::string, std::string, std::string, std::string, std::string, std::string, std::string>;
  struct Cell {
    ShadowSeen newest;
    std::map<std::int64_t, std::uint64_t> by_hour;
  };
  void drop_old(Instant now);

  mutable std::mutex mutex_;
  std::map<Key, Cell> cells_;
  std::int64_t dropped_at_hour_ = 0;
  std::uint64_t not_counted_ = 0;
};

}  // namespace writ::policy
