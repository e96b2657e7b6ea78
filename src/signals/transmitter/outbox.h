#pragma once

// Events on their way to receivers. What add() has acknowledged is delivered or given up on record, whatever happens to the process (at
// least once, RFC 8935 §1). Bounded for each stream: a receiver that is gone costs a known amount.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "registry/documents.h"
#include "signals/event.h"
#include "signals/subject.h"

namespace writ::signals {

// A token before it is signed: it gets its signature when it is sent, by the key of that day.
struct QueuedEvent {
  std::string jti, txn;
  std::int64_t issued_at = 0;
  Identifier subject;
  Event event;
  std::string user_id;             // for the record; empty: about the stream itself
  Instant queued{};

  bool is_about_stream() const { return user_id.empty(); }
};

// Safe to share between threads. Read from memory; changes are durable when their task completes.
class Outbox {
 public:
  static constexpr std::size_t kWaitingMax = 10'000;   // for each stream
  static constexpr Seconds kKept{7 * 86'400};

  static Result<std::unique_ptr<Outbox>, Unavailable> open(registry::Documents& documents);

  // False: too many wait already; nothing was added. What is about the stream itself always finds room.
  Task<Result<bool, Unavailable>> add(std::string stream_id, QueuedEvent event);
  Task<Result<void, Unavailable>> done(std::string stream_id, std::string jti);   // also of one that is gone
  // Those of a stream that a predicate is true of; how many that were.
  Task<Result<std::size_t, Unavailable>> drop(std::string stream_id, bool (*which)(const QueuedEvent&));

  // The oldest ones, in order. `about_stream_only`: nothing of people.
  std::vector<QueuedEvent> next(std::string_view stream_id, std::size_t limit, bool about_stream_only = false) const;
  std::size_t waiting(std::string_view stream_id) const;

 private:
  explicit Outbox(registry::Documents& documents) : documents_(documents) {}
  static registry::Document document_of(const std::string& stream_id, const QueuedEvent& event);

  registry::Documents& documents_;
  mutable std::mutex mutex_;
  std::map<std::string, std::deque<QueuedEvent>, std::less<>> waiting_;
};

}  // namespace writ::signals
