#include "upstreams/eras/push_stream.h"

#include <algorithm>
#include <utility>

#include "mcp/sse.h"
#include "mcp/streamable_http.h"
#include "upstreams/eras/legacy_session.h"
#include "upstreams/eras/whole_body.h"

namespace writ::upstreams {
namespace {

constexpr int kFailuresMax = 8;
constexpr std::int64_t kWaitMs = 1'000, kWaitMaxMs = 60'000;
constexpr int kSubscribeWithinMs = 30'000;

}  // namespace

Task<bool> PushStream::want(std::shared_ptr<LegacySession> session) {
  PushStream& push = session->push;
  if (push.state_ == State::open) co_return true;
  if (push.state_ == State::absent || push.is_stopped_) co_return false;
  const bool is_first = push.state_ == State::none;
  push.state_ = State::opening;
  if (is_first) {
    auto task = run(session);
    spawn(std::move(task), [](std::exception_ptr) {});
  }
  if (push.state_ != State::opening) co_return push.state_ == State::open;
  auto begin = [&push](std::function<void(bool)> resume) { push.waiting_.push_back(std::move(resume)); };
  auto waiting = suspend_until<bool>(begin);
  const bool is_there = co_await waiting;
  co_return is_there;
}

void PushStream::settle(bool is_there) {
  Executor* home = Executor::current();
  for (auto& resume : std::exchange(waiting_, {})) home->post([resume = std::move(resume), is_there] { resume(is_there); });
}

void PushStream::stop() {
  is_stopped_ = true;
  cancellation_.request();
  if (body_) body_->cancel();
}

void PushStream::restart() {
  last_event_id_.clear();
  if (!body_) return;
  is_restarting_ = true;
  body_->cancel();
}

Task<void> PushStream::run(std::shared_ptr<LegacySession> session) {
  PushStream& push = session->push;
  int failures = 0;
  bool is_refused = false;
  while (!push.is_stopped_ && !is_refused && failures < kFailuresMax) {
    push.has_heard_ = false;
    const Read read_so = co_await read(session);
    is_refused = read_so == Read::refused;
    if (is_refused || push.is_stopped_) break;
    if (std::exchange(push.is_restarting_, false)) continue;
    failures = push.has_heard_ ? 0 : failures + 1;
    // TR-32; where the server says nothing, longer with each failure.
    const std::int64_t wait = std::clamp<std::int64_t>(push.retry_ms_.value_or(kWaitMs << std::min(failures, 5)), 100, kWaitMaxMs);
    auto pause = push.parts_.pause(Milliseconds{wait});
    co_await pause;
  }
  push.state_ = is_refused ? State::absent : State::none;
  push.settle(false);
  session->end_listens();
}

Task<PushStream::Read> PushStream::read(std::shared_ptr<LegacySession> session) {
  PushStream& push = session->push;
  const auto context = session->own_context();
  if (!context) co_return Read::refused;
  const auto opened = co_await session->open(*context);
  if (!opened) co_return Read::failed;
  if (push.is_stopped_) co_return Read::refused;
  const int opening = session->opening();
  auto sent = co_await session->get(*context, push.last_event_id_, &push.cancellation_);
  if (!sent) co_return Read::failed;
  http::UpstreamResponse response = std::move(*sent);
  if (response.status != 200 || !mcp::is_event_stream(response.headers)) {
    response.body->cancel();
    const bool is_lost = response.status == 404 && session->has_id();
    if (is_lost) {
      session->lose(opening);
      push.last_event_id_.clear();
      co_return Read::lost;
    }
    const bool may_change = response.status == 429 || response.status >= 500;
    co_return may_change && response.status != 501 ? Read::failed : Read::refused;   // 405: it has none (TR-29)
  }
  if (push.state_ != State::open) {
    push.state_ = State::open;
    push.settle(true);
  }
  if (push.subscribed_at_ != opening) {
    push.subscribed_at_ = opening;
    std::vector<std::string> uris;
    for (const auto& [uri, count] : push.subscribed_) uris.push_back(uri);
    for (const std::string& uri : uris) {
      auto task = ask_to_subscribe(session, *context, uri);
      spawn(std::move(task), [](std::exception_ptr, const std::optional<bool>&) {});
    }
  }
  mcp::SseParser parser(kMessageLimits.bytes_max);
  push.body_ = response.body.get();
  while (true) {
    auto piece = co_await response.body->next();
    std::vector<mcp::Event> events;
    if (!piece || push.is_stopped_ || push.is_restarting_ || !parser.feed(*piece, events)) break;
    for (const mcp::Event& event : events) {
      if (event.retry_ms) push.retry_ms_ = event.retry_ms;
      if (event.id) push.last_event_id_ = *event.id;
      if (!event.has_data || event.data.empty()) continue;
      push.has_heard_ = true;
      const auto message = mcp::Message::parse_from_server(event.data, kMessageLimits);
      if (message) session->hear_pushed(*message);
    }
  }
  push.body_ = nullptr;
  response.body->cancel();
  co_return Read::again;
}

Task<bool> PushStream::ask_to_subscribe(std::shared_ptr<LegacySession> session, Context context, std::string uri) {
  const mcp::RequestId id = session->next_id();
  json::Value message{{"jsonrpc", "2.0"}, {"id", mcp::to_json(id)}, {"method", "resources/subscribe"}, {"params", json::Value{{"uri", uri}}}};
  auto sent = co_await session->post(std::move(context), std::move(message), nullptr, kSubscribeWithinMs, kSubscribeWithinMs);
  if (!sent) co_return false;
  http::UpstreamResponse response = std::move(*sent);
  if (response.status != 200) {
    response.body->cancel();
    co_return false;
  }
  const auto text = co_await read_response(response, id, kSmallAnswerLimits);
  const auto answer = text ? mcp::Message::parse_from_server(*text, kSmallAnswerLimits) : Result<mcp::Message, mcp::MessageProblem>(unexpected(mcp::MessageProblem::not_json));
  co_return answer && answer->kind() == mcp::Message::Kind::result && answer->id() == id;
}

Task<bool> PushStream::subscribe(std::shared_ptr<LegacySession> session, Context context, std::string uri) {
  int& count = session->push.subscribed_[uri];
  if (count++ > 0) co_return true;
  const bool is_taken = co_await ask_to_subscribe(session, std::move(context), uri);
  const auto found = session->push.subscribed_.find(uri);
  if (!is_taken && found != session->push.subscribed_.end() && --found->second <= 0) session->push.subscribed_.erase(found);
  co_return is_taken;
}

void PushStream::unsubscribe(const std::shared_ptr<LegacySession>& session, const Context& context, const std::string& uri) {
  const auto found = session->push.subscribed_.find(uri);
  if (found == session->push.subscribed_.end() || --found->second > 0) return;
  session->push.subscribed_.erase(found);
  json::Value message{{"jsonrpc", "2.0"}, {"id", session->next_id()}, {"method", "resources/unsubscribe"}, {"params", json::Value{{"uri", uri}}}};
  auto task = session->post(context, std::move(message), nullptr, kSubscribeWithinMs, kSubscribeWithinMs);
  spawn(std::move(task), [session](std::exception_ptr, std::optional<Result<http::UpstreamResponse, Failure>> sent) {
    if (sent && *sent) (*sent)->body->cancel();
  });
}

}  // namespace writ::upstreams
