#include "adapters/net/event_loops.h"

#include <sched.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <thread>

#include "adapters/net/loop.h"
#include "http/write.h"

namespace writ::net {
namespace {
constexpr milliseconds kSweepInterval{100};
constexpr std::size_t kSpareBuffersMax = 256;

// Cores that this process may run on: a container or `taskset` may leave it fewer than the machine has, and two loops on one core only take turns.
std::size_t usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) == 0 && CPU_COUNT(&cores) > 0) return static_cast<std::size_t>(CPU_COUNT(&cores));
  return std::max(1U, std::thread::hardware_concurrency());   // more cores than a cpu_set_t holds
}

thread_local Loop* current_loop = nullptr;
}  // namespace

Deadline::Deadline(Loop& loop, std::function<void()> expire) : loop_(loop), expire_(std::move(expire)) {}

Deadline::~Deadline() { clear(); }

void Deadline::set(milliseconds from_now) {
  if (at_ == SteadyTime::max()) {
    previous_ = nullptr;
    next_ = loop_.deadlines_;
    if (next_) next_->previous_ = this;
    loop_.deadlines_ = this;
  }
  at_ = std::chrono::steady_clock::now() + from_now;
}

void Deadline::clear() {
  if (at_ == SteadyTime::max()) return;
  at_ = SteadyTime::max();
  if (next_) next_->previous_ = previous_;
  (previous_ ? previous_->next_ : loop_.deadlines_) = next_;
}

Loop::Loop(std::size_t index) : index_(index) {}

void Loop::post(std::function<void()> work) { boost::asio::post(context_, std::move(work)); }

Loop* Loop::current() noexcept { return current_loop; }

void Loop::run() {
  const Scope scope(*this);
  current_loop = this;
  const auto guard = boost::asio::make_work_guard(context_);
  sweep();
  context_.run();
  current_loop = nullptr;
}

void Loop::stop() { context_.stop(); }

void Loop::sweep() {
  const SteadyTime now = std::chrono::steady_clock::now();
  due_.clear();
  for (Deadline* deadline = deadlines_; deadline; deadline = deadline->next_) {
    if (deadline->at_ <= now) due_.push_back(deadline);
  }
  for (Deadline* deadline : due_) {
    if (deadline->at_ > now) continue;   // one that was due before it has moved it
    deadline->clear();
    deadline->expire_();
  }
  timer_.expires_after(kSweepInterval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) sweep();
  });
}

void Loop::resume_at_turn_end(std::coroutine_handle<> handle) {
  at_turn_end_.push_back(handle);
  if (at_turn_end_.size() > 1) return;
  boost::asio::post(context_, [this] {   // behind all that is ready by now
    resuming_.swap(at_turn_end_);
    for (const std::coroutine_handle<> waiting : resuming_) waiting.resume();
    resuming_.clear();
  });
}

std::string_view Loop::date() {
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()).time_since_epoch().count();
  if (second != date_second_) date_ = http::format_date(second), date_second_ = second;
  return date_;
}

Buffer Loop::take_buffer() {
  if (buffers_.empty()) return Buffer(new char[kBufferBytes]);
  Buffer buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void Loop::give_buffer(Buffer buffer) {
  if (buffer && buffers_.size() < kSpareBuffersMax) buffers_.push_back(std::move(buffer));
}

struct EventLoops::Threads {
  std::vector<std::thread> threads;
};

EventLoops::EventLoops(std::size_t count) : threads_(std::make_unique<Threads>()) {
  // OpenSSL writes with write(2): a peer that has gone must be an error of that connection, not the end of the process.
  struct sigaction action {};
  if (sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL) std::signal(SIGPIPE, SIG_IGN);
  if (count == 0) count = usable_cores();
  for (std::size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>(i));
  for (const auto& loop : loops_) threads_->threads.emplace_back([&loop = *loop] { loop.run(); });
}

EventLoops::~EventLoops() { stop(); }

Executor& EventLoops::executor(std::size_t index) { return *loops_[index]; }

void EventLoops::stop() {
  stopped_ = true;
  for (const auto& loop : loops_) loop->stop();
  for (std::thread& thread : threads_->threads) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace writ::net
