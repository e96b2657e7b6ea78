#include "adapters/log/spent_journal.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "adapters/log/bytes.h"

namespace writ::log {
namespace {

constexpr std::string_view kJournalMagic = "WRITJRN1";
constexpr std::string_view kSnapshotMagic = "WRITSNP1";
constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kRecordBytes = 32;
constexpr std::size_t kChunkRecords = 32'768;   // read and hashed at once: 1 MB

constexpr auto kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? 0xEDB88320U ^ (value >> 1) : value >> 1;
    table[i] = value;
  }
  return table;
}();

// Over the claim and its place, so that a record that was moved or never written is no record.
std::uint32_t checksum(std::string_view claim, std::uint32_t journal, std::uint32_t index) {
  std::uint32_t value = 0xFFFFFFFFU;
  const auto add = [&](unsigned char byte) { value = kCrcTable[(value ^ byte) & 0xFF] ^ (value >> 8); };
  for (int shift = 0; shift < 32; shift += 8) add(static_cast<unsigned char>(journal >> shift));
  for (int shift = 0; shift < 32; shift += 8) add(static_cast<unsigned char>(index >> shift));
  for (const char byte : claim.substr(0, 28)) add(static_cast<unsigned char>(byte));
  return ~value;
}

SpentClaim decode_claim(std::string_view bytes) { return {array_at<ClaimKey>(bytes, 0), get<std::uint32_t>(bytes, 24)}; }

bool is_sound(std::string_view record, std::uint32_t journal, std::uint32_t index) {
  return get<std::uint32_t>(record, 24) > 1 && get<std::uint32_t>(record, 28) == checksum(record, journal, index);
}

std::string header(std::string_view magic, const LogId& id, std::uint32_t number, std::uint64_t count) {
  std::string out(magic);
  put(out, kFormatVersion);
  put(out, number);
  out += view_of(id);
  put(out, count);
  out.resize(kHeaderBytes, '\0');
  return out;
}

Unexpected<IoError> damaged(std::string sentence) { return unexpected(IoError{false, std::move(sentence)}); }

Result<void, IoError> check_header(std::string_view bytes, std::string_view magic, const LogId& id, std::uint32_t number, const std::string& path) {
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(magic)) return damaged("`" + path + "` is no file of spent claims");
  if (get<std::uint32_t>(bytes, 8) != kFormatVersion) return damaged("`" + path + "` was written by a newer version of Writ, in a format that this one cannot read");
  if (get<std::uint32_t>(bytes, 12) != number || bytes.substr(16, id.size()) != view_of(id)) return damaged("`" + path + "` belongs to another log");
  return {};
}

std::optional<std::uint32_t> number_of(const std::string& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  std::uint64_t number = 0;
  for (const char digit : name.substr(0, name.size() - suffix.size())) {
    if (digit < '0' || digit > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    if (number > 0xFFFFFFFFU) return std::nullopt;
  }
  return static_cast<std::uint32_t>(number);
}

Result<std::vector<std::uint32_t>, IoError> numbers(Files& files, const std::string& directory, std::string_view suffix) {
  std::vector<std::uint32_t> found;
  for (const std::string& name : TRY(files.list(directory))) {
    if (const auto number = number_of(name, suffix)) found.push_back(*number);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string path_of(const std::string& directory, std::uint32_t number, const char* suffix) {
  char name[32];
  std::snprintf(name, sizeof name, "/%010u%s", number, suffix);
  return directory + name;
}

Result<std::unique_ptr<File>, IoError> create_journal(const JournalOptions& options, const LogId& id, std::uint32_t number) {
  const std::string path = path_of(options.directory, number, ".journal");
  auto file = TRY(options.files->open(path + ".new", Files::Mode::create));
  TRY(file->write_at(0, header(kJournalMagic, id, number, 0)));
  TRY(file->sync());
  TRY(options.files->rename(path + ".new", path));
  TRY(options.files->sync_directory(options.directory));
  return file;
}

// Reads `count` records (to the end when absent) from behind the header and hands them on in chunks.
Result<void, IoError> for_each_chunk(const File& file, std::optional<std::uint64_t> count, const std::function<Result<void, IoError>(std::string_view)>& use) {
  std::uint64_t at = kHeaderBytes;
  while (!count || *count > 0) {
    const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kChunkRecords, count.value_or(kChunkRecords)));
    const std::string chunk = TRY(file.read_at(at, wanted * kRecordBytes));
    const std::string_view whole = std::string_view(chunk).substr(0, chunk.size() / kRecordBytes * kRecordBytes);
    if (whole.empty()) break;
    TRY(use(whole));
    at += whole.size();
    if (count) *count -= whole.size() / kRecordBytes;
    else if (whole.size() < wanted * kRecordBytes) break;
  }
  return {};
}

// The hash of a snapshot runs over its chunks: SHA-256(previous ‖ chunk), beginning with the header.
std::string hash_on(std::string previous, std::string_view chunk) { return crypto::sha256_bytes(previous.append(chunk)); }

}  // namespace

