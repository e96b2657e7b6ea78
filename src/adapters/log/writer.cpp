#include "adapters/log/writer.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "adapters/log/bytes.h"
#include "adapters/log/checkpoint.h"
#include "audit/record_name.h"

namespace writ::log {
namespace {

using Level = Options::Level;

constexpr std::size_t kBatchRecords = 1'024;
constexpr std::size_t kReserveBytes = 8 << 10;        // always left, so that a segment can be closed with its checkpoint
constexpr std::size_t kImportClaims = 16'384;         // a group
constexpr Unavailable kUnavailable{"decisions log"};

// Answers that belong to one event loop travel together: one wake-up for all of them.
class Answers {
 public:
  void add(Pending& pending, Answer answer) {
    auto found = std::find_if(replies_.begin(), replies_.end(), [&](const auto& reply) { return reply.first == pending.origin; });
    if (found == replies_.end()) found = replies_.insert(replies_.end(), {pending.origin, std::make_shared<std::vector<Reply>>()});
    found->second->push_back({std::exchange(pending.resume, nullptr), std::move(answer)});
  }
  void send() {
    for (auto& [origin, replies] : replies_) {
      origin->post([replies = std::move(replies)] {
        for (Reply& reply : *replies) reply.resume(std::move(reply.answer));
      });
    }
    replies_.clear();
  }

