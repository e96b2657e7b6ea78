#pragma once

// Where in a segment which records stand: one entry for some 64 KB of whole groups, with a Bloom filter over the values that queries ask for.
// Kept in memory for the segment being written, in a file beside each closed one; it can be made again from the segment.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/log/format.h"
#include "audit/decisions_log.h"

namespace writ::log {

struct Block {
  std::uint64_t offset = 0, first_position = 0;
  std::int64_t time_min = 0, time_max = 0;   // of the groups: when they were written
  std::uint32_t events = 0;                  // a bit for each kind of event
  std::array<std::uint64_t, 64> filter{};
};

// A query as it is compared with lines and filters: its values are escaped and cut as those in the lines are.
class Search {
 public:
  explicit Search(const audit::Query& query);
  bool may_be_in(const Block& block) const;
  bool may_have_event(std::uint32_t events) const { return event_bit_ == 0 || (events & event_bit_) != 0; }
  bool matches(std::string_view line) const;

 private:
  struct Wanted {
    std::string_view name;       // of the member
    std::string_view or_name;    // or of this one
    std::string value;
  };
  std::vector<Wanted> wanted_;
  std::string text_, since_, until_;
  std::uint32_t event_bit_ = 0;
};

struct SegmentIndex {
  std::uint64_t end = 0;              // behind the last group
  std::uint64_t last_position = 0;    // 0: no record
  std::uint32_t events = 0;
  std::vector<Block> blocks;

  void add(const Group& group, std::uint64_t offset);
  std::string encode(const SegmentHeader& header) const;
  // Absent when it is damaged, or not of this segment.
  static std::optional<SegmentIndex> decode(std::string_view bytes, const SegmentHeader& header);
};

}  // namespace writ::log
