#include "upstreams/eras/client_session.h"

#include <algorithm>

#include "crypto/random.h"
#include "upstreams/eras/legacy_call.h"
#include "upstreams/eras/listening.h"

namespace writ::upstreams {
namespace {

constexpr Seconds kEndedStreamsKept{120};
constexpr Seconds kListensUnread{30};           // a client that reconnects finds what came meanwhile
constexpr std::size_t kStreamsMax = 64, kSubscribedMax = 1'000, kSubscribedBytesMax = 4'096, kCallsMax = 256;

std::string owner_of(const ClientSession& session) { return session.server + "\n" + session.principal; }

}  // namespace

ClientSession::ClientSession(Opened opened, std::shared_ptr<ReplayBudget> budget, Instant now)
    : id(std::move(opened.id)), server(std::move(opened.server)), principal(std::move(opened.principal)), user(std::move(opened.user)), agent(std::move(opened.agent)),
      server_capabilities(std::move(opened.server_capabilities)), budget_(std::move(budget)), client_(std::move(opened.client)), last_used_(now) {}

void ClientSession::use(Instant now, std::shared_ptr<const Principal> who) {
  const std::lock_guard lock(mutex_);
  last_used_ = std::max(last_used_, now);
  who_.swap(who);
}

std::shared_ptr<const Principal> ClientSession::who() const {
  const std::lock_guard lock(mutex_);
  return who_;
}

Instant ClientSession::last_used(Instant now) const {
  const std::lock_guard lock(mutex_);
  const bool is_in_use = !calls_.empty() || (push_ && push_->is_read());
  return is_in_use ? now : last_used_;
}

ClientFacts ClientSession::client() const {
  const std::lock_guard lock(mutex_);
  return client_;
}

void ClientSession::set_log_level(std::string level) {
  const std::lock_guard lock(mutex_);
  client_.log_level = std::move(level);
}

std::int64_t ClientSession::next_id() {
  const std::lock_guard lock(mutex_);
  return ++ids_;
}

void ClientSession::learn_tools(json::Value& result) {
  const std::lock_guard lock(mutex_);
  tools_.learn_tools(result);
}

http::UpstreamRequest ClientSession::modern_http(const mcp::Message& message) const {
  const std::lock_guard lock(mutex_);
  return upstreams::modern_http(message, tools_);
}

bool ClientSession::add_call(const mcp::RequestId& client_id, const std::shared_ptr<LegacyCall>& call) {
  const std::lock_guard lock(mutex_);
  return !closed_ && calls_.size() < kCallsMax && calls_.try_emplace(mcp::to_key(client_id), call).second;
}

void ClientSession::remove_call(const mcp::RequestId& client_id) {
  const std::lock_guard lock(mutex_);
  calls_.erase(mcp::to_key(client_id));
}

std::shared_ptr<LegacyCall> ClientSession::find_call(const mcp::RequestId& client_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(mcp::to_key(client_id));
  return found == calls_.end() ? nullptr : found->second;
}

ClientSession::Question ClientSession::ask(Instant until) {
  const std::lock_guard lock(mutex_);
  Question question{"writ-" + std::to_string(++questions_), std::make_shared<Handover<ClientAnswer>>()};
  if (closed_) question.answer->set({});
  else asked_.emplace(question.id, Asked{question.answer, until});
  return question;
}

bool ClientSession::answer(const std::string& question, ClientAnswer said) {
  std::shared_ptr<Handover<ClientAnswer>> waits;
  {
    const std::lock_guard lock(mutex_);
    const auto found = asked_.find(question);
    if (found == asked_.end()) return false;
    waits = std::move(found->second.answer);
    asked_.erase(found);
  }
  waits->set(std::move(said));
  return true;
}

std::shared_ptr<ReplayStream> ClientSession::open_stream() {
  const std::lock_guard lock(mutex_);
  auto stream = std::make_shared<ReplayStream>(++stream_numbers_, budget_);
  streams_.emplace(stream->number(), Stream{stream, std::nullopt});
  // Those that ended go first, the oldest of them.
  for (auto at = streams_.begin(); at != streams_.end() && streams_.size() > kStreamsMax;) at = at->second.stream->is_finished() ? streams_.erase(at) : std::next(at);
  return stream;
}

std::shared_ptr<ReplayStream> ClientSession::find_stream(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(number);
  return found == streams_.end() ? nullptr : found->second.stream;
}

std::shared_ptr<ReplayStream> ClientSession::open_push_stream() {
  auto stream = open_stream();
  std::shared_ptr<ReplayStream> former;
  {
    const std::lock_guard lock(mutex_);
    former = std::exchange(push_, stream);
    push_unread_since_.reset();
  }
  if (former) former->finish();   // never the same message on two streams (TR-30)
  return stream;
}

std::shared_ptr<ReplayStream> ClientSession::push_stream() const {
  const std::lock_guard lock(mutex_);
  return push_;
}

void ClientSession::set_listening(std::shared_ptr<Listening> listening) {
  std::shared_ptr<Listening> former;
  {
    const std::lock_guard lock(mutex_);
    former = std::exchange(listening_, listening);
    if (closed_) former = std::exchange(listening_, nullptr);
  }
  if (former) former->stop();
}

std::shared_ptr<Listening> ClientSession::listening() const {
  const std::lock_guard lock(mutex_);
  return listening_;
}

bool ClientSession::subscribe(const std::string& uri) {
  const std::lock_guard lock(mutex_);
  if (resources_.contains(uri)) return true;
  if (resources_.size() >= kSubscribedMax || uri.size() > kSubscribedBytesMax) return false;
  resources_.insert(uri);
  return true;
}

void ClientSession::unsubscribe(const std::string& uri) {
  const std::lock_guard lock(mutex_);
  resources_.erase(uri);
}

std::vector<std::string> ClientSession::subscribed() const {
  const std::lock_guard lock(mutex_);
  return {resources_.begin(), resources_.end()};
}

void ClientSession::tidy(Instant now) {
  std::vector<std::shared_ptr<Handover<ClientAnswer>>> late;
  std::shared_ptr<Listening> unread;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = asked_.begin(); at != asked_.end();) {
      if (at->second.until > now) {
        ++at;
        continue;
      }
      late.push_back(std::move(at->second.answer));
      at = asked_.erase(at);
    }
    for (auto at = streams_.begin(); at != streams_.end();) {
      Stream& stream = at->second;
      if (!stream.ended && stream.stream->is_finished()) stream.ended = now;
      const bool is_old = stream.ended && now - *stream.ended > kEndedStreamsKept && !stream.stream->is_read();
      at = is_old ? streams_.erase(at) : std::next(at);
    }
    if (!push_ || push_->is_read()) push_unread_since_.reset();
    else if (!push_unread_since_) push_unread_since_ = now;
    else if (now - *push_unread_since_ > kListensUnread) unread = std::exchange(listening_, nullptr);
  }
  for (const auto& question : late) question->set({ClientAnswer::Kind::timed_out, {}});
  if (unread) unread->stop();
}