 private:
  struct Reply {
    std::function<void(Answer)> resume;
    Answer answer;
  };
  std::vector<std::pair<Executor*, std::shared_ptr<std::vector<Reply>>>> replies_;
};

void refuse_all(std::span<Pending> batch) {
  Answers answers;
  for (Pending& pending : batch) {
    if (pending.resume) answers.add(pending, unexpected(kUnavailable));
  }
  answers.send();
}

}  // namespace

Writer::Writer(const Options& options, const Clock& clock, RecoveredSegment segment, std::unique_ptr<SpentJournal> journal, SpentIndex& spent, Segments& segments)
    : options_(options), clock_(clock), files_(*options.files), spent_(spent), segments_(segments), journal_(std::move(journal)), header_(std::move(segment.header)),
      file_(std::move(segment.file)), link_(segment.link), next_position_(segment.next_position), next_group_(segment.next_group), end_(segment.index.end),
      on_disk_(segment.on_disk), room_end_(std::max(segment.file_size, segment.index.end)), newest_on_disk_(next_position_ - 1),
      needs_checkpoint_(!segment.ends_in_checkpoint && segment.index.end > kSegmentHeaderBytes), queue_(std::make_shared<CommitQueue>(options.queue_max)),
      background_([queue = queue_] { queue->nudge(); }) {
  journal_->on_notice([notice = options.notice](const std::string& sentence) { notice(Level::warning, sentence); });
}

Writer::~Writer() {
  queue_->stop();
  if (thread_.joinable()) thread_.join();
}

Result<void, IoError> Writer::prepare() {
  const auto& imported = options_.spent_before;
  for (std::size_t at = 0; at < imported.size(); at += kImportClaims) {
    const std::size_t behind = std::min(imported.size(), at + kImportClaims);
    std::string claims;
    for (std::size_t i = at; i < behind; ++i) {
      if (spent_.reserve(imported[i], 0)) claims += encode_claim(imported[i]);
    }
    TRY(note("spent_claims_imported", {{"claims", std::to_string(claims.size() / kClaimBytes)}}, claims));
  }
  Result<void, IoError> done;
  if (needs_checkpoint_) {
    done = begin_group(0);
    if (done) done = make_room(kReserveBytes);
    if (done && needs_checkpoint_) done = checkpoint();
  }
  if (done) done = remove_old_segments();
  if (!done && done.error().no_space) return {};   // found out again, and told, with the first commit
  return done;
}

void Writer::start() {
  thread_ = std::thread([this] { run(); });
}

void Writer::run() {
  using Clock = std::chrono::steady_clock;
  while (true) {
    auto until = Clock::time_point::max();
    if (has_unsynced() && !background_.is_under_way() && !broken_) until = unsynced_since_ + options_.sync_within;
    if (needs_checkpoint_ && !broken_) until = std::min<Clock::time_point>(until, last_checkpoint_ + options_.checkpoint_every);
    auto [batch, stop] = queue_->take(until);
    for (std::size_t at = 0; at < batch.size(); at += kBatchRecords) {
      const Slice slice = Slice(batch).subspan(at, std::min(kBatchRecords, batch.size() - at));
      const auto started = Clock::now();
      write(slice);
      if (options_.on_batch) options_.on_batch(slice.size(), Clock::now() - started);
    }
    if (broken_) {
      if (stop) return;
      continue;
    }
    const auto now = Clock::now();
    Result<void, IoError> kept = finish_background_sync(false);
    if (kept && needs_checkpoint_ && !closed_ && (stop || now >= last_checkpoint_ + options_.checkpoint_every)) {
      last_checkpoint_ = now;
      kept = make_room(kReserveBytes);
      if (kept) kept = checkpoint();
      else if (kept.error().no_space) kept = {};   // the next one says as much
    }
    if (kept && has_unsynced()) {
      if (stop) kept = sync();
      else if (!background_.is_under_way() && now >= unsynced_since_ + options_.sync_within) start_background_sync();
    }
    if (kept && stop) kept = journal_->sync();
    if (!kept) refuse(kept.error());
    if (stop) return;
  }
}

void Writer::write(Slice batch) {
  if (broken_) return refuse_all(batch);
  std::string claims;
  bool power = false;
  for (const Pending& pending : batch) {
    const audit::Commit& commit = pending.commit;
    if (commit.claim && !pending.replayed) claims += encode_claim({commit.claim->key, forget_after_seconds(commit.claim->forget_after)});
    power = power || commit.durability == audit::Durability::power;
  }
  // A roll may write a record of its own: positions are known only behind it.
  auto room = begin_group(claims.size() / kClaimBytes);
  std::vector<std::string> lines;
  lines.reserve(batch.size());
  std::size_t bytes = kGroupHeaderBytes + claims.size() + kLinkBytes;
  std::uint64_t position = next_position_;
  for (Pending& pending : batch) {
    const audit::Commit& commit = pending.commit;
    pending.position = position++;
    lines.push_back(audit::to_json_line(pending.replayed ? *commit.if_replayed : commit.record, audit::record_name(options_.number, pending.position), options_.node));
    bytes += lines.back().size() + kEntryOverheadBytes;
  }
  if (room) room = make_room(bytes + kReserveBytes);
  if (!room && room.error().no_space) return refuse_for_now(batch, room.error());
  if (full_ && room) {
    full_ = false;
    options_.notice(Level::info, "decisions log: there is space again, commits are taken");
  }
  Result<void, IoError> written = std::move(room);
  if (written) written = write_group(GroupHeader::Kind::records, next_position_, claims, lines);
  if (!written) {
    refuse(written.error());
    return refuse_all(batch);
  }

  Answers answers;
  const auto accept = [&](Pending& pending) { answers.add(pending, audit::Committed{pending.replayed, audit::record_name(options_.number, pending.position)}); };
  for (Pending& pending : batch) {
    if (pending.commit.durability == audit::Durability::process) accept(pending);
  }
  answers.send();
  if (!power) return;
  if (const auto synced = sync(); !synced) {
    refuse(synced.error());
    return refuse_all(batch);
  }
  for (Pending& pending : batch) {
    if (pending.resume) accept(pending);
  }
  answers.send();
}

Result<void, IoError> Writer::begin_group(std::size_t claims) {
  if (closed_ || end_ >= options_.segment_bytes) TRY(roll());
  TRY(journal_->roll_when_full(forgotten_before()));
  if (claims > 0) TRY(journal_->make_room(claims));
  return {};
}

// Zeros, written ahead: the file has its length and its place on disk before a group is written into it. When there is no space this is where
// it shows, before anything of a group was written.
Result<void, IoError> Writer::make_room(std::size_t bytes) {
  if (end_ + bytes <= room_end_) return {};
  const std::uint64_t more = std::max<std::uint64_t>(end_ + bytes - room_end_, options_.room_bytes);
  const auto made = file_->write_at(room_end_, std::string(more, '\0'));
  if (!made) {
    if (made.error().no_space) TRY(file_->truncate(room_end_));
    return made;
  }
  room_end_ += more;
  return {};
}

Result<void, IoError> Writer::write_group(GroupHeader::Kind kind, std::uint64_t first_position, std::string_view claims, const std::vector<std::string>& texts) {
  GroupHeader header;
  header.kind = kind;
  header.first_position = first_position;
  header.synced = on_disk_;
  header.journal = journal_->number();
  header.journal_index = journal_->count();
  header.time_ms = clock_.now().time_since_epoch().count();
  header.number = next_group_;
  assert(claims.empty() || kind == GroupHeader::Kind::records);
  GroupWriter writer(header, claims, link_);
  for (const std::string& text : texts) writer.add(text);
  Link link;
  const std::string bytes = std::move(writer).finish(link);
  TRY(file_->write_at(end_, bytes));
  if (!claims.empty()) TRY(journal_->append(claims));
  if (!has_unsynced()) unsynced_since_ = std::chrono::steady_clock::now();
  const auto group = parse_group(bytes);
  assert(group);
  segments_.add(*group, end_);
  link_ = link;
  end_ += bytes.size();
  ++next_group_;
  if (kind == GroupHeader::Kind::records) {
    next_position_ += texts.size();
    needs_checkpoint_ = true;
  }
  return {};
}

// For commits that nobody waits for. What is written meanwhile is of the next one.
void Writer::start_background_sync() {
  syncing_to_ = end_;
  syncing_position_ = next_position_ - 1;
  unsynced_since_ = std::chrono::steady_clock::now();
  background_.start(*file_);
}

Result<void, IoError> Writer::finish_background_sync(bool wait) {
  if (!background_.is_under_way()) return {};
  auto result = wait ? std::optional(background_.wait()) : background_.poll();
  if (!result) return {};
  TRY(std::move(*result));
  if (options_.on_sync) options_.on_sync(std::chrono::steady_clock::now() - unsynced_since_);
  on_disk_ = std::max(on_disk_, syncing_to_);
  note_on_disk(syncing_position_);
  return {};
}

void Writer::note_on_disk(std::uint64_t position) {
  if (position <= newest_on_disk()) return;
  newest_on_disk_.store(position, std::memory_order_release);
  if (options_.on_disk) options_.on_disk();
}

Result<void, IoError> Writer::sync() {
  TRY(finish_background_sync(true));
  const auto started = std::chrono::steady_clock::now();
  TRY(file_->sync());
  if (options_.on_sync) options_.on_sync(std::chrono::steady_clock::now() - started);
  on_disk_ = end_;
  note_on_disk(next_position_ - 1);
  return {};
}

// Room for it is there: kReserveBytes.
Result<void, IoError> Writer::checkpoint() {
  Statement statement;
  statement.log = to_hex(view_of(header_.log_id));
  statement.node = options_.node;
  statement.position = next_position_ - 1;
  statement.link = link_;
  statement.segment = header_.number;
  statement.time_ms = clock_.now().time_since_epoch().count();
  const std::string signed_text = sign_statement(options_.key, kCheckpointType, statement);
  TRY(write_group(GroupHeader::Kind::checkpoint, statement.position, {}, {signed_text}));
  TRY(sync());
  TRY(journal_->sync());
  needs_checkpoint_ = false;
  // What it says is on disk: from now on a log that ends before it was cut.
  const auto kept = replace_file(files_, options_.directory, kNewestCheckpoint, signed_text + "\n");
  if (!kept && !kept.error().no_space) return kept;
  return {};
}

Result<void, IoError> Writer::roll() {
  if (!closed_) {
    TRY(finish_background_sync(true));
    if (needs_checkpoint_ || has_unsynced()) {
      TRY(make_room(kReserveBytes));
      TRY(checkpoint());
    }
    // Claims of closed segments are in the journal for good: those segments may be removed.
    TRY(journal_->sync());
    TRY(file_->truncate(end_));
    room_end_ = end_;
    TRY(file_->sync());
    closed_ = true;
  }
  SegmentHeader next = header_;
  next.number = header_.number + 1;
  next.first_position = next_position_;
  next.first_group = next_group_;
  next.previous = link_;
  next.created_ms = clock_.now().time_since_epoch().count();
  next.journal = journal_->number();
  next.journal_index = journal_->count();
  next.node = options_.node;
  const std::string path = segment_path(options_.directory, next.number);
  auto file = TRY(files_.open(path + ".new", Files::Mode::create));
  const std::string bytes = encode(next) + std::string(options_.room_bytes, '\0');
  auto made = file->write_at(0, bytes);
  if (made) made = file->sync();
  if (!made) {
    file.reset();
    TRY(files_.remove(path + ".new"));
    return made;
  }
  TRY(files_.rename(path + ".new", path));
  TRY(files_.sync_directory(options_.directory));

  const SegmentHeader closed = std::exchange(header_, next);
  file_ = std::move(file);
  end_ = on_disk_ = kSegmentHeaderBytes;
  room_end_ = bytes.size();
  closed_ = false;
  const std::string index = segments_.roll({next.number, next.first_position, next.created_ms}).encode(closed);
  // Only saves a later reader the work of making it again.
  if (auto index_file = files_.open(segment_path(options_.directory, closed.number, ".index"), Files::Mode::create)) {
    static_cast<void>((*index_file)->write_at(0, index));
  }
  return remove_old_segments();
}

// Whole segments, the oldest first, after a signed statement of where the chain begins from now on.
Result<void, IoError> Writer::remove_old_segments() {
  if (options_.keep.count() == 0) return {};
  const auto all = segments_.list();
  const auto oldest_kept_ms = (clock_.now() - options_.keep).time_since_epoch().count();
  // A segment's newest record is older than the next one's beginning.
  std::size_t first_kept = 0;
  while (first_kept + 1 < all.size() && all[first_kept + 1].created_ms < oldest_kept_ms) ++first_kept;
  const std::uint64_t needed_from = options_.needed_from ? options_.needed_from() : UINT64_MAX;
  while (first_kept > 0 && all[first_kept].first_position > needed_from) --first_kept;
  if (first_kept == 0) return {};
  const SegmentInfo& first = all[first_kept];
  const auto first_file = TRY(files_.open(segment_path(options_.directory, first.number), Files::Mode::read));
  const SegmentHeader header = TRY(read_segment_header(*first_file, segment_path(options_.directory, first.number)));
  const Statement statement{to_hex(view_of(header.log_id)), options_.node, header.first_position, header.previous, header.number, clock_.now().time_since_epoch().count()};
  TRY(replace_file(files_, options_.directory, kHandOver, sign_statement(options_.key, kHandOverType, statement) + "\n"));
  for (std::size_t i = 0; i < first_kept; ++i) {
    TRY(files_.remove(segment_path(options_.directory, all[i].number, ".index")));
    TRY(files_.remove(segment_path(options_.directory, all[i].number)));
  }
  segments_.remove_before(first.number);
  return note("audit_segments_removed", {{"first_position", std::to_string(all.front().first_position)}, {"last_position", std::to_string(first.first_position - 1)}});
}

// A record of the log about itself, on disk when this returns.
Result<void, IoError> Writer::note(std::string reason, std::vector<std::pair<std::string, std::string>> more, std::string_view claims) {
  audit::Record record;
  record.event = audit::Event::service;
  record.time = clock_.now();
  record.reason = std::move(reason);
  record.more = std::move(more);
  TRY(begin_group(claims.size() / kClaimBytes));
  const std::string line = audit::to_json_line(record, audit::record_name(options_.number, next_position_), options_.node);
  TRY(make_room(line.size() + claims.size() + 2 * kReserveBytes));
  TRY(write_group(GroupHeader::Kind::records, next_position_, claims, {line}));
  return sync();
}

void Writer::refuse(const IoError& error) {
  if (std::exchange(broken_, true)) return;
  queue_->refuse();
  options_.notice(Level::error, "decisions log: " + error.detail + "; every decision is refused (503) until writ is started anew");
}

// Nothing of the batch was written: what it had reserved is free again, and the next batch tries anew.
void Writer::refuse_for_now(Slice batch, const IoError& error) {
  for (const Pending& pending : batch) {
    if (pending.commit.claim && !pending.replayed) spent_.release(pending.commit.claim->key);
  }
  if (!std::exchange(full_, true)) options_.notice(Level::error, "decisions log: " + error.detail + "; decisions are refused (503) until there is space");
  refuse_all(batch);
}

}  // namespace writ::log
