#pragma once

// Which record: the node that wrote it and its position in that node's log, in one number. A process that is alone has the number 0, so there a
// record's name is its position; with several nodes 0 stands for the trail of all of them, in the order in which it came together.

#include <cstdint>

namespace writ::audit {

inline constexpr std::uint32_t kNodeNumberMax = 1023;   // 10 bits, as in a denial code
inline constexpr int kPositionBits = 54;

constexpr std::uint64_t record_name(std::uint32_t node, std::uint64_t position) { return (std::uint64_t{node} << kPositionBits) | position; }
constexpr std::uint64_t position_of(std::uint64_t name) { return name & ((std::uint64_t{1} << kPositionBits) - 1); }
constexpr std::uint32_t node_of(std::uint64_t name) { return static_cast<std::uint32_t>(name >> kPositionBits); }

}  // namespace writ::audit