void ClientSession::close() {
  std::unordered_map<std::string, std::shared_ptr<LegacyCall>> calls;
  std::unordered_map<std::string, Asked> asked;
  std::map<std::uint64_t, Stream> streams;
  std::shared_ptr<Listening> listening;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    calls = std::exchange(calls_, {});
    asked = std::exchange(asked_, {});
    streams = std::exchange(streams_, {});
    listening = std::exchange(listening_, nullptr);
    push_.reset();
  }
  for (const auto& [key, call] : calls) call->cancel();
  for (const auto& [question, waits] : asked) waits.answer->set({});
  if (listening) listening->stop();
  for (const auto& [number, stream] : streams) stream.stream->finish();
}

std::shared_ptr<ClientSession> ClientSessions::open(ClientSession::Opened opened, Instant now) {
  opened.id = crypto::random_token(24);
  auto session = std::make_shared<ClientSession>(std::move(opened), budget_, now);
  std::vector<std::shared_ptr<ClientSession>> closed;
  {
    const std::lock_guard lock(mutex_);
    const std::string owner = owner_of(*session);
    const auto own = of_owner_.find(owner);
    const bool has_many = own != of_owner_.end() && (own->second.size() >= limits_.of_principal_max || sessions_.size() >= limits_.sessions_max);
    if (has_many) erase(std::string(own->second.front()), closed);
    if (sessions_.size() >= limits_.sessions_max) {
      session.reset();
    } else {
      of_owner_[owner].push_back(session->id);
      sessions_.emplace(session->id, session);
    }
  }
  for (const auto& one : closed) one->close();
  return session;
}

std::shared_ptr<ClientSession> ClientSessions::find(const std::string& id, const std::string& server, std::shared_ptr<const Principal> who, Instant now) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second->server != server || found->second->principal != who->key) return nullptr;
  if (found->second->last_used(now) + limits_.idle < now) return nullptr;
  found->second->use(now, std::move(who));
  return found->second;
}

void ClientSessions::erase(const std::string& id, std::vector<std::shared_ptr<ClientSession>>& closed) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  const auto own = of_owner_.find(owner_of(*found->second));
  std::erase(own->second, id);
  if (own->second.empty()) of_owner_.erase(own);
  closed.push_back(std::move(found->second));
  sessions_.erase(found);
}

void ClientSessions::close(const std::string& id) {
  std::vector<std::shared_ptr<ClientSession>> closed;
  {
    const std::lock_guard lock(mutex_);
    erase(id, closed);
  }
  for (const auto& session : closed) session->close();
}

void ClientSessions::tidy(Instant now, const std::function<bool(const ClientSession&)>& is_gone) {
  std::vector<std::shared_ptr<ClientSession>> kept, closed;
  {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> over;
    for (const auto& [id, session] : sessions_) {
      const bool is_idle = session->last_used(now) + limits_.idle < now;
      if (is_idle || is_gone(*session)) over.push_back(id);
      else kept.push_back(session);
    }
    for (const std::string& id : over) erase(id, closed);
  }
  for (const auto& session : kept) session->tidy(now);
  for (const auto& session : closed) session->close();
}

std::size_t ClientSessions::size() const {
  const std::lock_guard lock(mutex_);
  return sessions_.size();
}

}  // namespace writ::upstreams
