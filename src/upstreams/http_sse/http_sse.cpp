#include "upstreams/http_sse/http_sse.h"

#include <exception>
#include <utility>

#include "crypto/random.h"
#include "mcp/streamable_http.h"
#include "upstreams/http_sse/answer_stream.h"
#include "upstreams/streamable_http.h"

namespace writ::upstreams::http_sse {
namespace {

constexpr int kDiscardTimeoutMs = 5'000;

Unexpected<Failure> failed(Failure::Kind kind, std::string detail) { return Unexpected(Failure{kind, std::move(detail), "", std::nullopt}); }

http::UpstreamResponse response(int status, http::Headers headers = {}, std::string body = "") {
  http::UpstreamResponse made;
  made.status = status;
  made.headers = std::move(headers);
  made.body = std::make_unique<TextBody>(std::move(body));
  return made;
}

// A refusal of our own that says why, as a server of Streamable HTTP would give it.
http::UpstreamResponse refusal(int status, const Request& request, std::string_view message) {
  const auto id = request.message ? request.message->id() : std::nullopt;
  return response(status, {{"Content-Type", "application/json"}}, json::write(mcp::error_response(id, mcp::code::kInvalidRequest, message)));
}

http::UpstreamResponse events(std::unique_ptr<http::BodyStream> body) {
  http::UpstreamResponse made = response(200, {{"Content-Type", "text/event-stream"}});
  made.body = std::move(body);
  return made;
}

bool is_success(int status) { return status >= 200 && status < 300; }

// Ends a session whose opening did not come to its end, whichever way that was left.
class Opening {
 public:
  explicit Opening(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  ~Opening() {
    if (session_) session_->end({Failure::Kind::closed, "the session was not opened", "", std::nullopt});
  }
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
  void succeeded() { session_ = nullptr; }

 private:
  std::shared_ptr<Session> session_;
};

// Takes a request out of its session unless a body took it over.
class Expectation {
 public:
  Expectation(std::shared_ptr<Session> session, std::shared_ptr<Inbox> inbox) : session_(std::move(session)), inbox_(std::move(inbox)) {}
  ~Expectation() {
    if (session_ && inbox_) session_->forget(inbox_);
  }
  Expectation(const Expectation&) = delete;
  Expectation& operator=(const Expectation&) = delete;
  void hand_over() { session_ = nullptr; }

