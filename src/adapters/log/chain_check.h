#pragma once

// Follows a chain entry by entry and names what does not follow: the same rules for segments on disk and for an exported file.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/log/checkpoint.h"
#include "adapters/log/format.h"

namespace writ::log {

struct Finding {
  std::uint64_t position = 0;   // of the record it is about, or the one it stands before
  std::string sentence;
};

struct Verification {
  std::vector<Finding> findings;        // empty: the chain is whole
  std::vector<std::string> notes;       // what is no fault, but worth knowing
  std::string log, node;
  std::uint64_t records = 0, checkpoints = 0;
  std::uint64_t first_position = 0, last_position = 0;   // 0: no record
  std::uint64_t signed_to = 0;          // position of the last record that a valid checkpoint covers
  std::int64_t signed_at_ms = 0;
  bool good() const { return findings.empty(); }
};

class ChainCheck {
 public:
  ChainCheck(std::string log, std::string node, jose::KeySet keys);
  // Where the chain begins: the link before the record with this position.
  void begin(std::uint64_t position, const Link& link);
  // Entries and groups could not be read up to here: what follows begins a chain of its own.
  void break_off();
  void record(std::string_view text, const Link& link);
  void checkpoint(std::string_view text, const Link& link);
  void group(std::string_view header_bytes, const Link& claims_digest, const Link& link);
  void add(std::uint64_t position, std::string sentence);
  std::uint64_t next_position() const { return next_position_; }
  const std::optional<Link>& link() const { return link_; }
  Verification finish();

 private:
  bool follows(GroupHeader::Kind kind, std::uint64_t position, std::string_view text, const Link& link);

  Verification result_;
  jose::KeySet keys_;
  std::optional<Link> link_;             // absent: unknown after damage
  std::uint64_t next_position_ = 1;
  bool in_step_ = true;                  // the last record stood where it should
  std::optional<std::int64_t> unsigned_since_ms_;
  std::int64_t newest_group_ms_ = 0;
  bool has_unsigned_ = false;
};

// The position that a record's line states.
std::optional<std::uint64_t> position_of(std::string_view line);

}  // namespace writ::log
