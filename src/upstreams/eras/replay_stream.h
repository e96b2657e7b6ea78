#pragma once

// An event stream for a legacy client that can be resumed (TR-31 to TR-34): every event has an id that is unique in the session, and what came lately is
// kept. Written on one event loop, read on any.

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/executor.h"
#include "http/message.h"

namespace writ::upstreams {

struct ReplayLimits {
  std::size_t unread_max = 256 * 1024;          // then the writer waits for the slowest reader
  std::size_t kept_max = 128 * 1024;            // of what all readers have had
  std::int64_t all_kept_max = 64 << 20;         // of all streams together: above it nothing is kept that was read
};

// What all streams keep.
struct ReplayBudget {
  ReplayLimits limits;
  std::atomic<std::int64_t> bytes{0};
};

// Where in which stream an event stood: its id is "stream.event".
struct EventPlace {
  std::uint64_t stream = 0, event = 0;
  friend bool operator==(const EventPlace&, const EventPlace&) = default;
};
std::optional<EventPlace> parse_event_place(std::string_view id);

// Safe to share between threads, but for ready().
class ReplayStream : public std::enable_shared_from_this<ReplayStream> {
 public:
  ReplayStream(std::uint64_t number, std::shared_ptr<ReplayBudget> budget);
  ~ReplayStream();
  ReplayStream(const ReplayStream&) = delete;
  ReplayStream& operator=(const ReplayStream&) = delete;

  std::uint64_t number() const { return number_; }
  void write(const std::string& message);       // becomes one event
  void finish();                                // nothing comes any more
  bool is_finished() const;
  bool is_read() const;                         // somebody reads it now
  // Until there is room for more. On the writer's loop, one at a time.
  Task<void> ready();

  // From the beginning, or what came after an event. Null when some of that is not kept any more. `on_left` is called on the reader's loop when the reader
  // lets go before the end. The reader lives on the loop on which this is called.
  std::unique_ptr<http::BodyStream> read(std::function<void()> on_left = nullptr);
  std::unique_ptr<http::BodyStream> read_after(std::uint64_t event);

 private:
  struct Place;
  class Reader;
  struct Kept {
    std::uint64_t number;
    std::string text;
  };
  using Piece = Result<std::string, http::StreamEnd>;
  std::unique_ptr<http::BodyStream> open(std::uint64_t next, std::function<void()> on_left);
  // Under the lock.
  void append(const std::string& data);
  void trim();
  std::optional<Piece> take(Place& place);
  bool has_room() const;
  void wake();
  void leave(const std::shared_ptr<Place>& place);

  const std::uint64_t number_;
  const std::shared_ptr<ReplayBudget> budget_;
  mutable std::mutex mutex_;
  std::deque<Kept> kept_;
  std::size_t bytes_ = 0;                       // of kept_
  std::uint64_t next_ = 0;                      // number of the next event
  bool finished_ = false;
  std::vector<std::shared_ptr<Place>> readers_;
  Executor* writer_ = nullptr;
  std::function<void(bool)> waiting_;
};

}  // namespace writ::upstreams
