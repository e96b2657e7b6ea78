#pragma once

// Messages of a program on their way to one HTTP exchange: written by the thread that reads the program, read by the event loop that answers.
// What waits is bounded, because one program serves several readers and cannot be slowed down for one of them (G16).

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/task.h"
#include "upstreams/stdio/wakeup.h"
#include "upstreams/upstream.h"

namespace writ::upstreams::stdio {

class Outbox {
 public:
  explicit Outbox(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  struct Next {
    std::string text;                   // a message, written
    bool is_last = false;               // nothing follows: this is the answer
    bool is_error = false;              // and it is a JSON-RPC error
    bool is_end = false;                // no message: it ended, well or
    std::optional<Failure> failure;     // badly
  };

  // From any thread. False: so much waits that the reader is given up.
  enum class Kind { along_the_way, result, error };
  bool put(std::string text, Kind kind = Kind::along_the_way);
  void finish();
  void fail(Failure failure);
  bool is_over() const;                 // nothing more can be put

  // On the reader's loop, one at a time.
  Task<Next> next();

 private:
  std::optional<Next> take();
  void end(std::optional<Failure> failure);

  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  std::deque<Next> waiting_;
  std::size_t bytes_ = 0;
  bool over_ = false;
  std::optional<Failure> failure_;
  Wakeup reader_;
};

}  // namespace writ::upstreams::stdio
