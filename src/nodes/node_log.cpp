#include "nodes/node_log.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "audit/record_name.h"

namespace writ::nodes {
namespace {

constexpr std::size_t kRecordsAtOnce = 1'024, kClaimsAtOnce = 1'024;
constexpr Unavailable kAway{"decisions log: the database"};

// What stands between the two is lost with an earlier spool, or was removed from it: an auditor must find that said.
audit::Commit missing(std::uint64_t first, std::uint64_t last, Instant now) {
  audit::Commit commit;
  commit.record.event = audit::Event::service;
  commit.record.time = now;
  commit.record.reason = "records_missing";
  commit.record.detail = "the database never got the records between these positions of this node, and its spool does not hold them: they were written while the database was away, or none were";
  commit.record.more = {{"first_missing", std::to_string(first)}, {"last_missing", std::to_string(last)}};
  return commit;
}

audit::Commit not_answered(std::uint64_t position, Instant now) {
  audit::Commit commit;
  commit.record.event = audit::Event::aborted;
  commit.record.time = now;
  commit.record.reason = "not_answered";
  commit.record.of_position = position;
  commit.durability = audit::Durability::process;
  return commit;
}

}  // namespace

Result<std::unique_ptr<NodeLog>, std::string> NodeLog::open(Parts parts, Limits limits, const Clock& clock, std::function<void(bool, const std::string&)> notice) {
  const std::uint64_t delivered = TRY(parts.shared->delivered());
  const std::uint64_t first = parts.spool->first_position();
  if (parts.spool->newest_on_disk() < delivered) {
    return unexpected("the spool of this node ends at position " + std::to_string(parts.spool->newest_on_disk()) + ", but the database has its records up to " + std::to_string(delivered) +
                      ": an older copy was put in its place. Move it away: this node then begins a new one, and what is missing is named");
  }
  if (first > delivered + 1) {
    notice(true, "records of this node are missing in the database: positions " + std::to_string(delivered + 1) + " to " + std::to_string(first - 1) + " stand neither there nor in the spool");
    QueueExecutor executor;
    auto commit = missing(delivered + 1, first - 1, clock.now());
    if (!writ::run(executor, parts.spool->commit(std::move(commit)))) return unexpected(std::string("the spool of this node takes no records"));
  }
  return std::unique_ptr<NodeLog>(new NodeLog(std::move(parts), limits, clock, delivered, std::move(notice)));
}

NodeLog::NodeLog(Parts parts, Limits limits, const Clock& clock, std::uint64_t delivered, std::function<void(bool, const std::string&)> notice)
    : parts_(std::move(parts)), limits_(limits), clock_(clock), notice_(std::move(notice)), delivered_(delivered) {
  parts_.spool->delivered(delivered);
  parts_.spool->on_disk([this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_one();
  });
  thread_ = std::thread([this] { run(); });
}

NodeLog::~NodeLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  thread_.join();
  parts_.spool->on_disk(nullptr);
}

std::uint64_t NodeLog::undelivered() const {
  const std::uint64_t newest = std::max(newest_.load(), parts_.spool->newest_on_disk()), delivered = delivered_.load();
  return newest > delivered ? newest - delivered : 0;
}

Task<Result<audit::Committed, Unavailable>> NodeLog::commit(audit::Commit commit) {
  assert(!commit.claim || commit.if_replayed);
  const bool must_arrive = commit.durability == audit::Durability::power;
  // Before anything is written: a record of what nobody can be answered for would only fill the disk.
  if ((must_arrive || commit.claim) && is_away_) co_return unexpected(kAway);
  if (undelivered() >= limits_.undelivered_max) co_return unexpected(Unavailable{"decisions log: too much waits for the database"});
  bool replayed = false;
  if (commit.claim) {
    auto claiming = claim(*commit.claim);
    const auto is_first = co_await claiming;
    if (!is_first) co_return unexpected(is_first.error());
    replayed = !*is_first;
    if (replayed) commit.record = std::move(*commit.if_replayed);
    commit.claim.reset();
    commit.if_replayed = std::nullopt;
  }
  auto writing = parts_.spool->commit(std::move(commit));
  auto committed = co_await writing;
  if (!committed) co_return unexpected(committed.error());
  committed->replayed = replayed;
  const std::uint64_t position = audit::position_of(committed->position);
  for (std::uint64_t newest = newest_.load(); newest < position && !newest_.compare_exchange_weak(newest, position);) {
  }
  if (must_arrive) {
    auto arriving = delivered(position);
    const auto arrived = co_await arriving;
    if (!arrived) {
      // It stands in the trail, and nobody was told: so that it is not taken for what was given.
      auto marking = parts_.spool->commit(not_answered(position, clock_.now()));
      static_cast<void>(co_await marking);
      co_return unexpected(arrived.error());
    }
  }
  co_return committed;
}

Task<NodeLog::Answer> NodeLog::claim(audit::Claim claim) {
  Executor* origin = Executor::current();
  Answer answer = co_await suspend_until<Answer>([&](std::function<void(Answer)> resume) {
    {
      const std::lock_guard lock(mutex_);
      if (!stopping_ && claiming_.size() < limits_.claims_max) {
        claiming_.push_back({claim, [origin, resume](Answer result) { origin->post([resume, result] { resume(result); }); }});
        changed_.notify_one();
        return;
      }
    }
    resume(unexpected(Unavailable{"decisions log: queue full"}));
  });
  co_return answer;
}

