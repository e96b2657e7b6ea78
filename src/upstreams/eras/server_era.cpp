#include "upstreams/eras/server_era.h"

#include <algorithm>
#include <utility>

#include "mcp/streamable_http.h"
#include "upstreams/eras/legacy_session.h"
#include "upstreams/eras/whole_body.h"

namespace writ::upstreams {
namespace {

using Kind = EraEvidence::Kind;
using Transport = registry::UpstreamAddress::Transport;

constexpr Milliseconds kAnswerWithin{10'000}, kProgramAnswersWithin{5'000};
constexpr Seconds kKept{600};
constexpr int kTurnsMax = 4;
const mcp::RequestId kId = std::string("writ-era");

// Who may not ask, or asks at a bad time, learns nothing.
bool says_nothing(int status) {
  return status == 401 || status == 403 || status == 407 || status == 408 || status == 425 || status == 429 || status == 502 || status == 503 || status == 504;
}

EraEvidence found(Speaks said) { return {Kind::found, said}; }

EraEvidence read_versions(const json::Array& versions) {
  const auto has = [&](const auto& test) {
    return std::any_of(versions.begin(), versions.end(), [&](const json::Value& value) { return value.is_string() && test(*value.as_string()); });
  };
  const bool is_modern = has([](const std::string& version) { return version == mcp::kModernVersion; });
  const bool is_legacy = has([](const std::string& version) { return mcp::is_legacy_version(version); });
  if (!is_modern && !is_legacy) return {Kind::neither, Speaks::legacy};
  return found(is_modern && is_legacy ? Speaks::both : is_modern ? Speaks::modern : Speaks::legacy);
}

// An error that is said in the modern era alone, with the status that belongs to it. Neither of the two alone tells anything.
std::optional<EraEvidence> read_modern_error(int status, const json::Value& error) {
  const auto* code = error.find_int("code");
  if (!code || status != 400) return std::nullopt;
  if (*code == mcp::code::kUnsupportedVersion) {
    const json::Value* data = error.find("data");
    const json::Array* supported = data ? data->find_array("supported") : nullptr;
    return supported ? read_versions(*supported) : found(Speaks::modern);
  }
  if (*code == mcp::code::kHeaderMismatch || *code == mcp::code::kMissingCapability) return found(Speaks::modern);
  return std::nullopt;
}

EraEvidence read_answer(int status, const http::Headers& headers, std::string_view body, bool is_second) {
  if (says_nothing(status) || status < 200 || (status >= 300 && status < 400)) return {};
  const bool may_be_message = mcp::is_json(headers) || mcp::is_event_stream(headers);
  const auto message = may_be_message ? mcp::Message::parse_from_server(body, kMessageLimits) : Result<mcp::Message, mcp::MessageProblem>(unexpected(mcp::MessageProblem::not_json));
  if (message && message->kind() == mcp::Message::Kind::result && message->id() == kId) {
    const json::Value& result = *message->value().find("result");
    if (is_second) return found(result.find_string("resultType") ? Speaks::modern : Speaks::legacy);
    const json::Array* versions = result.find_array("supportedVersions");
    return versions ? read_versions(*versions) : found(Speaks::legacy);
  }
  if (message && message->kind() == mcp::Message::Kind::error) {
    const json::Value& error = *message->value().find("error");
    if (auto modern = read_modern_error(status, error)) return *modern;
    const auto* code = error.find_int("code");
    if (!is_second && status == 404 && code && *code == mcp::code::kMethodNotFound) return {Kind::ambiguous, Speaks::legacy};
    return found(Speaks::legacy);   // it read the message and did not know it
  }
  // An empty or unknown body under a client error: what servers say that want `initialize` first. Nothing else is known to come from one.
  return status >= 400 && status < 500 ? found(Speaks::legacy) : EraEvidence{};
}

std::string question_text(std::string_view method) {
  json::Value meta = json::Object{};
  meta.set(mcp::kMetaVersion, mcp::kModernVersion);
  meta.set(mcp::kMetaCapabilities, json::Object{});
  meta.set("io.modelcontextprotocol/clientInfo", json::Value{{"name", "writ"}, {"version", "1"}});
  json::Value params = json::Object{};
  params.set("_meta", std::move(meta));
  json::Value question{{"jsonrpc", "2.0"}, {"id", mcp::to_json(kId)}, {"method", method}};
  question.set("params", std::move(params));
  return json::write(question);
}

Request make_question(const Request& from, std::string_view method, Milliseconds within, http::Cancellation& cancellation) {
  Request question;
  question.snapshot = from.snapshot;
  question.server = from.server, question.user = from.user, question.agent = from.agent;
  question.principal = from.principal;
  question.era = mcp::Era::modern;
  question.http.method = "POST";
  question.http.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json, text/event-stream"}};
  question.http.headers.add(std::string(mcp::kVersionHeader), std::string(mcp::kModernVersion));
  question.http.headers.add(std::string(mcp::kMethodHeader), std::string(method));
  question.http.body = question_text(method);
  question.message = std::make_shared<const mcp::Message>(*mcp::Message::parse(question.http.body, kSmallAnswerLimits));
  question.http.head_timeout_ms = question.http.idle_timeout_ms = static_cast<int>(within.count());
  question.http.cancellation = &cancellation;
  return question;
}

struct Answer {
  int status = 0;
  http::Headers headers;
  std::string body;
};

}  // namespace

EraEvidence read_discover_answer(int status, const http::Headers& headers, std::string_view body) { return read_answer(status, headers, body, false); }
EraEvidence read_list_answer(int status, const http::Headers& headers, std::string_view body) { return read_answer(status, headers, body, true); }

// One question at a time, and the end of its time.
struct ServerEra::Turn {
  http::Cancellation cancellation;
  http::BodyStream* body = nullptr;
  bool is_over = false;
  void end() {
    is_over = true;
    cancellation.request();
    if (body) body->cancel();
  }

