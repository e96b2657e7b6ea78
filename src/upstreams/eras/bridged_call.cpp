#include "upstreams/eras/bridged_call.h"

#include <algorithm>
#include <utility>

#include "crypto/random.h"
#include "mcp/sse.h"
#include "mcp/streamable_http.h"
#include "upstreams/eras/input_request.h"
#include "upstreams/eras/modern_answer.h"
#include "upstreams/eras/whole_body.h"

namespace writ::upstreams {
namespace {

constexpr std::size_t kAsksMax = 16, kAsksBytesMax = 256 * 1024;
constexpr int kRoundsMax = 100, kResumesMax = 8;
constexpr int kLevelWithinMs = 10'000;
constexpr std::int64_t kRetryMs = 1'000, kRetryMaxMs = 60'000;

json::Value server_error(int code, std::string_view message) { return json::Value{{"code", code}, {"message", message}}; }

std::string event_text(const json::Value& message) {
  mcp::Event event;
  event.data = json::write(message);
  event.has_data = true;
  std::string text;
  mcp::append_event(text, event);
  return text;
}

// Without what only the legacy era knows, or what would mean something in the modern one.
json::Value params_of(const mcp::Message& message) {
  json::Value params = message.params() ? *message.params() : json::Value(json::Object{});
  params.erase("_meta");
  return params;
}

http::UpstreamResponse stream_response(Conduit& out) {
  http::UpstreamResponse response;
  response.status = 200;
  response.headers = {{"Content-Type", "text/event-stream"}};
  response.body = out.body();
  return response;
}

}  // namespace

BridgedCall::BridgedCall(const EraParts& parts, PendingCalls& pending, const RequestStates& states, std::shared_ptr<LegacySession> session, Asking asking)
    : parts_(parts), pending_(pending), states_(states), session_(std::move(session)), asking_(std::move(asking)), id_(session_->next_id()),
      handle_(crypto::random_token(16)) {}

BridgedCall::~BridgedCall() {
  let_go();
  pending_.release(kept_bytes_ + asks_bytes_);
}

void BridgedCall::let_go() {
  session_->remove_call(id_);
  if (std::exchange(holds_session_, false)) session_->release();
}

// ---- to the server

json::Value BridgedCall::legacy_message() const {
  const ModernRequest& request = asking_.request;
  json::Value params = request.params.is_object() ? request.params : json::Value(json::Object{});
  if (request.progress_token) {
    const json::Object* given = params.find_object("_meta");
    json::Value meta = given ? json::Value(*given) : json::Value(json::Object{});
    meta.set("progressToken", id_);
    params.erase("_meta");
    params.set("_meta", std::move(meta));
  }
  json::Value message{{"jsonrpc", "2.0"}, {"id", id_}, {"method", request.method}};
  if (!params.as_object()->empty()) message.set("params", std::move(params));
  return message;
}

Task<void> BridgedCall::run(std::shared_ptr<BridgedCall> self) {
  self->watch();
  auto opened = co_await self->session_->open(self->asking_.context);
  if (!opened) {
    self->refuse(std::move(opened).error());
    co_return;
  }
  if (self->is_over_) co_return;
  const std::string method = self->asking_.request.method;
  if (method == mcp::kDiscover) {
    self->deliver(mcp::result_response(self->asking_.request.id, discover_result(self->session_->initialized())), 200);
    co_return;
  }
  const bool may_ask = may_ask_for_input(method) && !self->session_->capabilities().as_object()->empty();
  self->session_->add_call(self->id_, *self, may_ask);
  if (may_ask) {
    // Some servers ask on the GET stream only. Not waited for: most do not.
    auto task = PushStream::want(self->session_);
    spawn(std::move(task), [](std::exception_ptr, const std::optional<bool>&) {});
  }
  co_await self->raise_level();
  if (self->is_over_) co_return;
  auto sent = co_await self->put();
  if (self->is_over_) {
    if (sent) sent->body->cancel();
    co_return;
  }
  if (!sent) {
    self->refuse(std::move(sent).error());
    co_return;
  }
  http::UpstreamResponse response = std::move(*sent);
  co_await self->take(std::move(response));
}

// The modern era names a level with each request, the legacy one has one for the session: it is raised as far as anybody asks, and what is
// below a request's level stays here.
Task<void> BridgedCall::raise_level() {
  const auto wanted = asking_.request.log_level;
  if (!wanted || !session_->server_can("logging") || (session_->level && *session_->level <= *wanted)) co_return;
  session_->level = wanted;
  const mcp::RequestId id = session_->next_id();
  json::Value message{{"jsonrpc", "2.0"}, {"id", mcp::to_json(id)}, {"method", "logging/setLevel"}, {"params", json::Value{{"level", log_level(*wanted)}}}};
  auto sent = co_await session_->post(asking_.context, std::move(message), &cancellation_, kLevelWithinMs, kLevelWithinMs);
  if (!sent) co_return;
  http::UpstreamResponse response = std::move(*sent);
  body_ = response.body.get();
  const auto ignored = co_await read_response(response, id, kSmallAnswerLimits);
  body_ = nullptr;
}

Task<Sent> BridgedCall::put() {
  for (bool is_first = true;; is_first = false) {
    const int opening = session_->opening();
    const bool has_id = session_->has_id();
    is_sent_ = true;
    json::Value sending = legacy_message();
    auto sent = co_await session_->post(asking_.context, std::move(sending), &cancellation_, asking_.head_timeout_ms, asking_.idle_timeout_ms);
    const bool may_be_lost = sent && sent->status == 404 && has_id && is_first && !is_over_;
    if (!may_be_lost) co_return sent;
    http::UpstreamResponse response = std::move(*sent);
    const bool is_json = mcp::is_json(response.headers);
    http::Headers headers = response.headers;
    body_ = response.body.get();
    auto text = co_await read_whole(*response.body, kSmallAnswerLimits.bytes_max);
    body_ = nullptr;
    // 404 is also how some say that they do not know a method: that is about the message.
    const auto message = is_json && text ? mcp::Message::parse_from_server(*text, kSmallAnswerLimits) : Result<mcp::Message, mcp::MessageProblem>(unexpected(mcp::MessageProblem::not_json));
    const bool is_about_method = message && message->kind() == mcp::Message::Kind::error && message->id() == mcp::RequestId(id_);
    if (is_about_method) co_return whole_response(404, std::move(headers), std::move(*text));
    // TR-25: the session is gone, and so the message was not processed. Once.
    is_sent_ = false;
    session_->lose(opening);
    auto opened = co_await session_->open(asking_.context);
    if (!opened) co_return to_answer(std::move(opened).error());
    if (is_over_) co_return unexpected(Failure{Failure::Kind::closed, "", "", std::nullopt});
  }
}

Task<void> BridgedCall::take(http::UpstreamResponse response) {
  if (response.status != 200) {
    auto refusal = take_refusal(std::move(response));
    co_await refusal;
    co_return;
  }
  if (mcp::is_event_stream(response.headers)) {
    open_stream();
    auto reading = read_events(std::move(response.body));
    co_await reading;
    co_return;
  }
  body_ = response.body.get();
  std::optional<std::string> text;
  if (mcp::is_json(response.headers)) text = co_await read_whole(*response.body, kMessageLimits.bytes_max);
  body_ = nullptr;
  response.body->cancel();
  if (is_over_) co_return;
  const auto message = text ? mcp::Message::parse_from_server(*text, kMessageLimits) : Result<mcp::Message, mcp::MessageProblem>(unexpected(mcp::MessageProblem::not_json));
  if (message && message->is_response() && message->id() == mcp::RequestId(id_)) hear_response(*message);
  else refuse(Failure{Failure::Kind::bad_response, "the server's answer is no response to the message", "", std::nullopt});
}

// The server's own judgement of the message by status.
Task<void> BridgedCall::take_refusal(http::UpstreamResponse response) {
  const bool may_speak = response.status >= 400 && response.status != 401 && response.status != 403 && response.status != 407 && response.status != 429;
  std::optional<std::string> text;
  if (may_speak && mcp::is_json(response.headers)) {
    body_ = response.body.get();
    text = co_await read_whole(*response.body, kSmallAnswerLimits.bytes_max);
    body_ = nullptr;
  }
  response.body->cancel();
  if (is_over_) co_return;
  const auto message = text ? mcp::Message::parse_from_server(*text, kSmallAnswerLimits) : Result<mcp::Message, mcp::MessageProblem>(unexpected(mcp::MessageProblem::not_json));
  const bool is_error = message && message->kind() == mcp::Message::Kind::error && (!message->id() || message->id() == mcp::RequestId(id_));
  if (is_error) {
    json::Value error = modern_error(*message->value().find("error"));
    json::Value answer{{"jsonrpc", "2.0"}, {"id", mcp::to_json(asking_.request.id)}};
    const int status = status_of_error(error);
    answer.set("error", std::move(error));
    is_answered_ = true;
    deliver(std::move(answer), status);
  } else if (response.status >= 400 && is_waiting()) {
    deliver_error(mcp::code::kUpstreamFailed, "the server refused the message");
  } else if (response.status >= 400 && asking_.reply) {
    http::Headers headers;
    if (const auto* after = response.headers.find_single("Retry-After")) headers.add("Retry-After", *after);
    // A bare 400 or 404 would say something about this client's message, which the server never saw.
    if (response.status == 429 || !may_speak || response.status >= 500) {
      asking_.reply->set(whole_response(response.status, std::move(headers), ""));
      is_over_ = true;
      let_go();
    } else {
      refuse(Failure{Failure::Kind::bad_response, "the server refused the message with status " + std::to_string(response.status), "", std::nullopt});
    }
  } else {
    refuse(Failure{Failure::Kind::bad_response, "the server answered with status " + std::to_string(response.status), "", std::nullopt});
  }
}

// ---- from the server

Task<void> BridgedCall::read_events(std::unique_ptr<http::BodyStream> body) {
  const auto self = shared_from_this();
  std::string last_event_id;
  std::int64_t retry_ms = kRetryMs;
  int resumes = 0;
  mcp::SseParser parser(kMessageLimits.bytes_max);
  while (!is_over_ && !is_answered_) {
    if (const auto out = asking_.out) {
      const bool is_open = co_await out->ready();
      if (!is_open && asking_.out == out) leave();
      if (is_over_) break;
    }
    body_ = body.get();
    auto piece = co_await body->next();
    body_ = nullptr;
    if (is_over_) break;
    if (!piece) {
      body->cancel();
      if (last_event_id.empty() || ++resumes > kResumesMax) {
        deliver_error(mcp::code::kUpstreamFailed, "the server ended its answer early");
        co_return;
      }
      auto resuming = resume(last_event_id, retry_ms);
      auto rest = co_await resuming;
      body = std::move(rest);
      if (is_over_) break;
      if (!body) {
        deliver_error(mcp::code::kUpstreamFailed, "the server ended its answer early");
        co_return;
      }
      parser = mcp::SseParser(kMessageLimits.bytes_max);
      continue;
    }
    std::vector<mcp::Event> events;
    const bool is_good = parser.feed(*piece, events).has_value();
    for (const mcp::Event& event : events) {
      if (event.id) last_event_id = *event.id;
      if (event.retry_ms) retry_ms = std::clamp<std::int64_t>(*event.retry_ms, 0, kRetryMaxMs);
      if (!event.has_data || event.data.empty() || is_answered_) continue;
      const auto message = mcp::Message::parse_from_server(event.data, kMessageLimits);
      if (!message) continue;
      resumes = 0;
      hear(*message);
      if (is_over_) break;
    }
    if (!is_good && !is_answered_ && !is_over_) {
      body->cancel();
      deliver_error(mcp::code::kUpstreamFailed, "the server's stream is malformed");
      co_return;
    }
  }
  if (body) body->cancel();
}

// TR-32, TR-33: nothing is sent again, the rest of the stream is asked for.
Task<std::unique_ptr<http::BodyStream>> BridgedCall::resume(std::string last_event_id, std::int64_t wait_ms) {
  for (int attempt = 0; attempt < kResumesMax; ++attempt) {
    auto pause = parts_.pause(Milliseconds{std::min(wait_ms << attempt, kRetryMaxMs)});
    co_await pause;
    if (is_over_) co_return nullptr;
    auto sent = co_await session_->get(asking_.context, last_event_id, &cancellation_);
    if (is_over_) {
      if (sent) sent->body->cancel();
      co_return nullptr;
    }
    if (!sent) continue;
    if (sent->status == 200 && mcp::is_event_stream(sent->headers)) co_return std::move(sent->body);
    sent->body->cancel();
    if (sent->status < 500 && sent->status != 429) co_return nullptr;
  }
  co_return nullptr;
}

void BridgedCall::hear(const mcp::Message& message) {
  if (is_over_) return;
  switch (message.kind()) {
    case mcp::Message::Kind::request: return hear_request(message);
    case mcp::Message::Kind::notification: return hear_notification(message);
    case mcp::Message::Kind::result:
    case mcp::Message::Kind::error:
      if (message.id() == mcp::RequestId(id_)) hear_response(message);
      return;
  }
}

void BridgedCall::hear_request(const mcp::Message& message) {
  if (message.method() == "ping") return session_->answer(asking_.context, *message.id(), json::Object{});
  if (!may_ask_for_input(asking_.request.method)) {
    return session_->answer_error(asking_.context, *message.id(), server_error(mcp::code::kMethodNotFound, "nothing can be asked during this request"));
  }
  auto request = input_request(message.method(), message.params(), session_->capabilities());
  if (!request) return session_->answer_error(asking_.context, *message.id(), std::move(request).error());
  const std::size_t bytes = json::write(*request).size();
  const bool has_room = asks_.size() < kAsksMax && asks_bytes_ + bytes <= kAsksBytesMax && round_ < kRoundsMax && pending_.hold(bytes);
  if (!has_room) return session_->answer_error(asking_.context, *message.id(), server_error(mcp::code::kInternalError, "too many questions during one call"));
  asks_bytes_ += bytes;
  asks_.push_back({"input-" + std::to_string(++keys_), *message.id(), std::move(*request)});
  ask_soon();
}

void BridgedCall::hear_notification(const mcp::Message& message) {
  if (message.method() == "notifications/progress") {
    const json::Value* token = message.param("progressToken");
    const bool is_ours = token && token->is_int() && *token->as_int() == id_ && asking_.request.progress_token;
    if (!is_ours) return;
    json::Value params = params_of(message);
    params.set("progressToken", *asking_.request.progress_token);
    say("notifications/progress", std::move(params));
  } else if (message.method() == "notifications/message") {
    const auto* level = message.param_string("level");
    const auto severity = level ? log_severity(*level) : std::nullopt;
    if (asking_.request.log_level && severity && *severity >= *asking_.request.log_level) say("notifications/message", params_of(message));   // TR-53
  } else if (message.method() == "notifications/cancelled") {
    // The server does not want to know any more.
    const json::Value* id = message.param("requestId");
    const auto withdrawn = id ? mcp::parse_id(*id) : std::nullopt;
    if (withdrawn) std::erase_if(asks_, [&](const Ask& ask) { return ask.id == *withdrawn; });
  } else {
    session_->spread(message);
  }
}

void BridgedCall::hear_response(const mcp::Message& message) {
  is_answered_ = true;
  json::Value answer{{"jsonrpc", "2.0"}, {"id", mcp::to_json(asking_.request.id)}};
  if (message.kind() == mcp::Message::Kind::result) {
    answer.set("result", modern_result(asking_.request.method, *message.value().find("result"), session_->server_info()));
    return deliver(std::move(answer), 200);
  }
  const json::Value& given = *message.value().find("error");
  auto questions = may_ask_for_input(asking_.request.method) ? url_questions(given, asking_.request.capabilities) : std::optional<json::Value>();
  if (questions) {
    answer.set("result", input_required_result(std::move(*questions), "", session_->server_info()));
    return deliver(std::move(answer), 200);
  }
  json::Value error = modern_error(given);
  const int status = status_of_error(error);
  answer.set("error", std::move(error));
  deliver(std::move(answer), status);
}

// ---- questions to the client

// After what else has arrived by now, so that questions that come together go together.
void BridgedCall::ask_soon() {
  if (std::exchange(is_asking_soon_, true)) return;
  session_->home().post([self = shared_from_this()] {
    self->is_asking_soon_ = false;
    self->ask();
  });
}

void BridgedCall::ask() {
  if (is_over_ || is_answered_ || is_waiting()) return;
  // TR-84 holds for each request: who comes back may declare less.
  std::erase_if(asks_, [this](const Ask& one) {
    auto still = input_request(*one.request.find_string("method"), one.request.find("params"), asking_.request.capabilities);
    if (!still) session_->answer_error(asking_.context, one.id, std::move(still).error());
    return !still.has_value();
  });
  if (asks_.empty()) return;
  const Instant now = parts_.clock.now();
  if (!pending_.add(handle_, asking_.context.principal->key, shared_from_this(), now)) {
    for (const Ask& one : std::exchange(asks_, {})) {
      session_->answer_error(asking_.context, one.id, server_error(mcp::code::kInternalError, "too many calls wait for their clients"));
    }
    return;
  }
  json::Value requests = json::Object{};
  for (const Ask& one : asks_) requests.set(one.key, one.request);
  RequestState state;
  state.call = handle_;
  state.round = ++round_;
  state.principal = asking_.context.principal->key;
  state.server = asking_.context.server->id;
  state.digest = asking_.request.digest;
  state.expires = now + PendingCalls::kWaitsFor;
  deliver(mcp::result_response(asking_.request.id, input_required_result(std::move(requests), states_.seal(state), session_->server_info())), 200, Then::waits);
}

void BridgedCall::come_back(Asking asking, std::int64_t round) {
  const auto refuse_with = [&asking](std::string_view why) {
    json::Value error = mcp::error_response(asking.request.id, mcp::code::kInvalidParams, why);
    asking.reply->set(json_response(200, json::write(error)));
  };
  if (is_over_ || !is_waiting() || round != round_) return refuse_with("`requestState` was used already: send the request again without it");
  const json::Value* responses = asking.request.input_responses ? &*asking.request.input_responses : nullptr;
  for (const Ask& one : asks_) {
    const json::Value* given = responses ? responses->find(one.key) : nullptr;
    if (given && !input_response(*given)) return refuse_with("`inputResponses` must hold an object for each key");
  }
  pending_.remove(handle_);
  asking_ = std::move(asking);
  const json::Value given_responses = asking_.request.input_responses ? *asking_.request.input_responses : json::Value();
  std::vector<Ask> open;
  for (Ask& one : asks_) {
    const json::Value* given = given_responses.find(one.key);
    if (given) session_->answer(asking_.context, one.id, *input_response(*given));
    else open.push_back(std::move(one));
  }
  asks_ = std::move(open);
  watch();
  if (kept_) {
    auto [response, status] = std::move(*kept_);
    kept_.reset();
    // The id is that of the request at hand (TR-81: a new one).
    response.set("id", mcp::to_json(asking_.request.id));
    return deliver(std::move(response), status);
  }
  open_stream();
  if (!asks_.empty()) ask_soon();   // what was not answered, or was asked meanwhile
}

// ---- the client's side

void BridgedCall::watch() {
  asking_.out->on_closed([weak = weak_from_this(), out = std::weak_ptr(asking_.out)] {
    const auto self = weak.lock();
    if (self && self->asking_.out == out.lock()) self->leave();
  });
}

void BridgedCall::leave() {
  if (is_over_) return;
  const auto self = shared_from_this();
  is_over_ = true;
  if (asking_.reply) asking_.reply->set(unexpected(Failure{Failure::Kind::closed, "", "", std::nullopt}));
  let_go();
  cancel_at_server(is_sent_ && !is_answered_);
}

void BridgedCall::end() {
  if (is_over_) return;
  const auto self = shared_from_this();
  for (const Ask& one : std::exchange(asks_, {})) {
    session_->answer_error(asking_.context, one.id, server_error(mcp::code::kInternalError, "the client did not answer in time"));
  }
  pending_.remove(handle_);
  if (is_waiting()) return leave();
  const bool is_under_way = is_sent_ && !is_answered_;
  deliver_error(mcp::code::kUpstreamFailed, "the session at the server ended");
  cancel_at_server(is_under_way);
}

// Nobody is interested any more; whoever waits for the server goes on.
void BridgedCall::cancel_at_server(bool is_under_way) {
  if (is_under_way) session_->notify(asking_.context, "notifications/cancelled", json::Value{{"requestId", id_}, {"reason", "the client went away"}});
  cancellation_.request();
  if (body_) body_->cancel();
}

void BridgedCall::open_stream() {
  if (!asking_.reply || is_waiting()) return;
  std::exchange(asking_.reply, nullptr)->set(stream_response(*asking_.out));
}

void BridgedCall::say(std::string_view method, json::Value params) {
  if (is_waiting()) return;   // nobody is there, and it would be old news later
  open_stream();
  json::Value message{{"jsonrpc", "2.0"}, {"method", method}};
  message.set("params", std::move(params));
  asking_.out->write(event_text(message));
}

void BridgedCall::deliver(json::Value response, int status, Then then) {
  const auto self = shared_from_this();
  if (is_waiting()) {
    const std::size_t bytes = json::write(response).size();
    if (pending_.hold(bytes)) {
      kept_bytes_ += bytes;
      kept_ = {std::move(response), status};
    } else {
      kept_ = {mcp::error_response(asking_.request.id, mcp::code::kUpstreamFailed, "the answer is too large to be kept until the client comes back"), 200};
    }
    return;
  }
  const auto out = std::exchange(asking_.out, nullptr);
  out->on_closed(nullptr);
  if (const auto reply = std::exchange(asking_.reply, nullptr)) {
    reply->set(json_response(status, json::write(response)));
  } else {
    out->write(event_text(response));
    out->finish(http::StreamEnd::complete);
  }
  if (then == Then::waits) return;
  is_over_ = true;
  let_go();
}

void BridgedCall::deliver_error(int code, std::string_view message) {
  is_answered_ = true;
  deliver(mcp::error_response(asking_.request.id, code, message), 200);
}

void BridgedCall::refuse(Failure failure) {
  if (is_waiting()) return deliver_error(mcp::code::kUpstreamFailed, "the server cannot be reached or answers badly");
  if (!asking_.reply) return deliver_error(mcp::code::kUpstreamFailed, "the server cannot be reached or answers badly");
  is_over_ = true;
  asking_.out->on_closed(nullptr);
  asking_.reply->set(unexpected(std::move(failure)));
  let_go();
}

void BridgedCall::refuse(Refused refused) {
  if (refused.failure) return refuse(std::move(*refused.failure));
  if (is_over_ || !asking_.reply) return;
  is_over_ = true;
  asking_.out->on_closed(nullptr);
  asking_.reply->set(whole_response(refused.status, {}, ""));
  let_go();
}

}  // namespace writ::upstreams