std::string journal_path(const std::string& directory, std::uint32_t number) { return path_of(directory, number, ".journal"); }
std::uint64_t journal_offset(std::uint64_t index) { return kHeaderBytes + index * kRecordBytes; }

std::string encode_claim(const SpentClaim& claim) {
  std::string out(view_of(claim.key));
  put(out, claim.forget_after);
  put(out, std::uint32_t{0});
  return out;
}

std::string SpentJournal::path(std::uint32_t number, const char* suffix) const { return path_of(options_.directory, number, suffix); }

Result<void, IoError> SpentJournal::create(const JournalOptions& options, const LogId& id) {
  TRY(options.files->make_directory(options.directory));
  TRY(create_journal(options, id, 1));
  return {};
}

Result<bool, IoError> SpentJournal::is_fresh(const JournalOptions& options) {
  TRY(options.files->make_directory(options.directory));
  const auto snapshots = TRY(numbers(*options.files, options.directory, ".snapshot"));
  const auto journals = TRY(numbers(*options.files, options.directory, ".journal"));
  if (!snapshots.empty() || journals.size() > 1) return false;
  if (journals.empty()) return true;
  const auto file = TRY(options.files->open(path_of(options.directory, journals[0], ".journal"), Files::Mode::read));
  return TRY(file->size()) <= kHeaderBytes;
}

Result<std::unique_ptr<SpentJournal>, IoError> SpentJournal::open(JournalOptions options, const LogId& id, SpentIndex& index, std::uint32_t forgotten_before) {
  std::unique_ptr<SpentJournal> journal(new SpentJournal);
  journal->options_ = std::move(options);
  journal->id_ = id;
  TRY(journal->load(index, forgotten_before));
  return journal;
}

SpentJournal::~SpentJournal() { wait_for_snapshot(); }
void SpentJournal::wait_for_snapshot() {
  if (snapshot_thread_.joinable()) snapshot_thread_.join();
}

