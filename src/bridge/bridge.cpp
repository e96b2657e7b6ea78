#include "bridge/bridge.h"

#include "mcp/sse.h"
#include "mcp/streamable_http.h"

namespace writ::bridge {
namespace {

constexpr std::size_t kMessageBytesMax = 16 * 1024 * 1024;
const json::Limits kLimits{kMessageBytesMax, 64, 500'000};
constexpr int kResumptionsMax = 5;

// What a host should show: a denial is final, everything else may be worth another try by a person.
json::Value failure_data(const client::Failure& failure) {
  json::Value data{{"kind", failure.kind == client::FailureKind::denied ? "denied" : failure.kind == client::FailureKind::sign_in_needed ? "sign_in_needed" :
                            failure.kind == client::FailureKind::step_up_needed ? "step_up_needed" : "failed"},
                   {"retryable", failure.kind == client::FailureKind::unreachable}};
  if (!failure.denial_code.empty()) data.set("code", failure.denial_code);
  if (!failure.error.empty()) data.set("error", failure.error);
  if (!failure.acr_values.empty()) data.set("acr_values", failure.acr_values);
  if (failure.max_age_seconds) data.set("max_age", *failure.max_age_seconds);
  return data;
}

}  // namespace

mcp::Era Bridge::era_of(const mcp::Message& message) const {
  // A session was begun with `initialize`, so everything after it belongs to the old era.
  return version_.empty() ? mcp::era_of(message, {}) : mcp::Era::legacy;
}

void Bridge::begin_task(Task<void> task) {
  ++tasks_;
  spawn(std::move(task), [this](std::exception_ptr exception) {
    if (exception) parts_.log("a message was lost to an unexpected error");
    if (--tasks_ == 0 && all_done_) std::exchange(all_done_, nullptr)();
  });
}

void Bridge::receive(std::string line) {
  if (line.find_first_not_of(" \t\r") == std::string::npos) return;
  auto message = mcp::Message::parse(line, kLimits);
  if (!message) {
    parts_.log("a line from the host is no MCP message: " + std::string(mcp::to_string(message.error())));
    const auto answer = mcp::error_response(std::nullopt, mcp::error_code(message.error()), "this line is no JSON-RPC message");
    parts_.write_line(json::write(answer));
    return;
  }
  if (cancel_modern(*message)) return;
  waiting_.push_back(std::move(*message));
  pump();
}

// TR-111: towards HTTP, a cancellation of the new era is the end of the response stream.
bool Bridge::cancel_modern(const mcp::Message& message) {
  if (message.method() != "notifications/cancelled" || !version_.empty()) return false;
  const auto* given = message.param("requestId");
  const auto id = given ? mcp::parse_id(*given) : std::nullopt;
  const auto found = id ? in_flight_.find(mcp::to_key(*id)) : in_flight_.end();
  if (found != in_flight_.end()) {
    const auto running = found->second;
    running->cancellation.request();
    if (running->body) running->body->cancel();
  }
  return true;
}

void Bridge::pump() {
  while (!sending_ && !waiting_.empty()) {
    mcp::Message message = std::move(waiting_.front());
    waiting_.pop_front();
    const bool in_order = message.kind() != mcp::Message::Kind::request || message.method() == mcp::kInitialize;
    if (in_order) {
      sending_ = true;
      begin_task(send_in_order(std::move(message)));
    } else {
      begin_task(send_request(std::move(message)));
    }
  }
}

http::Headers Bridge::session_headers(std::string_view accept) const {
  http::Headers headers;
  headers.add("Accept", std::string(accept));
  if (!version_.empty()) headers.add(std::string(mcp::kVersionHeader), version_);
  if (!session_id_.empty()) headers.add(std::string(mcp::kSessionHeader), session_id_);
  return headers;
}

http::Headers Bridge::headers_for(const mcp::Message& message) const {
  http::Headers headers = session_headers("application/json, text/event-stream");
  headers.add("Content-Type", "application/json");
  if (era_of(message) == mcp::Era::modern) {
    headers.set(std::string(mcp::kVersionHeader), std::string(mcp::kModernVersion));
    const auto* meta = message.param("_meta");
    const auto* version = meta ? meta->find_string(mcp::kMetaVersion) : nullptr;
    if (version) headers.set(std::string(mcp::kVersionHeader), *version);
    mirrored_.add(message, headers);
  }
  return headers;
}

Task<void> Bridge::send_in_order(mcp::Message message) {
  if (message.method() == mcp::kInitialize) {
    // A host that starts over begins a new session.
    session_id_.clear();
    version_.clear();
    co_await send_request(message);
  } else {
    http::Headers headers = headers_for(message);
    std::string body = message.write();
    auto accepted = co_await parts_.http.send("POST", std::move(headers), std::move(body));
    if (!accepted) parts_.log("a notification was not delivered: " + accepted.error().message);
    else accepted->body->cancel();
    if (accepted && message.method() == "notifications/initialized" && !listening_) {
      listening_ = true;
      begin_task(listen());
    }
  }
  sending_ = false;
  pump();
}

Task<void> Bridge::send_request(mcp::Message message) {
  const std::string key = mcp::to_key(*message.id());
  const auto running = std::make_shared<InFlight>();
  in_flight_[key] = running;
  http::Headers headers = headers_for(message);
  std::string body = message.write();
  auto response = co_await parts_.http.send("POST", std::move(headers), std::move(body), &running->cancellation);
  if (!response) {
    in_flight_.erase(key);
    if (response.error().kind != client::FailureKind::cancelled) write_failure(message, response.error());
    co_return;
  }
  if (message.method() == mcp::kInitialize && response->status == 200) {
    if (const auto* session = response->headers.find_single(mcp::kSessionHeader)) session_id_ = *session;
    // Until the result says what was agreed, the revision that the host asked for.
    const auto* asked = message.param_string("protocolVersion");
    version_ = asked ? *asked : std::string(mcp::kAssumedVersion);
  }
  const int status = response->status;
  running->body = response->body.get();
  if (running->cancellation.is_requested()) running->body->cancel();
  auto relayed = co_await relay(*response, message.id(), message.method() == mcp::kToolsList);
  running->body = nullptr;
  if (!relayed.answered && !running->cancellation.is_requested()) {
    if (!relayed.last_event_id.empty() && !version_.empty()) co_await resume(message, relayed);
    else write_status(message, status);
  }
  in_flight_.erase(key);
}

// Relays event by event as they come; a JSON answer is one message.
Task<Bridge::Relayed> Bridge::relay(http::UpstreamResponse& response, std::optional<mcp::RequestId> id, bool may_have_tools) {
  Relayed relayed;
  const bool streamed = mcp::is_event_stream(response.headers);
  mcp::SseParser parser(kMessageBytesMax);
  std::string text;
  while (true) {
    auto piece = co_await response.body->next();
    if (!piece) break;
    if (!streamed) {
      text += *piece;
      if (text.size() > kMessageBytesMax) {
        response.body->cancel();
        break;
      }
      continue;
    }
    std::vector<mcp::Event> events;
    const bool readable = parser.feed(*piece, events).has_value();
    for (const mcp::Event& event : events) {
      if (event.id) relayed.last_event_id = *event.id;
      if (event.retry_ms) relayed.retry = Milliseconds{*event.retry_ms};
      if (event.data.empty()) continue;
      auto message = mcp::Message::parse_from_server(event.data, kLimits);
      if (!message) {
        parts_.log("the server sent an event that is no MCP message; it was dropped");
        continue;
      }
      if (id && message->is_response() && message->id() && *message->id() == *id) relayed.answered = true;
      parts_.write_line(write_from_server(std::move(*message), may_have_tools));
    }
    if (!readable) {
      response.body->cancel();
      break;
    }
  }
  if (!streamed && !text.empty()) {
    auto message = mcp::Message::parse_from_server(text, kLimits);
    if (message && message->is_response()) {
      relayed.answered = true;
      parts_.write_line(write_from_server(std::move(*message), may_have_tools));
    }
  }
  co_return relayed;
}

std::string Bridge::write_from_server(mcp::Message message, bool may_have_tools) {
  if (auto* object = message.value().as_object(); object && message.kind() == mcp::Message::Kind::result) {
    for (json::Member& member : *object) {
      if (member.name != "result") continue;
      if (const auto* agreed = member.value.find_string("protocolVersion"); agreed && !version_.empty()) version_ = *agreed;
      if (!may_have_tools) continue;
      for (const std::string& name : mirrored_.learn_tools(member.value)) {
        parts_.log("the tool `" + name + "` was left out: its schema marks arguments for headers in a way that the protocol forbids");
      }
    }
  }
  return message.write();
}

// TR-33: a legacy stream that broke before its answer is taken up again where it stopped.
Task<void> Bridge::resume(const mcp::Message& request, Relayed relayed) {
  for (int attempt = 0; attempt < kResumptionsMax && !finishing_; ++attempt) {
    const Milliseconds retry = relayed.retry;
    co_await parts_.pause(retry);   // TR-32
    http::Headers headers = session_headers("text/event-stream");
    headers.add("Last-Event-ID", relayed.last_event_id);
    auto response = co_await parts_.http.send("GET", std::move(headers), std::string());
    if (!response || response->status != 200) break;
    auto more = co_await relay(*response, request.id(), false);
    if (more.answered) co_return;
    if (!more.last_event_id.empty()) relayed.last_event_id = more.last_event_id;
    relayed.retry = more.retry;
  }
  if (!finishing_) write_status(request, 0);
}

// The server's push stream of a legacy session. A server that has none answers 405; then there is nothing to hear.
Task<void> Bridge::listen() {
  std::string last_event_id;
  while (!finishing_) {
    const auto running = std::make_shared<InFlight>();
    listener_ = running;
    http::Headers headers = session_headers("text/event-stream");
    if (!last_event_id.empty()) headers.add("Last-Event-ID", last_event_id);
    auto response = co_await parts_.http.send("GET", std::move(headers), std::string(), &running->cancellation);
    if (!response || response->status != 200) break;
    running->body = response->body.get();
    auto relayed = co_await relay(*response, std::nullopt, false);
    running->body = nullptr;
    if (!relayed.last_event_id.empty()) last_event_id = relayed.last_event_id;
    const Milliseconds retry = relayed.retry;
    if (!finishing_) co_await parts_.pause(retry);
  }
  listener_.reset();
  listening_ = false;
}

void Bridge::write_failure(const mcp::Message& message, const client::Failure& failure) {
  parts_.log(failure.message);
  const int code = failure.kind == client::FailureKind::denied ? mcp::code::kDenied : mcp::code::kUpstreamFailed;
  parts_.write_line(json::write(mcp::error_response(message.id(), code, failure.message, failure_data(failure))));
}

void Bridge::write_status(const mcp::Message& message, int status) {
  std::string sentence = parts_.http.url() + " ended the answer before it was complete";
  if (status == 404 && !session_id_.empty()) sentence = parts_.http.url() + " does not know this session any more: start it again";
  else if (status >= 400) sentence = parts_.http.url() + " answered " + std::to_string(status);
  parts_.log(sentence);
  parts_.write_line(json::write(mcp::error_response(message.id(), mcp::code::kUpstreamFailed, sentence)));
}

Task<void> Bridge::finish() {
  finishing_ = true;
  waiting_.clear();
  const auto cancel = [](const std::shared_ptr<InFlight>& running) {
    running->cancellation.request();
    if (running->body) running->body->cancel();
  };
  const auto running = in_flight_;   // cancelling may change the map
  for (const auto& [key, one] : running) cancel(one);
  if (const auto listener = listener_) cancel(listener);
  if (tasks_ > 0) {
    co_await suspend_until<bool>([this](std::function<void(bool)> resume) { all_done_ = [resume] { resume(true); }; });
  }
  if (!session_id_.empty()) {
    http::Headers headers = session_headers("application/json");
    auto ended = co_await parts_.http.send("DELETE", std::move(headers), std::string());
    if (ended) ended->body->cancel();
    session_id_.clear();
  }
}

}  // namespace writ::bridge
