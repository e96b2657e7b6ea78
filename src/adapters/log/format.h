#pragma once

// What stands in an audit segment.
//
//   segment  = header, groups, then zeros (room that was made ahead of use) or the end of the file
//   group    = header (64 bytes), claims (32 bytes each), entries, link (32 bytes)
//   entry    = length (4 bytes), text, link (32 bytes)
//
// The chain: every link is the SHA-256 over the link before it and what it stands for:
//   record      SHA-256(previous ‖ "R" ‖ position (8 bytes) ‖ text)
//   checkpoint  SHA-256(previous ‖ "C" ‖ position of the last record (8 bytes) ‖ text)
//   group       SHA-256(previous ‖ "G" ‖ group header ‖ SHA-256(claims))
// All integers are little-endian. docs/reference/audit-log.md tells it to those who write another verifier.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"

namespace writ::log {

using Link = crypto::Sha256;
using LogId = std::array<std::uint8_t, 16>;

inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 200;
inline constexpr std::size_t kGroupHeaderBytes = 64;
inline constexpr std::size_t kClaimBytes = 32;
inline constexpr std::size_t kLinkBytes = 32;
inline constexpr std::size_t kEntryOverheadBytes = 4 + kLinkBytes;
inline constexpr std::size_t kGroupBytesMax = 32 << 20;

struct SegmentHeader {
  std::uint32_t version = kFormatVersion;
  LogId log_id{};
  std::uint64_t number = 1;
  std::uint64_t first_position = 1;
  std::uint64_t first_group = 1;
  Link previous{};                 // the chain's link before the first entry
  std::int64_t created_ms = 0;
  std::uint32_t journal = 1;       // spent journal, and how many claims it held, when the segment began
  std::uint32_t journal_index = 0;
  std::string node;                // at most 63 bytes
};
std::string encode(const SegmentHeader& header);
enum class HeaderProblem { not_a_segment, unknown_version, damaged };
std::string_view to_string(HeaderProblem problem);
std::optional<HeaderProblem> decode(std::string_view bytes, SegmentHeader& header);

struct GroupHeader {
  enum class Kind : std::uint32_t { records = 1, checkpoint = 2 };
  std::uint32_t size = 0;            // of the whole group
  std::uint64_t first_position = 0;  // of the first record; of a checkpoint: the position of the last record before it
  std::uint32_t entries = 0, claims = 0;
  std::uint64_t synced = 0;          // what lay before this offset of the segment was on disk when the group was written
  std::uint32_t journal = 0;         // the claims of this group are the journal's records from `journal_index` on
  Kind kind = Kind::records;
  std::uint64_t journal_index = 0;
  std::int64_t time_ms = 0;
  std::uint64_t number = 0;          // of the group, rising by one
};

Link link_of_entry(const Link& previous, GroupHeader::Kind kind, std::uint64_t position, std::string_view text);
Link link_of_group(const Link& previous, std::string_view header_bytes, std::string_view claims);

// Builds the bytes of one group. `previous` is the chain's link before it; `finish` says the link after it.
class GroupWriter {
 public:
  GroupWriter(GroupHeader header, std::string_view claims, Link previous);
  void add(std::string_view text);           // its position follows from the header and the order
  std::string finish(Link& link) &&;
  std::size_t size() const { return bytes_.size() + kLinkBytes; }

 private:
  GroupHeader header_;
  std::size_t claims_bytes_;
  Link link_;
  std::string bytes_;
};

struct Entry {
  std::uint64_t position;
  std::string_view text;
  Link link;
};
struct Group {
  GroupHeader header;
  std::string_view header_bytes, claims;
  std::vector<Entry> entries;
  Link link{};
};
// The group at the beginning of `bytes`, by its structure alone. Absent when no whole group stands there. Views point into `bytes`.
std::optional<Group> parse_group(std::string_view bytes);
// Whether the closing link follows from the last entry's, header and claims: true for no bytes that came about by accident.
bool closes(const Group& group);
// Index of the first entry whose link does not follow, `entries.size()` when that of the group does not; absent when all is well.
std::optional<std::size_t> first_broken_link(const Group& group, Link previous);

}  // namespace writ::log
