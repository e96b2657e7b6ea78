#include "adapters/process/supervisor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "adapters/process/child.h"

namespace writ::process {

using upstreams::stdio::Launch;
using upstreams::stdio::Listener;
using upstreams::stdio::Program;

namespace {
constexpr auto kTick = std::chrono::milliseconds(100);
constexpr auto kLastGrace = Milliseconds(700);
}

struct Supervisor::State : std::enable_shared_from_this<Supervisor::State> {
  explicit State(SupervisorOptions given) : options(std::move(given)), wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  SupervisorOptions options;
  Descriptor wake;
  std::mutex mutex;
  std::vector<std::unique_ptr<Child>> arriving;      // guarded by mutex
  std::vector<std::shared_ptr<InputQueue>> ending;   // guarded by mutex
  bool stopping = false;                             // guarded by mutex
  std::map<InputQueue*, std::unique_ptr<Child>> children;   // the thread's
  std::thread thread;

  void rouse() {
    const std::uint64_t one = 1;
    static_cast<void>(!::write(wake.get(), &one, sizeof one));
  }
  void run();
  bool take_orders(SteadyTime now);
  void wait_and_serve(SteadyTime next_tick);
};

namespace {

class Handle final : public Program {
 public:
  Handle(std::weak_ptr<Supervisor::State> state, std::shared_ptr<InputQueue> queue) : state_(std::move(state)), queue_(std::move(queue)) {}
  ~Handle() override { end(); }
  bool write(std::string line) override {
    const bool taken = queue_->put(std::move(line));
    if (const auto state = state_.lock(); taken && state) state->rouse();
    return taken;
  }
  void end() override {
    const auto state = state_.lock();
    if (!state || queue_->is_closed()) return;
    queue_->close();
    {
      const std::lock_guard lock(state->mutex);
      state->ending.push_back(queue_);
    }
    state->rouse();
  }

 private:
  std::weak_ptr<Supervisor::State> state_;
  std::shared_ptr<InputQueue> queue_;
};

}  // namespace

bool Supervisor::State::take_orders(SteadyTime now) {
  std::uint64_t count = 0;
  static_cast<void>(!::read(wake.get(), &count, sizeof count));
  std::vector<std::unique_ptr<Child>> new_ones;
  std::vector<std::shared_ptr<InputQueue>> to_end;
  bool stop = false;
  {
    const std::lock_guard lock(mutex);
    new_ones.swap(arriving);
    to_end.swap(ending);
    stop = stopping;
  }
  for (auto& child : new_ones) {
    child->start(now);
    if (!child->is_over()) children.emplace(child->queue().get(), std::move(child));
  }
  for (const auto& queue : to_end) {
    if (const auto found = children.find(queue.get()); found != children.end()) found->second->end_on_request(now);
  }
  return !stop;
}

void Supervisor::State::wait_and_serve(SteadyTime next_tick) {
  enum class Source { input, output, errors, report, process };
  std::vector<pollfd> polled{{wake.get(), POLLIN, 0}};
  std::vector<std::pair<Child*, Source>> sources{{nullptr, Source::input}};
  const auto add = [&](Child& child, Source source, const Descriptor& descriptor, short events) {
    if (!descriptor.is_open()) return;
    polled.push_back({descriptor.get(), events, 0});
    sources.emplace_back(&child, source);
  };
  for (auto& [queue, child] : children) {
    const Spawned& spawned = child->spawned();
    child->write_input();
    // Always polled: that it closed its input is told by POLLERR.
    add(*child, Source::input, spawned.input, child->wants_to_write() ? POLLOUT : short{0});
    add(*child, Source::output, spawned.output, POLLIN);
    add(*child, Source::errors, spawned.errors, POLLIN);
    add(*child, Source::report, spawned.report, POLLIN);
    add(*child, Source::process, spawned.process, POLLIN);
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next_tick - std::chrono::steady_clock::now()).count() + 1;
  if (::poll(polled.data(), polled.size(), static_cast<int>(std::clamp<std::int64_t>(left, 0, kTick.count()))) <= 0) return;
  const SteadyTime now = std::chrono::steady_clock::now();
  for (std::size_t i = 1; i < polled.size(); ++i) {
    if (polled[i].revents == 0 || sources[i].first->is_over()) continue;
    Child& child = *sources[i].first;
    switch (sources[i].second) {
      case Source::input: (polled[i].revents & POLLERR) != 0 ? child.on_input_closed() : child.write_input(); break;
      case Source::output: child.on_output(); break;
      case Source::errors: child.on_errors(now); break;
      case Source::report: child.on_report(); break;
      case Source::process: child.on_exit(); break;
    }
  }
}

void Supervisor::State::run() {
  SteadyTime next_tick = std::chrono::steady_clock::now();
  bool was_stopping = false;
  while (true) {
    SteadyTime now = std::chrono::steady_clock::now();
    was_stopping = !take_orders(now);
    if (was_stopping) {
      options.grace = std::min(options.grace, kLastGrace);
      for (auto& [queue, child] : children) child->end_on_request(now);
    }
    if (was_stopping && children.empty()) return;
    wait_and_serve(next_tick);
    now = std::chrono::steady_clock::now();
    if (now >= next_tick) {
      next_tick = now + kTick;
      for (auto& [queue, child] : children) child->on_time(now);
      if (options.tick && !was_stopping) options.tick();
    }
    std::erase_if(children, [](const auto& entry) { return entry.second->is_over(); });
  }
}

Supervisor::Supervisor(SupervisorOptions options) : state_(std::make_shared<State>(std::move(options))) {
  std::signal(SIGPIPE, SIG_IGN);   // a program that goes while it is written to
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

Supervisor::~Supervisor() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->rouse();
  state_->thread.join();
}

std::shared_ptr<Program> Supervisor::start(Launch launch, std::shared_ptr<Listener> listener) {
  auto queue = std::make_shared<InputQueue>(state_->options.input_bytes_max);
  auto child = std::make_unique<Child>(std::move(launch), std::move(listener), queue, state_->options);
  {
    const std::lock_guard lock(state_->mutex);
    state_->arriving.push_back(std::move(child));
  }
  state_->rouse();
  return std::make_shared<Handle>(state_, std::move(queue));
}

std::string sandbox_program_beside_this() {
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  return (failed ? std::filesystem::path("writ-sandbox") : self.parent_path() / "writ-sandbox").string();
}

}  // namespace writ::process
