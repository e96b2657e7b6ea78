#include "upstreams/stdio/conversation.h"

#include <algorithm>

#include "crypto/random.h"
#include "upstreams/stdio/message_edits.h"

// Requests and sessions. What the program says is in conversation_messages.cpp, how it begins in conversation_start.cpp.

namespace writ::upstreams::stdio {
namespace {

constexpr auto kSpareGrace = Seconds(5);   // between being ready and the request that it was started for
constexpr std::size_t kPendingMax = 1'000;

Failure failure(Failure::Kind kind, std::string detail) { return Failure{kind, std::move(detail), "", std::nullopt}; }

}  // namespace

Conversation::Conversation(Purpose purpose, const Settings& settings) : purpose_(std::move(purpose)), settings_(settings) {}

Result<Conversation::Asked, Failure> Conversation::ask(const mcp::Message& request, const std::string& session, Timeouts timeouts, bool stands) {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::ready) return unexpected(failure(Failure::Kind::closed, "the program ended"));
  if (pending_.size() >= kPendingMax) return unexpected(Failure{Failure::Kind::unavailable, "too many requests are under way at one program", "", Seconds{1}});
  const std::int64_t number = next_number_++;
  if (!program_->write(with_own_number(request, number))) return unexpected(Failure{Failure::Kind::unavailable, "the program does not read what it is sent", "", Seconds{1}});
  Pending pending;
  pending.id = *request.id();
  pending.method = request.method();
  pending.session = session;
  if (const auto* uri = request.param_string("uri")) pending.uri = *uri;
  pending.progress_token = progress_token_of(request);
  const json::Value* meta = request.param("_meta");
  pending.wants_log = meta && meta->find("io.modelcontextprotocol/logLevel");
  pending.outbox = std::make_shared<Outbox>(settings_.waiting_bytes_max);
  pending.timeouts = timeouts;
  pending.stands = stands;
  last_used_ = settings_.now();
  if (const auto used = sessions_.find(session); used != sessions_.end()) used->second.last_used = last_used_;
  if (timeouts.head.count() > 0) pending.deadline = last_used_ + timeouts.head;
  Asked asked;
  asked.number = number;
  asked.outbox = pending.outbox;
  pending_.emplace(number, std::move(pending));
  return asked;
}

void Conversation::tell(const mcp::Message& message, const std::string& session) {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::ready) return;
  last_used_ = settings_.now();
  if (message.is_response()) {
    // Only what this program asked for, once.
    if (message.id() && asked_of_client_.erase(mcp::to_key(*message.id())) > 0) static_cast<void>(program_->write(message.write()));
    return;
  }
  if (message.method() == "notifications/cancelled") {
    const json::Value* named = message.param("requestId");
    const auto id = named ? mcp::parse_id(*named) : std::nullopt;
    const auto found = std::find_if(pending_.begin(), pending_.end(), [&](const auto& entry) { return id && entry.second.id == *id && entry.second.session == session; });
    if (found != pending_.end() && found->second.method != mcp::kInitialize) static_cast<void>(program_->write(cancelled(found->first, "the client cancelled")));
    return;
  }
  // Of a shared program the gateway is the client: what clients say about themselves concerns nobody.
  if (!purpose_.is_shared()) static_cast<void>(program_->write(message.write()));
}

void Conversation::let_go(std::int64_t number, Failure why) {
  const std::lock_guard lock(mutex_);
  const auto found = pending_.find(number);
  if (found != pending_.end()) give_up(found, std::move(why));
}

void Conversation::give_up(std::map<std::int64_t, Pending>::iterator which, Failure why) {
  if (stage_ == Stage::ready && which->second.method != mcp::kInitialize) static_cast<void>(program_->write(cancelled(which->first, "nobody waits for the answer any more")));
  which->second.outbox->fail(std::move(why));
  pending_.erase(which);
}

std::string Conversation::open_session(const std::string& principal) {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::ready || (!purpose_.is_shared() && (principal != purpose_.principal || !sessions_.empty()))) return "";
  if (sessions_.size() >= settings_.sessions_max && !give_way()) return "";
  std::string id = crypto::random_token(24);
  last_used_ = settings_.now();
  sessions_[id].last_used = last_used_;
  return id;
}

