#include "upstreams/stdio/stdio_programs.h"

#include "mcp/streamable_http.h"
#include "upstreams/stdio/answers.h"

namespace writ::upstreams::stdio {
namespace {

constexpr std::string_view kUnsubscribe = "resources/unsubscribe";
constexpr Seconds kSweep{60};   // sessions that nobody can use any more merely cost memory

bool is_shared(const registry::Server& server) { return server.upstream->program->runs == registry::UpstreamProgram::Runs::shared; }
std::string principal_of(const Request& request) { return is_shared(*request.server) ? "" : request.principal->key; }

std::optional<mcp::Era> configured_era(const registry::Server& server) {
  switch (server.upstream->era) {
    case registry::UpstreamAddress::Era::legacy: return mcp::Era::legacy;
    case registry::UpstreamAddress::Era::modern: return mcp::Era::modern;
    case registry::UpstreamAddress::Era::detect: break;
  }
  return std::nullopt;
}

http::UpstreamResponse error_answer(int status, const mcp::Message& to, int code, std::string_view message) {
  return json_answer(status, json::write(mcp::error_response(to.kind() == mcp::Message::Kind::request ? to.id() : std::nullopt, code, message)));
}

// Ends the wait for the first message when the caller does.
class StopWaiting {
 public:
  StopWaiting(http::Cancellation* cancellation, std::shared_ptr<Conversation> conversation, std::int64_t number) : cancellation_(cancellation) {
    if (!cancellation_) return;
    cancellation_->on_request([conversation = std::move(conversation), number] {
      conversation->let_go(number, {Failure::Kind::closed, "the caller does not wait any more", "", std::nullopt});
    });
  }
  ~StopWaiting() {
    if (cancellation_) cancellation_->on_request(nullptr);
  }
  StopWaiting(const StopWaiting&) = delete;
  StopWaiting& operator=(const StopWaiting&) = delete;

 private:
  http::Cancellation* cancellation_;
};

}  // namespace

StdioPrograms::StdioPrograms(StdioParts parts, Settings settings) : parts_(std::move(parts)), settings_(std::move(settings)) {}

StdioPrograms::~StdioPrograms() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, pool] : pools_) pool.end_all("the service stops");
}

Task<StdioPrograms::Sent> StdioPrograms::send(Request request) {
  const auto* named = request.http.headers.find_single(mcp::kSessionHeader);
  const std::string session = named ? *named : "";
  if (request.http.method == "POST") {
    if (!request.message) {
      auto parsed = mcp::Message::parse_from_server(request.http.body, settings_.limits);
      if (!parsed) co_return empty_answer(400);
      request.message = std::make_shared<const mcp::Message>(std::move(*parsed));
    }
    auto answered = co_await post(std::move(request));
    co_return answered;
  }
  // A modern server has neither (TR-58).
  if (session.empty()) co_return empty_answer(405);
  const auto conversation = find_session(request, session);
  if (!conversation) co_return empty_answer(404);
  if (request.http.method == "DELETE") {
    conversation->close_session(session);
    co_return empty_answer(200);
  }
  if (request.http.method != "GET") co_return empty_answer(405);
  auto stream = conversation->open_stream(session);
  if (!stream) co_return empty_answer(404);
  co_return stream_answer(std::move(stream));
}

Task<StdioPrograms::Sent> StdioPrograms::post(Request request) {
  const mcp::Message& message = *request.message;
  const bool is_modern = mcp::era_of(message, request.http.headers) == mcp::Era::modern;
  const bool begins_session = !is_modern && message.kind() == mcp::Message::Kind::request && message.method() == mcp::kInitialize;
  const auto* named = request.http.headers.find_single(mcp::kSessionHeader);
  if (!is_modern && !begins_session) {
    if (!named) co_return error_answer(400, message, mcp::code::kInvalidRequest, "the server wants `initialize` first");   // TR-24
    const std::string session = *named;
    const auto conversation = find_session(request, session);
    if (!conversation) co_return empty_answer(404);   // TR-25
    if (message.kind() != mcp::Message::Kind::request) {
      conversation->tell(message, session);
      co_return empty_answer(202);
    }
    if (conversation->purpose().is_shared()) {
      auto answered = co_await ask_shared(std::move(request), conversation, session);
      co_return answered;
    }
    auto answered = co_await ask(std::move(request), conversation, session, mcp::Era::legacy);
    co_return answered;
  }
  // What a legacy program says to the modern era needs no program to be started. -32600 is no error of that era, so it tells which (TR-100).
  const auto refuse_modern = [](const mcp::Message& to) { return error_answer(400, to, mcp::code::kInvalidRequest, "the server speaks an earlier revision: it wants `initialize` first"); };
  if (is_modern && known_era(request) == mcp::Era::legacy) co_return refuse_modern(message);
  auto found = co_await conversation_for(request, begins_session);
  if (!found) co_return unexpected(std::move(found).error());
  const std::shared_ptr<Conversation> conversation = std::move(*found);
  const mcp::Era era = conversation->era().value_or(mcp::Era::legacy);
  if (is_modern && era == mcp::Era::legacy) co_return refuse_modern(message);
  if (message.kind() != mcp::Message::Kind::request) {
    conversation->tell(message, "");
    co_return empty_answer(202);
  }
  if (begins_session && era == mcp::Era::legacy) {
    auto answered = co_await initialize(std::move(request), conversation);
    co_return answered;
  }
  auto answered = co_await ask(std::move(request), conversation, "", era);
  co_return answered;
}

