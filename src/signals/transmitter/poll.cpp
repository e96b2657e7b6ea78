#include "signals/transmitter/poll.h"

#include <algorithm>

#include "signals/delivery.h"
#include "signals/transmitter/receiver_request.h"

namespace writ::signals {
namespace {

constexpr Milliseconds kWaitMax{20'000}, kLookEvery{100};

struct Turn {
  Transmitter& transmitter;
  std::string stream_id;
  ~Turn() { transmitter.end_waiting(stream_id); }
};

std::vector<QueuedEvent> waiting(const Transmitter& transmitter, const Stream& stream, std::size_t limit) {
  return transmitter.parts().outbox.next(stream.id, limit, stream.status != Status::enabled);
}

// What the receiver says of earlier answers. Events that it does not mention stay.
Task<Result<void, Unavailable>> settle_all(Transmitter& transmitter, const Stream& stream, const PollRequest& polled) {
  for (const QueuedEvent& event : transmitter.parts().outbox.next(stream.id, Outbox::kWaitingMax)) {
    const auto refused = polled.refused.find(event.jti);
    const bool is_refused = refused != polled.refused.end();
    const bool is_taken = std::find(polled.acknowledged.begin(), polled.acknowledged.end(), event.jti) != polled.acknowledged.end();
    if (!is_refused && !is_taken) continue;
    std::string reason = is_refused ? "refused_by_receiver" : "delivered", detail = is_refused ? refused->second.code + ": " + refused->second.description : "";
    const auto settled = co_await transmitter.settle(stream, event, is_refused ? audit::Effect::deny : audit::Effect::allow, std::move(reason), std::move(detail));
    if (!settled) co_return unexpected(settled.error());
  }
  co_return Result<void, Unavailable>{};
}

}  // namespace

Task<http::Response> poll(Transmitter& transmitter, Stream stream, const http::Request& request) {
  const auto body = read_object(request);
  if (!body) co_return refusal(400, "invalid_request", "the body must be one JSON object, application/json");
  const auto polled = parse_poll_request(request.body);
  if (!polled) co_return refusal(400, "invalid_request", polled.error());
  const bool settles = !polled->acknowledged.empty() || !polled->refused.empty();
  if (settles) {
    const auto settled = co_await settle_all(transmitter, stream, *polled);
    if (!settled) co_return unavailable();
  }
  const std::size_t limit = static_cast<std::size_t>(polled->events_max);
  auto found = waiting(transmitter, stream, limit + 1);
  // RFC 8936 §2.4: a poll that asks for no events is answered at once.
  const auto& pause = transmitter.parts().pause;
  if (found.empty() && limit > 0 && !polled->return_immediately && pause && transmitter.begin_waiting(stream.id)) {
    const Turn turn{transmitter, stream.id};
    const Instant until = transmitter.parts().clock.now() + kWaitMax;
    while (found.empty() && transmitter.parts().clock.now() < until) {
      if (request.client_gone && request.client_gone->is_requested()) break;
      co_await pause(kLookEvery);
      const auto present = transmitter.parts().streams.find(stream.id);
      if (!present || present->push) break;
      stream = *present;
      found = waiting(transmitter, stream, limit + 1);
    }
  }
  PollResponse response;
  response.more_available = found.size() > limit;
  found.resize(std::min(found.size(), limit));
  for (const QueuedEvent& event : found) response.sets.emplace_back(event.jti, transmitter.signed_token(stream, event));
  co_return answer(200, to_json(response));
}

}  // namespace writ::signals