  Task<Result<Answer, Failure>> put(Upstream& below, const Request& from, std::string_view method, Milliseconds within) {
    if (is_over) co_return unexpected(Failure{Failure::Kind::timeout, "the server did not say which era it speaks", "", std::nullopt});
    Request question = make_question(from, method, within, cancellation);
    auto sent = co_await below.send(std::move(question));
    if (!sent) co_return unexpected(std::move(sent).error());
    http::UpstreamResponse response = std::move(*sent);
    Answer answer;
    answer.status = response.status;
    answer.headers = response.headers;
    body = response.body.get();
    auto text = co_await read_response(response, kId, kMessageLimits);
    body = nullptr;
    if (!text && is_over) co_return unexpected(Failure{Failure::Kind::timeout, "the server did not say which era it speaks", "", std::nullopt});
    if (text) answer.body = std::move(*text);
    co_return answer;
  }
};

Task<ServerEra::Found> ServerEra::ask(const Request& request) {
  const bool is_program = request.server->upstream->transport == Transport::stdio;
  const Milliseconds within = is_program ? kProgramAnswersWithin : kAnswerWithin;
  const auto turn = std::make_shared<Turn>();
  auto limit = parts_.pause(within);
  spawn(std::move(limit), [turn = std::weak_ptr(turn)](std::exception_ptr) {
    if (const auto alive = turn.lock()) alive->end();
  });
  EraEvidence evidence;
  int status = 0;
  for (const bool is_second : {false, true}) {
    const std::string_view method = is_second ? mcp::kToolsList : mcp::kDiscover;
    auto answered = co_await turn->put(parts_.below, request, method, within);
    if (!answered) {
      // Programs of the legacy era may keep silent about what they do not know (TR-101).
      const bool is_silent = is_program && answered.error().kind == Failure::Kind::timeout;
      if (is_silent) co_return Found(Speaks::legacy);
      co_return Found(unexpected(Unknown{std::move(answered).error(), 0}));
    }
    status = answered->status;
    evidence = read_answer(status, answered->headers, answered->body, is_second);
    if (evidence.kind != Kind::ambiguous) break;
  }
  switch (evidence.kind) {
    case Kind::found: co_return Found(evidence.speaks);
    case Kind::neither: {
      Failure failure{Failure::Kind::not_translatable, "the server speaks no revision of the protocol that the gateway knows", "", std::nullopt};
      co_return Found(unexpected(Unknown{std::move(failure), 0}));
    }
    case Kind::ambiguous:
    case Kind::nothing: break;
  }
  if (status >= 400) co_return Found(unexpected(Unknown{std::nullopt, status}));
  Failure failure{Failure::Kind::bad_response, "the server's answer to `server/discover` is no message", "", std::nullopt};
  co_return Found(unexpected(Unknown{std::move(failure), 0}));
}

Task<std::optional<ServerEra::Found>> ServerEra::wait_for(std::string server_id) {
  auto begin = [this, &server_id](std::function<void(std::optional<Found>)> resume) {
    {
      const std::lock_guard lock(mutex_);
      Entry& entry = entries_[server_id];
      if (entry.is_asked) {
        entry.waiting.push_back({Executor::current(), std::move(resume)});
        return;
      }
    }
    resume(std::nullopt);
  };
  auto waiting = suspend_until<std::optional<Found>>(begin);
  auto found = co_await waiting;
  co_return found;
}

void ServerEra::keep(const std::string& server_id, const std::string& address, const Found& found) {
  std::vector<Waiter> waiting;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[server_id];
    entry.is_asked = false;
    waiting = std::exchange(entry.waiting, {});
    entry.address = address;
    entry.found = parts_.clock.now();
    if (found) entry.speaks = *found;
    else entry.speaks.reset();
  }
  // What a refusal of one principal's credential says is not said to another: each of them asks in turn.
  const bool is_for_all = found || found.error().failure;
  for (Waiter& waiter : waiting) {
    std::optional<Found> told;
    if (is_for_all) told = found;
    auto held = std::make_shared<std::optional<Found>>(std::move(told));
    waiter.executor->post([resume = std::move(waiter.resume), held] { resume(std::move(*held)); });
  }
}