Task<StdioPrograms::Sent> StdioPrograms::initialize(Request request, std::shared_ptr<Conversation> conversation) {
  const std::string session = conversation->open_session(principal_of(request));
  if (session.empty()) co_return unexpected(Failure{Failure::Kind::unavailable, "no further session can be opened", "", Seconds{1}});
  {
    const std::lock_guard lock(mutex_);
    sessions_[session] = SessionOf{request.server->id, request.principal->key, conversation};
  }
  if (conversation->purpose().is_shared()) {
    co_return json_answer(200, json::write(mcp::result_response(*request.message->id(), conversation->initialize_result())), session);
  }
  auto answered = co_await ask(std::move(request), conversation, session, mcp::Era::legacy, true);
  if (!answered) conversation->close_session(session);
  co_return answered;
}

Task<StdioPrograms::Sent> StdioPrograms::ask_shared(Request request, std::shared_ptr<Conversation> conversation, std::string session) {
  const mcp::Message& message = *request.message;
  // Not offered (see Conversation::initialize_result): these would reach into what other principals do.
  if (message.method() == "logging/setLevel" || message.method().starts_with("tasks/")) {
    co_return error_answer(200, message, mcp::code::kMethodNotFound, "the program serves several at once and has no such method for one of them");
  }
  const auto* uri = message.param_string("uri");
  if (message.method() == kUnsubscribe && uri) {
    const std::string wanted = *uri;
    conversation->note_unsubscribed(session, wanted);
    if (conversation->is_wanted_by_others(session, wanted)) co_return json_answer(200, json::write(mcp::result_response(*message.id(), json::Object{})));
  }
  auto answered = co_await ask(std::move(request), conversation, session, mcp::Era::legacy);
  co_return answered;
}

Task<StdioPrograms::Sent> StdioPrograms::ask(Request request, std::shared_ptr<Conversation> conversation, std::string session, mcp::Era era, bool opens_session) {
  const Conversation::Timeouts timeouts{request.stands ? Milliseconds(0) : Milliseconds(request.http.head_timeout_ms), Milliseconds(request.http.idle_timeout_ms)};
  auto asking = conversation->ask(*request.message, session, timeouts, request.stands);
  if (!asking) co_return unexpected(std::move(asking).error());
  const Conversation::Asked asked = std::move(*asking);
  const StopWaiting stop_waiting(request.http.cancellation, conversation, asked.number);
  auto first = co_await asked.outbox->next();
  if (first.is_end) {
    if (first.failure) co_return unexpected(std::move(*first.failure));
    co_return unexpected(Failure{Failure::Kind::closed, "the program ended", "", std::nullopt});
  }
  if (first.is_last) {
    if (opens_session && first.is_error) conversation->close_session(session);
    const int status = first.is_error ? status_of(first.text, era) : 200;
    co_return json_answer(status, std::move(first.text), opens_session && !first.is_error ? session : "");
  }
  co_return event_answer(std::move(conversation), asked, std::move(first.text), opens_session ? session : "");
}

Task<StdioPrograms::Found> StdioPrograms::conversation_for(Request request, bool for_session) {
  constexpr int kTurns = 3;
  for (int turn = 0; turn < kTurns; ++turn) {
    auto found = find_or_start(request, for_session);
    if (!found) co_return unexpected(std::move(found).error());
    std::shared_ptr<Conversation> conversation = std::move(*found);
    auto ready = co_await conversation->ready();
    // One that could not bear to be asked for its era is started again without the question.
    if (!ready && conversation->life().ended_while_asked_for_era) continue;
    if (!ready) co_return unexpected(std::move(ready).error());
    // Of several that waited for the same program of the legacy era, one gets it.
    if (for_session && *ready == mcp::Era::legacy && !conversation->purpose().is_shared() && !conversation->is_spare()) continue;
    co_return conversation;
  }
  co_return unexpected(Failure{Failure::Kind::unavailable, "many sessions begin at once", "", Seconds{1}});
}