Result<void, IoError> SpentJournal::load(SpentIndex& index, std::uint32_t forgotten_before) {
  Files& files = *options_.files;
  const auto snapshots = TRY(numbers(files, options_.directory, ".snapshot"));
  const auto journals = TRY(numbers(files, options_.directory, ".journal"));
  if (journals.empty()) return damaged("the spent journal is missing from `" + options_.directory + "`: without it claims could be used twice");
  const auto load_claims = [&](std::string_view records) {
    for (std::size_t at = 0; at < records.size(); at += kRecordBytes) {
      const SpentClaim claim = decode_claim(records.substr(at, kRecordBytes));
      if (claim.forget_after >= forgotten_before) index.reserve(claim, forgotten_before);
    }
  };

  // A snapshot takes its place by renaming, whole and synced. One that does not read was damaged later; the one before it and its journal
  // are kept, and say the same.
  std::uint32_t from = 1;
  std::string first_damage;
  for (auto number = snapshots.rbegin(); number != snapshots.rend(); ++number) {
    const std::string name = path(*number, ".snapshot");
    const auto file = TRY(files.open(name, Files::Mode::read));
    const std::string head = TRY(file->read_at(0, kHeaderBytes));
    std::string hash = crypto::sha256_bytes(head);
    bool good = check_header(head, kSnapshotMagic, id_, *number, name).has_value();
    const std::uint64_t count = good ? get<std::uint64_t>(head, 32) : 0;
    const auto size = TRY(file->size());
    good = good && size == kHeaderBytes + count * kRecordBytes + kLinkBytes;
    if (good) {
      TRY(for_each_chunk(*file, count, [&](std::string_view chunk) -> Result<void, IoError> {
        hash = hash_on(std::move(hash), chunk);
        return {};
      }));
      good = TRY(file->read_at(size - kLinkBytes, kLinkBytes)) == hash;
    }
    if (!good) {
      if (first_damage.empty()) first_damage = "the snapshot of spent claims `" + name + "` is damaged";
      continue;
    }
    from = *number;
    TRY(for_each_chunk(*file, count, [&](std::string_view chunk) -> Result<void, IoError> {
      load_claims(chunk);
      return {};
    }));
    break;
  }

  const auto first = std::lower_bound(journals.begin(), journals.end(), from);
  if (first == journals.end() || *first != from) {
    return damaged(first_damage.empty() ? "`" + path(from, ".journal") + "` is missing: without it claims could be used twice" : first_damage + ", and what it replaced is gone");
  }
  for (auto number = first; number != journals.end(); ++number) {
    const std::string name = path(*number, ".journal");
    if (*number != from + (number - first)) return damaged("`" + path(from + static_cast<std::uint32_t>(number - first), ".journal") + "` is missing: without it claims could be used twice");
    const bool newest = number + 1 == journals.end();
    auto file = TRY(files.open(name, newest ? Files::Mode::write : Files::Mode::read));
    TRY(check_header(TRY(file->read_at(0, kHeaderBytes)), kJournalMagic, id_, *number, name));
    // What is not yet known is whether an unsound record was ever on disk: the audit groups say so (reconcile).
    std::uint32_t position = 0, unsound = 0, sound = 0;
    TRY(for_each_chunk(*file, std::nullopt, [&](std::string_view chunk) -> Result<void, IoError> {
      for (std::size_t at = 0; at < chunk.size(); at += kRecordBytes, ++position) {
        const auto record = chunk.substr(at, kRecordBytes);
        if (!is_sound(record, *number, position)) {
          ++unsound;
          continue;
        }
        if (unsound != 0 && !newest) return damaged("record " + std::to_string(position - unsound) + " of the spent journal `" + name + "` is damaged");
        load_claims(record);
        if (unsound == 0) sound = position + 1;
        count_ = newest ? position + 1 : count_;
      }
      return {};
    }));
    if (!newest && unsound != 0) return damaged("the end of the spent journal `" + name + "` is damaged");
    if (newest) {
      number_ = *number;
      sound_ = synced_ = sound;
      room_end_ = TRY(file->size());
      file_ = std::move(file);
    }
  }
  return {};
}