// Clients that never say goodbye must not keep others out.
bool Conversation::give_way() {
  auto oldest = sessions_.end();
  for (auto entry = sessions_.begin(); entry != sessions_.end(); ++entry) {
    const bool is_busy = std::any_of(pending_.begin(), pending_.end(), [&](const auto& each) { return each.second.session == entry->first; });
    if (!is_busy && (oldest == sessions_.end() || entry->second.last_used < oldest->second.last_used)) oldest = entry;
  }
  if (oldest == sessions_.end()) return false;
  if (oldest->second.stream) oldest->second.stream->finish();
  sessions_.erase(oldest);
  return true;
}

bool Conversation::has_session(const std::string& session) const {
  const std::lock_guard lock(mutex_);
  return stage_ == Stage::ready && sessions_.contains(session);
}

void Conversation::close_session(const std::string& session) {
  bool ends = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) return;
    if (found->second.stream) found->second.stream->finish();
    sessions_.erase(found);
    for (auto entry = pending_.begin(); entry != pending_.end();) {
      const auto next = std::next(entry);
      if (entry->second.session == session) give_up(entry, failure(Failure::Kind::closed, "the session ended"));
      entry = next;
    }
    ends = !purpose_.is_shared();
  }
  if (ends) end("its session ended");
}

std::shared_ptr<Outbox> Conversation::open_stream(const std::string& session) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session);
  if (stage_ != Stage::ready || found == sessions_.end()) return nullptr;
  if (found->second.stream) found->second.stream->finish();
  auto stream = std::make_shared<Outbox>(settings_.waiting_bytes_max);
  found->second.last_used = settings_.now();
  for (std::string& text : std::exchange(found->second.unsent, {})) static_cast<void>(stream->put(std::move(text)));
  found->second.stream = stream;
  return stream;
}

json::Value Conversation::initialize_result() const {
  const std::lock_guard lock(mutex_);
  return initialize_result_;
}

bool Conversation::is_wanted_by_others(const std::string& session, const std::string& uri) {
  const std::lock_guard lock(mutex_);
  return std::any_of(sessions_.begin(), sessions_.end(), [&](const auto& entry) { return entry.first != session && entry.second.subscribed.contains(uri); });
}

void Conversation::note_unsubscribed(const std::string& session, const std::string& uri) {
  const std::lock_guard lock(mutex_);
  if (const auto found = sessions_.find(session); found != sessions_.end()) found->second.subscribed.erase(uri);
}

void Conversation::fail_all(const Failure& why) {
  for (auto& [number, pending] : std::exchange(pending_, {})) pending.outbox->fail(why);
  for (auto& [id, session] : std::exchange(sessions_, {})) {
    if (session.stream) session.stream->fail(why);
  }
}

void Conversation::end(const std::string& why, bool on_purpose) {
  std::shared_ptr<Program> program;
  {
    const std::lock_guard lock(mutex_);
    if (stage_ == Stage::over) return;
    stage_ = Stage::over;
    on_purpose_ = on_purpose;
    life_.ended = settings_.now();
    why_not_ = failure(Failure::Kind::closed, "the program was ended: " + why);
    fail_all(*why_not_);
    waiting_for_ready_.wake_all();
    program = program_;
  }
  if (program) program->end();
}

bool Conversation::is_over() const {
  const std::lock_guard lock(mutex_);
  return stage_ == Stage::over;
}
bool Conversation::is_ended_on_purpose() const {
  const std::lock_guard lock(mutex_);
  return on_purpose_;
}
Conversation::Life Conversation::life() const {
  const std::lock_guard lock(mutex_);
  return life_;
}
std::optional<mcp::Era> Conversation::era() const {
  const std::lock_guard lock(mutex_);
  return stage_ == Stage::ready ? std::optional(era_) : std::nullopt;
}
SteadyTime Conversation::last_used() const {
  const std::lock_guard lock(mutex_);
  return last_used_;
}

bool Conversation::is_busy() const {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::ready) return stage_ != Stage::over;
  if (sessions_.empty() && settings_.now() - last_used_ < kSpareGrace) return true;
  return std::any_of(pending_.begin(), pending_.end(), [](const auto& entry) { return !entry.second.stands; });
}

bool Conversation::is_spare() const {
  const std::lock_guard lock(mutex_);
  return stage_ == Stage::ready && era_ == mcp::Era::legacy && !purpose_.is_shared() && sessions_.empty();
}

// Standing streams do not count: a client that was left open over night holds one.
bool Conversation::is_idle(SteadyTime now) const {
  const std::lock_guard lock(mutex_);
  if (stage_ != Stage::ready || now - last_used_ < purpose_.idle) return false;
  return std::none_of(pending_.begin(), pending_.end(), [](const auto& entry) { return !entry.second.stands; });
}

}  // namespace writ::upstreams::stdio
