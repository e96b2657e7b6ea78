#include "upstreams/eras/legacy_session.h"

#include <algorithm>
#include <utility>

#include "mcp/streamable_http.h"
#include "upstreams/eras/whole_body.h"

namespace writ::upstreams {
namespace {

constexpr std::string_view kOffered = "2025-11-25";
constexpr int kOpenWithinMs = 30'000, kAsideWithinMs = 30'000, kHeadWithinMs = 60'000;
constexpr int kAsideMax = 32;

// TR-22.
bool is_session_id(std::string_view value) {
  return !value.empty() && value.size() <= 1'024 && std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x21 && c < 0x7F; });
}

Refused bad_answer(std::string detail) { return {Failure{Failure::Kind::bad_response, std::move(detail), "", std::nullopt}, 0}; }

// Ends a wait that takes too long.
struct Limit {
  http::Cancellation cancellation;
  http::BodyStream* body = nullptr;
  static void start(const EraParts& parts, Milliseconds within, const std::shared_ptr<Limit>& limit) {
    auto pause = parts.pause(within);
    spawn(std::move(pause), [weak = std::weak_ptr(limit)](std::exception_ptr) {
      const auto alive = weak.lock();
      if (!alive) return;
      alive->cancellation.request();
      if (alive->body) alive->body->cancel();
    });
  }
};

}  // namespace

std::string address_key(const registry::UpstreamAddress& address) {
  std::string text = std::to_string(static_cast<int>(address.transport)) + "\n" + address.url;
  if (address.program) {
    for (const std::string& word : address.program->command) text += "\n" + word;
  }
  return text;
}

Context context_of(const Request& request) { return {request.snapshot, request.server, request.user, request.agent, request.principal}; }

Sent to_answer(Refused refused) {
  if (refused.failure) return unexpected(std::move(*refused.failure));
  return whole_response(refused.status, {}, "");
}

LegacySession::LegacySession(const EraParts& parts, Executor& home, const Context& context, json::Value capabilities, json::Value client_info)
    : push(parts), parts_(parts), home_(home), server_id_(context.server->id), user_id_(context.user->id), agent_id_(context.agent->id),
      address_(address_key(*context.server->upstream)), principal_(context.principal), capabilities_(std::move(capabilities)), client_info_(std::move(client_info)) {}

bool LegacySession::is_current(const registry::Snapshot& snapshot) const {
  const registry::Server* server = snapshot.server(server_id_);
  const registry::User* user = snapshot.user(user_id_);
  const registry::Agent* agent = snapshot.agent(agent_id_);
  return server && server->active && server->upstream && address_key(*server->upstream) == address_ && user && user->active && agent && agent->active;
}

std::optional<Context> LegacySession::own_context() const {
  auto snapshot = parts_.objects.get();
  if (!is_current(*snapshot)) return std::nullopt;
  const registry::Snapshot& in = *snapshot;
  return Context{std::move(snapshot), in.server(server_id_), in.user(user_id_), in.agent(agent_id_), principal_};
}

Request LegacySession::make_request(const Context& context, std::string method, const json::Value* message) const {
  Request request;
  request.snapshot = context.snapshot;
  request.server = context.server, request.user = context.user, request.agent = context.agent;
  request.principal = context.principal;
  request.era = mcp::Era::legacy;
  request.http.method = std::move(method);
  if (message) {
    request.http.headers.add("Content-Type", "application/json");
    request.http.headers.add("Accept", "application/json, text/event-stream");
    request.http.body = json::write(*message);
    auto parsed = mcp::Message::parse(request.http.body, kMessageLimits);
    if (parsed) request.message = std::make_shared<const mcp::Message>(std::move(*parsed));
  } else {
    request.http.headers.add("Accept", "text/event-stream");
  }
  if (!version_.empty()) request.http.headers.add(std::string(mcp::kVersionHeader), version_);
  if (!session_id_.empty()) request.http.headers.add(std::string(mcp::kSessionHeader), session_id_);
  return request;
}

// ---- opening

Task<Result<void, Refused>> LegacySession::open(Context context) {
  const auto self = shared_from_this();
  if (is_ended_) co_return unexpected(Refused{Failure{Failure::Kind::closed, "the session at the server ended", "", std::nullopt}, 0});
  principal_ = context.principal;   // the newest token's
  if (state_ == State::open) co_return Result<void, Refused>{};
  if (state_ == State::opening) {
    auto begin = [this](std::function<void(Result<void, Refused>)> resume) { waiting_.push_back(std::move(resume)); };
    auto waiting = suspend_until<Result<void, Refused>>(begin);
    auto opened = co_await waiting;
    co_return opened;
  }
  state_ = State::opening;
  auto opened = co_await initialize(std::move(context));
  finish_opening(opened);
  co_return opened;
}

void LegacySession::finish_opening(const Result<void, Refused>& opened) {
  state_ = opened ? State::open : State::closed;
  for (auto& resume : std::exchange(waiting_, {})) home_.post([resume = std::move(resume), opened] { resume(opened); });
}

Task<Result<void, Refused>> LegacySession::initialize(Context context) {
  session_id_.clear();
  version_.clear();
  level.reset();
  ++opening_;
  const mcp::RequestId id = next_id();
  json::Value params = json::Object{};
  params.set("protocolVersion", kOffered);
  params.set("capabilities", capabilities_);
  params.set("clientInfo", client_info_);
  json::Value message{{"jsonrpc", "2.0"}, {"id", mcp::to_json(id)}, {"method", mcp::kInitialize}, {"params", std::move(params)}};
  Request request = make_request(context, "POST", &message);
  const auto limit = std::make_shared<Limit>();
  Limit::start(parts_, Milliseconds{kOpenWithinMs}, limit);
  request.http.cancellation = &limit->cancellation;
  request.http.head_timeout_ms = request.http.idle_timeout_ms = kOpenWithinMs;
  auto sent = co_await parts_.below.send(std::move(request));
  if (!sent) co_return unexpected(Refused{std::move(sent).error(), 0});
  http::UpstreamResponse response = std::move(*sent);
  limit->body = response.body.get();
  const bool is_refused = response.status == 401 || response.status == 403 || response.status == 407 || response.status == 429 || response.status >= 500;
  if (is_refused) {
    response.body->cancel();
    co_return unexpected(Refused{std::nullopt, response.status});
  }
  const auto text = co_await read_response(response, id, kSmallAnswerLimits);
  limit->body = nullptr;
  const auto answer = text ? mcp::Message::parse_from_server(*text, kSmallAnswerLimits) : Result<mcp::Message, mcp::MessageProblem>(unexpected(mcp::MessageProblem::not_json));
  const bool is_result = response.status == 200 && answer && answer->kind() == mcp::Message::Kind::result && answer->id() == id;
  if (!is_result) co_return unexpected(bad_answer("the server does not answer `initialize`"));
  const json::Value& result = *answer->value().find("result");
  const auto* version = result.find_string("protocolVersion");
  if (!version || !mcp::is_legacy_version(*version)) co_return unexpected(bad_answer("the server answers `initialize` with a revision of the protocol that is not known here"));
  if (response.headers.count(mcp::kSessionHeader) > 0) {
    const auto* session_id = response.headers.find_single(mcp::kSessionHeader);
    if (!session_id || !is_session_id(*session_id)) co_return unexpected(bad_answer("the server's session id is malformed"));
    session_id_ = *session_id;
  }
  version_ = *version;
  initialized_ = result;

  json::Value ready{{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}};
  Request told = make_request(context, "POST", &ready);
  told.http.head_timeout_ms = told.http.idle_timeout_ms = kOpenWithinMs;
  told.http.cancellation = &limit->cancellation;
  auto accepted = co_await parts_.below.send(std::move(told));
  if (!accepted) co_return unexpected(Refused{std::move(accepted).error(), 0});
  accepted->body->cancel();
  if (accepted->status >= 400) co_return unexpected(bad_answer("the server does not take `notifications/initialized`"));
  co_return Result<void, Refused>{};
}

void LegacySession::lose(int opening) {
  if (opening != opening_ || state_ != State::open) return;
  state_ = State::closed;
  // Not from here: it would go on reading before this is done.
  home_.post([self = shared_from_this()] { self->push.restart(); });
}

bool LegacySession::server_can(std::string_view capability, std::string_view feature) const {
  const json::Value* capabilities = initialized_.find("capabilities");
  const json::Value* one = capabilities ? capabilities->find(capability) : nullptr;
  if (!one || !one->is_object()) return false;
  if (feature.empty()) return true;
  const bool* has = one->find_bool(feature);
  return has && *has;
}

json::Value LegacySession::server_info() const {
  const json::Value* info = initialized_.find("serverInfo");
  return info ? *info : json::Value();
}

// ---- messages

Task<Sent> LegacySession::post(Context context, json::Value message, http::Cancellation* cancellation, int head_timeout_ms, int idle_timeout_ms) {
  Request request = make_request(context, "POST", &message);
  request.http.cancellation = cancellation;
  request.http.head_timeout_ms = head_timeout_ms;
  request.http.idle_timeout_ms = idle_timeout_ms;
  auto sent = co_await parts_.below.send(std::move(request));
  co_return sent;
}

Task<Sent> LegacySession::get(Context context, std::string last_event_id, http::Cancellation* cancellation) {
  Request request = make_request(context, "GET", nullptr);
  if (!last_event_id.empty()) request.http.headers.add("Last-Event-ID", std::move(last_event_id));
  request.stands = true;
  request.http.cancellation = cancellation;
  request.http.head_timeout_ms = kHeadWithinMs;
  request.http.idle_timeout_ms = 0;
  auto sent = co_await parts_.below.send(std::move(request));
  co_return sent;
}

void LegacySession::send_aside(const Context& context, json::Value message) {
  // A server that asks without end is not answered without end.
  if (is_ended_ || aside_ >= kAsideMax) return;
  ++aside_;
  auto task = post(context, std::move(message), nullptr, kAsideWithinMs, kAsideWithinMs);
  spawn(std::move(task), [self = shared_from_this()](std::exception_ptr, std::optional<Sent> sent) {
    --self->aside_;
    if (sent && *sent) (*sent)->body->cancel();
  });
}

void LegacySession::answer(const Context& context, const mcp::RequestId& id, json::Value result) { send_aside(context, mcp::result_response(id, std::move(result))); }

void LegacySession::answer_error(const Context& context, const mcp::RequestId& id, json::Value error) {
  json::Value message{{"jsonrpc", "2.0"}, {"id", mcp::to_json(id)}};
  message.set("error", std::move(error));
  send_aside(context, std::move(message));
}

void LegacySession::notify(const Context& context, std::string_view method, json::Value params) {
  json::Value message{{"jsonrpc", "2.0"}, {"method", method}};
  message.set("params", std::move(params));
  send_aside(context, std::move(message));
}

// ---- who hears what

void LegacySession::add_call(std::int64_t id, Sink& call, bool may_ask) { calls_.insert_or_assign(id, Call{&call, may_ask}); }
void LegacySession::remove_call(std::int64_t id) { calls_.erase(id); }
void LegacySession::add_listen(const std::shared_ptr<Sink>& listen) { listens_.push_back(listen); }
void LegacySession::remove_listen(const Sink& listen) {
  const auto found = std::find_if(listens_.begin(), listens_.end(), [&](const auto& one) { return one.get() == &listen; });
  if (found == listens_.end()) return;
  const auto kept = *found;   // so that it outlives its place here
  listens_.erase(found);
}

void LegacySession::hear_pushed(const mcp::Message& message) {
  if (message.kind() == mcp::Message::Kind::request) {
    // Such a request names no call. It belongs to the one that may ask, where there is one; to guess among several could put one call's
    // question into another's answer.
    Sink* only = nullptr;
    int count = 0;
    for (const auto& [id, call] : calls_) {
      if (call.may_ask) only = call.sink, ++count;
    }
    const auto context = own_context();
    if (message.method() == "ping") {
      if (context) answer(*context, *message.id(), json::Object{});
    } else if (count == 1) {
      only->hear(message);
    } else if (context) {
      answer_error(*context, *message.id(), json::Value{{"code", mcp::code::kMethodNotFound}, {"message", "requests must belong to one call of the client"}});
    }
    return;
  }
  if (message.kind() != mcp::Message::Kind::notification) return;   // TR-30
  if (message.method() == "notifications/progress") {
    const json::Value* token = message.param("progressToken");
    const auto found = token && token->is_int() ? calls_.find(*token->as_int()) : calls_.end();
    if (found != calls_.end()) found->second.sink->hear(message);
  } else if (message.method() == "notifications/cancelled") {
    for (const auto& [id, call] : calls_) call.sink->hear(message);
  } else {
    spread(message);
  }
}

void LegacySession::spread(const mcp::Message& message) {
  const auto listens = listens_;   // one may leave meanwhile
  for (const auto& listen : listens) listen->hear(message);
}

void LegacySession::end_listens() {
  for (const auto& listen : std::exchange(listens_, {})) listen->end();
}

// ---- the end

void LegacySession::end() {
  if (is_ended_) return;
  const auto self = shared_from_this();
  std::vector<Sink*> calls;
  for (const auto& [id, call] : calls_) calls.push_back(call.sink);
  for (Sink* call : calls) call->end();
  end_listens();
  push.stop();
  is_ended_ = true;
  const auto context = own_context();
  if (state_ != State::open || session_id_.empty() || !context) return;
  Request request = make_request(*context, "DELETE", nullptr);
  request.http.head_timeout_ms = kAsideWithinMs;
  // TR-26. Whatever it answers: this side is done with it.
  auto task = parts_.below.send(std::move(request));
  spawn(std::move(task), [self](std::exception_ptr, std::optional<Sent> sent) {
    if (sent && *sent) (*sent)->body->cancel();
  });
}

}  // namespace writ::upstreams
