#pragma once

// One program under supervision. Everything but the queue belongs to the supervisor's thread. Private to this folder.

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/process/line_reader.h"
#include "adapters/process/spawn.h"
#include "adapters/process/supervisor.h"

namespace writ::process {

using SteadyTime = std::chrono::steady_clock::time_point;

// What other threads hand over.
class InputQueue {
 public:
  explicit InputQueue(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  bool put(std::string line);
  void close();
  bool is_closed() const;
  std::string take();   // all that waits
 private:
  mutable std::mutex mutex_;
  std::string waiting_;
  std::size_t bytes_max_;
  bool closed_ = false;
};

class Child {
 public:
  Child(upstreams::stdio::Launch launch, std::shared_ptr<upstreams::stdio::Listener> listener, std::shared_ptr<InputQueue> queue, const SupervisorOptions& options);

  void start(SteadyTime now);
  // Closes its input; what follows if it does not go is up to on_time.
  void begin_end(SteadyTime now);
  // The same, because somebody wants it: then its end is no news.
  void end_on_request(SteadyTime now);
  // What the clock asks for: escalation, deadlines.
  void on_time(SteadyTime now);

  void on_output();
  void on_errors(SteadyTime now);
  void on_report();
  void on_exit();
  void write_input();
  void on_input_closed();

  bool is_over() const { return over_; }
  bool wants_to_write() const { return !pending_.empty(); }
  const std::shared_ptr<InputQueue>& queue() const { return queue_; }
  const Spawned& spawned() const { return spawned_; }

 private:
  enum class Stage { running, input_closed, terminated, killed };
  bool read_output(bool until_empty);
  void log_line(std::string line, SteadyTime now);
  void log(const std::string& sentence) const;
  std::string masked(std::string line) const;
  void finish(std::string why);
  void act_on_report(std::string_view line);

  upstreams::stdio::Launch launch_;
  std::shared_ptr<upstreams::stdio::Listener> listener_;
  std::shared_ptr<InputQueue> queue_;
  const SupervisorOptions& options_;
  Spawned spawned_;
  LineReader output_, errors_, report_;
  std::string pending_;          // taken from the queue and not yet written
  Stage stage_ = Stage::running;
  SteadyTime next_ = SteadyTime::max();      // when the next stage begins, or the start is given up
  SteadyTime second_{};          // of the log's count
  int lines_in_second_ = 0, lines_left_out_ = 0;
  bool started_ = false, over_ = false, was_asked_ = false;
  std::string last_words_;       // why the sandbox refused or ended it
};

}  // namespace writ::process
