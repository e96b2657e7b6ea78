#include "adapters/log/append_only_log.h"

#include <algorithm>
#include <cassert>
#include <future>

#include "adapters/log/bytes.h"
#include "adapters/log/checkpoint.h"
#include "adapters/log/reader.h"
#include "adapters/log/writer.h"
#include "audit/record_name.h"
#include "crypto/random.h"

namespace writ::log {
namespace {

using Level = Options::Level;

JournalOptions journal_options(const Options& options) { return {options.files, options.directory + "/spent", options.journal_bytes}; }

Result<void, IoError> begin(const Options& options, const Clock& clock) {
  SegmentHeader header;
  header.log_id = array_at<LogId>(crypto::random_bytes(sizeof(LogId)), 0);
  header.first_position = options.first_position;
  header.created_ms = clock.now().time_since_epoch().count();
  header.node = options.node;
  // The journal first: a segment says which journal it belongs to.
  TRY(SpentJournal::create(journal_options(options), header.log_id));
  const std::string name = segment_path("", 1).substr(1);
  return replace_file(*options.files, options.directory, name, encode(header));
}

// The newest signed checkpoint stands beside the segments too: a log that ends before it was cut, and no crash did that.
Result<void, IoError> check_against_checkpoint(const Options& options, const RecoveredSegment& segment) {
  const auto names = TRY(options.files->list(options.directory));
  if (std::find(names.begin(), names.end(), kNewestCheckpoint) == names.end()) return {};
  std::string text = TRY(read_whole(*options.files, options.directory + "/" + kNewestCheckpoint));
  while (text.ends_with('\n')) text.pop_back();
  // Signed with an earlier key of this node perhaps: what it says is compared, who signed it is for `writ audit verify`.
  const auto unverified = jose::UnverifiedJwt::parse(text);
  const auto* position = unverified ? unverified->claimed().find_int("position") : nullptr;
  const auto* log = unverified ? unverified->claimed().find_string("log") : nullptr;
  if (!position || !log) return unexpected(IoError{false, "`" + options.directory + "/" + kNewestCheckpoint + "` is damaged; `writ audit verify` tells whether the records are whole, then remove it"});
  if (*log != to_hex(view_of(segment.header.log_id))) return unexpected(IoError{false, "`" + options.directory + "/" + kNewestCheckpoint + "` belongs to another log"});
  if (static_cast<std::uint64_t>(*position) >= segment.next_position) {
    return unexpected(IoError{false, "the log ends at position " + std::to_string(segment.next_position - 1) + ", but a signed checkpoint says that it held " + std::to_string(*position) +
                                         ": records are missing (restore the newest segments of `" + options.directory + "`)"});
  }
  return {};
}

}  // namespace

struct AppendOnlyLog::State {
  State(Options given, const Clock& wall) : options(std::move(given)), clock(wall) {}

  Options options;
  const Clock& clock;
  std::unique_ptr<Files::Lock> lock;
  SpentIndex spent;
  Segments segments;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<Reader> reader;
  std::string id;

  Result<void, IoError> open() {
    Files& files = *options.files;
    TRY(files.make_directory(options.directory));
    lock = TRY(files.lock(options.directory + "/lock"));
    auto numbers = TRY(list_segments(files, options.directory));
    if (numbers.empty()) {
      if (!TRY(SpentJournal::is_fresh(journal_options(options)))) {
        return unexpected(IoError{false, "`" + options.directory + "` has a spent journal, but the audit segments are missing: restore the newest of them"});
      }
      TRY(begin(options, clock));
      numbers.push_back(1);
    } else {
      options.spent_before.clear();
    }
    for (std::size_t i = 1; i < numbers.size(); ++i) {
      if (numbers[i] == numbers[i - 1] + 1) continue;
      return unexpected(IoError{false, "the audit segment `" + segment_path(options.directory, numbers[i - 1] + 1) + "` is missing: restore it"});
    }
    const std::uint64_t newest = numbers.back();
    numbers.pop_back();
    std::vector<SegmentInfo> closed;
    for (const std::uint64_t number : numbers) {
      const std::string path = segment_path(options.directory, number);
      const auto file = TRY(files.open(path, Files::Mode::read));
      const auto header = TRY(read_segment_header(*file, path));
      closed.push_back({header.number, header.first_position, header.created_ms});
    }
    return open_newest(newest, std::move(closed));
  }

