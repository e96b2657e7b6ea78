#include "signals/transmitter/transmitter.h"

#include <algorithm>

#include "crypto/random.h"
#include "encoding/base64url.h"
#include "encoding/uri.h"
#include "signals/delivery.h"
#include "signals/security_event_token.h"

namespace writ::signals {
namespace {

constexpr int kAtOnce = 50;         // of one stream, before others and the loop get their turn
constexpr int kTimeoutMs = 5'000;   // a slow receiver costs one request
constexpr Milliseconds kBackOffMax{60'000};

bool is_about_person(const QueuedEvent& event) { return !event.is_about_stream(); }
bool is_any(const QueuedEvent&) { return true; }

audit::Commit record_of(const Stream& stream, audit::Effect effect, std::string reason, Instant now) {
  audit::Commit commit;
  commit.record.event = audit::Event::signal;
  commit.record.effect = effect;
  commit.record.time = now;
  commit.record.reason = std::move(reason);
  commit.record.resource = stream.audience;
  commit.record.more = {{"stream", stream.id}};
  return commit;
}

}  // namespace

Milliseconds back_off(int failures) {
  Milliseconds wait{1'000};
  for (int i = 1; i < failures && wait < kBackOffMax; ++i) wait *= 2;
  return std::min(wait, kBackOffMax);
}

bool Transmitter::is_receiver(const registry::Snapshot& snapshot, std::string_view audience) const {
  const auto* ras = snapshot.resource_as(audience);
  if (!ras || !ras->active) return false;
  const auto& tokens = snapshot.objects().api_tokens;
  return std::any_of(tokens.begin(), tokens.end(), [&](const registry::ApiToken& token) { return token.active && token.role == "signals" && token.audience == audience; });
}

Task<Result<void, Unavailable>> Transmitter::tell(registry::User user, std::vector<Event> events) {
  const auto snapshot = parts_.registry.get();
  const Instant now = parts_.clock.now();
  const std::string txn = crypto::random_token(12);
  Result<void, Unavailable> all;
  for (const Stream& stream : parts_.streams.all()) {
    const auto* ras = snapshot->resource_as(stream.audience);
    const auto subject = ras ? parts_.subject_of(*ras, user) : std::nullopt;
    // Who has no name there got no ID-JAG for it either. A disabled stream holds nothing back for later (SSF §8.1.2).
    if (!subject || stream.status == Status::disabled) continue;
    const Identifier named = iss_sub(parts_.issuer, *subject);
    const std::string written = json::write_canonical(to_json(named));
    if (std::find(stream.removed_subjects.begin(), stream.removed_subjects.end(), written) != stream.removed_subjects.end()) continue;
    for (const Event& event : events) {
      if (!stream.wants(event.type)) continue;
      QueuedEvent queued;
      queued.jti = crypto::random_token(), queued.txn = txn, queued.issued_at = to_unix_seconds(now);
      queued.subject = named, queued.event = event, queued.user_id = user.id, queued.queued = now;
      const auto added = co_await parts_.outbox.add(stream.id, std::move(queued));
      if (!added) {
        all = unexpected(added.error());   // go on: who can be told is
      } else if (!*added) {
        std::string why = "too many events wait for this receiver";
        const auto given_up = co_await give_up(stream, std::move(why));
        if (!given_up) all = unexpected(given_up.error());
        break;
      }
    }
  }
  co_return all;
}

Task<Result<void, Unavailable>> Transmitter::tell_stream(std::string stream_id, Event event) {
  const Instant now = parts_.clock.now();
  QueuedEvent queued;
  queued.jti = crypto::random_token(), queued.txn = crypto::random_token(12), queued.issued_at = to_unix_seconds(now);
  queued.subject = opaque(stream_id), queued.event = std::move(event), queued.queued = now;
  const auto added = co_await parts_.outbox.add(std::move(stream_id), std::move(queued));
  if (!added) co_return unexpected(added.error());
  co_return Result<void, Unavailable>{};
}

// EN-43: the receiver hears of it by the last thing that it gets. It knows then that it cannot rely on what it has heard.
Task<Result<void, Unavailable>> Transmitter::give_up(Stream stream, std::string reason) {
  stream.status = Status::disabled;
  stream.reason = reason;
  auto commit = record_of(stream, audit::Effect::deny, "stream_disabled", parts_.clock.now());
  commit.record.detail = reason;
  const auto recorded = co_await parts_.log.commit(std::move(commit));
  if (!recorded) co_return unexpected(recorded.error());
  const auto written = co_await parts_.streams.put(stream);
  if (!written) co_return unexpected(written.error());
  const auto dropped = co_await parts_.outbox.drop(stream.id, is_about_person);
  if (!dropped) co_return unexpected(dropped.error());
  std::string stream_id = stream.id;
  Event updated = stream_updated("disabled", std::move(reason));
  const auto told = co_await tell_stream(std::move(stream_id), std::move(updated));
  co_return told;
}

std::string Transmitter::signed_token(const Stream& stream, const QueuedEvent& event) const {
  return parts_.sign(to_claims(parts_.issuer, stream.audience, event.jti, event.issued_at, event.txn, event.subject, event.event));
}

Task<Result<void, Unavailable>> Transmitter::settle(const Stream& stream, const QueuedEvent& event, audit::Effect effect, std::string reason, std::string detail) {
  auto commit = record_of(stream, effect, std::move(reason), parts_.clock.now());
  commit.record.user = event.user_id;
  commit.record.detail = std::move(detail);
  commit.record.more.emplace_back("set", event.jti);
  commit.record.more.emplace_back("security_event", event.event.type);
  commit.durability = audit::Durability::process;   // the decision was recorded where it was made; this says that it arrived
  const auto recorded = co_await parts_.log.commit(std::move(commit));
  if (!recorded) co_return unexpected(recorded.error());
  if (stopped_) co_return unexpected(Unavailable{"the program ends"});
  std::string stream_id = stream.id, jti = event.jti;
  const auto done = co_await parts_.outbox.done(std::move(stream_id), std::move(jti));
  co_return done;
}

bool Transmitter::begin_waiting(const std::string& stream_id) {
  const std::lock_guard lock(mutex_);
  return !std::exchange(sending_[stream_id].poll_waits, true);
}

void Transmitter::end_waiting(const std::string& stream_id) {
  const std::lock_guard lock(mutex_);
  sending_[stream_id].poll_waits = false;
}

std::optional<http::OutgoingRequest> Transmitter::request_for(const Stream& stream, const QueuedEvent& event) const {
  const auto endpoint = uri::parse(stream.endpoint_url);
  const auto receiver = uri::parse(stream.audience);
  if (!endpoint || !receiver) return std::nullopt;
  http::OutgoingRequest request;
  request.method = "POST";
  request.url = stream.endpoint_url;
  request.headers = {{"Content-Type", "application/secevent+jwt"}, {"Accept", "application/json"}};
  if (!stream.authorization_sealed.empty()) {
    const auto sealed = base64url::decode(stream.authorization_sealed);
    const auto opened = sealed ? parts_.sealing_key.open(*sealed, "signals:" + stream.id) : std::nullopt;
    if (!opened) return std::nullopt;
    request.headers.add("Authorization", std::string(opened->reveal()));
  }
  request.body = signed_token(stream, event);
  request.response_bytes_max = 8 * 1024;
  request.timeout_ms = kTimeoutMs;
  // The administrator named the receiver's own host. Any other the receiver chose, and it must not be one inside our network (N1).
  request.public_addresses_only = endpoint->origin() != receiver->origin();
  return request;
}

void Transmitter::note(const std::string& stream_id, bool delivered, std::string problem) {
  const Instant now = parts_.clock.now();
  const std::lock_guard lock(mutex_);
  Sending& sending = sending_[stream_id];
  sending.last_problem = std::move(problem);
  if (delivered) {
    sending.failures = 0;
    sending.last_delivery = now;
  } else {
    sending.next = now + back_off(++sending.failures);
  }
}

// False: it stays where it is, and the stream rests for a while.
Task<bool> Transmitter::deliver_one(const Stream& stream, const QueuedEvent& event) {
  if (event.queued + Outbox::kKept < parts_.clock.now()) {
    const auto settled = co_await settle(stream, event, audit::Effect::deny, "not_delivered_in_time", "");
    co_return settled.has_value() && !stopped_;
  }
  auto request = request_for(stream, event);
  if (!request) {
    note(stream.id, false, "the stream's endpoint or its authorization value cannot be used");
    co_return false;
  }
  auto answer = co_await parts_.outgoing.fetch(std::move(*request));
  if (stopped_) co_return false;
  if (!answer) {
    note(stream.id, false, "the receiver cannot be reached: " + answer.error().detail);
    co_return false;
  }
  const bool accepted = answer->status >= 200 && answer->status < 300;
  // EN-34: what was refused for what it says is refused again. Everything else may come right, the receiver's configuration included.
  if (!accepted && answer->status != 400) {
    note(stream.id, false, "the receiver answered " + std::to_string(answer->status));
    co_return false;
  }
  std::string detail;
  if (!accepted) {
    const auto body = json::parse(answer->body);
    const DeliveryError error = parse_delivery_error(body ? *body : json::Value());
    detail = error.code + (error.description.empty() ? "" : ": " + error.description);
  }
  note(stream.id, true, accepted ? "" : "the receiver refused an event: " + detail);
  const auto settled = co_await settle(stream, event, accepted ? audit::Effect::allow : audit::Effect::deny, accepted ? "delivered" : "refused_by_receiver", std::move(detail));
  co_return settled.has_value() && !stopped_;
}

Task<void> Transmitter::deliver(std::string stream_id) {
  const auto self = shared_from_this();   // the program may end meanwhile
  for (int i = 0; i < kAtOnce; ++i) {
    // Read anew each time: its receiver or an administrator may have changed it.
    const auto stream = parts_.streams.find(stream_id);
    if (!stream || !stream->push) break;
    const auto next = parts_.outbox.next(stream_id, 1, stream->status != Status::enabled);
    if (next.empty()) break;
    const bool goes_on = co_await deliver_one(*stream, next.front());
    if (!goes_on) break;
  }
  const std::lock_guard lock(mutex_);
  sending_[stream_id].in_flight = false;
}

void Transmitter::pump() {
  if (stopped_) return;
  const Instant now = parts_.clock.now();
  const auto snapshot = parts_.registry.get();
  for (const Stream& stream : parts_.streams.all()) {
    if (!stream.push || !is_receiver(*snapshot, stream.audience)) continue;
    if (parts_.outbox.next(stream.id, 1, stream.status != Status::enabled).empty()) continue;
    {
      const std::lock_guard lock(mutex_);
      Sending& sending = sending_[stream.id];
      if (sending.in_flight || now < sending.next) continue;
      sending.in_flight = true;
    }
    spawn(deliver(stream.id), [](std::exception_ptr) {});
  }
}

Task<Result<bool, Unavailable>> Transmitter::hold(std::string stream_id, Status status, std::string reason, std::string actor, std::string peer) {
  auto stream = parts_.streams.find(stream_id);
  if (!stream) co_return false;
  auto commit = record_of(*stream, audit::Effect::none, "stream_" + std::string(to_string(status)), parts_.clock.now());
  commit.record.event = audit::Event::administration;
  commit.record.peer = std::move(peer);
  commit.record.more.emplace_back("actor", std::move(actor));
  if (!reason.empty()) commit.record.more.emplace_back("comment", reason);
  const auto recorded = co_await parts_.log.commit(std::move(commit));
  if (!recorded) co_return unexpected(recorded.error());
  stream->status = status, stream->reason = reason, stream->held_by_administrator = status != Status::enabled;
  const auto written = co_await parts_.streams.put(*stream);
  if (!written) co_return unexpected(written.error());
  if (status == Status::disabled) {
    const auto dropped = co_await parts_.outbox.drop(stream_id, is_about_person);
    if (!dropped) co_return unexpected(dropped.error());
  }
  Event updated = stream_updated(std::string(to_string(status)), std::move(reason));
  const auto told = co_await tell_stream(std::move(stream_id), std::move(updated));
  if (!told) co_return unexpected(told.error());
  co_return true;
}

Task<Result<bool, Unavailable>> Transmitter::remove(std::string stream_id, std::string actor, std::string peer) {
  const auto stream = parts_.streams.find(stream_id);
  if (!stream) co_return false;
  auto commit = record_of(*stream, audit::Effect::none, "stream_removed", parts_.clock.now());
  commit.record.peer = std::move(peer);
  commit.record.more.emplace_back("actor", std::move(actor));
  const auto recorded = co_await parts_.log.commit(std::move(commit));
  if (!recorded) co_return unexpected(recorded.error());
  const auto removed = co_await parts_.streams.remove(stream_id);
  if (!removed) co_return unexpected(removed.error());
  const auto dropped = co_await parts_.outbox.drop(std::move(stream_id), is_any);
  if (!dropped) co_return unexpected(dropped.error());
  co_return true;
}

bool Transmitter::is_idle() const {
  const std::lock_guard lock(mutex_);
  return std::none_of(sending_.begin(), sending_.end(), [](const auto& entry) { return entry.second.in_flight; });
}

std::vector<Transmitter::Summary> Transmitter::summaries() const {
  const auto snapshot = parts_.registry.get();
  std::vector<Summary> summaries;
  for (Stream& stream : parts_.streams.all()) {
    Summary summary;
    summary.waiting = parts_.outbox.waiting(stream.id);
    summary.receiver_known = is_receiver(*snapshot, stream.audience);
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = sending_.find(stream.id); found != sending_.end()) {
        const Sending& sending = found->second;
        summary.failures = sending.failures, summary.last_problem = sending.last_problem, summary.last_delivery = sending.last_delivery;
        if (sending.failures > 0) summary.next_attempt = sending.next;
      }
    }
    stream.authorization_sealed.clear();
    summary.stream = std::move(stream);
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

}  // namespace writ::signals
