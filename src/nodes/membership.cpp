#include "nodes/membership.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace writ::nodes {
namespace {

constexpr std::chrono::seconds kStartWithin{30};

}  // namespace

Membership::Membership(std::unique_ptr<Board> board, Rules rules) : board_(std::move(board)), rules_(rules), peers_(board_->incarnation()) {}
Membership::~Membership() { stop(); }

Result<void, std::string> Membership::begin() {
  const News news = TRY(board_->read(INT64_MAX));   // the epoch alone: nothing is loaded yet
  applied_ = news.epoch;
  return {};
}

void Membership::follow(registry::DocumentOwner& owner) { owners_.emplace(owner.table(), &owner); }
void Membership::follow(FollowedObjects objects) { objects_ = std::move(objects); }
void Membership::on_notice(std::function<void(bool, const std::string&)> callback) { notice_ = std::move(callback); }

Result<void, std::string> Membership::start() {
  const auto answer = std::make_shared<std::optional<Answer>>();   // the thread may give it when nobody waits for it any more
  std::unique_lock lock(mutex_);
  running_ = true;
  waiting_.push_back({raised_, Steady::now() + kStartWithin, [this, answer](Answer given) {
                        const std::lock_guard again(mutex_);
                        *answer = given;
                      }});
  thread_ = std::thread([this] { run(); });
  changed_.wait_for(lock, kStartWithin, [&] { return answer->has_value() && (!**answer || may_serve()); });
  if (answer->has_value() && **answer && may_serve()) return {};
  return unexpected("the other nodes cannot be followed: " + (failure_.empty() ? std::string("they have not confirmed what this one has changed") : failure_));
}

void Membership::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) return;
    stopping_ = true;
  }
  board_->interrupt();
  thread_.join();
}

void Membership::raised(std::int64_t epoch) {
  const std::lock_guard lock(mutex_);
  raised_ = std::max(raised_, epoch);
}

std::vector<Peer> Membership::others() const {
  const std::lock_guard lock(mutex_);
  return peers_.present(Steady::now());
}

std::optional<Peer> Membership::find(std::uint32_t number) const {
  const std::lock_guard lock(mutex_);
  const Peer* peer = peers_.find(number, Steady::now());
  return peer ? std::optional(*peer) : std::nullopt;
}

Task<Membership::Answer> Membership::everywhere() {
  std::int64_t epoch = 0;
  {
    const std::lock_guard lock(mutex_);
    epoch = raised_;
  }
  if (epoch == 0) co_return Answer{};
  auto answer = co_await wait_for(epoch);
  co_return answer;
}

Task<Membership::Answer> Membership::catch_up() { return wait_for(0); }

Task<Membership::Answer> Membership::wait_for(std::int64_t epoch) {
  Executor* origin = Executor::current();
  Answer answer = co_await suspend_until<Answer>([&](std::function<void(Answer)> resume) {
    {
      const std::lock_guard lock(mutex_);
      if (running_ && !stopping_) {
        waiting_.push_back({epoch, Steady::now() + rules_.acknowledged_within, [origin, resume](Answer result) { origin->post([resume, result] { resume(result); }); }});
        board_->interrupt();
        return;
      }
    }
    // Before start() nobody follows this process, and it follows nobody.
    resume(running_ ? Answer(unexpected(Unavailable{"nodes: this one is stopping"})) : Answer{});
  });
  co_return answer;
}

void Membership::run() {
  while (true) {
    std::vector<Waiting> asked;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
      asked.swap(waiting_);   // before the look: it must see what they changed
    }
    const bool is_waited_for = !asked.empty();
    const std::string before = failure_;   // only this thread writes it
    const bool again = look();
    answer(std::move(asked), failure_.empty());
    tell(before);
    if (!again) board_->wait(is_waited_for ? rules_.look_while_waited_for : rules_.look_every);
  }
  lease_.give_up();
  std::vector<Waiting> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(waiting_);
  }
  for (const Waiting& waiting : left) waiting.done(unexpected(Unavailable{"nodes: this one is stopping"}));
  if (const auto done = board_->leave(); !done) notice_(true, "the other nodes were not told that this one has stopped: " + done.error());
}

