#include "upstreams/eras/for_legacy_client.h"

#include <utility>

#include "mcp/streamable_http.h"
#include "upstreams/eras/legacy_call.h"
#include "upstreams/eras/legacy_form.h"
#include "upstreams/eras/listening.h"
#include "upstreams/eras/whole_body.h"

namespace writ::upstreams {
namespace {

http::UpstreamResponse refused(int status, std::string_view message) {
  return json_response(status, json::write(mcp::error_response(std::nullopt, mcp::code::kInvalidRequest, message)));
}

http::UpstreamResponse accepted() { return whole_response(202, {}, ""); }   // TR-06

http::UpstreamResponse stream_response(std::unique_ptr<http::BodyStream> body) {
  http::UpstreamResponse response;
  response.status = 200;
  response.headers = {{"Content-Type", "text/event-stream"}};
  response.body = std::move(body);
  return response;
}

ClientFacts facts_of(const mcp::Message& initialize) {
  ClientFacts client;
  const json::Value* info = initialize.param("clientInfo");
  if (info && info->find_string("name") && info->find_string("version")) client.info = *info;
  const json::Value* capabilities = initialize.param("capabilities");
  client.capabilities = modern_capabilities(capabilities ? *capabilities : json::Value(json::Object{}));
  return client;
}

bool offers_subscriptions(const json::Value& capabilities) {
  const json::Value* resources = capabilities.find("resources");
  const bool* offered = resources ? resources->find_bool("subscribe") : nullptr;
  return offered && *offered;
}

}  // namespace

// ---- initialize ← server/discover

Task<ForLegacyClient::Sent> ForLegacyClient::open(Request request) {
  const std::shared_ptr<const mcp::Message> initialize = request.message;
  const mcp::RequestId client_id = *initialize->id();
  ClientSession::Opened opened;
  opened.server = request.server->id;
  opened.principal = request.principal->key;
  opened.user = request.user->id;
  opened.agent = request.agent->id;
  opened.client = facts_of(*initialize);
  const auto* asked = initialize->param_string("protocolVersion");
  const std::string version = negotiated_version(asked ? *asked : "");
  const std::string name = request.server->id;

  const json::Value body = modern_request(mcp::kDiscover, json::Object{}, 1, opened.client);
  auto message = mcp::Message::parse(json::write(body), kSmallAnswerLimits);
  if (!message) co_return json_response(200, json::write(mcp::error_response(client_id, mcp::code::kInvalidParams, "the client's capabilities are too large")));
  const mcp::RequestId id = *message->id();
  const int head_timeout_ms = request.http.head_timeout_ms, idle_timeout_ms = request.http.idle_timeout_ms;
  http::Cancellation* cancellation = request.http.cancellation;
  request.era = mcp::Era::modern;
  request.http = modern_http(*message, mcp::MirroredHeaders());
  request.message = std::make_shared<const mcp::Message>(std::move(*message));
  request.http.head_timeout_ms = head_timeout_ms;
  request.http.idle_timeout_ms = idle_timeout_ms;
  request.http.cancellation = cancellation;
  auto sent = co_await parts_.below.send(std::move(request));
  if (!sent) co_return sent;
  http::UpstreamResponse response = std::move(*sent);
  if (is_refusal(response.status)) {
    response.body->cancel();
    co_return refusal_of(response);
  }
  auto text = co_await read_response(response, id, kSmallAnswerLimits);
  auto answer = text ? mcp::Message::parse_from_server(*text, kSmallAnswerLimits) : Result<mcp::Message, mcp::MessageProblem>(unexpected(mcp::MessageProblem::not_json));
  const json::Value* result = answer && answer->id() == id ? answer->value().find("result") : nullptr;
  const json::Value* error = answer && (!answer->id() || answer->id() == id) ? answer->value().find("error") : nullptr;
  if (error) {
    json::Value told{{"jsonrpc", "2.0"}};
    told.set("id", mcp::to_json(client_id));
    told.set("error", *error);
    co_return json_response(200, json::write(told));
  }
  if (!result || response.status >= 300) co_return Sent(unexpected(Failure{Failure::Kind::bad_response, "the server does not answer `server/discover`", "", std::nullopt}));
  json::Value initialized = initialize_result(*result, version, name);
  opened.server_capabilities = *initialized.find("capabilities");
  const auto session = sessions_.open(std::move(opened), parts_.clock.now());
  if (!session) co_return Sent(unexpected(Failure{Failure::Kind::unavailable, "too many sessions are open", "", Seconds{30}}));
  http::UpstreamResponse made = json_response(200, json::write(mcp::result_response(client_id, std::move(initialized))));
  made.headers.add(std::string(mcp::kSessionHeader), session->id);
  co_return made;
}

// ---- the rest

std::optional<json::Value> ForLegacyClient::answer_here(const mcp::Message& message, ClientSession& session) {
  const mcp::RequestId& id = *message.id();
  const auto done = [&id] { return std::optional(mcp::result_response(id, json::Object{})); };
  const auto failed = [&id](int code, std::string_view why) { return std::optional(mcp::error_response(id, code, why)); };
  if (message.method() == "ping") return done();
  if (message.method() == "logging/setLevel") {
    const auto* level = message.param_string("level");
    if (!level || !is_log_level(*level)) return failed(mcp::code::kInvalidParams, "`level` is none of the log levels");
    if (!session.server_capabilities.find("logging")) return failed(mcp::code::kMethodNotFound, "the server sends no log messages");
    session.set_log_level(*level);
    return done();
  }
  if (message.method() == "resources/subscribe" || message.method() == "resources/unsubscribe") {
    if (!offers_subscriptions(session.server_capabilities)) return failed(mcp::code::kMethodNotFound, "the server has no subscriptions to resources");
    const auto* uri = message.param_string("uri");
    if (!uri) return failed(mcp::code::kInvalidParams, "`uri` is missing");
    if (message.method() == "resources/unsubscribe") session.unsubscribe(*uri);
    else if (!session.subscribe(*uri)) return failed(mcp::code::kInvalidRequest, "too many subscriptions, or a URI that is too long");
    if (const auto listening = session.listening()) listening->refresh();
    return done();
  }
  // Tasks of 2025-11-25 are not those of the extension: a promise made in one form cannot be kept in the other.
  const bool is_about_tasks = message.method().starts_with("tasks/") || (message.method() == mcp::kToolsCall && message.param("task"));
  if (is_about_tasks) return failed(mcp::code::kMethodNotFound, "the server speaks 2026-07-28, which has no tasks of this form");
  return std::nullopt;
}

void ForLegacyClient::note(const mcp::Message& notification, const ClientSession& session) {
  if (notification.method() != "notifications/cancelled") return;   // the others have no place in the modern era
  const json::Value* named = notification.param("requestId");
  const auto id = named ? mcp::parse_id(*named) : std::nullopt;
  const auto call = id ? session.find_call(*id) : nullptr;
  if (call) call->cancel();
}

Task<ForLegacyClient::Sent> ForLegacyClient::post(Request request, std::shared_ptr<ClientSession> session) {
  const mcp::Message& message = *request.message;
  if (message.is_response()) {
    const bool is_error = message.kind() == mcp::Message::Kind::error;
    const json::Value* value = message.value().find(is_error ? "error" : "result");
    const auto* question = message.id() ? std::get_if<std::string>(&*message.id()) : nullptr;
    if (question && value) session->answer(*question, {is_error ? ClientAnswer::Kind::error : ClientAnswer::Kind::result, *value});
    co_return accepted();
  }
  if (message.kind() == mcp::Message::Kind::notification) {
    note(message, *session);
    co_return accepted();
  }
  if (auto answer = answer_here(message, *session)) co_return json_response(200, json::write(*answer));
  auto call = std::make_shared<LegacyCall>(parts_, std::move(session), std::move(request));
  auto answer = co_await LegacyCall::run(std::move(call));
  co_return answer;
}

ForLegacyClient::Sent ForLegacyClient::get(const Request& request, const std::shared_ptr<ClientSession>& session) {
  std::shared_ptr<ReplayStream> stream;
  std::unique_ptr<http::BodyStream> body;
  if (const auto* last = request.http.headers.find_single("Last-Event-ID")) {
    const auto place = parse_event_place(*last);
    stream = place ? session->find_stream(place->stream) : nullptr;
    body = stream ? stream->read_after(place->event) : nullptr;
    if (!body) return refused(400, "what came after this event is not kept any more");
  } else {
    stream = session->open_push_stream();
    body = stream->read();
  }
  // A stream that was left for long is heard for again; a new one from its beginning.
  const bool is_new = request.http.headers.count("Last-Event-ID") == 0;
  if (stream == session->push_stream() && (is_new || !session->listening())) {
    auto listening = std::make_shared<Listening>(parts_, session, stream);
    session->set_listening(listening);
    listening->refresh();
  }
  return stream_response(std::move(body));
}

Task<ForLegacyClient::Sent> ForLegacyClient::send(Request request) {
  const bool is_initialize = request.message && request.message->method() == mcp::kInitialize && request.message->kind() == mcp::Message::Kind::request;
  if (is_initialize) {
    auto opened = co_await open(std::move(request));
    co_return opened;
  }
  const auto* id = request.http.headers.find_single(mcp::kSessionHeader);
  if (!id) co_return refused(400, "a session id is needed: `initialize` gives one");   // TR-24
  auto session = sessions_.find(*id, request.server->id, request.principal, parts_.clock.now());
  if (!session) co_return refused(404, "unknown session");   // TR-25
  if (request.http.method == "DELETE") {
    sessions_.close(*id);
    co_return whole_response(200, {}, "");
  }
  if (request.http.method == "GET") co_return get(request, session);
  auto answer = co_await post(std::move(request), std::move(session));
  co_return answer;
}

void ForLegacyClient::tidy(Instant now) {
  const auto snapshot = parts_.objects.get();
  sessions_.tidy(now, [&](const ClientSession& session) {
    const registry::Server* server = snapshot->server(session.server);
    const registry::User* user = snapshot->user(session.user);
    const registry::Agent* agent = snapshot->agent(session.agent);
    return !server || !server->active || !server->upstream || !user || !user->active || !agent || !agent->active;
  });
}

}  // namespace writ::upstreams
