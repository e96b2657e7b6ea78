#pragma once

// The transmitter of the Shared Signals Framework: who gets which event under which name, and its way there by push. The endpoints of
// receivers (streams, status, poll) stand in endpoints.h.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "audit/decisions_log.h"
#include "base/clock.h"
#include "crypto/seal.h"
#include "http/message.h"
#include "registry/snapshot.h"
#include "signals/people_events.h"
#include "signals/transmitter/outbox.h"
#include "signals/transmitter/stream.h"

namespace writ::signals {

// Everything outlives the transmitter.
struct TransmitterParts {
  std::string issuer;                                     // whose events these are: the identity provider's
  const Clock& clock;
  const registry::Current& registry;
  audit::DecisionsLog& log;
  http::Outgoing& outgoing;
  Streams& streams;
  Outbox& outbox;
  crypto::SealingKey sealing_key;                         // for the Authorization values that receivers want to see
  std::function<std::string(const json::Value& claims)> sign;
  // How a receiver knows a person: the `sub` of its ID-JAGs. Absent: it does not.
  std::function<std::optional<std::string>(const registry::ResourceAs&, const registry::User&)> subject_of;
  std::function<Task<void>(Milliseconds)> pause{};        // for polls that wait; empty: none does
};

// How long after the n-th failure in a row the next attempt is made.
Milliseconds back_off(int failures);

class Transmitter final : public PeopleEvents, public std::enable_shared_from_this<Transmitter> {
 public:
  explicit Transmitter(TransmitterParts parts) : parts_(std::move(parts)) {}

  Task<Result<void, Unavailable>> tell(registry::User user, std::vector<Event> events) override;
  // About the stream itself (verification, stream-updated).
  Task<Result<void, Unavailable>> tell_stream(std::string stream_id, Event event);

  // Starts what is due; at most one request for each stream is under way. Call on an executor, some ten times a second.
  void pump();
  // Nothing new is started, and what is under way ends soon. The parts may go when it is idle.
  void stop() { stopped_ = true; }
  bool is_idle() const;

  // Whether somebody may receive for this audience right now: an active API token and an active resource authorization server.
  bool is_receiver(const registry::Snapshot& snapshot, std::string_view audience) const;

  // By an administrator: the receiver cannot undo it. False: there is no such stream.
  Task<Result<bool, Unavailable>> hold(std::string stream_id, Status status, std::string reason, std::string actor, std::string peer);
  Task<Result<bool, Unavailable>> remove(std::string stream_id, std::string actor, std::string peer);

  struct Summary {
    Stream stream;
    std::size_t waiting = 0;
    int failures = 0;                    // in a row
    std::string last_problem;
    std::optional<Instant> next_attempt, last_delivery;
    bool receiver_known = false;
  };
  std::vector<Summary> summaries() const;

  const TransmitterParts& parts() const { return parts_; }
  std::string signed_token(const Stream& stream, const QueuedEvent& event) const;
  // For a poll that waits: one at a time for each stream, whoever asks beside it is answered at once. False: somebody waits already.
  bool begin_waiting(const std::string& stream_id);
  void end_waiting(const std::string& stream_id);
  // Records what a receiver answered, and forgets the event.
  Task<Result<void, Unavailable>> settle(const Stream& stream, const QueuedEvent& event, audit::Effect effect, std::string reason, std::string detail);

 private:
  struct Sending {
    bool in_flight = false, poll_waits = false;
    int failures = 0;
    Instant next{};
    std::string last_problem;
    std::optional<Instant> last_delivery;
  };
  enum class Attempt { delivered, refused, failed };
  Task<void> deliver(std::string stream_id);
  Task<bool> deliver_one(const Stream& stream, const QueuedEvent& event);   // false: not now
  Task<Result<void, Unavailable>> give_up(Stream stream, std::string reason);
  std::optional<http::OutgoingRequest> request_for(const Stream& stream, const QueuedEvent& event) const;
  void note(const std::string& stream_id, bool delivered, std::string problem);

  TransmitterParts parts_;
  std::atomic<bool> stopped_{false};
  mutable std::mutex mutex_;
  std::map<std::string, Sending> sending_;
};

}  // namespace writ::signals
