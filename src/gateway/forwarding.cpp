#include <utility>

#include "crypto/random.h"
#include "gateway/account_needed.h"
#include "gateway/client_watch.h"
#include "gateway/gateway.h"
#include "gateway/upstream_request.h"
#include "mcp/streamable_http.h"

// The second half of the gateway: a decided message to its upstream and the answer back. Nothing is ever sent twice, no redirect is
// followed, and of an answer's head only what is built here reaches the client: no cookies, no CORS, no challenges (G15).

namespace writ::gateway {
namespace {

constexpr std::size_t kErrorBytesMax = 64 * 1024;

Task<std::optional<std::string>> collect(Exchange& exchange, http::BodyStream& body, std::size_t bytes_max) {
  exchange.body = &body;
  std::optional<std::string> whole = std::string();
  while (true) {
    auto piece = co_await body.next();
    if (!piece) {
      if (piece.error() == http::StreamEnd::broken) whole.reset();
      break;
    }
    if (whole->empty()) *whole = std::move(*piece);
    else whole->append(*piece);
    if (whole->size() > bytes_max) {
      whole.reset();
      body.cancel();
      break;
    }
  }
  exchange.body = nullptr;
  co_return whole;
}

struct ToldFailure {
  int status, code;
  std::string_view reason;    // in the record
  std::string_view message;   // for the client
};

ToldFailure told(upstreams::Failure::Kind kind) {
  using Kind = upstreams::Failure::Kind;
  constexpr std::string_view kCannotBeReached = "the server cannot be reached or answers badly";
  switch (kind) {
    case Kind::connect: return {502, mcp::code::kUpstreamFailed, "upstream_unreachable", kCannotBeReached};
    case Kind::tls: return {502, mcp::code::kUpstreamFailed, "upstream_tls", kCannotBeReached};
    case Kind::timeout: return {504, mcp::code::kUpstreamTimedOut, "upstream_timeout", "the server did not answer in time"};
    case Kind::bad_response: return {502, mcp::code::kUpstreamFailed, "upstream_bad_response", kCannotBeReached};
    case Kind::closed: return {502, mcp::code::kUpstreamFailed, "upstream_closed", kCannotBeReached};
    case Kind::credential: return {502, mcp::code::kUpstreamFailed, "upstream_credential_unavailable", "the gateway has no credential for the server"};
    case Kind::needs_account: return {200, mcp::code::kDenied, "upstream_needs_account", "an account at the server must be linked first"};
    case Kind::unavailable: return {503, mcp::code::kUpstreamFailed, "upstream_unavailable", "the server is not available at the moment"};
    case Kind::not_translatable: return {200, mcp::code::kInvalidRequest, "not_translatable", "the server speaks another revision of the protocol, which has no such thing"};
  }
  return {502, mcp::code::kUpstreamFailed, "upstream_failed", kCannotBeReached};
}

bool is_success(int status) { return status >= 200 && status < 300; }

void add_session(http::Response& response, std::string session_id) {
  if (!session_id.empty()) response.headers.add(std::string(mcp::kSessionHeader), std::move(session_id));
}

}  // namespace

http::Response Gateway::fail(Exchange& exchange, int status, std::string_view reason) {
  int code = status == 504 ? mcp::code::kUpstreamTimedOut : mcp::code::kUpstreamFailed;
  std::string_view message = status == 504 ? "the server did not answer in time" : "the server cannot be reached or answers badly";
  if (exchange.stopped == Stopped::no_longer_allowed) status = 403, code = mcp::code::kDenied, message = "no longer allowed";
  if (exchange.stopped == Stopped::deadline) status = 504, code = mcp::code::kUpstreamTimedOut, message = "the server did not answer in time";
  if (exchange.stopped == Stopped::out_of_touch) status = 503, code = mcp::code::kUpstreamFailed, message = kOutOfTouch;
  recorder_.outcome(exchange, status, exchange.stopped != Stopped::no ? to_string(exchange.stopped) : reason);
  return http::no_store(http::json(status, json::write(mcp::error_response(exchange.own_id(), code, message))));
}

http::Response Gateway::fail(Exchange& exchange, const upstreams::Failure& failure) {
  ToldFailure say = told(failure.kind);
  if (exchange.stopped != Stopped::no) return fail(exchange, say.status, say.reason);
  json::Value data;
  std::string message(say.message);
  if (failure.kind == upstreams::Failure::Kind::needs_account && exchange.own_id()) {
    recorder_.outcome(exchange, say.status, say.reason);
    return account_needed(exchange, failure.url, dependencies_.settings);
  }
  if (failure.kind == upstreams::Failure::Kind::not_translatable && !failure.detail.empty()) message = failure.detail;
  // What is neither request nor answered by an object gets its judgement by the status.
  if (!exchange.own_id() && say.status == 200) say.status = 400;
  recorder_.outcome(exchange, say.status, say.reason);
  http::Response response = http::no_store(http::json(say.status, json::write(mcp::error_response(exchange.own_id(), say.code, message, std::move(data)))));
  if (failure.retry_after) response.headers.add("Retry-After", std::to_string(failure.retry_after->count()));
  return response;
}

Task<http::Response> Gateway::forward(const http::Request& request, const Admission& admission, std::shared_ptr<Exchange> exchange) {
  upstreams::Request onward = upstream_request(request.method, request, admission.snapshot, *admission.server, admission.caller, exchange, dependencies_.settings);
  const ClientWatch watch(request.client_gone, exchange);
  auto sent = co_await dependencies_.upstream.send(std::move(onward));
  if (!sent) co_return fail(*exchange, sent.error());
  http::UpstreamResponse answer = std::move(*sent);
  if (exchange->stopped != Stopped::no) {
    answer.body->cancel();
    co_return fail(*exchange, 502, "");
  }
  const int status = answer.status;
  if (status >= 400 && status < 500 && status != 401 && status != 403 && status != 407) {
    http::Response response = co_await pass_client_error(exchange, std::move(answer));
    co_return response;
  }
  // 401 and 403 are about the gateway's own credential: passed on they would send the client to authorize somewhere else (B3, G15).
  if (!is_success(status)) {
    answer.body->cancel();
    co_return fail(*exchange, 502, "upstream_status");
  }
  if (request.method == "DELETE") {
    sessions_.close(*exchange->session);
    answer.body->cancel();
    recorder_.outcome(*exchange, 200, "completed");
    co_return http::no_store(http::text(200, ""));
  }
  if (request.method == "POST" && !exchange->own_id()) {
    answer.body->cancel();
    recorder_.outcome(*exchange, 202, "completed");
    co_return http::Response{202, {}, "", nullptr};   // TR-06
  }
  if (answer.headers.count("Content-Encoding") > 0 || answer.headers.count("Content-Type") != 1) {
    answer.body->cancel();
    co_return fail(*exchange, 502, "upstream_media_type");
  }
  std::string session_id;
  const bool opens = exchange->message && exchange->message->method() == mcp::kInitialize;
  if (opens && (answer.headers.count(mcp::kSessionHeader) > 0 || admission.endpoint)) {
    const auto* upstream_id = answer.headers.find_single(mcp::kSessionHeader);
    if (admission.endpoint) {
      // A member's session belongs to the session of the combined server and is found through that alone, also where the member knows no sessions.
      const bool is_good = answer.headers.count(mcp::kSessionHeader) == 0 || (upstream_id && is_session_id(*upstream_id));
      if (is_good) exchange->session = std::make_shared<Session>(crypto::random_token(24), upstream_id ? *upstream_id : "", exchange->token->principal.key);
    } else if (upstream_id && is_session_id(*upstream_id)) {
      exchange->session = sessions_.open(*upstream_id, exchange->token->principal.key, to_unix_seconds(admission.now), exchange->token->expires);
    }
    if (!exchange->session) {
      answer.body->cancel();
      co_return fail(*exchange, 502, "no_session");
    }
    exchange->session->remember(*exchange->message->id(), mcp::List::instructions);
    if (!admission.endpoint) session_id = exchange->session->id;
  }
  if (mcp::is_event_stream(answer.headers)) co_return pass_events(exchange, std::move(answer), std::move(session_id));
  if (request.method == "POST" && mcp::is_json(answer.headers)) {
    http::Response response = co_await pass_json(exchange, std::move(answer), std::move(session_id));
    co_return response;
  }
  answer.body->cancel();
  co_return fail(*exchange, 502, "upstream_media_type");
}

http::Response Gateway::pass_events(std::shared_ptr<Exchange> exchange, http::UpstreamResponse answer, std::string session_id) {
  http::Response response;
  response.headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};   // TR-54
  add_session(response, std::move(session_id));
  response.stream = std::make_unique<Relay>(std::move(exchange), std::move(answer.body), filter_, recorder_, dependencies_.settings.answer_bytes_max, drains_);
  return response;
}