 private:
  std::shared_ptr<Session> session_;
  std::shared_ptr<Inbox> inbox_;
};

// Posts a message while its request waits for what comes of it on the session's stream: some servers answer the POST only when the work is done,
// and ask questions meanwhile.
Task<void> deliver(http::Upstream& http, http::UpstreamRequest request, std::shared_ptr<Session> session, std::shared_ptr<Inbox> inbox, std::shared_ptr<Posting> posting) {
  auto sent = co_await http.send(std::move(request));
  if (!sent) {
    if (posting->has_begun) co_return;   // the server has the message: its stream says what becomes of it
    posting->refused = unexpected(to_failure(std::move(sent).error()));
  } else if (is_success(sent->status)) {
    discard(std::move(sent->body));
    co_return;
  } else {
    if (sent->status == 404) session->end({Failure::Kind::closed, "the server has forgotten the session", "", std::nullopt});
    posting->refused = std::move(*sent);
  }
  inbox->end({Failure::Kind::closed, "the server refused the message", "", std::nullopt});
}

}  // namespace

HttpSse::~HttpSse() {
  sessions_.for_each([](Session& session) { session.end({Failure::Kind::closed, "the gateway stops", "", std::nullopt}); });
}

void HttpSse::sweep(Instant now) {
  sessions_.for_each([now](Session& session) { session.sweep(now); });
  sessions_.remove_ended();
}

Task<HttpSse::Answer> HttpSse::send(Request request) {
  // As a server of the legacy era answers what it does not understand (TR-100).
  if (request.era == mcp::Era::modern) co_return response(400);
  if (!Executor::current()) co_return failed(Failure::Kind::closed, "not called on an event loop");
  const registry::UpstreamAddress& address = *request.server->upstream;
  request.http.url = address.url;
  request.http.ca_file = address.ca_file;
  request.http.pool_key = request.server->id + "\n" + request.principal->key;   // G13
  const std::string owner = request.http.pool_key;

  if (request.message && request.message->method() == mcp::kInitialize && request.http.method == "POST") {
    auto opened = co_await open(std::move(request), owner);
    co_return opened;
  }
  const std::string* id = request.http.headers.find_single(mcp::kSessionHeader);
  if (!id && request.http.method == "GET") co_return response(405);
  if (!id) co_return refusal(400, request, "a session is needed: send `initialize` first");
  auto session = sessions_.find(*id, owner);
  if (session && session->url != address.url) {   // the administrator moved the server
    session->end({Failure::Kind::closed, "the server's address changed", "", std::nullopt});
    session = nullptr;
  }
  if (!session) co_return refusal(404, request, "there is no such session");
  session->use(clock_.now());
  request.http.headers.erase(mcp::kSessionHeader);
  if (request.http.method == "GET") co_return stand(session);
  if (request.http.method == "DELETE") {
    session->end({Failure::Kind::closed, "the client ended the session", "", std::nullopt});
    sessions_.remove(*session);
    co_return response(200);
  }
  auto answered = co_await post(std::move(request), std::move(session));
  co_return answered;
}

HttpSse::Answer HttpSse::stand(const std::shared_ptr<Session>& session) const {
  auto inbox = session->stand();
  if (!inbox) return response(409);
  return events(std::make_unique<InboxBody>(session, std::move(inbox), nullptr, std::nullopt, clock_, Milliseconds(0)));
}

Task<HttpSse::Answer> HttpSse::open(Request request, std::string owner) {
  http::UpstreamRequest get = request.http;
  get.method = "GET";
  get.body.clear();
  get.headers.erase(mcp::kSessionHeader);
  get.headers.erase("Content-Type");
  get.headers.set("Accept", "text/event-stream");
  get.idle_timeout_ms = 0;   // the stream may be silent for as long as the session lasts
  const Instant until = clock_.now() + Milliseconds(request.http.head_timeout_ms);
  auto sent = co_await http_.send(std::move(get));
  if (!sent) co_return unexpected(to_failure(std::move(sent).error()));
  http::UpstreamResponse stream = std::move(*sent);
  if (!is_success(stream.status)) co_return stream;   // the server's own word about the credential, or about the address
  if (!mcp::is_event_stream(stream.headers) || stream.headers.count("Content-Encoding") > 0) {
    stream.body->cancel();
    co_return failed(Failure::Kind::bad_response, "the server did not open an event stream: it does not speak HTTP+SSE at this address");
  }

  auto session = std::make_shared<Session>(crypto::random_token(24), std::move(owner), request.server->upstream->url, settings_);
  session->use(clock_.now());
  if (!sessions_.add(session)) {
    stream.body->cancel();
    co_return failed(Failure::Kind::unavailable, "too many sessions are open");
  }
  Opening opening(session);
  auto reading = Session::read(session, std::move(stream.body));
  spawn(std::move(reading), [](std::exception_ptr) {});
  {
    const EndWhenCancelled watch(request.http.cancellation, session->opening());
    const auto named = co_await session->opening()->take(until);
    if (!named) co_return unexpected(named.error());
  }
  request.http.headers.erase(mcp::kSessionHeader);
  auto answered = co_await post(std::move(request), session);
  if (answered && is_success(answered->status) && answered->headers.count(mcp::kSessionHeader) > 0) opening.succeeded();
  co_return answered;
}

Task<HttpSse::Answer> HttpSse::post(Request request, std::shared_ptr<Session> session) {
  const bool is_request = request.message && request.message->kind() == mcp::Message::Kind::request;
  std::shared_ptr<Inbox> inbox;
  if (is_request) {
    auto expected = session->expect(*request.message);
    if (!expected) {
      if (expected.error() == Session::CannotExpect::id_in_flight) co_return refusal(400, request, "a request with this id is in flight");
      if (expected.error() == Session::CannotExpect::too_many) co_return failed(Failure::Kind::unavailable, "too many requests of the session are in flight");
      co_return failed(Failure::Kind::closed, "the session has ended");
    }
    inbox = std::move(*expected);
  }
  Expectation expectation(session, inbox);
  http::Cancellation* const cancellation = request.http.cancellation;
  const Milliseconds idle(request.http.idle_timeout_ms);
  const Instant until = clock_.now() + Milliseconds(request.http.head_timeout_ms);
  http::UpstreamRequest http = std::move(request.http);
  http.url = session->endpoint();
  http.idle_timeout_ms = kDiscardTimeoutMs;
  if (!is_request) {
    auto sent = co_await http_.send(std::move(http));
    if (!sent) co_return unexpected(to_failure(std::move(sent).error()));
    http::UpstreamResponse taken = std::move(*sent);
    if (!is_success(taken.status)) {
      if (taken.status == 404) session->end({Failure::Kind::closed, "the server has forgotten the session", "", std::nullopt});
      co_return taken;
    }
    discard(std::move(taken.body));
    const json::Value* cancelled = request.message && request.message->method() == "notifications/cancelled" ? request.message->param("requestId") : nullptr;
    const auto id = cancelled ? mcp::parse_id(*cancelled) : std::nullopt;
    if (id) session->note_cancelled(*id);
    co_return response(202);
  }

  const auto posting = std::make_shared<Posting>();
  http.cancellation = &posting->cancellation;   // it may outlive the request's own
  auto delivery = deliver(http_, std::move(http), session, inbox, posting);
  spawn(std::move(delivery), [posting](std::exception_ptr) {});
  // Like a server that answers with a head as soon as it has something to say: what comes later than that is the stream's.
  Inbox::Item first;
  {
    const EndWhenCancelled watch(cancellation, inbox);
    auto came = co_await inbox->take(until);
    if (!came) {
      auto refused = std::move(posting->refused);
      posting->cancellation.request();
      if (refused) co_return std::move(*refused);
      co_return unexpected(std::move(came).error());
    }
    first = std::move(*came);
  }
  posting->has_begun = true;
  const bool is_opened = request.message->method() == mcp::kInitialize && !first.is_error;
  http::UpstreamResponse answer;
  if (first.is_last) {
    answer = response(200, {{"Content-Type", "application/json"}}, std::move(first.text));
  } else {
    expectation.hand_over();
    answer = events(std::make_unique<InboxBody>(session, std::move(inbox), posting, std::move(first), clock_, idle));
  }
  if (is_opened) answer.headers.add(std::string(mcp::kSessionHeader), session->id);
  co_return answer;
}

}  // namespace writ::upstreams::http_sse