StdioPrograms::Found StdioPrograms::find_or_start(const Request& request, bool for_session) {
  const registry::Server& server = *request.server;
  const SteadyTime now = settings_.now();
  const std::lock_guard lock(mutex_);
  Pool& pool = pool_of(server);
  pool.settle(now);
  const std::string principal = principal_of(request);
  if (auto conversation = pool.find(principal, for_session)) return conversation;
  const std::int64_t most = is_shared(server) ? 1 : server.upstream->program->instances_max;
  if (auto full = pool.make_room(principal, most, now)) return unexpected(std::move(*full));
  auto launch = launch_of(server, parts_.read_secret);
  if (!launch) return unexpected(Failure{Failure::Kind::credential, std::move(launch).error(), "", std::nullopt});
  Conversation::Purpose purpose;
  purpose.server = server.id;
  purpose.fingerprint = pool.fingerprint();
  purpose.principal = principal;
  if (!is_shared(server)) purpose.user = request.user->id, purpose.agent = request.agent->id;
  purpose.era = pool.era();
  purpose.idle = Seconds{server.upstream->program->idle_seconds};
  auto conversation = std::make_shared<Conversation>(std::move(purpose), settings_);
  pool.add(conversation);
  conversation->begin(parts_.programs, std::move(*launch));
  return conversation;
}

Pool& StdioPrograms::pool_of(const registry::Server& server) {
  std::string fingerprint = fingerprint_of(server);
  const auto found = pools_.find(server.id);
  if (found != pools_.end() && found->second.fingerprint() == fingerprint) return found->second;
  if (found != pools_.end()) {
    found->second.end_all("its server object changed");
    pools_.erase(found);
  }
  return pools_.emplace(server.id, Pool(std::move(fingerprint), configured_era(server))).first->second;
}

std::optional<mcp::Era> StdioPrograms::known_era(const Request& request) {
  const std::lock_guard lock(mutex_);
  Pool& pool = pool_of(*request.server);
  pool.settle(settings_.now());
  return pool.era();
}

std::shared_ptr<Conversation> StdioPrograms::find_session(const Request& request, const std::string& session) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(session);
  if (found == sessions_.end() || found->second.server != request.server->id || found->second.principal != request.principal->key) return nullptr;
  auto conversation = found->second.conversation.lock();
  if (!conversation || !conversation->has_session(session)) {
    sessions_.erase(found);
    return nullptr;
  }
  if (conversation->purpose().fingerprint != pool_of(*request.server).fingerprint()) return nullptr;
  return conversation;
}

void StdioPrograms::reconcile(const registry::Snapshot& snapshot) {
  for (auto pool = pools_.begin(); pool != pools_.end();) {
    const auto next = std::next(pool);
    const registry::Server* server = snapshot.server(pool->first);
    const bool runs = server && server->active && server->upstream && server->upstream->program;
    if (!runs || fingerprint_of(*server) != pool->second.fingerprint()) {
      pool->second.end_all(runs ? "its server object changed" : "its server was disabled or removed");
      pools_.erase(pool);
    } else {
      for (const auto& conversation : pool->second.running()) {
        if (conversation->purpose().is_shared()) continue;
        const auto* user = snapshot.user(conversation->purpose().user);
        const auto* agent = snapshot.agent(conversation->purpose().agent);
        if (!user || !user->active || !agent || !agent->active) conversation->end("its user or agent was disabled or removed");
      }
    }
    pool = next;
  }
}

void StdioPrograms::tick() {
  const SteadyTime now = settings_.now();
  const auto snapshot = parts_.objects.get();
  std::vector<std::shared_ptr<Conversation>> running;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(reconciled_, snapshot->sequence()) != snapshot->sequence()) reconcile(*snapshot);
    for (auto& [id, pool] : pools_) {
      pool.settle(now);
      running.insert(running.end(), pool.running().begin(), pool.running().end());
    }
    if (now - swept_ > kSweep) {
      swept_ = now;
      std::erase_if(sessions_, [](const auto& entry) {
        const auto conversation = entry.second.conversation.lock();
        return !conversation || !conversation->has_session(entry.first);
      });
    }
  }
  for (const auto& conversation : running) {
    conversation->on_time(now);
    if (conversation->is_idle(now)) conversation->end("nobody used it");
  }
}

std::size_t StdioPrograms::running() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [id, pool] : pools_) count += pool.running().size();
  return count;
}

}  // namespace writ::upstreams::stdio