Task<http::Response> Gateway::pass_json(std::shared_ptr<Exchange> exchange, http::UpstreamResponse answer, std::string session_id) {
  auto body = co_await collect(*exchange, *answer.body, dependencies_.settings.answer_bytes_max);
  if (!body || exchange->stopped != Stopped::no) co_return fail(*exchange, 502, "upstream_broken");
  AnswerFilter::Admitted admitted = filter_.admit(*body, *exchange, AnswerFilter::Waiting::may);
  if (admitted.fate == AnswerFilter::Admitted::Fate::wait) {
    co_await filter_.settle(*exchange, std::move(admitted.news));
    admitted = filter_.admit(*body, *exchange, AnswerFilter::Waiting::must_not);
  }
  if (admitted.fate == AnswerFilter::Admitted::Fate::drop) co_return fail(*exchange, 502, admitted.reason);
  // One request, one object: its own response and nothing else.
  if (!admitted.is_own_answer) co_return fail(*exchange, 502, "upstream_answered_another");
  http::Response response = http::no_store(http::json(200, admitted.fate == AnswerFilter::Admitted::Fate::rewritten ? std::move(admitted.text) : std::move(*body)));
  add_session(response, std::move(session_id));
  exchange->answered = true;
  exchange->bytes = static_cast<std::int64_t>(response.body.size());
  recorder_.outcome(*exchange, 200, "completed");
  co_return response;
}