Result<void, IoError> SpentJournal::reconcile(std::uint32_t number, std::uint64_t at, std::string_view claims, SpentIndex& index, std::uint32_t forgotten_before) {
  if (number > number_) return damaged("`" + path(number, ".journal") + "` is missing, although audit records name it: without it claims could be used twice");
  if (number < number_) return {};   // closed, and read whole
  const auto first = static_cast<std::uint32_t>(at);
  const auto behind = static_cast<std::uint32_t>(first + claims.size() / kClaimBytes);
  if (first > reconciled_ && sound_ < first) {
    return damaged("record " + std::to_string(sound_) + " of the spent journal `" + path(number_, ".journal") + "` is missing or damaged, although it was on disk before");
  }
  reconciled_ = std::max(reconciled_, behind);
  for (std::uint32_t i = first; i < behind; ++i) {
    const auto claim = claims.substr((i - first) * kClaimBytes, kClaimBytes);
    std::string record(claim.substr(0, 28));
    put(record, checksum(record, number_, i));
    const std::string stored = TRY(file_->read_at(kHeaderBytes + std::uint64_t{i} * kRecordBytes, kRecordBytes));
    if (stored == record) continue;
    if (stored.size() == kRecordBytes && is_sound(stored, number_, i)) {
      return damaged("record " + std::to_string(i) + " of the spent journal `" + path(number_, ".journal") + "` is not the one that the audit records name");
    }
    TRY(file_->write_at(kHeaderBytes + std::uint64_t{i} * kRecordBytes, record));
    index.reserve(decode_claim(claim), forgotten_before);
  }
  sound_ = std::max(sound_, behind);
  count_ = std::max(count_, behind);
  return {};
}

Result<std::uint32_t, IoError> SpentJournal::finish_reconciling() {
  // Behind the last group: sound records belong to a group that a power loss took. Nobody was answered, but spent stays spent.
  // Unsound ones among them never were on disk; they are made zeros, and counted over.
  std::uint32_t kept = 0;
  for (std::uint32_t i = reconciled_; i < count_; ++i) {
    const std::string stored = TRY(file_->read_at(kHeaderBytes + std::uint64_t{i} * kRecordBytes, kRecordBytes));
    if (is_sound(stored, number_, i)) {
      ++kept;
      continue;
    }
    SpentClaim nobody;   // a key that no claim has: SHA-256 does not give zeros
    nobody.forget_after = 2;
    std::string record = encode_claim(nobody).substr(0, 28);
    put(record, checksum(record, number_, i));
    TRY(file_->write_at(kHeaderBytes + std::uint64_t{i} * kRecordBytes, record));
  }
  sound_ = count_;
  TRY(file_->truncate(kHeaderBytes + std::uint64_t{count_} * kRecordBytes));
  room_end_ = kHeaderBytes + std::uint64_t{count_} * kRecordBytes;
  TRY(file_->sync());
  synced_ = count_;
  return kept;
}

Result<void, IoError> SpentJournal::make_room(std::size_t claims) {
  const std::uint64_t needed = kHeaderBytes + (std::uint64_t{count_} + claims) * kRecordBytes;
  if (needed <= room_end_) return {};
  const std::uint64_t more = std::max<std::uint64_t>(needed - room_end_, options_.room_bytes);
  const auto made = file_->write_at(room_end_, std::string(more, '\0'));
  if (!made) {
    TRY(file_->truncate(room_end_));
    return made;
  }
  room_end_ += more;
  return {};
}

Result<void, IoError> SpentJournal::append(std::string_view claims) {
  std::string records;
  records.reserve(claims.size());
  for (std::size_t at = 0; at < claims.size(); at += kClaimBytes) {
    records += claims.substr(at, 28);
    put(records, checksum(claims.substr(at, 28), number_, count_ + static_cast<std::uint32_t>(at / kClaimBytes)));
  }
  TRY(file_->write_at(kHeaderBytes + std::uint64_t{count_} * kRecordBytes, records));
  count_ += static_cast<std::uint32_t>(claims.size() / kClaimBytes);
  return {};
}

Result<void, IoError> SpentJournal::sync() {
  if (synced_ == count_) return {};
  TRY(file_->sync());
  synced_ = count_;
  return {};
}

bool SpentJournal::is_full() const { return kHeaderBytes + std::uint64_t{count_} * kRecordBytes >= options_.roll_bytes; }

