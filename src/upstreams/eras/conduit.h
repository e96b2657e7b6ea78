#pragma once

// A stream of bytes from one event loop to another. The writer lives on one loop, the reader on one, which may be the same. What is written and
// not read yet is bounded by the writer, who waits for `ready`.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "http/message.h"

namespace writ::upstreams {

class Conduit {
 public:
  explicit Conduit(std::size_t unread_max = 256 * 1024);

  // The writer, from any thread. False when nobody reads any more.
  bool write(std::string piece);
  void finish(http::StreamEnd how);   // the first counts
  bool is_closed() const;
  bool is_full() const;               // `ready` would wait
  // Until less than `unread_max` is unread; false when nobody reads any more. On the writer's loop, one at a time.
  Task<bool> ready();
  // Called once, on the loop on which this was called, when the reader let go before the end. Empty: not any more.
  void on_closed(std::function<void()> hook);

  // The reader; once. It has let go when it is cancelled or destroyed.
  std::unique_ptr<http::BodyStream> body();
  // Lets go, from any thread.
  void close();

 private:
  struct State;
  class Reader;
  std::shared_ptr<State> state_;
};

}  // namespace writ::upstreams