// 4xx: the upstream's own judgement of the message. A JSON-RPC error is passed on as it is, since clients tell the era from it (TR-100);
// anything else becomes the bare status.
Task<http::Response> Gateway::pass_client_error(std::shared_ptr<Exchange> exchange, http::UpstreamResponse answer) {
  const int status = answer.status;
  if (status == 404 && exchange->session) sessions_.close(*exchange->session);   // TR-25: the client starts over
  std::string text;
  if (mcp::is_json(answer.headers) && answer.headers.count("Content-Encoding") == 0) {
    const auto body = co_await collect(*exchange, *answer.body, kErrorBytesMax);
    const auto message = body ? mcp::Message::parse_from_server(*body, {kErrorBytesMax, dependencies_.settings.depth_max, dependencies_.settings.members_max})
                              : Result<mcp::Message, mcp::MessageProblem>(unexpected(mcp::MessageProblem::not_json));
    const bool is_error = message && message->kind() == mcp::Message::Kind::error;
    const bool is_ours = is_error && (!message->id() || (exchange->own_id() && *message->id() == *exchange->own_id()));
    if (is_ours) text = *body;
  } else {
    answer.body->cancel();
  }
  if (exchange->stopped != Stopped::no) co_return fail(*exchange, 502, "");
  http::Response response = http::no_store(text.empty() ? http::text(status, "") : http::json(status, std::move(text)));
  if (status == 405) response.headers.add("Allow", "POST");
  const auto* retry_after = answer.headers.find_single("Retry-After");
  if (status == 429 && retry_after && retry_after->size() <= 6 && retry_after->find_first_not_of("0123456789") == std::string::npos) {
    response.headers.add("Retry-After", *retry_after);
  }
  recorder_.outcome(*exchange, status, "upstream_refused");
  co_return response;
}

}  // namespace writ::gateway
