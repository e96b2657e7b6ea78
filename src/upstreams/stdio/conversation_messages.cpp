#include <algorithm>

#include "upstreams/stdio/conversation.h"
#include "upstreams/stdio/message_edits.h"

// What a program says, and to whom it goes: to whoever asked; to a session's own stream; or to nobody.

namespace writ::upstreams::stdio {
namespace {

constexpr std::size_t kAskedMax = 100;

bool is_one_of(std::string_view method, std::initializer_list<std::string_view> methods) { return std::find(methods.begin(), methods.end(), method) != methods.end(); }

}  // namespace

void Conversation::on_line(std::string line) {
  auto message = mcp::Message::parse_from_server(line, settings_.limits);
  const std::lock_guard lock(mutex_);
  if (stage_ == Stage::over) return;
  if (message) handle(std::move(*message));
  else complain("a line on its standard output is no message and was dropped: " + std::string(mcp::to_string(message.error())));
}

void Conversation::on_lost_line(std::string beginning, std::string end) {
  const std::lock_guard lock(mutex_);
  const Failure failure{Failure::Kind::bad_response, "the program's answer is too large", "", std::nullopt};
  const auto number = number_of_lost_line(beginning, end);
  const auto found = number ? pending_.find(*number) : pending_.end();
  if (found != pending_.end()) {
    found->second.outbox->fail(failure);
    pending_.erase(found);
    return;
  }
  // It was somebody's answer, and does not say whose: nobody is left waiting for what will not come.
  for (auto entry = pending_.begin(); entry != pending_.end();) {
    const auto next = std::next(entry);
    if (!entry->second.stands) give_up(entry, failure);
    entry = next;
  }
}

void Conversation::handle(mcp::Message message) {
  if (is_answer_to_handshake(message)) return;
  switch (message.kind()) {
    case mcp::Message::Kind::result:
    case mcp::Message::Kind::error: return handle_response(std::move(message));
    case mcp::Message::Kind::request: return handle_request(std::move(message));
    case mcp::Message::Kind::notification: return handle_notification(std::move(message));
  }
}

void Conversation::handle_response(mcp::Message message) {
  const auto* number = message.id() ? std::get_if<std::int64_t>(&*message.id()) : nullptr;
  const auto found = number ? pending_.find(*number) : pending_.end();
  if (found == pending_.end()) {
    // What was let go of may still be answered; what was never asked is no answer.
    if (!number || *number < 1 || *number >= next_number_) complain("an answer to nothing that it was asked was dropped");
    return;
  }
  Pending pending = std::move(found->second);
  pending_.erase(found);
  if (pending.method == "resources/subscribe" && message.kind() == mcp::Message::Kind::result) {
    if (const auto session = sessions_.find(pending.session); session != sessions_.end()) session->second.subscribed.insert(pending.uri);
  }
  last_used_ = settings_.now();
  const auto kind = message.kind() == mcp::Message::Kind::error ? Outbox::Kind::error : Outbox::Kind::result;
  if (!pending.outbox->put(with_id(std::move(message), pending.id), kind)) {
    pending.outbox->fail({Failure::Kind::bad_response, "the answer is more than may wait for a reader", "", std::nullopt});
  }
}

// The program asks: for a model, for the person, for roots.
void Conversation::handle_request(mcp::Message message) {
  const mcp::RequestId id = *message.id();
  if (message.method() == "ping") {
    static_cast<void>(write(mcp::result_response(id, json::Object{})));
    return;
  }
  if (purpose_.is_shared() || era_ == mcp::Era::modern || stage_ != Stage::ready) {
    return answer_with_error(id, mcp::code::kMethodNotFound, "there is no client that could be asked: the program serves several, or its era has no such requests");
  }
  if (asked_of_client_.size() >= kAskedMax) return answer_with_error(id, mcp::code::kInternalError, "too many requests wait for the client");
  asked_of_client_.insert(mcp::to_key(id));
  deliver_to_session(message.write(), true);
}

void Conversation::handle_notification(mcp::Message message) {
  const std::string& method = message.method();
  if (method == "notifications/progress") {
    const auto number = progress_number_of(message);
    const auto found = number ? pending_.find(*number) : pending_.end();
    if (found != pending_.end() && found->second.progress_token) {
      json::Value token = *found->second.progress_token;
      deliver(found, with_progress_token(std::move(message), std::move(token)));
    }
    return;
  }
  if (era_ == mcp::Era::modern) {
    if (const auto number = subscription_number_of(message)) {
      const auto found = pending_.find(*number);
      if (found != pending_.end() && found->second.stands) {
        const mcp::RequestId id = found->second.id;
        deliver(found, with_subscription_id(std::move(message), id));
      }
      return;
    }
    // A log message names no request. The latest that wants some gets it; of a shared program nobody can tell whose it is.
    if (method != "notifications/message" || purpose_.is_shared()) return;
    const auto latest = std::find_if(pending_.rbegin(), pending_.rend(), [](const auto& entry) { return entry.second.wants_log && !entry.second.stands; });
    if (latest != pending_.rend()) deliver(std::prev(latest.base()), message.write());
    return;
  }
  if (purpose_.is_shared()) return spread(message);
  deliver_to_session(message.write(), is_one_of(method, {"notifications/message", "notifications/cancelled"}));
}

// Of a shared program: what concerns everybody, and what one has subscribed to. Whatever else it says may be about one of them.
void Conversation::spread(const mcp::Message& notification) {
  const std::string& method = notification.method();
  const auto* uri = notification.param_string("uri");
  const bool is_for_all = is_one_of(method, {"notifications/tools/list_changed", "notifications/resources/list_changed", "notifications/prompts/list_changed"});
  const bool is_update = method == "notifications/resources/updated" && uri;
  if (!is_for_all && !is_update) return;
  for (auto& [id, session] : sessions_) {
    if (is_for_all || session.subscribed.contains(*uri)) deliver_to_stream(session, notification.write());
  }
}

void Conversation::deliver(std::map<std::int64_t, Pending>::iterator to, std::string text) {
  Pending& pending = to->second;
  pending.has_begun = true;
  pending.deadline = pending.timeouts.idle.count() > 0 ? settings_.now() + pending.timeouts.idle : SteadyTime::max();
  if (!pending.outbox->put(std::move(text))) give_up(to, {Failure::Kind::closed, "the reader does not take what the program says", "", std::nullopt});
}

void Conversation::deliver_to_stream(Session& session, std::string text) {
  if (session.stream && !session.stream->is_over()) {
    if (!session.stream->put(std::move(text))) session.stream->fail({Failure::Kind::closed, "the reader does not take what the program says", "", std::nullopt});
    return;
  }
  session.stream = nullptr;
  if (text.size() > settings_.unsent_bytes_max) return;
  if (session.unsent.size() >= settings_.unsent_max) session.unsent.erase(session.unsent.begin());
  session.unsent.push_back(std::move(text));
}

// A program's only session. What belongs to a call goes with it (TR-36): on stdio nothing says which, so it is the latest.
void Conversation::deliver_to_session(std::string text, bool prefers_call) {
  if (sessions_.empty()) return;
  Session& session = sessions_.begin()->second;
  const auto latest = std::find_if(pending_.rbegin(), pending_.rend(), [](const auto& entry) { return entry.second.method != mcp::kInitialize; });
  if (prefers_call && latest != pending_.rend()) return deliver(std::prev(latest.base()), std::move(text));
  deliver_to_stream(session, std::move(text));
}

bool Conversation::write(const json::Value& message) { return program_ && program_->write(json::write(message)); }

void Conversation::answer_with_error(const mcp::RequestId& id, int code, std::string_view message) { static_cast<void>(write(mcp::error_response(id, code, message))); }

// A few a minute: a program that writes nonsense writes much of it.
void Conversation::complain(std::string sentence) {
  const SteadyTime now = settings_.now();
  if (now - complained_ > std::chrono::minutes(1)) complained_ = now, complaints_ = 0;
  if (++complaints_ <= 5) settings_.log("program of server `" + purpose_.server + "`: " + sentence);
}

}  // namespace writ::upstreams::stdio
