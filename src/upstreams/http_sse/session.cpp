#include "upstreams/http_sse/session.h"

#include <algorithm>
#include <utility>

#include "upstreams/http_sse/endpoint.h"

namespace writ::upstreams::http_sse {
namespace {

Failure failure(Failure::Kind kind, std::string_view detail) { return {kind, std::string(detail), "", std::nullopt}; }

std::optional<std::string> token_key(const json::Value* token) {
  const auto id = token ? mcp::parse_id(*token) : std::nullopt;
  return id ? std::optional(mcp::to_key(*id)) : std::nullopt;
}

// What a client asked to be told its progress under.
std::optional<std::string> progress_token_of(const mcp::Message& request) {
  const json::Value* meta = request.param("_meta");
  return token_key(meta ? meta->find("progressToken") : nullptr);
}

// News of the server as a whole: it belongs to no request, even while one is in flight.
bool is_news(std::string_view method) { return method.ends_with("/list_changed") || method == "notifications/resources/updated"; }

}  // namespace

Session::Session(std::string session_id, std::string whose, std::string stream_url, const Settings& settings)
    : id(std::move(session_id)), owner(std::move(whose)), url(std::move(stream_url)), settings_(settings), home_(*Executor::current()),
      backlog_(std::make_shared<Backlog>(home_, settings.backlog_bytes_max)), opening_(std::make_shared<Inbox>(backlog_)) {}

Task<void> Session::read(std::shared_ptr<Session> self, std::unique_ptr<http::BodyStream> stream) {
  self->stream_ = std::move(stream);
  mcp::SseParser parser(self->settings_.event_bytes_max);
  std::vector<mcp::Event> events;
  Failure why = failure(Failure::Kind::closed, "the server ended the session's event stream");
  while (!self->has_ended()) {
    auto piece = co_await self->stream_->next();
    if (!piece) break;
    events.clear();
    const auto fed = parser.feed(*piece, events);
    for (const mcp::Event& event : events) self->deliver(event);
    if (!fed) {
      why = failure(Failure::Kind::bad_response, "an event of the session's stream is too large");
      break;
    }
    co_await self->backlog_->until_room();
  }
  self->stream_->cancel();
  self->stream_ = nullptr;
  self->end(why);
}

void Session::deliver(const mcp::Event& event) {
  if (endpoint_.empty()) {
    auto endpoint = event.type == "endpoint" ? resolve_endpoint(url, event.data) : Result<std::string, EndpointProblem>(unexpected(EndpointProblem::malformed));
    if (!endpoint) return end(failure(Failure::Kind::bad_response, to_string(endpoint.error())));
    endpoint_ = std::move(*endpoint);
    return opening_->put({"", true, false});
  }
  const bool is_message = event.has_data && !event.data.empty() && (event.type.empty() || event.type == "message");
  if (is_message) deliver(event.data);   // anything else, a second endpoint included, is nothing that the transport has
}

void Session::deliver(std::string text) {
  const auto message = mcp::Message::parse_from_server(text, settings_.message);
  if (!message) return;
  std::shared_ptr<Inbox> to;
  const std::lock_guard lock(mutex_);
  if (message->is_response()) {
    // An answer that nobody waits for is dropped: it must not reach another request (rules §5.4).
    const auto found = message->id() ? waiting_.find(mcp::to_key(*message->id())) : waiting_.end();
    if (found == waiting_.end()) return;
    found->second.inbox->put({std::move(text), true, message->kind() == mcp::Message::Kind::error});
    waiting_.erase(found);
    return;
  }
  if (Inbox* inbox = related(*message)) inbox->put({std::move(text), false, false});
  else keep_early(std::move(text));
}

// The old transport does not say what a message belongs to. In this order: the request that asked for this progress; the standing stream for
// news; the only request in flight; the standing stream; the oldest request in flight. Null: it waits for a standing stream.
Inbox* Session::related(const mcp::Message& message) {
  const auto token = message.method() == "notifications/progress" ? token_key(message.param("progressToken")) : std::nullopt;
  Waiting* oldest = nullptr;
  std::size_t in_flight = 0;
  for (auto& [key, waiting] : waiting_) {
    if (waiting.is_cancelled) continue;
    if (token && waiting.progress_token == token) return waiting.inbox.get();
    ++in_flight;
    if (!oldest || waiting.number < oldest->number) oldest = &waiting;
  }
  if (standing_ && (is_news(message.method()) || in_flight != 1)) return standing_.get();
  // News can wait for the stream that it belongs on; a request of the server cannot.
  if (is_news(message.method()) && in_flight != 1) return nullptr;
  return oldest ? oldest->inbox.get() : nullptr;
}

void Session::keep_early(std::string text) {
  early_bytes_ += text.size();
  early_.push_back(std::move(text));
  while (early_.size() > settings_.early_messages_max || early_bytes_ > settings_.early_bytes_max) {
    early_bytes_ -= early_.front().size();
    early_.pop_front();
  }
}

Result<std::shared_ptr<Inbox>, Session::CannotExpect> Session::expect(const mcp::Message& request) {
  auto inbox = std::make_shared<Inbox>(backlog_);
  const std::lock_guard lock(mutex_);
  if (ended_) return unexpected(CannotExpect::ended);
  if (waiting_.size() >= settings_.waiting_max) return unexpected(CannotExpect::too_many);
  const auto [entry, is_new] = waiting_.try_emplace(mcp::to_key(*request.id()), Waiting{inbox, progress_token_of(request), ++number_, false});
  if (!is_new) return unexpected(CannotExpect::id_in_flight);
  return inbox;
}

std::shared_ptr<Inbox> Session::stand() {
  const std::lock_guard lock(mutex_);
  if (ended_ || standing_) return nullptr;
  standing_ = std::make_shared<Inbox>(backlog_);
  for (std::string& text : early_) standing_->put({std::move(text), false, false});
  early_.clear();
  early_bytes_ = 0;
  return standing_;
}

void Session::forget(const std::shared_ptr<Inbox>& inbox) {
  const std::lock_guard lock(mutex_);
  if (standing_ == inbox) standing_ = nullptr;
  std::erase_if(waiting_, [&inbox](const auto& entry) { return entry.second.inbox == inbox; });
}

void Session::note_cancelled(const mcp::RequestId& request_id) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(mcp::to_key(request_id));
  if (found != waiting_.end()) found->second.is_cancelled = true;
}

void Session::end(const Failure& why) {
  std::unordered_map<std::string, Waiting> waiting;
  std::shared_ptr<Inbox> standing;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    waiting.swap(waiting_);
    standing.swap(standing_);
    early_.clear();
  }
  opening_->end(why);
  for (auto& [key, each] : waiting) each.inbox->end(why);
  if (standing) standing->end(why);
  backlog_->release();
  // The stream belongs to its loop.
  home_.post([self = shared_from_this()] {
    if (self->stream_) self->stream_->cancel();
  });
}

bool Session::has_ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

void Session::sweep(Instant now) {
  std::vector<std::shared_ptr<Inbox>> inboxes;
  bool is_idle = false;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, waiting] : waiting_) inboxes.push_back(waiting.inbox);
    const Instant last_used{Milliseconds(last_used_.load(std::memory_order_relaxed))};
    is_idle = !ended_ && waiting_.empty() && !standing_ && last_used + settings_.session_idle < now;
  }
  opening_->end_if_due(now);
  for (const auto& inbox : inboxes) inbox->end_if_due(now);
  if (is_idle) end(failure(Failure::Kind::closed, "the session was idle"));
}

}  // namespace writ::upstreams::http_sse
