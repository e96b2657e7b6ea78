#include "adapters/log/chain_check.h"

#include <algorithm>
#include <charconv>

#include "adapters/log/bytes.h"
#include "audit/record.h"

namespace writ::log {
namespace {

// Checkpoints are signed every ten seconds. A stretch this long without one was not written by Writ.
constexpr std::int64_t kUnsignedMsMax = 60'000;

std::string range(std::uint64_t first, std::uint64_t last) {
  return first == last ? "record " + std::to_string(first) + " is" : "records " + std::to_string(first) + " to " + std::to_string(last) + " are";
}

}  // namespace

std::optional<std::uint64_t> position_of(std::string_view line) {
  constexpr std::string_view kBeginning = "{\"position\":";
  if (!line.starts_with(kBeginning)) return std::nullopt;
  line.remove_prefix(kBeginning.size());
  std::uint64_t position = 0;
  const auto [end, problem] = std::from_chars(line.data(), line.data() + line.size(), position);
  if (problem != std::errc{} || end == line.data() + line.size() || *end != ',' || position == 0) return std::nullopt;
  return position;
}

ChainCheck::ChainCheck(std::string log, std::string node, jose::KeySet keys) : keys_(std::move(keys)) {
  result_.log = std::move(log);
  result_.node = std::move(node);
}

void ChainCheck::begin(std::uint64_t position, const Link& link) {
  next_position_ = position;
  link_ = link;
}
void ChainCheck::break_off() { link_.reset(); }
void ChainCheck::add(std::uint64_t position, std::string sentence) { result_.findings.push_back({position, std::move(sentence)}); }

// Goes on from the link that is stored, so that one change is one finding.
bool ChainCheck::follows(GroupHeader::Kind kind, std::uint64_t position, std::string_view text, const Link& link) {
  const bool good = !link_ || link_of_entry(*link_, kind, position, text) == link;
  link_ = link;
  return good;
}

void ChainCheck::record(std::string_view text, const Link& link) {
  ++result_.records;
  const auto stated = position_of(text);
  const std::uint64_t position = stated.value_or(next_position_);
  const bool expected = position == next_position_;
  const bool follows_on = follows(GroupHeader::Kind::records, position, text, link);
  if (!stated) {
    add(next_position_, "record " + std::to_string(next_position_) + " was changed: it states no position");
  } else if (position > next_position_) {
    add(next_position_, range(next_position_, position - 1) + " missing or moved: record " + std::to_string(position) + " stands in that place");
  } else if (position < next_position_) {
    add(position, "record " + std::to_string(position) + " stands behind record " + std::to_string(next_position_ - 1) + ": it was inserted, doubled or moved");
  } else if (!follows_on && in_step_) {
    add(position, "record " + std::to_string(position) + " was changed, or something before it was removed: its link does not follow");
  }
  in_step_ = expected;
  if (result_.first_position == 0) result_.first_position = position;
  if (position >= next_position_) next_position_ = position + 1;
  result_.last_position = std::max(result_.last_position, position);
  has_unsigned_ = true;
}

void ChainCheck::checkpoint(std::string_view text, const Link& link) {
  const auto before = link_;
  const std::uint64_t position = next_position_ - 1;
  const std::string name = "the checkpoint behind record " + std::to_string(position);
  if (!follows(GroupHeader::Kind::checkpoint, position, text, link)) add(position, name + " was changed, or something before it was removed: its link does not follow");
  const auto statement = verify_statement(text, kCheckpointType, keys_);
  if (!statement) return add(position, name + " is not valid: " + std::string(to_string(statement.error())));
  if (statement->log != result_.log) return add(position, name + " is one of another log");
  if (statement->position != position) return add(position, name + " was signed for a log that ended at record " + std::to_string(statement->position));
  if (before && statement->link != *before) return add(position, name + " was signed for other records: at least one before it was changed, and the chain made anew");
  ++result_.checkpoints;
  result_.signed_to = position;
  result_.signed_at_ms = statement->time_ms;
  has_unsigned_ = false;
  unsigned_since_ms_.reset();
}

void ChainCheck::group(std::string_view header_bytes, const Link& claims_digest, const Link& link) {
  std::string hashed;
  if (link_) {
    hashed += view_of(*link_);
    hashed += 'G';
    hashed += header_bytes;
    hashed += view_of(claims_digest);
    if (crypto::sha256(hashed) != link && in_step_) {
      add(next_position_ - 1, "the group that ends with record " + std::to_string(next_position_ - 1) + " was changed: its link does not follow");
    }
  }
  link_ = link;
  newest_group_ms_ = get<std::int64_t>(header_bytes, 48);
  if (!has_unsigned_) return;
  if (!unsigned_since_ms_) unsigned_since_ms_ = newest_group_ms_;
}

Verification ChainCheck::finish() {
  if (has_unsigned_ && unsigned_since_ms_) {
    const std::string which = range(result_.signed_to + 1, next_position_ - 1);
    if (newest_group_ms_ - *unsigned_since_ms_ > kUnsignedMsMax) {
      add(result_.signed_to + 1, which + " covered by no signed checkpoint, although more than a minute lies between the first and the last of them");
    } else {
      result_.notes.push_back(which + " newer than the last signed checkpoint");
    }
  }
  return std::move(result_);
}

}  // namespace writ::log