Result<bool, IoError> SpentJournal::roll_when_full(std::uint32_t forgotten_before) {
  if (!is_full()) return false;
  // First the old one, to its last byte: when there is a next one, nothing in it may be missing.
  TRY(file_->truncate(kHeaderBytes + std::uint64_t{count_} * kRecordBytes));
  room_end_ = kHeaderBytes + std::uint64_t{count_} * kRecordBytes;
  TRY(file_->sync());
  synced_ = count_;
  auto next = TRY(create_journal(options_, id_, number_ + 1));
  file_ = std::move(next);
  const std::uint32_t closed = number_++;
  count_ = synced_ = sound_ = reconciled_ = 0;
  room_end_ = kHeaderBytes;
  wait_for_snapshot();
  snapshot_thread_ = std::thread([this, closed, forgotten_before] {
    const auto made = make_snapshot(closed + 1, forgotten_before);
    if (!made && notice_) notice_("the snapshot of spent claims was not made, the next start reads one journal more: " + made.error().detail);
  });
  return true;
}

// Snapshot N = snapshot M (the newest below N) and journals M to N−1, without what may be forgotten. All of these are closed: no lock is needed.
Result<void, IoError> SpentJournal::make_snapshot(std::uint32_t number, std::uint32_t forgotten_before) const {
  Files& files = *options_.files;
  std::uint32_t base = 0;
  for (const std::uint32_t snapshot : TRY(numbers(files, options_.directory, ".snapshot"))) {
    if (snapshot < number) base = snapshot;
  }
  const auto journals = TRY(numbers(files, options_.directory, ".journal"));
  const std::string name = path(number, ".snapshot");
  auto out = TRY(files.open(name + ".new", Files::Mode::create));
  std::uint64_t count = 0, at = kHeaderBytes;
  // Written once to count, hashed in a second pass over what was written: the header comes first in both.
  const auto copy = [&](std::string_view chunk) -> Result<void, IoError> {
    std::string kept;
    for (std::size_t i = 0; i < chunk.size(); i += kRecordBytes) {
      const SpentClaim claim = decode_claim(chunk.substr(i, kRecordBytes));
      if (claim.forget_after > 1 && claim.forget_after >= forgotten_before) kept += encode_claim(claim);
    }
    if (kept.empty()) return {};
    TRY(out->write_at(at, kept));
    at += kept.size();
    count += kept.size() / kRecordBytes;
    return {};
  };
  if (base != 0) {
    const auto file = TRY(files.open(path(base, ".snapshot"), Files::Mode::read));
    const std::string head = TRY(file->read_at(0, kHeaderBytes));
    TRY(check_header(head, kSnapshotMagic, id_, base, path(base, ".snapshot")));
    TRY(for_each_chunk(*file, get<std::uint64_t>(head, 32), copy));
  }
  for (const std::uint32_t journal : journals) {
    if (journal < base || journal >= number) continue;
    const auto file = TRY(files.open(path(journal, ".journal"), Files::Mode::read));
    TRY(for_each_chunk(*file, std::nullopt, copy));
  }
  const std::string head = header(kSnapshotMagic, id_, number, count);
  TRY(out->write_at(0, head));
  std::string hash = crypto::sha256_bytes(head);
  TRY(for_each_chunk(*out, count, [&](std::string_view chunk) -> Result<void, IoError> {
    hash = hash_on(std::move(hash), chunk);
    return {};
  }));
  TRY(out->write_at(at, hash));
  TRY(out->sync());
  TRY(files.rename(name + ".new", name));
  TRY(files.sync_directory(options_.directory));
  // One generation stays behind it, in case this one is damaged later.
  for (const std::uint32_t snapshot : TRY(numbers(files, options_.directory, ".snapshot"))) {
    if (snapshot < base) TRY(files.remove(path(snapshot, ".snapshot")));
  }
  for (const std::uint32_t journal : journals) {
    if (journal < base) TRY(files.remove(path(journal, ".journal")));
  }
  return {};
}

}  // namespace writ::log
