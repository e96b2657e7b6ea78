#include "adapters/log/verify.h"

#include <algorithm>
#include <cstdio>

#include "adapters/log/bytes.h"
#include "adapters/log/segments.h"

namespace writ::log {
namespace {

bool is_zeros(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

// Offset of the next whole group behind `from`, or npos.
std::size_t next_group(std::string_view bytes, std::size_t from) {
  for (std::size_t at = bytes.find("WGRP", from); at != std::string_view::npos; at = bytes.find("WGRP", at + 1)) {
    const auto group = parse_group(bytes.substr(at));
    if (group && closes(*group)) return at;
  }
  return std::string_view::npos;
}

bool has(const std::vector<std::string>& names, const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); }

Result<std::string, std::string> read_text(Files& files, const std::string& path) {
  auto text = read_whole(files, path);
  if (!text) return unexpected(text.error().detail);
  while (text->ends_with('\n')) text->pop_back();
  return std::move(*text);
}

Result<jose::KeySet, std::string> keys_of(Files& files, const std::string& directory) {
  const std::string text = TRY(read_text(files, directory + "/" + kPublicKeys));
  const auto keys = jose::KeySet::parse(text);
  if (!keys) return unexpected("`" + directory + "/" + kPublicKeys + "` is no JWK set");
  return *keys;
}

// The claims that groups name, compared with the spent journals that are still there.
class JournalCheck {
 public:
  JournalCheck(Files& files, std::string directory) : files_(files), directory_(std::move(directory)) {}
  bool agrees(const Group& group) {
    if (group.claims.empty()) return true;
    if (group.header.journal != number_) {
      number_ = group.header.journal;
      char name[32];
      std::snprintf(name, sizeof name, "/%010u.journal", number_);
      auto read = read_whole(files_, directory_ + name);
      present_ = read.has_value();
      bytes_ = read ? std::move(*read) : std::string();
    }
    if (!present_) return true;   // a snapshot took its place
    const std::size_t at = 64 + group.header.journal_index * kClaimBytes;
    for (std::size_t i = 0; i < group.claims.size(); i += kClaimBytes) {
      if (at + i + 28 > bytes_.size() || std::string_view(bytes_).substr(at + i, 28) != group.claims.substr(i, 28)) return false;
    }
    return true;
  }
  std::uint32_t number() const { return number_; }

 private:
  Files& files_;
  std::string directory_;
  std::uint32_t number_ = 0;
  bool present_ = false;
  std::string bytes_;
};

class DirectoryCheck {
 public:
  DirectoryCheck(Files& files, const std::string& directory, ChainCheck& chain) : directory_(directory), chain_(chain), journal_(files, directory + "/spent") {}

  void segment(const std::string& bytes, std::uint64_t number, bool newest) {
    const std::string path = segment_path(directory_, number);
    SegmentHeader header;
    if (const auto problem = decode(bytes, header)) {
      chain_.add(chain_.next_position(), "`" + path + "` cannot be read: " + std::string(to_string(*problem)));
      chain_.break_off();
      return;
    }
    if (chain_.link() && (*chain_.link() != header.previous || header.first_position != chain_.next_position())) {
      chain_.add(chain_.next_position(), "`" + path + "` does not continue the segment before it: records were removed from the end of that, or it is one of another log");
      chain_.begin(header.first_position, header.previous);
    }
    std::size_t at = kSegmentHeaderBytes;
    while (at < bytes.size()) {
      const auto group = parse_group(std::string_view(bytes).substr(at));
      if (group) {
        add(*group);
        at += group->header.size;
        continue;
      }
      if (is_zeros(std::string_view(bytes).substr(at))) return;
      const std::size_t next = next_group(bytes, at + 1);
      if (next == std::string_view::npos && newest) {
        notes_.push_back(std::to_string(bytes.find_last_not_of('\0') + 1 - at) + " bytes of an unfinished group stand at the end: it is being written, or a crash cut it");
        return;
      }
      chain_.add(chain_.next_position(), "record " + std::to_string(chain_.next_position()) + " and perhaps more cannot be read: `" + path + "` is damaged at byte " + std::to_string(at));
      chain_.break_off();
      if (next == std::string_view::npos) return;
      at = next;
    }
  }
  std::vector<std::string>& notes() { return notes_; }

 private:
  void add(const Group& group) {
    for (const Entry& entry : group.entries) {
      if (group.header.kind == GroupHeader::Kind::checkpoint) chain_.checkpoint(entry.text, entry.link);
      else chain_.record(entry.text, entry.link);
    }
    chain_.group(group.header_bytes, crypto::sha256(group.claims), group.link);
    if (!journal_.agrees(group)) {
      chain_.add(group.header.first_position, "the spent journal " + std::to_string(journal_.number()) + " does not hold the claims of the group that begins with record " +
                                                  std::to_string(group.header.first_position));
    }
  }