void Membership::tell(const std::string& failure_before) {
  const bool serves = may_serve();
  if (!serves && !was_told_) notice_(true, "this node may not serve: " + (failure_.empty() ? std::string("it was not told of changes in time") : failure_));
  else if (!failure_.empty() && failure_ != failure_before) notice_(true, "the other nodes cannot be followed: " + failure_);
  if (serves && was_told_) notice_(false, "this node may serve: it knows of every change");
  was_told_ = !serves;
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

bool Membership::fail(const std::string& sentence, bool is_behind) {
  is_behind_ = is_behind_ || is_behind;
  const std::lock_guard lock(mutex_);
  failure_ = sentence;
  return false;
}

Result<void, std::string> Membership::hand_over(const std::vector<registry::Document>& documents) {
  for (const registry::Document& document : documents) {
    // A table that nobody here keeps belongs to a role that this process does not run.
    const auto [first, last] = owners_.equal_range(document.table);
    for (auto owner = first; owner != last; ++owner) {
      const auto taken = owner->second->take_over(document);
      if (!taken) return unexpected("what another node wrote cannot be read: " + std::string(taken.error().what));
    }
  }
  return {};
}

bool Membership::look() {
  const auto asked = Steady::now();
  const bool renews = !is_behind_ && (asked >= renewed_ + rules_.look_every || applied_ != confirmed_);
  // First the sign of life, then the look: who changes something either sees the sign, or is seen by the look.
  if (renews) {
    if (const auto renewed = board_->renew(applied_); !renewed) return fail(renewed.error());
    renewed_ = asked, confirmed_ = applied_;
  }
  const auto news = board_->read(applied_);
  if (!news) return fail(news.error());
  const auto read = Steady::now();
  std::vector<Peer> gone;
  {
    const std::lock_guard lock(mutex_);
    peers_.look(news->peers, read);
    gone = peers_.long_gone(read);
  }
  for (const Peer& peer : gone) static_cast<void>(board_->forget(peer));
  if (news->epoch < applied_) return fail("the database is older than what this node has seen: was it restored? Start the node again", true);
  if (const auto handed = hand_over(news->documents); !handed) return fail(handed.error(), true);
  const bool has_objects = !objects_.sequence || news->object_sequence <= objects_.sequence();
  if (!has_objects && !following_.exchange(true)) {
    // Not on this thread: a change on its way here may have the objects' turn.
    objects_.follow([this](bool) {
      following_ = false;
      board_->interrupt();
    });
  }
  {
    const std::lock_guard lock(mutex_);
    failure_.clear();
  }
  const bool was_behind = std::exchange(is_behind_, !has_objects);
  if (!has_objects) return false;
  applied_ = std::max(applied_, news->epoch);
  if (renews) lease_.extend(asked + std::chrono::milliseconds(rules_.lease.count()), Steady::now());
  return was_behind || applied_ != confirmed_;
}

void Membership::answer(std::vector<Waiting> asked, bool has_looked) {
  const auto now = Steady::now();
  const bool serves = lease_.holds(now);
  std::vector<Waiting> still;
  for (Waiting& waiting : asked) {
    bool is_known = has_looked;
    if (is_known && waiting.epoch > 0) {
      const std::lock_guard lock(mutex_);
      is_known = peers_.all_know(waiting.epoch, now);
    }
    if (is_known) waiting.done(Answer{});
    else if (now >= waiting.until || (!has_looked && !serves)) waiting.done(unexpected(Unavailable{"nodes: not every node has confirmed it"}));
    else still.push_back(std::move(waiting));
  }
  const std::lock_guard lock(mutex_);
  waiting_.insert(waiting_.end(), std::make_move_iterator(still.begin()), std::make_move_iterator(still.end()));
}

}  // namespace writ::nodes
