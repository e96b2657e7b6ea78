#pragma once

// One event loop and what belongs to its thread alone. Private to this folder.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <coroutine>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/executor.h"

namespace writ::net {

using SteadyTime = std::chrono::steady_clock::time_point;
using std::chrono::milliseconds;

inline constexpr std::size_t kBufferBytes = 16 * 1024;
using Buffer = std::unique_ptr<char[]>;

// A time limit that can be moved cheaply with every request: the loop looks at those that are set ten times a second instead of keeping a timer
// for each. Up to 0.1 s late. `expire` must not destroy deadlines.
class Deadline {
 public:
  Deadline(class Loop& loop, std::function<void()> expire);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  void set(milliseconds from_now);
  void clear();

 private:
  friend class Loop;
  class Loop& loop_;
  std::function<void()> expire_;
  SteadyTime at_ = SteadyTime::max();   // INVARIANT: max exactly when it is not in the loop's list: what stands idle costs the loop no look
  Deadline* previous_ = nullptr;
  Deadline* next_ = nullptr;
};

class Loop final : public Executor {
 public:
  explicit Loop(std::size_t index);
  void post(std::function<void()> work) override;
  void run();          // on the loop's thread, until stop()
  void stop();         // from any thread
  static Loop* current() noexcept;

  std::size_t index() const { return index_; }
  boost::asio::io_context& context() { return context_; }
  std::string_view date();            // for the Date field, renewed once a second

  // Read buffers are lent only while there is something to read, so that an idle connection holds none.
  Buffer take_buffer();
  void give_buffer(Buffer buffer);

  // Lets other work of this loop run first.
  struct Yield {
    Loop& loop;
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      loop.post([handle] { handle.resume(); });
    }
    void await_resume() noexcept {}
  };
  Yield yield() { return {*this}; }

  // Lets what is ready run first. Messages are written then: whoever waits for them is woken once for all that this turn has to say, not for each
  // between two pieces of work.
  struct TurnEnd {
    Loop& loop;
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) { loop.resume_at_turn_end(handle); }
    void await_resume() noexcept {}
  };
  TurnEnd turn_end() { return {*this}; }

 private:
  friend class Deadline;
  void sweep();
  void resume_at_turn_end(std::coroutine_handle<> handle);

  std::size_t index_;
  boost::asio::io_context context_{1};
  boost::asio::steady_timer timer_{context_};
  Deadline* deadlines_ = nullptr;
  std::vector<Deadline*> due_;
  std::vector<std::coroutine_handle<>> at_turn_end_, resuming_;
  std::vector<Buffer> buffers_;
  std::string date_;
  std::int64_t date_second_ = -1;
};

}  // namespace writ::net
