#include "upstreams/eras/legacy_call.h"

#include <utility>

#include "mcp/sse.h"
#include "mcp/streamable_http.h"
#include "upstreams/eras/whole_body.h"

namespace writ::upstreams {
namespace {

constexpr int kRoundsMax = 10, kPagesMax = 20;
constexpr Seconds kAnswerWithin{600};            // of a person
constexpr Milliseconds kRetryPause{250};         // where the server wants nothing but to be asked again

bool is_success(int status) { return status >= 200 && status < 300; }

Failure bad_answer(const char* detail) { return {Failure::Kind::bad_response, detail, "", std::nullopt}; }

std::optional<mcp::Message> parse_answer(std::string_view text, const mcp::RequestId& id) {
  auto message = mcp::Message::parse_from_server(text, kMessageLimits);
  if (!message || !message->is_response()) return std::nullopt;
  // An error about a message that could not be read has no id.
  const bool is_ours = message->id() ? *message->id() == id : message->kind() == mcp::Message::Kind::error;
  return is_ours ? std::optional(std::move(*message)) : std::nullopt;
}

json::Value with_id(json::Value response, const mcp::RequestId& id) {
  json::Value made{{"jsonrpc", "2.0"}};
  made.set("id", mcp::to_json(id));
  for (const std::string_view name : {"result", "error"}) {
    if (const json::Value* value = response.find(name)) made.set(name, *value);
  }
  return made;
}

bool is_header_mismatch(const std::optional<mcp::Message>& message) {
  const json::Value* error = message ? message->value().find("error") : nullptr;
  const auto* code = error ? error->find_int("code") : nullptr;
  return code && *code == mcp::code::kHeaderMismatch;
}

}  // namespace

bool is_refusal(int status) { return status == 401 || status == 403 || status == 407 || status == 429 || status >= 500; }

http::UpstreamResponse refusal_of(const http::UpstreamResponse& response) {
  http::Headers headers;
  if (const auto* after = response.headers.find_single("Retry-After")) headers.add("Retry-After", *after);
  return whole_response(response.status, std::move(headers), "");
}

LegacyCall::LegacyCall(const EraParts& parts, std::shared_ptr<ClientSession> session, Request from)
    : parts_(parts), session_(std::move(session)), from_(std::move(from)), client_id_(*from_.message->id()), executor_(Executor::current()) {}

void LegacyCall::cancel() {
  executor_->post([self = shared_from_this()] { self->end(); });
}

void LegacyCall::end() {
  if (std::exchange(cancelled_, true)) return;
  const auto self = shared_from_this();
  for (const std::string& question : questions_) session_->answer(question, {});
  if (body_) body_->cancel();
  cancellation_.request();
}

void LegacyCall::leave() {
  for (const std::string& question : questions_) session_->answer(question, {});
  questions_.clear();
  session_->remove_call(client_id_);
}

Request LegacyCall::onward(std::shared_ptr<const mcp::Message> message) {
  Request request;
  request.snapshot = from_.snapshot;
  request.server = from_.server, request.user = from_.user, request.agent = from_.agent;
  request.principal = from_.principal;
  request.era = mcp::Era::modern;
  request.http = session_->modern_http(*message);
  request.message = std::move(message);
  request.http.head_timeout_ms = from_.http.head_timeout_ms;
  request.http.idle_timeout_ms = from_.http.idle_timeout_ms;
  request.http.cancellation = &cancellation_;
  return request;
}

Task<LegacyCall::Sent> LegacyCall::put_once() {
  const json::Value body = modern_request(*from_.message, session_->next_id(), session_->client(), retry_ ? &*retry_ : nullptr);
  auto message = mcp::Message::parse(json::write(body), kMessageLimits);
  if (!message) co_return Sent(unexpected(bad_answer("the request has no form of the other era")));
  sent_id_ = message->id();
  Request request = onward(std::make_shared<const mcp::Message>(std::move(*message)));
  auto sent = co_await parts_.below.send(std::move(request));
  co_return sent;
}

// A server that misses a mirrored argument has done nothing yet. What the gateway has not learned it then looks up, once (TR-69).
Task<LegacyCall::Sent> LegacyCall::put() {
  auto sent = co_await put_once();
  const bool may_lack = sent && sent->status == 400 && !has_learned_ && from_.message->method() == mcp::kToolsCall && mcp::is_json(sent->headers);
  if (!may_lack) co_return sent;
  http::UpstreamResponse response = std::move(*sent);
  body_ = response.body.get();
  auto text = co_await read_whole(*response.body, kSmallAnswerLimits.bytes_max);
  body_ = nullptr;
  if (!text) co_return Sent(unexpected(bad_answer("the server's error broke off")));
  if (!cancelled_ && is_header_mismatch(parse_answer(*text, *sent_id_))) {
    has_learned_ = true;
    const bool learned = co_await learn_mirrored();
    if (learned && !cancelled_) {
      auto again = co_await put_once();
      co_return again;
    }
  }
  co_return Sent(whole_response(response.status, std::move(response.headers), std::move(*text)));
}

Task<bool> LegacyCall::learn_mirrored() {
  std::string cursor;
  for (int page = 0; page < kPagesMax && !cancelled_; ++page) {
    json::Value params = json::Object{};
    if (!cursor.empty()) params.set("cursor", cursor);
    const json::Value body = modern_request(mcp::kToolsList, std::move(params), session_->next_id(), session_->client());
    auto message = mcp::Message::parse(json::write(body), kMessageLimits);
    if (!message) co_return false;
    const mcp::RequestId id = *message->id();
    Request request = onward(std::make_shared<const mcp::Message>(std::move(*message)));
    auto sent = co_await parts_.below.send(std::move(request));
    if (!sent || !is_success(sent->status)) co_return false;
    http::UpstreamResponse response = std::move(*sent);
    body_ = response.body.get();
    auto text = co_await read_response(response, id, kMessageLimits);
    body_ = nullptr;
    auto answer = text ? parse_answer(*text, id) : std::nullopt;
    const json::Value* result = answer ? answer->value().find("result") : nullptr;
    if (!result) co_return false;
    json::Value listed = *result;
    session_->learn_tools(listed);
    const auto* next = listed.find_string("nextCursor");
    if (!next || next->empty()) break;
    cursor = *next;
  }
  co_return true;
}

LegacyCall::Ended LegacyCall::failed(int code, std::string_view message) const {
  Ended ended;
  ended.message = mcp::error_response(client_id_, code, message);
  return ended;
}

LegacyCall::Ended LegacyCall::settle(mcp::Message message) {
  if (message.kind() == mcp::Message::Kind::error) {
    Ended ended;
    ended.message = with_id(std::move(message.value()), client_id_);
    return ended;
  }
  json::Value result = *message.value().find("result");
  switch (kind_of_result(result)) {
    case ResultKind::complete: break;
    case ResultKind::input_required: {
      Ended ended;
      ended.input = parse_input_required(result);
      if (!ended.input) return failed(mcp::code::kUpstreamFailed, "the server's questions cannot be read");
      return ended;
    }
    case ResultKind::unknown: return failed(mcp::code::kUpstreamFailed, "the server's answer is of a kind that this revision of the protocol has not");
  }
  if (from_.message->method() == mcp::kToolsList) session_->learn_tools(result);
  make_legacy_result(result);
  Ended ended;
  ended.message = mcp::result_response(client_id_, std::move(result));
  return ended;
}

Task<LegacyCall::Ended> LegacyCall::read_answer(http::UpstreamResponse response) {
  Ended ended;
  if (is_success(response.status) && mcp::is_event_stream(response.headers)) {
    auto streamed = co_await read_events(std::move(response));
    co_return streamed;
  }
  if (is_refusal(response.status)) {
    response.body->cancel();
    ended.refusal = refusal_of(response);
    co_return ended;
  }
  if (!mcp::is_json(response.headers)) {
    response.body->cancel();
    ended.failure = bad_answer("the server's answer is no message");
    co_return ended;
  }
  body_ = response.body.get();
  auto text = co_await read_whole(*response.body, kMessageLimits.bytes_max);
  body_ = nullptr;
  if (cancelled_) co_return ended;
  auto message = text ? parse_answer(*text, *sent_id_) : std::nullopt;
  // An error keeps its words and loses its status: to a legacy client a 404 says that its session is over.
  const bool is_good = message && (is_success(response.status) || message->kind() == mcp::Message::Kind::error);
  if (is_good) ended = settle(std::move(*message));
  else ended.failure = bad_answer("the server's answer is no answer to the request");
  co_return ended;
}

Task<LegacyCall::Ended> LegacyCall::read_events(http::UpstreamResponse response) {
  Ended ended;
  mcp::SseParser parser(kMessageLimits.bytes_max);
  body_ = response.body.get();
  while (!ended.message && !ended.input && !ended.failure) {
    auto piece = co_await response.body->next();
    if (cancelled_) break;
    std::vector<mcp::Event> events;
    const bool is_good = piece && parser.feed(*piece, events).has_value();
    for (const mcp::Event& event : events) {
      auto message = mcp::Message::parse_from_server(event.data, kMessageLimits);
      if (!message) continue;
      if (message->kind() == mcp::Message::Kind::notification) {
        // Of this request; what belongs to subscriptions never comes here (TR-73).
        make_legacy_notification(message->value());
        if (!is_for_push_stream(message->method())) stream_->write(message->write());
      } else if (message->is_response() && message->id() == sent_id_) {
        ended = settle(std::move(*message));
        break;
      }
    }
    const bool is_over = ended.message || ended.input;
    if (!is_over && !is_good) ended = failed(mcp::code::kUpstreamFailed, "the server ended its answer early");
    if (!is_over && is_good) co_await stream_->ready();
    if (cancelled_) break;
  }
  body_ = nullptr;
  response.body->cancel();
  co_return ended;
}

// Absent when all is answered: then `retry_` holds it. Else the error that ends the call.
Task<std::optional<json::Value>> LegacyCall::ask_client(InputRequired input, int round) {
  const ClientFacts client = session_->client();
  for (const InputRequest& asked : input.requests) {
    if (is_declared(client.capabilities, asked.method, asked.params.is_null() ? nullptr : &asked.params)) continue;
    const std::string why = "the server asked for `" + asked.method + "`, which the client did not declare";
    co_return std::optional(mcp::error_response(client_id_, mcp::code::kUpstreamFailed, why));
  }
  if (input.requests.empty()) {
    const Milliseconds pause = kRetryPause * (round + 1);
    co_await parts_.pause(pause);
  }
  std::vector<std::shared_ptr<Handover<ClientAnswer>>> answers;
  const Instant until = parts_.clock.now() + kAnswerWithin;
  for (const InputRequest& asked : input.requests) {
    auto question = session_->ask(until);
    questions_.push_back(question.id);
    answers.push_back(std::move(question.answer));
    stream_->write(json::write(legacy_server_request(asked, questions_.back())));
  }
  RetryWith retry;
  retry.state = input.state;
  if (!input.requests.empty()) retry.responses = json::Object{};
  for (std::size_t i = 0; i < answers.size() && !cancelled_; ++i) {
    ClientAnswer said = co_await Handover<ClientAnswer>::get(answers[i]);
    const InputRequest& asked = input.requests[i];
    if (said.kind == ClientAnswer::Kind::result && said.value.is_object()) {
      retry.responses.set(asked.key, std::move(said.value));
    } else if (said.kind == ClientAnswer::Kind::timed_out) {
      co_return std::optional(mcp::error_response(client_id_, mcp::code::kUpstreamTimedOut, "the client did not answer the server's question in time"));
    } else if (asked.method == "elicitation/create") {
      retry.responses.set(asked.key, json::Value{{"action", "cancel"}});   // there is no form for an error; this is what it means
    } else {
      const std::string why = "the client refused the server's `" + asked.method + "`";
      co_return std::optional(mcp::error_response(client_id_, mcp::code::kUpstreamFailed, why));
    }
  }
  questions_.clear();
  retry_ = std::move(retry);
  co_return std::nullopt;
}

http::UpstreamResponse LegacyCall::open_stream() {
  stream_ = session_->open_stream();
  http::UpstreamResponse response;
  response.status = 200;
  response.headers = {{"Content-Type", "text/event-stream"}};
  response.body = stream_->read([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->end();   // the gateway reads on for a client that went away; who stops reading means it
  });
  return response;
}

Task<void> LegacyCall::go_on(std::shared_ptr<LegacyCall> self, std::optional<http::UpstreamResponse> response, std::optional<InputRequired> input) {
  for (int round = 0; !self->cancelled_; ++round) {
    Ended ended;
    if (response) {
      auto answered = co_await self->read_answer(std::move(*response));
      ended = std::move(answered);
      response.reset();
      input = std::move(ended.input);
    }
    if (self->cancelled_) break;
    if (ended.failure || ended.refusal) ended = self->failed(mcp::code::kUpstreamFailed, "the server cannot be reached or answers badly");
    if (!ended.message && round >= kRoundsMax) ended = self->failed(mcp::code::kUpstreamFailed, "the server asked too many times");
    if (!ended.message && input) {
      auto failure = co_await self->ask_client(std::move(*input), round);
      ended.message = std::move(failure);
    }
    if (self->cancelled_) break;
    if (!ended.message) {
      auto sent = co_await self->put();
      if (sent) response.emplace(std::move(*sent));
      else if (!self->cancelled_) ended = self->failed(sent.error().kind == Failure::Kind::timeout ? mcp::code::kUpstreamTimedOut : mcp::code::kUpstreamFailed, "the server cannot be reached or answers badly");
    }
    if (!ended.message) continue;
    self->leave();
    self->stream_->write(json::write(*ended.message));
    break;
  }
  if (self->cancelled_) self->leave();
  self->stream_->finish();
}

Task<Result<http::UpstreamResponse, Failure>> LegacyCall::run(std::shared_ptr<LegacyCall> self) {
  if (!self->session_->add_call(self->client_id_, self)) {
    const json::Value busy = mcp::error_response(self->client_id_, mcp::code::kInvalidRequest, "a request with this id is running, or too many are");
    co_return json_response(200, json::write(busy));
  }
  http::Cancellation* gone = self->from_.http.cancellation;
  self->from_.http.cancellation = nullptr;   // it may end before this call does
  if (gone) gone->on_request([weak = std::weak_ptr(self)] {
    if (const auto alive = weak.lock()) alive->end();
  });
  auto sent = co_await self->put();
  Ended ended;
  std::optional<http::UpstreamResponse> streamed;
  if (!sent) {
    ended.failure = std::move(sent).error();
  } else if (is_success(sent->status) && mcp::is_event_stream(sent->headers)) {
    streamed = std::move(*sent);
  } else {
    auto answered = co_await self->read_answer(std::move(*sent));
    ended = std::move(answered);
  }
  if (gone) gone->on_request(nullptr);
  if (self->cancelled_) {
    self->leave();
    co_return json_response(200, json::write(mcp::error_response(self->client_id_, mcp::code::kInternalError, "the request was cancelled")));
  }
  if (!streamed && !ended.input) {
    self->leave();
    if (ended.failure) co_return unexpected(std::move(*ended.failure));
    if (ended.refusal) co_return std::move(*ended.refusal);
    co_return json_response(200, json::write(*ended.message));
  }
  http::UpstreamResponse answer = self->open_stream();
  auto task = go_on(self, std::move(streamed), std::move(ended.input));
  spawn(std::move(task), [](std::exception_ptr) {});
  co_return answer;
}

}  // namespace writ::upstreams
