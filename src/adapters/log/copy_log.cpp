#include "adapters/log/copy_log.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "adapters/log/checkpoint.h"
#include "adapters/log/segments.h"
#include "adapters/log/spent_journal.h"

namespace writ::log {
namespace {

constexpr std::size_t kBlockBytes = 4 << 20;
constexpr int kAttempts = 5;
constexpr int kLooks = 200;
constexpr auto kLookEvery = std::chrono::milliseconds(5);

// Files that go over as they are. The newest checkpoint comes first of all: a log must not end before it.
constexpr const char* kSmallFiles[] = {kNewestCheckpoint, kHandOver, kPublicKeys, "audit.key"};

struct Copying {
  Files& files;
  const std::string& from;
  const std::string& to;
  CopiedLog done{};
  std::uint32_t journal = 0;          // where the claims of the last group with claims stand, and how many that journal then has
  std::uint64_t journal_count = 0;

  Result<void, IoError> run() {
    TRY(files.make_directory(to));
    TRY(files.make_directory(to + "/spent"));
    TRY(small_files());
    // The claims after the groups: a claim too many stays spent, one too few would be free again.
    TRY(segments());
    TRY(spent_claims());
    TRY(files.sync_directory(to + "/spent"));
    return files.sync_directory(to);
  }

  Result<void, IoError> small_files() {
    const auto names = TRY(files.list(from));
    for (const char* name : kSmallFiles) {
      if (std::find(names.begin(), names.end(), name) == names.end()) continue;
      const std::string bytes = TRY(read_whole(files, from + "/" + name));
      TRY(replace_file(files, to, name, bytes));
      done.bytes += bytes.size();
    }
    return {};
  }

  Result<void, IoError> segments() {
    const auto numbers = TRY(list_segments(files, from));
    if (numbers.empty()) return unexpected(IoError{false, "`" + from + "` holds no audit segment"});
    for (const std::uint64_t number : numbers) {
      const auto source = TRY(files.open(segment_path(from, number), Files::Mode::read));
      const auto target = TRY(files.open(segment_path(to, number), Files::Mode::create));
      TRY(number == numbers.back() ? whole_groups(*source, *target, segment_path(from, number)) : all_of(*source, *target));
      TRY(target->sync());
      ++done.segments;
    }
    return {};
  }

  Result<void, IoError> all_of(const File& source, File& target) {
    for (std::uint64_t at = 0;;) {
      const std::string block = TRY(source.read_at(at, kBlockBytes));
      if (block.empty()) return {};
      TRY(target.write_at(at, block));
      at += block.size();
      done.bytes += block.size();
    }
  }

  // Up to the last group that is whole now; the server may be writing the next one.
  Result<void, IoError> whole_groups(const File& source, File& target, const std::string& path) {
    const SegmentHeader header = TRY(read_segment_header(source, path));
    const std::string bytes = TRY(source.read_at(0, static_cast<std::size_t>(TRY(source.size()))));
    std::size_t end = kSegmentHeaderBytes;
    done.newest_position = header.first_position - 1;
    while (const auto group = parse_group(std::string_view(bytes).substr(end))) {
      if (!closes(*group)) break;
      end += group->header.size;
      if (group->header.claims != 0) journal = group->header.journal, journal_count = group->header.journal_index + group->header.claims;
      if (group->header.kind == GroupHeader::Kind::records) done.newest_position = group->header.first_position + group->header.entries - 1;
    }
    TRY(target.write_at(0, std::string_view(bytes).substr(0, end)));
    done.bytes += end;
    return {};
  }

  // A group is written before its claims are in the journal. A server that died in between left them to its next start, so the wait has an end.
  Result<void, IoError> wait_for_claims() {
    if (journal_count == 0) return {};
    const auto file = TRY(files.open(journal_path(from + "/spent", journal), Files::Mode::read));
    for (int look = 0; look < kLooks; ++look) {
      const std::string last = TRY(file->read_at(journal_offset(journal_count - 1), kClaimBytes));
      if (last.find_first_not_of('\0') != std::string::npos) break;
      std::this_thread::sleep_for(kLookEvery);
    }
    return {};
  }

  Result<void, IoError> spent_claims() {
    TRY(wait_for_claims());
    for (const std::string& name : TRY(files.list(from + "/spent"))) {
      if (!name.ends_with(".journal") && !name.ends_with(".snapshot")) continue;
      const auto source = TRY(files.open(from + "/spent/" + name, Files::Mode::read));
      const auto target = TRY(files.open(to + "/spent/" + name, Files::Mode::create));
      TRY(all_of(*source, *target));
      TRY(target->sync());
    }
    return {};
  }
};

Result<void, IoError> empty(Files& files, const std::string& directory) {
  for (const std::string& name : TRY(files.list(directory))) {
    if (name == "spent") continue;
    TRY(files.remove(directory + "/" + name));
  }
  for (const std::string& name : TRY(files.list(directory + "/spent"))) TRY(files.remove(directory + "/spent/" + name));
  return {};
}

}  // namespace

Result<CopiedLog, std::string> copy_log(Files& files, const std::string& from, const std::string& to) {
  IoError last;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Copying copying{files, from, to};
    const auto copied = copying.run();
    if (copied) return copying.done;
    last = copied.error();
    if (last.no_space) break;
    // A file that was listed may be gone when it is opened: retention removed a segment, or a snapshot took the place of journals.
    if (const auto emptied = empty(files, to); !emptied) return unexpected(emptied.error().detail);
  }
  return unexpected(last.detail);
}

}  // namespace writ::log