  const std::string& directory_;
  ChainCheck& chain_;
  JournalCheck journal_;
  std::vector<std::string> notes_;
};

// Where the chain may begin: at the first segment, or where a signed hand-over says.
void check_beginning(const SegmentHeader& header, const std::optional<std::string>& hand_over, const jose::KeySet& keys, const std::string& log, ChainCheck& chain) {
  if (header.number == 1) return;
  if (!hand_over) return chain.add(header.first_position, "the segments before record " + std::to_string(header.first_position) + " are missing, and no signed hand-over says that they were removed");
  const auto statement = verify_statement(*hand_over, kHandOverType, keys);
  if (!statement) return chain.add(header.first_position, "the hand-over is not valid: " + std::string(to_string(statement.error())));
  // Removal that a crash cut short leaves segments from before: they are whole, or the chain says otherwise.
  const bool agrees = statement->log == log && (header.number < statement->segment || (header.number == statement->segment && header.first_position == statement->position && header.previous == statement->link));
  if (!agrees) chain.add(header.first_position, "the chain begins at record " + std::to_string(header.first_position) + ", but the signed hand-over says record " + std::to_string(statement->position));
}

std::string field(std::string_view line, std::string_view name, std::size_t hex_bytes) {
  const std::string beginning = ",\"" + std::string(name) + "\":\"";
  const std::size_t size = beginning.size() + hex_bytes * 2 + 2;
  if (line.size() < size || line.substr(line.size() - size, beginning.size()) != beginning || !line.ends_with("\"}")) return {};
  return std::string(line.substr(line.size() - 2 - hex_bytes * 2, hex_bytes * 2));
}

std::optional<std::string> bytes_of_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::optional<Link> link_of(std::string_view hex) {
  const auto bytes = bytes_of_hex(hex);
  if (!bytes || bytes->size() != kLinkBytes) return std::nullopt;
  return array_at<Link>(*bytes, 0);
}

void check_line(ChainCheck& chain, std::string_view line, std::size_t number) {
  constexpr std::string_view kRecord = "{\"record\":", kCheckpoint = "{\"checkpoint\":\"", kGroup = "{\"group\":\"";
  const auto link = link_of(field(line, "link", kLinkBytes));
  const auto spoilt = [&] {
    chain.add(chain.next_position(), "line " + std::to_string(number) + ", before record " + std::to_string(chain.next_position()) + ", is no line of an export: it was changed");
    chain.break_off();
  };
  if (!link) return spoilt();
  const std::string_view content = line.substr(0, line.size() - (std::string_view(",\"link\":\"\"}").size() + kLinkBytes * 2));
  if (content.starts_with(kRecord)) return chain.record(content.substr(kRecord.size()), *link);
  if (content.starts_with(kCheckpoint) && content.ends_with('"')) {
    return chain.checkpoint(content.substr(kCheckpoint.size(), content.size() - kCheckpoint.size() - 1), *link);
  }
  constexpr std::string_view kClaims = "\",\"claims\":\"";
  if (!content.starts_with(kGroup) || content.size() != kGroup.size() + kGroupHeaderBytes * 2 + kClaims.size() + kLinkBytes * 2 + 1) return spoilt();
  const auto header = bytes_of_hex(content.substr(kGroup.size(), kGroupHeaderBytes * 2));
  const auto claims = link_of(content.substr(kGroup.size() + kGroupHeaderBytes * 2 + kClaims.size(), kLinkBytes * 2));
  if (!header || !claims) return spoilt();
  chain.group(*header, *claims, *link);
}

}  // namespace

Result<Verification, std::string> verify_directory(Files& files, const std::string& directory, std::optional<jose::KeySet> keys, std::size_t segments_max) {
  auto names = files.list(directory);
  if (!names) return unexpected(names.error().detail);
  // First what says how far the log goes: a server may be writing.
  const auto newest_checkpoint = has(*names, kNewestCheckpoint) ? std::optional(TRY(read_text(files, directory + "/" + kNewestCheckpoint))) : std::nullopt;
  const auto hand_over = has(*names, kHandOver) ? std::optional(TRY(read_text(files, directory + "/" + kHandOver))) : std::nullopt;
  if (!keys) keys = TRY(keys_of(files, directory));
  auto numbers = list_segments(files, directory);
  if (!numbers) return unexpected(numbers.error().detail);
  if (numbers->empty()) return unexpected("`" + directory + "` holds no audit segment");
  const bool from_the_middle = segments_max > 0 && numbers->size() > segments_max;
  if (from_the_middle) numbers->erase(numbers->begin(), numbers->end() - static_cast<std::ptrdiff_t>(segments_max));

  std::optional<ChainCheck> chain;
  std::optional<DirectoryCheck> check;
  std::uint64_t expected = numbers->front();
  std::string log;
  for (const std::uint64_t number : *numbers) {
    auto bytes = read_whole(files, segment_path(directory, number));
    if (!bytes) return unexpected(bytes.error().detail);
    SegmentHeader header;
    if (!chain) {
      if (const auto problem = decode(*bytes, header)) return unexpected("`" + segment_path(directory, number) + "`: " + std::string(to_string(*problem)));
      log = to_hex(view_of(header.log_id));
      chain.emplace(log, header.node, *keys);
      check.emplace(files, directory, *chain);
      chain->begin(header.first_position, header.previous);
      if (!from_the_middle) check_beginning(header, hand_over, *keys, log, *chain);
    }
    for (; expected < number; ++expected) {
      chain->add(chain->next_position(), "the audit segment `" + segment_path(directory, expected) + "` is missing, with the records from " + std::to_string(chain->next_position()) + " on");
      chain->break_off();
    }
    ++expected;
    check->segment(*bytes, number, number == numbers->back());
  }
  const std::uint64_t next = chain->next_position();
  if (newest_checkpoint) {
    const auto statement = verify_statement(*newest_checkpoint, kCheckpointType, *keys);
    if (!statement) {
      chain->add(next, "`" + directory + "/" + kNewestCheckpoint + "` is not valid: " + std::string(to_string(statement.error())));
    } else if (statement->position >= next) {
      chain->add(next, "records " + std::to_string(next) + " to " + std::to_string(statement->position) + " are missing at the end: a signed checkpoint says that the log held them");
    }
  }
  Verification result = chain->finish();
  result.notes.insert(result.notes.end(), check->notes().begin(), check->notes().end());
  return result;
}

Result<Verification, std::string> verify_export(std::string_view text, std::optional<jose::KeySet> keys) {
  const std::size_t first_end = std::min(text.find('\n'), text.size());
  const auto head = json::parse(text.substr(0, first_end));
  const auto* version = head ? head->find_int("writ_audit_export") : nullptr;
  if (!version) return unexpected(std::string("this is no exported audit trail: its first line must say {\"writ_audit_export\":1,…}"));
  if (*version != 1) return unexpected(std::string("the export was written by a newer version of Writ, in a format that this one cannot read"));
  const auto* log = head->find_string("log");
  const auto* node = head->find_string("node");
  const auto* position = head->find_int("first_position");
  const auto* link_text = head->find_string("link");
  const auto link = link_text ? link_of(*link_text) : std::nullopt;
  if (!keys) {
    const auto* carried = head->find("keys");
    keys = carried ? jose::KeySet::from_json(*carried) : std::nullopt;
  }
  if (!log || !node || !position || *position < 1 || !link || !keys) return unexpected(std::string("the first line of the export was changed: members are missing"));
  ChainCheck chain(*log, *node, *keys);
  chain.begin(static_cast<std::uint64_t>(*position), *link);
  std::size_t number = 1;
  for (std::size_t at = first_end + 1; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    check_line(chain, text.substr(at, end - at), ++number);
    at = end + 1;
  }
  return chain.finish();
}

Result<void, std::string> export_chain(Files& files, const std::string& directory, std::uint64_t after_position, const std::function<void(std::string_view)>& line) {
  const auto keys = TRY(keys_of(files, directory));
  const auto numbers = list_segments(files, directory);
  if (!numbers) return unexpected(numbers.error().detail);
  bool begun = false;
  Link before{};
  for (const std::uint64_t number : *numbers) {
    const auto bytes = read_whole(files, segment_path(directory, number));
    if (!bytes) return unexpected(bytes.error().detail);
    SegmentHeader header;
    if (const auto problem = decode(*bytes, header)) return unexpected("`" + segment_path(directory, number) + "`: " + std::string(to_string(*problem)));
    before = header.previous;
    for (std::size_t at = kSegmentHeaderBytes; at < bytes->size();) {
      const auto group = parse_group(std::string_view(*bytes).substr(at));
      if (!group) break;
      at += group->header.size;
      for (const Entry& entry : group->entries) {
        const bool is_record = group->header.kind == GroupHeader::Kind::records;
        const bool wanted = is_record ? entry.position > after_position : begun;
        if (wanted && !begun) {
          begun = true;
          line(json::write(json::Value{{"writ_audit_export", 1}, {"log", to_hex(view_of(header.log_id))}, {"node", header.node}, {"first_position", entry.position},
                                       {"link", to_hex(view_of(before))}, {"keys", jose::to_json(keys)}}));
        }
        if (wanted && is_record) line("{\"record\":" + std::string(entry.text) + ",\"link\":\"" + to_hex(view_of(entry.link)) + "\"}");
        else if (wanted) line("{\"checkpoint\":\"" + std::string(entry.text) + "\",\"link\":\"" + to_hex(view_of(entry.link)) + "\"}");
        before = entry.link;
      }
      if (begun) line("{\"group\":\"" + to_hex(group->header_bytes) + "\",\"claims\":\"" + to_hex(view_of(crypto::sha256(group->claims))) + "\",\"link\":\"" + to_hex(view_of(group->link)) + "\"}");
      before = group->link;
    }
  }
  if (!begun) return unexpected("there is no record after position " + std::to_string(after_position));
  return {};
}

}  // namespace writ::log
