#include "upstreams/eras/listening.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "mcp/sse.h"
#include "mcp/streamable_http.h"
#include "upstreams/eras/legacy_form.h"

namespace writ::upstreams {
namespace {

constexpr Milliseconds kPauseMin{1'000}, kPauseMax{30'000};
constexpr int kHeadTimeoutMs = 60'000;

struct ChangeKind {
  const char *capability, *asked, *notification;
};
constexpr ChangeKind kChanges[] = {{"tools", "toolsListChanged", "notifications/tools/list_changed"},
                                   {"prompts", "promptsListChanged", "notifications/prompts/list_changed"},
                                   {"resources", "resourcesListChanged", "notifications/resources/list_changed"}};

bool has(const json::Value& capabilities, std::string_view name, std::string_view flag) {
  const json::Value* of = capabilities.find(name);
  const bool* is_set = of ? of->find_bool(flag) : nullptr;
  return is_set && *is_set;
}

// It will say the same again: there is nothing to listen to.
bool is_final(int status) { return status >= 400 && status < 500 && status != 401 && status != 403 && status != 408 && status != 429; }

}  // namespace

struct Listening::Turn {
  http::Cancellation cancellation;
  http::BodyStream* body = nullptr;
  bool is_over = false;
  void end() {
    if (std::exchange(is_over, true)) return;
    if (body) body->cancel();
    cancellation.request();
  }
};

Listening::Listening(const EraParts& parts, const std::shared_ptr<ClientSession>& session, std::shared_ptr<ReplayStream> stream)
    : parts_(parts), session_(session), stream_(std::move(stream)), executor_(Executor::current()) {}

void Listening::refresh() {
  executor_->post([self = shared_from_this()] { self->begin(); });
}

void Listening::stop() {
  executor_->post([self = shared_from_this()] {
    self->stopped_ = true;
    if (const auto turn = std::exchange(self->turn_, nullptr)) turn->end();
  });
}

void Listening::begin() {
  if (stopped_) return;
  auto former = std::exchange(turn_, std::make_shared<Turn>());
  auto task = listen(shared_from_this(), turn_, std::move(former));
  spawn(std::move(task), [](std::exception_ptr) {});
}

std::optional<json::Value> Listening::wanted() const {
  const auto session = session_.lock();
  if (!session) return std::nullopt;
  json::Value notifications = json::Object{};
  for (const ChangeKind& change : kChanges) {
    if (has(session->server_capabilities, change.capability, "listChanged")) notifications.set(change.asked, true);
  }
  const auto resources = session->subscribed();
  if (!resources.empty()) notifications.set("resourceSubscriptions", json::from_strings(resources));
  if (notifications.as_object()->empty()) return std::nullopt;
  json::Value params = json::Object{};
  params.set("notifications", std::move(notifications));
  return params;
}

std::optional<Request> Listening::request_for(std::shared_ptr<const mcp::Message> message, const ClientSession& session, Turn& turn) const {
  Request request;
  request.snapshot = parts_.objects.get();   // as they are now: this may be hours after the stream was opened
  request.server = request.snapshot->server(session.server);
  request.user = request.snapshot->user(session.user);
  request.agent = request.snapshot->agent(session.agent);
  request.principal = session.who();
  if (!request.server || !request.server->upstream || !request.user || !request.agent || !request.principal) return std::nullopt;
  request.era = mcp::Era::modern;
  request.stands = true;
  request.http = session.modern_http(*message);
  request.message = std::move(message);
  request.http.head_timeout_ms = kHeadTimeoutMs;
  request.http.idle_timeout_ms = 0;
  request.http.cancellation = &turn.cancellation;
  return request;
}

// While nobody listened anything may have changed: the client is told to look.
void Listening::tell_all() const {
  const auto session = session_.lock();
  if (!session) return;
  for (const ChangeKind& change : kChanges) {
    if (has(session->server_capabilities, change.capability, "listChanged")) stream_->write(json::write(json::Value{{"jsonrpc", "2.0"}, {"method", change.notification}}));
  }
  for (const std::string& uri : session->subscribed()) {
    json::Value told{{"jsonrpc", "2.0"}, {"method", "notifications/resources/updated"}};
    told.set("params", json::Value{{"uri", uri}});
    stream_->write(json::write(told));
  }
}

Task<void> Listening::listen(std::shared_ptr<Listening> self, std::shared_ptr<Turn> turn, std::shared_ptr<Turn> former) {
  // The turn before goes on until this one hears: nothing falls in between.
  const auto take_over = [&former] {
    if (const auto ended = std::exchange(former, nullptr)) ended->end();
  };
  Milliseconds pause = kPauseMin;
  bool has_missed = false;
  while (!turn->is_over) {
    auto params = self->wanted();
    const auto session = self->session_.lock();
    if (!params || !session) break;
    const json::Value body = modern_request("subscriptions/listen", std::move(*params), session->next_id(), session->client());
    auto message = mcp::Message::parse(json::write(body), kMessageLimits);
    if (!message) break;
    const mcp::RequestId id = *message->id();
    auto request = self->request_for(std::make_shared<const mcp::Message>(std::move(*message)), *session, *turn);
    if (!request) break;
    auto sent = co_await self->parts_.below.send(std::move(*request));
    if (turn->is_over) break;
    if (sent && is_final(sent->status)) break;
    if (sent && sent->status >= 200 && sent->status < 300 && mcp::is_event_stream(sent->headers)) {
      http::UpstreamResponse response = std::move(*sent);
      mcp::SseParser parser(kMessageLimits.bytes_max);
      turn->body = response.body.get();
      bool is_open = true;
      while (is_open && !turn->is_over) {
        auto piece = co_await response.body->next();
        std::vector<mcp::Event> events;
        is_open = piece && parser.feed(*piece, events).has_value();
        for (const mcp::Event& event : events) {
          auto heard = turn->is_over ? Result<mcp::Message, mcp::MessageProblem>(unexpected(mcp::MessageProblem::not_a_message)) : mcp::Message::parse_from_server(event.data, kMessageLimits);
          if (!heard) continue;
          if (heard->is_response()) {
            is_open = is_open && heard->id() != id;
          } else if (heard->method() == "notifications/subscriptions/acknowledged") {
            take_over();
            pause = kPauseMin;
            if (std::exchange(has_missed, false)) self->tell_all();
          } else if (heard->kind() == mcp::Message::Kind::notification && is_for_push_stream(heard->method())) {
            make_legacy_notification(heard->value());
            self->stream_->write(heard->write());
          }
        }
        if (is_open) co_await self->stream_->ready();
      }
      turn->body = nullptr;
      response.body->cancel();
    }
    if (turn->is_over) break;
    take_over();
    has_missed = true;
    co_await self->parts_.pause(pause);
    pause = std::min(pause * 2, kPauseMax);
  }
  take_over();
}

}  // namespace writ::upstreams