  Result<void, IoError> open_newest(std::uint64_t newest, std::vector<SegmentInfo> closed) {
    const std::string path = segment_path(options.directory, newest);
    const auto forgotten_before = forgotten_before_seconds(clock.now());
    std::unique_ptr<SpentJournal> journal;
    {
      const auto file = TRY(options.files->open(path, Files::Mode::read));
      const auto header = TRY(read_segment_header(*file, path));
      journal = TRY(SpentJournal::open(journal_options(options), header.log_id, spent, forgotten_before));
      TRY(journal->reconcile(header.journal, header.journal_index, {}, spent, forgotten_before));
    }
    auto segment = TRY(read_newest_segment(*options.files, path, [&](const Group& group) -> Result<void, IoError> {
      if (group.header.claims == 0) return {};
      return journal->reconcile(group.header.journal, group.header.journal_index, group.claims, spent, forgotten_before);
    }));
    TRY(check_against_checkpoint(options, segment));
    TRY(settle(segment));
    const std::uint32_t kept = TRY(journal->finish_reconciling());
    if (segment.cut_bytes != 0) {
      options.notice(Level::warning, "decisions log: " + std::to_string(segment.cut_bytes) + " bytes of a group that a crash left half written were cut behind position " +
                                         std::to_string(segment.next_position - 1) + "; nobody had been answered");
    }
    if (kept != 0) {
      options.notice(Level::warning, "decisions log: " + std::to_string(kept) + " claims have no record (a power loss took it, nobody had been answered); they stay spent");
    }
    id = to_hex(view_of(segment.header.log_id));
    segments.start(std::move(closed), {segment.header.number, segment.header.first_position, segment.header.created_ms}, segment.index);
    writer = std::make_unique<Writer>(options, clock, std::move(segment), std::move(journal), spent, segments);
    TRY(writer->prepare());
    reader = std::make_unique<Reader>(options.files, options.directory, segments);
    writer->start();
    return {};
  }
};

AppendOnlyLog::AppendOnlyLog(std::unique_ptr<State> state) : state_(std::move(state)) {}
AppendOnlyLog::~AppendOnlyLog() = default;

Result<std::unique_ptr<AppendOnlyLog>, std::string> AppendOnlyLog::open(Options options, const Clock& clock) {
  auto state = std::make_unique<State>(std::move(options), clock);
  if (const auto opened = state->open(); !opened) return unexpected(opened.error().detail);
  return std::unique_ptr<AppendOnlyLog>(new AppendOnlyLog(std::move(state)));
}

Task<Result<audit::Committed, Unavailable>> AppendOnlyLog::commit(audit::Commit commit) {
  assert(!commit.claim || commit.if_replayed);
  State* state = state_.get();
  Pending pending;
  pending.origin = Executor::current();
  bool reserved = false;
  SpentClaim claim;
  if (commit.claim) {
    claim = {commit.claim->key, forget_after_seconds(commit.claim->forget_after)};
    reserved = state->spent.reserve(claim, forgotten_before_seconds(state->clock.now()));
    pending.replayed = !reserved;
  }
  pending.commit = std::move(commit);
  Answer answer = co_await suspend_until<Answer>([&](std::function<void(Answer)> resume) {
    pending.resume = resume;
    if (state->writer->offer(pending)) return;
    if (reserved) state->spent.release(claim.key);
    resume(unexpected(Unavailable{"decisions log"}));
  });
  co_return answer;
}

Task<Result<std::vector<audit::StoredRecord>, Unavailable>> AppendOnlyLog::query(audit::Query query) {
  using Rows = Result<std::vector<audit::StoredRecord>, Unavailable>;
  State* state = state_.get();
  Executor* origin = Executor::current();
  Rows rows = co_await suspend_until<Rows>([&](std::function<void(Rows)> resume) {
    state->reader->ask([state, origin, resume, query = std::move(query)] {
      auto found = state->reader->query(query);
      if (!found) state->options.notice(Level::error, "decisions log: " + found.error().detail);
      auto result = found ? Rows(std::move(*found)) : Rows(unexpected(Unavailable{"decisions log"}));
      origin->post([resume, result = std::move(result)] { resume(result); });
    });
  });
  co_return rows;
}

Task<Result<std::optional<audit::StoredRecord>, Unavailable>> AppendOnlyLog::at(std::uint64_t position) {
  using Row = Result<std::optional<audit::StoredRecord>, Unavailable>;
  if (audit::node_of(position) == state_->options.number) position = audit::position_of(position);
  if (position == 0) co_return std::optional<audit::StoredRecord>{};
  audit::Query query;
  query.before_position = position + 1;
  query.limit = 1;
  auto rows = co_await this->query(std::move(query));
  if (!rows) co_return unexpected(rows.error());
  std::optional<audit::StoredRecord> found;
  if (!rows->empty() && rows->front().position == position) found = std::move(rows->front());
  co_return Row(std::move(found));
}

const std::string& AppendOnlyLog::id() const { return state_->id; }
std::uint64_t AppendOnlyLog::first_position() const { return state_->segments.list().front().first_position; }
std::uint64_t AppendOnlyLog::newest_on_disk() const { return state_->writer->newest_on_disk(); }

Result<std::vector<audit::StoredRecord>, std::string> AppendOnlyLog::read_on(std::uint64_t after, std::size_t limit) {
  audit::Query query;
  query.after_position = after;
  query.limit = limit;
  if (after == 0) query.before_position = 2, query.limit = 1;   // a query cannot say "behind nothing"
  std::promise<Result<std::vector<audit::StoredRecord>, IoError>> promise;
  auto answer = promise.get_future();
  state_->reader->ask([this, &promise, &query] { promise.set_value(state_->reader->query(query)); });
  auto found = answer.get();
  if (!found) return unexpected(found.error().detail);
  if (!found->empty() || after != 0) return std::move(*found);
  // The first records are not there any more, or never were.
  const std::uint64_t first = first_position();
  return first > 1 ? read_on(first - 1, limit) : std::vector<audit::StoredRecord>{};
}

bool AppendOnlyLog::is_there(Files& files, const std::string& directory) {
  const auto numbers = list_segments(files, directory);
  return numbers && !numbers->empty();
}

}  // namespace writ::log
