// Security events: the streams of receivers, and our own at others' transmitters.

#include "admin/handlers.h"
#include "audit/record.h"

namespace writ::admin {
namespace {

json::Value to_json(const EventStream& stream) {
  json::Value item{{"id", stream.id},
                   {"audience", stream.audience},
                   {"delivery", stream.delivery},
                   {"status", stream.status},
                   {"events", json::from_strings(stream.events)},
                   {"waiting", stream.waiting},
                   {"failures", stream.failures},
                   {"held_by_administrator", stream.held_by_administrator},
                   {"receiver_known", stream.receiver_known},
                   {"created", audit::to_iso8601(stream.created)}};
  for (const auto& [name, text] : {std::pair{"endpoint_url", &stream.endpoint_url}, std::pair{"reason", &stream.reason}, std::pair{"description", &stream.description},
                                   std::pair{"last_problem", &stream.last_problem}}) {
    if (!text->empty()) item.set(name, *text);
  }
  if (stream.last_delivery) item.set("last_delivery", audit::to_iso8601(*stream.last_delivery));
  if (stream.next_attempt) item.set("next_attempt", audit::to_iso8601(*stream.next_attempt));
  return item;
}

json::Value to_json(const EventSubscription& subscription) {
  json::Value item{{"issuer", subscription.issuer}, {"delivery", subscription.delivery}, {"verification_asked", subscription.verified}};
  if (!subscription.stream_id.empty()) item.set("stream_id", subscription.stream_id);
  if (!subscription.last_problem.empty()) item.set("last_problem", subscription.last_problem);
  if (subscription.last_success) item.set("last_success", audit::to_iso8601(*subscription.last_success));
  return item;
}

http::Response no_stream() { return problem(404, "there is no such stream", "GET /admin/v1/signals lists them"); }

}  // namespace

Task<http::Response> list_signals(const Api& api, const Call&) {
  json::Array streams, subscriptions;
  if (api.signals) {
    for (const EventStream& stream : api.signals->streams()) streams.push_back(to_json(stream));
    for (const EventSubscription& subscription : api.signals->subscriptions()) subscriptions.push_back(to_json(subscription));
  }
  co_return answer(json::Value{{"streams", std::move(streams)}, {"subscriptions", std::move(subscriptions)}});
}

// {status, reason}
Task<http::Response> set_signal_stream(const Api& api, const Call& call) {
  auto body = read_body(call.request);
  if (!body) co_return std::move(body).error();
  const registry::Node root = registry::from_json(*body);
  registry::Problems problems;
  registry::Fields fields(root, "a request", problems);
  std::string status = fields.choice<std::string>("status", "", {{"enabled", "enabled"}, {"paused", "paused"}, {"disabled", "disabled"}});
  if (!fields.has("status")) fields.error(root.at, "a request needs `status`: `enabled`, `paused` or `disabled`");
  std::string reason = fields.text("reason");
  fields.finish();
  if (registry::has_errors(problems)) co_return to_response(ChangeFailure{Invalid{std::move(problems)}});
  if (!api.signals) co_return no_stream();
  std::string stream = call.arguments.at(0), actor = call.actor.name, peer = call.actor.peer;
  const json::Value done{{"id", stream}, {"status", status}};
  const auto set = co_await api.signals->set_status(std::move(stream), std::move(status), std::move(reason), std::move(actor), std::move(peer));
  if (!set) co_return unavailable();
  if (!*set) co_return no_stream();
  co_return answer(done);
}

Task<http::Response> remove_signal_stream(const Api& api, const Call& call) {
  if (!api.signals) co_return no_stream();
  std::string stream = call.arguments.at(0), actor = call.actor.name, peer = call.actor.peer;
  const auto removed = co_await api.signals->remove(std::move(stream), std::move(actor), std::move(peer));
  if (!removed) co_return unavailable();
  if (!*removed) co_return no_stream();
  co_return answer(json::Value{{"removed", true}});
}

}  // namespace writ::admin
