#include "adapters/log/segment_index.h"

#include <algorithm>
#include <limits>

#include "adapters/log/bytes.h"
#include "adapters/log/record_line.h"

namespace writ::log {
namespace {

constexpr std::uint64_t kBlockBytes = 64 << 10;
constexpr std::string_view kMagic = "WRITIDX1";
constexpr std::size_t kEncodedBlockBytes = 36 + 64 * 8;

// What queries ask for. Users are found by id and by name.
constexpr std::array<std::string_view, 7> kIndexed = {"user", "user_name", "agent", "server", "tool", "id_jag_jti", "access_token_jti"};

bool is_indexed(std::string_view name) { return std::find(kIndexed.begin(), kIndexed.end(), name) != kIndexed.end(); }

std::uint64_t hash_of(std::string_view name, std::string_view value) {
  std::uint64_t hash = 0xCBF29CE484222325U;   // FNV-1a, then mixed
  for (const std::string_view part : {name, value}) {
    for (const char byte : part) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
    hash = (hash ^ 0xFF) * 0x100000001B3U;
  }
  hash ^= hash >> 32;
  hash *= 0xD6E8FEB86659FD93U;
  return hash ^ (hash >> 32);
}

constexpr int kProbes = 4;
constexpr std::uint64_t bit_of(std::uint64_t hash, int probe) { return (hash >> (probe * 12)) & 4095; }

void add_to(Block& block, std::uint64_t hash) {
  for (int probe = 0; probe < kProbes; ++probe) block.filter[bit_of(hash, probe) / 64] |= std::uint64_t{1} << (bit_of(hash, probe) % 64);
}
bool may_contain(const Block& block, std::uint64_t hash) {
  for (int probe = 0; probe < kProbes; ++probe) {
    if ((block.filter[bit_of(hash, probe) / 64] & (std::uint64_t{1} << (bit_of(hash, probe) % 64))) == 0) return false;
  }
  return true;
}

// Two kinds of event may share a bit: then a block is looked at in vain.
std::uint32_t bit_of_event(std::string_view name) { return std::uint32_t{1} << (hash_of("event", name) % 32); }

// As the value stands in a line: written by the same function that writes records.
std::string as_written(const std::string& value) {
  audit::Record record;
  record.user = value;
  std::string written;
  const std::string line = audit::to_json_line(record, 0, "");
  for_each_member(line, [&](std::string_view name, std::string_view text) {
    if (name == "user") written = text;
  });
  return written;
}

}  // namespace

Search::Search(const audit::Query& query) {
  const auto want = [&](std::string_view name, const std::string& value, std::string_view or_name = {}) {
    if (!value.empty()) wanted_.push_back({name, or_name, as_written(value)});
  };
  want("user", query.user, "user_name");
  want("agent", query.agent);
  want("server", query.server);
  want("tool", query.tool);
  want("effect", query.effect);
  want("event", query.event);
  want("id_jag_jti", query.id_jag_jti);
  want("access_token_jti", query.access_token_jti);
  text_ = query.text;
  if (query.since) since_ = audit::to_iso8601(*query.since);
  if (query.until) until_ = audit::to_iso8601(*query.until);
  if (!query.event.empty()) event_bit_ = bit_of_event(query.event);
}

bool Search::may_be_in(const Block& block) const {
  if (!may_have_event(block.events)) return false;
  return std::all_of(wanted_.begin(), wanted_.end(), [&](const Wanted& wanted) {
    return !is_indexed(wanted.name) || may_contain(block, hash_of(wanted.name, wanted.value)) || (!wanted.or_name.empty() && may_contain(block, hash_of(wanted.or_name, wanted.value)));
  });
}

bool Search::matches(std::string_view line) const {
  if (!text_.empty() && line.find(text_) == std::string_view::npos) return false;
  if (wanted_.empty() && since_.empty() && until_.empty()) return true;
  std::string_view effect = "none", time;
  std::uint64_t found = 0;
  for_each_member(line, [&](std::string_view name, std::string_view value) {
    if (name == "time" && time.empty()) time = value;   // what a record adds to its members comes last and takes no member's place
    if (name == "effect" && effect == "none") effect = value;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if ((name == wanted_[i].name || name == wanted_[i].or_name) && value == wanted_[i].value) found |= std::uint64_t{1} << i;
    }
  });
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (wanted_[i].name == "effect" && wanted_[i].value == effect) found |= std::uint64_t{1} << i;   // "none" is not written
  }
  // Times of one form and length: their order as text is their order.
  return found == (std::uint64_t{1} << wanted_.size()) - 1 && (since_.empty() || time >= since_) && (until_.empty() || time < until_);
}