Task<NodeLog::Answer> NodeLog::delivered(std::uint64_t position) {
  Executor* origin = Executor::current();
  Answer answer = co_await suspend_until<Answer>([&](std::function<void(Answer)> resume) {
    bool is_there = false;
    {
      const std::lock_guard lock(mutex_);
      // Under the lock: whoever delivers it afterwards finds who waits.
      is_there = delivered_ >= position;
      if (!is_there && !stopping_ && !is_away_) {
        waiting_.push_back({position, [origin, resume](Answer result) { origin->post([resume, result] { resume(result); }); }});
        changed_.notify_one();
        return;
      }
    }
    resume(is_there ? Answer(true) : Answer(unexpected(kAway)));
  });
  co_return answer;
}

void NodeLog::run() {
  std::optional<Steady::time_point> stop_at;
  while (true) {
    std::vector<Claiming> claiming;
    {
      std::unique_lock lock(mutex_);
      const auto has_work = [this] { return stopping_ || !claiming_.empty() || parts_.spool->newest_on_disk() > delivered_; };
      if (is_away_) changed_.wait_for(lock, limits_.try_again_after, [this] { return stopping_; });
      else changed_.wait(lock, has_work);
      while (!claiming_.empty() && claiming.size() < kClaimsAtOnce) {
        claiming.push_back(std::move(claiming_.front()));
        claiming_.pop_front();
      }
      if (stopping_ && !stop_at) stop_at = Steady::now() + limits_.stop_within;
      const bool is_done = claiming.empty() && (is_away_ || (waiting_.empty() && undelivered() == 0));
      if (stop_at && (is_done || Steady::now() >= *stop_at)) break;
    }
    turn(std::move(claiming));
  }
  fail({}, "");
}

void NodeLog::turn(std::vector<Claiming> claiming) {
  if (const auto done = deliver(claiming); !done) return fail(std::move(claiming), done.error());
  if (is_away_.exchange(false)) notice_(false, "the database has this node's records again, up to position " + std::to_string(delivered_.load()));
  answer_delivered();
}

Result<void, std::string> NodeLog::deliver(std::vector<Claiming>& claiming) {
  // After a failure only the shared log knows how far it got.
  if (is_away_) note_delivered(TRY(parts_.shared->delivered()));
  Delivery delivery;
  delivery.after = delivered_;
  // Only what is on disk: positions that a power loss took back would be given once more.
  const std::uint64_t on_disk = parts_.spool->newest_on_disk();
  if (on_disk > delivery.after) {
    delivery.records = TRY(parts_.spool->read_on(delivery.after, kRecordsAtOnce));
    while (!delivery.records.empty() && delivery.records.back().position > on_disk) delivery.records.pop_back();
  }
  for (const Claiming& one : claiming) delivery.claims.push_back(one.claim);
  if (delivery.records.empty() && delivery.claims.empty()) return {};
  const auto is_first = TRY(parts_.shared->deliver(delivery));
  if (!delivery.records.empty()) note_delivered(delivery.records.back().position);
  for (std::size_t i = 0; i < claiming.size(); ++i) claiming[i].done(Answer(is_first[i]));
  claiming.clear();
  return {};
}

void NodeLog::note_delivered(std::uint64_t position) {
  parts_.spool->delivered(position);
  delivered_ = position;
}

void NodeLog::answer_delivered() {
  std::vector<Waiting> arrived;
  {
    const std::lock_guard lock(mutex_);
    const auto still = std::partition(waiting_.begin(), waiting_.end(), [this](const Waiting& waiting) { return waiting.position > delivered_; });
    arrived.assign(std::make_move_iterator(still), std::make_move_iterator(waiting_.end()));
    waiting_.erase(still, waiting_.end());
  }
  for (const Waiting& waiting : arrived) waiting.done(true);
}

// Whoever waits is refused: whether it arrived is not known, and nothing is answered on hope.
void NodeLog::fail(std::vector<Claiming> claiming, const std::string& sentence) {
  std::vector<Waiting> waiting;
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
    for (Claiming& one : claiming_) claiming.push_back(std::move(one));
    claiming_.clear();
    is_news = !is_away_.exchange(true);
  }
  for (const Claiming& one : claiming) one.done(unexpected(kAway));
  for (const Waiting& one : waiting) one.done(unexpected(kAway));
  if (is_news && !sentence.empty()) notice_(true, "records of this node wait in its spool for the database: " + sentence);
}

Task<Result<std::vector<audit::StoredRecord>, Unavailable>> NodeLog::query(audit::Query query) {
  // What comes of it does not matter: then the query says that the database is away.
  auto arriving = delivered(newest_.load());
  static_cast<void>(co_await arriving);
  auto reading = parts_.reader->query(std::move(query));
  auto found = co_await reading;
  co_return found;
}

Task<Result<std::optional<audit::StoredRecord>, Unavailable>> NodeLog::at(std::uint64_t name) {
  const bool is_own = audit::node_of(name) == parts_.number;
  if (is_own && audit::position_of(name) > delivered_) {
    auto reading = parts_.spool->at(audit::position_of(name));
    auto found = co_await reading;
    co_return found;
  }
  auto reading = parts_.reader->at(name);
  auto found = co_await reading;
  co_return found;
}

}  // namespace writ::nodes
