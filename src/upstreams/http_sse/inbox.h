#pragma once

// From the loop that reads a session's event stream to the loop of the request that waits for a part of it.

#include <coroutine>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "base/task.h"
#include "http/message.h"
#include "upstreams/upstream.h"

namespace writ::upstreams::http_sse {

// What was read from a session's stream and not taken yet by those whom it is for. The stream is not read any further while it is too much:
// a reader that never reads costs a bounded buffer. Safe to share between threads.
class Backlog {
 public:
  Backlog(Executor& reader, std::size_t bytes_max) : reader_(reader), bytes_max_(bytes_max) {}
  void add(std::size_t bytes);
  void take(std::size_t bytes);
  // For the reader, on its executor: goes on when there is room, or after release().
  Task<void> until_room();
  void release();

 private:
  void wake();   // with the mutex held
  Executor& reader_;
  std::size_t bytes_max_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  bool released_ = false;
  std::function<void(bool)> waiter_;
};

// Messages for one request, or for the standing stream. Filled from any thread; taken on the executor on which it was made.
class Inbox : public std::enable_shared_from_this<Inbox> {
 public:
  struct Item {
    std::string text;
    bool is_last = false;    // the response that was waited for
    bool is_error = false;   // and it is an error
  };

  explicit Inbox(std::shared_ptr<Backlog> backlog) : executor_(*Executor::current()), backlog_(std::move(backlog)) {}
  ~Inbox();

  void put(Item item);
  // Nothing more comes. What is there already can still be taken. The first reason stays.
  void end(Failure why);
  // Ends it when who takes has waited for too long.
  void end_if_due(Instant now);

  // One at a time.
  Task<Result<Item, Failure>> take(Instant until);

 private:
  using Taken = Result<Item, Failure>;
  std::optional<Taken> next();   // with the mutex held
  void wake();                   // with the mutex held

  Executor& executor_;
  std::shared_ptr<Backlog> backlog_;
  std::mutex mutex_;
  std::deque<Item> items_;
  std::optional<Failure> end_;
  Instant until_ = Instant::max();
  std::function<void(bool)> waiter_;
};

// While it lives, a request that nobody waits for any more ends the inbox.
class EndWhenCancelled {
 public:
  EndWhenCancelled(http::Cancellation* cancellation, std::shared_ptr<Inbox> inbox);
  ~EndWhenCancelled();
  EndWhenCancelled(const EndWhenCancelled&) = delete;
  EndWhenCancelled& operator=(const EndWhenCancelled&) = delete;

 private:
  http::Cancellation* cancellation_;
};

}  // namespace writ::upstreams::http_sse