void SegmentIndex::add(const Group& group, std::uint64_t offset) {
  end = offset + group.header.size;
  if (group.header.kind != GroupHeader::Kind::records) return;
  if (blocks.empty() || offset - blocks.back().offset >= kBlockBytes) {
    Block block;
    block.offset = offset;
    block.first_position = group.header.first_position;
    block.time_min = std::numeric_limits<std::int64_t>::max();
    block.time_max = std::numeric_limits<std::int64_t>::min();
    blocks.push_back(block);
  }
  Block& block = blocks.back();
  block.time_min = std::min(block.time_min, group.header.time_ms);
  block.time_max = std::max(block.time_max, group.header.time_ms);
  for (const Entry& entry : group.entries) {
    last_position = entry.position;
    for_each_member(entry.text, [&](std::string_view name, std::string_view value) {
      if (name == "event") {
        block.events |= bit_of_event(value);
      } else if (is_indexed(name)) {
        add_to(block, hash_of(name, value));
      }
    });
  }
  events |= block.events;
}

std::string SegmentIndex::encode(const SegmentHeader& header) const {
  std::string out(kMagic);
  out.reserve(80 + blocks.size() * kEncodedBlockBytes);
  put(out, kFormatVersion);
  put(out, events);
  out += view_of(header.log_id);
  put(out, header.number);
  put(out, end);
  put(out, last_position);
  put(out, static_cast<std::uint64_t>(blocks.size()));
  for (const Block& block : blocks) {
    put(out, block.offset);
    put(out, block.first_position);
    put(out, block.time_min);
    put(out, block.time_max);
    put(out, block.events);
    for (const std::uint64_t word : block.filter) put(out, word);
  }
  return out += crypto::sha256_bytes(out);
}

std::optional<SegmentIndex> SegmentIndex::decode(std::string_view bytes, const SegmentHeader& header) {
  constexpr std::size_t kHeaderBytes = 64;
  if (bytes.size() < kHeaderBytes + kLinkBytes || !bytes.starts_with(kMagic) || get<std::uint32_t>(bytes, 8) != kFormatVersion) return std::nullopt;
  const std::string_view hashed = bytes.substr(0, bytes.size() - kLinkBytes);
  if (crypto::sha256_bytes(hashed) != bytes.substr(hashed.size())) return std::nullopt;
  if (bytes.substr(16, header.log_id.size()) != view_of(header.log_id) || get<std::uint64_t>(bytes, 32) != header.number) return std::nullopt;
  SegmentIndex index;
  index.events = get<std::uint32_t>(bytes, 12);
  index.end = get<std::uint64_t>(bytes, 40);
  index.last_position = get<std::uint64_t>(bytes, 48);
  const auto count = get<std::uint64_t>(bytes, 56);
  if (hashed.size() != kHeaderBytes + count * kEncodedBlockBytes) return std::nullopt;
  for (std::size_t at = kHeaderBytes; at < hashed.size(); at += kEncodedBlockBytes) {
    Block block;
    block.offset = get<std::uint64_t>(bytes, at);
    block.first_position = get<std::uint64_t>(bytes, at + 8);
    block.time_min = get<std::int64_t>(bytes, at + 16);
    block.time_max = get<std::int64_t>(bytes, at + 24);
    block.events = get<std::uint32_t>(bytes, at + 32);
    for (std::size_t word = 0; word < block.filter.size(); ++word) block.filter[word] = get<std::uint64_t>(bytes, at + 36 + word * 8);
    index.blocks.push_back(block);
  }
  return index;
}

}  // namespace writ::log