Task<ServerEra::Found> ServerEra::find(const Request& request) {
  const registry::UpstreamAddress& address = *request.server->upstream;
  if (address.era == registry::UpstreamAddress::Era::legacy) co_return Found(Speaks::legacy);
  if (address.era == registry::UpstreamAddress::Era::modern) co_return Found(Speaks::modern);
  if (address.transport == Transport::http_sse) co_return Found(Speaks::legacy);   // the transport of 2024-11-05
  const std::string server_id = request.server->id, where = address_key(address);
  for (int turn = 0; turn < kTurnsMax; ++turn) {
    bool is_mine = false;
    {
      const std::lock_guard lock(mutex_);
      Entry& entry = entries_[server_id];
      const bool is_known = entry.speaks && entry.address == where && parts_.clock.now() - entry.found < kKept;
      if (is_known) co_return Found(*entry.speaks);
      if (!entry.is_asked) is_mine = entry.is_asked = true;
    }
    if (is_mine) {
      Found found = co_await ask(request);
      keep(server_id, where, found);
      co_return found;
    }
    auto told = co_await wait_for(server_id);
    // A finding may be about the address before; the next turn looks.
    if (told && !*told) co_return std::move(*told);
  }
  Failure failure{Failure::Kind::unavailable, "many ask at once which era the server speaks", "", Seconds{1}};
  co_return Found(unexpected(Unknown{std::move(failure), 0}));
}

void ServerEra::forget(const std::string& server_id) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(server_id);
  if (found != entries_.end()) found->second.speaks.reset();
}

}  // namespace writ::upstreams
