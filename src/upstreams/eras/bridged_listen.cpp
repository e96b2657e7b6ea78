#include "upstreams/eras/bridged_listen.h"

#include <algorithm>
#include <utility>

#include "mcp/sse.h"
#include "upstreams/eras/modern_answer.h"
#include "upstreams/eras/whole_body.h"

namespace writ::upstreams {
namespace {

constexpr std::size_t kUrisMax = 100;

std::string event_text(const json::Value& message) {
  mcp::Event event;
  event.data = json::write(message);
  event.has_data = true;
  std::string text;
  mcp::append_event(text, event);
  return text;
}

bool is_asked(const json::Value& wanted, std::string_view name) {
  const bool* flag = wanted.find_bool(name);
  return flag && *flag;
}

}  // namespace

BridgedListen::BridgedListen(std::shared_ptr<LegacySession> session, Asking asking) : session_(std::move(session)), asking_(std::move(asking)) {}

BridgedListen::~BridgedListen() { let_go(); }

void BridgedListen::let_go() {
  if (!std::exchange(holds_session_, false)) return;
  for (const std::string& uri : std::exchange(uris_, {})) PushStream::unsubscribe(session_, asking_.context, uri);
  session_->release();
}

Task<void> BridgedListen::run(std::shared_ptr<BridgedListen> self) {
  const std::shared_ptr<LegacySession> session = self->session_;
  self->asking_.out->on_closed([weak = std::weak_ptr(self)] {
    if (const auto alive = weak.lock()) alive->leave();
  });
  const json::Value* given = self->asking_.request.params.find("notifications");
  const json::Value wanted = given && given->is_object() ? *given : json::Value(json::Object{});
  std::vector<std::string> uris;
  if (const json::Value* list = wanted.find("resourceSubscriptions")) uris = json::to_strings(*list).value_or(std::vector<std::string>{});
  std::sort(uris.begin(), uris.end());
  uris.erase(std::unique(uris.begin(), uris.end()), uris.end());
  if (uris.size() > kUrisMax) uris.resize(kUrisMax);   // the client sees what is honoured

  auto opened = co_await session->open(self->asking_.context);
  if (self->is_over_) co_return;
  if (!opened) {
    self->is_over_ = true;
    self->asking_.out->on_closed(nullptr);
    self->asking_.reply->set(to_answer(std::move(opened).error()));
    self->let_go();
    co_return;
  }
  const bool tools = is_asked(wanted, "toolsListChanged") && session->server_can("tools", "listChanged");
  const bool prompts = is_asked(wanted, "promptsListChanged") && session->server_can("prompts", "listChanged");
  const bool resources = is_asked(wanted, "resourcesListChanged") && session->server_can("resources", "listChanged");
  if (!session->server_can("resources", "subscribe")) uris.clear();
  bool is_pushed = false;
  if (tools || prompts || resources || !uris.empty()) is_pushed = co_await PushStream::want(session);
  if (self->is_over_) co_return;
  if (is_pushed) {
    self->tools_ = tools, self->prompts_ = prompts, self->resources_ = resources;
    for (const std::string& uri : uris) {
      const bool is_taken = co_await PushStream::subscribe(session, self->asking_.context, uri);
      if (is_taken && self->is_over_) PushStream::unsubscribe(session, self->asking_.context, uri);
      if (self->is_over_) co_return;
      if (is_taken) self->uris_.push_back(uri);
    }
  }
  json::Value honoured = json::Object{};
  if (self->tools_) honoured.set("toolsListChanged", true);
  if (self->prompts_) honoured.set("promptsListChanged", true);
  if (self->resources_) honoured.set("resourcesListChanged", true);
  if (!self->uris_.empty()) honoured.set("resourceSubscriptions", json::from_strings(self->uris_));

  http::UpstreamResponse response;
  response.status = 200;
  response.headers = {{"Content-Type", "text/event-stream"}};
  response.body = self->asking_.out->body();
  std::exchange(self->asking_.reply, nullptr)->set(std::move(response));
  json::Value params = json::Object{};
  params.set("notifications", std::move(honoured));
  self->write("notifications/subscriptions/acknowledged", std::move(params));   // TR-71: before anything else
  // The session ended while it was being asked; the client hears it as an end.
  if (session->is_ended()) self->end();
  else session->add_listen(self);
}

void BridgedListen::write(std::string_view method, json::Value params) {
  json::Value meta = json::Object{};
  meta.set(kSubscriptionId, mcp::to_json(asking_.request.id));
  params.set("_meta", std::move(meta));
  json::Value message{{"jsonrpc", "2.0"}, {"method", method}};
  message.set("params", std::move(params));
  asking_.out->write(event_text(message));
}

void BridgedListen::hear(const mcp::Message& message) {
  if (is_over_) return;
  const auto* uri = message.param_string("uri");
  const bool is_asked_for = (message.method() == "notifications/tools/list_changed" && tools_) || (message.method() == "notifications/prompts/list_changed" && prompts_) ||
                            (message.method() == "notifications/resources/list_changed" && resources_) ||
                            (message.method() == "notifications/resources/updated" && uri && std::find(uris_.begin(), uris_.end(), *uri) != uris_.end());
  if (!is_asked_for) return;   // TR-73
  // A client that does not read is told the end of it when it does.
  if (asking_.out->is_full()) {
    session_->remove_listen(*this);
    return end();
  }
  json::Value params = json::Object{};
  if (message.method() == "notifications/resources/updated") params.set("uri", *uri);
  write(message.method(), std::move(params));
}

void BridgedListen::end() {
  if (std::exchange(is_over_, true)) return;
  const auto self = shared_from_this();
  asking_.out->on_closed(nullptr);
  if (asking_.reply) {
    asking_.reply->set(unexpected(Failure{Failure::Kind::closed, "the session at the server ended", "", std::nullopt}));
  } else {
    json::Value meta = json::Object{};
    meta.set(kSubscriptionId, mcp::to_json(asking_.request.id));
    json::Value result{{"resultType", "complete"}};
    result.set("_meta", std::move(meta));
    asking_.out->write(event_text(mcp::result_response(asking_.request.id, std::move(result))));   // TR-74
    asking_.out->finish(http::StreamEnd::complete);
  }
  let_go();
}

void BridgedListen::leave() {
  if (std::exchange(is_over_, true)) return;
  const auto self = shared_from_this();
  if (asking_.reply) asking_.reply->set(unexpected(Failure{Failure::Kind::closed, "", "", std::nullopt}));
  let_go();
  session_->remove_listen(*this);
}

}  // namespace writ::upstreams
