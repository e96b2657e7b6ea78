#include "gateway/gateway.h"

#include <algorithm>
#include <utility>

#include "gateway/challenge.h"
#include "gateway/cut_off.h"
#include "gateway/denial.h"
#include "gateway/external_decision.h"
#include "gateway/held_call.h"
#include "gateway/protected_resource_metadata.h"
#include "gateway/step_up.h"
#include "mcp/streamable_http.h"

namespace writ::gateway {
namespace {

constexpr std::int64_t kSweepSessionsSeconds = 60;

http::Response error_body(int status, const std::optional<mcp::RequestId>& id, int code, std::string_view message, json::Value data = nullptr) {
  return http::no_store(http::json(status, json::write(mcp::error_response(id, code, message, std::move(data)))));
}

http::Response unavailable() {
  http::Response response = http::no_store(http::text(503, "decisions cannot be recorded\n"));
  response.headers.add("Retry-After", "5");
  return response;
}

// A page in a browser can reach loopback and internal names under a name of its own (DNS rebinding). Only listed origins are answered;
// `null` cannot be told apart from any other and is never listed (G11, TR-02).
bool is_origin_allowed(const http::Request& request, const Settings& settings) {
  if (request.headers.count("Origin") == 0) return true;
  const auto* origin = request.headers.find_single("Origin");
  const auto& allowed = settings.allowed_origins;
  return origin && *origin != "null" && std::find(allowed.begin(), allowed.end(), *origin) != allowed.end();
}

bool names_modern_version(const http::Headers& headers) {
  const auto values = headers.find_all(mcp::kVersionHeader);
  return std::find(values.begin(), values.end(), mcp::kModernVersion) != values.end();
}

http::Response method_not_allowed(std::string allow) {
  http::Response response = http::text(405, "method not allowed\n");
  response.headers.add("Allow", std::move(allow));
  return response;
}

std::string where_and_why(const Verdict& verdict) {
  return (verdict.invalid_at.empty() ? "they" : "`" + verdict.invalid_at + "`") + " " + verdict.invalid_why;
}

http::Response unknown_method(const mcp::Message& message) {
  json::Value data;
  if (message.method() == mcp::kInitialize) data = json::Value{{"supported", json::Array{std::string(mcp::kModernVersion)}}};   // TR-58
  return error_body(404, message.kind() == mcp::Message::Kind::request ? message.id() : std::nullopt, mcp::code::kMethodNotFound,
                    "method not found", std::move(data));
}

// Who did not declare the extension is told so, as the server would (TR-49); what tasks there are is not told.
bool declares_tasks(const mcp::Message& message) {
  const json::Value* meta = message.param("_meta");
  const json::Value* capabilities = meta ? meta->find(mcp::kMetaCapabilities) : nullptr;
  const json::Value* extensions = capabilities ? capabilities->find("extensions") : nullptr;
  return extensions && extensions->find(mcp::kTasksExtension);
}

http::Response tasks_not_declared(const mcp::Message& message) {
  json::Value extensions = json::Object{}, required = json::Object{}, data = json::Object{};
  extensions.set(mcp::kTasksExtension, json::Object{});
  required.set("extensions", std::move(extensions));
  data.set("requiredCapabilities", std::move(required));
  return error_body(400, message.id(), mcp::code::kMissingCapability, "the client did not declare the tasks extension", std::move(data));
}

Verdict authorize_exchange(const Circumstances& asked, const Exchange& exchange) {
  if (!exchange.message) return authorize_connection(asked);
  const bool is_about_task = exchange.method && exchange.method->need == mcp::Need::task && mcp::is_in(*exchange.method, exchange.era);
  if (is_about_task) return authorize_task(asked, *exchange.message, exchange.task.get(), exchange.era);
  return authorize(asked, *exchange.message, exchange.method, exchange.era);
}

}  // namespace

Gateway::Gateway(Dependencies dependencies)
    : dependencies_(std::move(dependencies)), authentication_(dependencies_.settings, dependencies_.keys, dependencies_.revocations),
      definitions_(dependencies_.reviews, dependencies_.clock),
      sessions_(dependencies_.settings.sessions_max, dependencies_.settings.sessions_per_principal_max, dependencies_.settings.session_idle),
      filter_(dependencies_, authentication_, definitions_, tasks_), recorder_(dependencies_) {}

http::Response Gateway::metadata(const std::string& server_id) const {
  const auto snapshot = dependencies_.objects.get();
  const registry::Server* server = snapshot->server(server_id);
  if (!server || !server->upstream) return http::text(404, "not found\n");
  http::Response response = http::json(200, json::write(protected_resource_metadata(*server)));
  response.headers.add("Cache-Control", "max-age=60");
  return response;
}

Task<http::Response> Gateway::handle(const http::Request& request, std::string server_id) {
  auto admitted = co_await admit(request, std::move(server_id));
  if (!admitted) co_return std::move(admitted).error();
  const Admission admission = std::move(*admitted);
  Task<http::Response> task = request.method == "POST"     ? post(request, admission)
                              : request.method == "GET"    ? get(request, admission)
                              : request.method == "DELETE" ? remove(request, admission)
                                                           : refuse({}, "", method_not_allowed("POST, GET, DELETE"));
  http::Response response = co_await task;
  co_return response;
}

Task<Gateway::Admitted> Gateway::admit(const http::Request& request, std::string server_id) {
  if (!is_origin_allowed(request, dependencies_.settings)) {
    co_return unexpected(error_body(403, std::nullopt, mcp::code::kInvalidRequest, "this origin is not allowed"));
  }
  Admission admission;
  admission.snapshot = dependencies_.objects.get();
  admission.tools = current_tools();   // after the snapshot: see policy::CurrentTools
  admission.now = dependencies_.clock.now();
  const registry::Server* server = admission.snapshot->server(server_id);
  if (!server || !server->upstream) co_return unexpected(http::text(404, "not found\n"));
  admission.server = server;

  std::optional<TokenRefusal> refusal;
  auto token = co_await authentication_.authenticate(request, *server, admission.now);
  if (!token) {
    refusal = token.error();
  } else {
    admission.token = std::move(*token);
    const auto timely = authentication_.check_time(*admission.token, admission.now);
    if (!timely) refusal = timely.error();
  }
  if (!refusal) {
    admission.revocations = dependencies_.revocations.epoch();
    const auto caller = authentication_.resolve(*admission.token, *admission.snapshot);
    if (caller) admission.caller = *caller;
    else refusal = caller.error();
  }
  if (!refusal) co_return admission;
  http::Response response = challenge(*refusal, *server, metadata_url(dependencies_.settings.base, server->id));
  // A first contact carries no credentials: nothing was judged, and nobody may fill the log by it.
  if (*refusal == TokenRefusal::absent) co_return unexpected(std::move(response));
  audit::Record record = Recorder::base(*server, admission.token.get(), nullptr, request, admission.now);
  std::string reason(to_string(*refusal));
  http::Response answer = co_await refuse(std::move(record), std::move(reason), std::move(response));
  co_return unexpected(std::move(answer));
}

Task<http::Response> Gateway::refuse(audit::Record record, std::string reason, http::Response response) {
  if (record.server.empty()) co_return response;
  record.reason = std::move(reason);
  record.status = response.status;
  const auto position = co_await recorder_.decide(std::move(record));
  if (!position) co_return unavailable();
  co_return response;
}

Circumstances Gateway::circumstances(const Admission& admission, const policy::Policy& policy, const http::Request& request) const {
  return {*admission.snapshot, *admission.server, *admission.token, admission.caller, policy, *admission.tools, definitions_, request.peer.address, admission.now};
}

void Gateway::take_limits(const http::Request& request, const Admission& admission, Exchange& exchange, Verdict& verdict) {
  if (verdict.outcome != Verdict::Outcome::allowed) return;
  const bool is_call = exchange.method && exchange.method->need == mcp::Need::call;
  const UsageLimits::Use use{admission.caller, admission.server->id, is_call ? std::string_view(verdict.subject) : std::string_view(), static_cast<std::int64_t>(request.body.size())};
  auto taken = limits_.take(*admission.snapshot, use, admission.now);
  if (taken) {
    exchange.lease = std::move(*taken);
    return;
  }
  verdict.outcome = Verdict::Outcome::denied;
  verdict.decision.allowed = false;
  verdict.decision.policies = {"limit:" + taken.error().limit};
  verdict.decision.message.clear();
  verdict.reason = "rate_limited";
  verdict.retry_after_seconds = std::max<std::int64_t>(1, taken.error().retry_after.count());
}

std::shared_ptr<Exchange> Gateway::begin(const http::Request& request, const Admission& admission) {
  std::shared_ptr<Exchange> exchange(new Exchange, [this](Exchange* ended) {
    live_.remove(*ended);
    if (!ended->lease.bytes.empty()) limits_.give_back(ended->lease, ended->bytes, dependencies_.clock.now());
    delete ended;
  });
  exchange->token = admission.token;
  exchange->server_id = admission.server->id;
  exchange->ip = request.peer.address;
  exchange->started = admission.now;
  exchange->deadline = admission.now + dependencies_.settings.call_deadline;
  return exchange;
}

Result<std::shared_ptr<Session>, http::Response> Gateway::find_session(const http::Request& request, const Admission& admission) {
  const std::size_t count = request.headers.count(mcp::kSessionHeader);
  if (count == 0) return std::shared_ptr<Session>();
  if (count > 1) return unexpected(error_body(400, std::nullopt, mcp::code::kInvalidRequest, "more than one session id"));
  const std::int64_t now_seconds = to_unix_seconds(admission.now);
  auto session = sessions_.find(*request.headers.find(mcp::kSessionHeader), admission.token->principal.key, now_seconds);
  // Unknown, ended, and somebody else's: one answer for all three (TR-25, G12).
  if (!session) return unexpected(error_body(404, std::nullopt, mcp::code::kInvalidRequest, "unknown session"));
  session->use(now_seconds, admission.token->expires);
  return session;
}

Task<http::Response> Gateway::post(const http::Request& request, Admission admission) {
  const Settings& settings = dependencies_.settings;
  audit::Record record = Recorder::base(*admission.server, admission.token.get(), &admission.caller, request, admission.now);
  std::optional<http::Response> bad;
  std::string reason;
  const auto refuse_with = [&](std::string why, http::Response response) { reason = std::move(why), bad = std::move(response); };

  // Policy runs on every request that goes anywhere: what is not a JSON message goes nowhere (G8).
  if (!mcp::is_json(request.headers) || request.headers.count("Content-Encoding") > 0) {
    refuse_with("media_type", error_body(415, std::nullopt, mcp::code::kInvalidRequest, "send application/json"));
  } else if (!mcp::accepts(request.headers, "application/json") || !mcp::accepts(request.headers, "text/event-stream")) {
    refuse_with("not_acceptable", error_body(406, std::nullopt, mcp::code::kInvalidRequest, "accept application/json and text/event-stream"));
  }
  const auto policy = dependencies_.policy.get();
  const auto exchange = begin(request, admission);
  if (!bad) {
    auto message = mcp::Message::parse(request.body, {settings.message_bytes_max, settings.depth_max, settings.members_max});
    if (message) {
      exchange->message = std::move(*message);
    } else {
      const int status = message.error() == mcp::MessageProblem::too_large ? 413 : 400;
      refuse_with(std::string(to_string(message.error())), error_body(status, std::nullopt, error_code(message.error()), "not a valid MCP message"));
    }
  }
  if (!bad) {
    const mcp::Message& message = *exchange->message;
    record.method = message.is_response() ? "response" : Recorder::bounded(message.method());
    exchange->era = mcp::era_of(message, request.headers);
    const auto checked = exchange->era == mcp::Era::modern ? mcp::check_modern(message, request.headers) : mcp::check_legacy_version(request.headers);
    const bool is_request = message.kind() == mcp::Message::Kind::request;
    if (!checked) {
      const mcp::Misuse& misuse = checked.error();
      refuse_with(misuse.reason, error_body(misuse.status, is_request ? message.id() : std::nullopt, misuse.error_code, misuse.message, misuse.data));
    } else if (exchange->era == mcp::Era::legacy && message.method() != mcp::kInitialize) {
      auto session = find_session(request, admission);
      if (session) exchange->session = std::move(*session);
      else refuse_with("unknown_session", std::move(session).error());
    }
  }
  if (bad) {
    http::Response response = co_await refuse(std::move(record), std::move(reason), std::move(*bad));
    co_return response;
  }

  const mcp::Message& message = *exchange->message;
  exchange->method = message.is_response() ? nullptr : mcp::find_method(message.method(), message.kind() == mcp::Message::Kind::notification);
  exchange->stands = exchange->method && exchange->method->stands;
  if (must_learn(admission, *exchange) && authorize_connection(circumstances(admission, *policy, request)).outcome == Verdict::Outcome::allowed) {
    co_await learn(request, admission, *exchange);
    const auto snapshot = dependencies_.objects.get();
    const registry::Server* server = snapshot->server(admission.server->id);
    const auto caller = authentication_.resolve(*admission.token, *snapshot);
    // Who may no longer get here is told so when the decision is taken up (go_live).
    if (server && server->upstream && caller) {
      admission.caller = *caller;
      admission.server = server;
      admission.snapshot = snapshot;
      admission.tools = current_tools();
    }
  }
  if (exchange->method && exchange->method->need == mcp::Need::task) {
    const auto* task = message.param_string("taskId");
    if (task) exchange->task = tasks_.find(admission.server->id, admission.token->principal.key, *task);
  }
  const Circumstances asked = circumstances(admission, *policy, request);
  SettledCall settled{authorize_exchange(asked, *exchange), std::nullopt};
  std::optional<NeededStepUp> step_up;
  if (settled.verdict.outcome == Verdict::Outcome::denied) step_up = find_step_up(asked, exchange->decided_message(), exchange->decided_method(), exchange->era);
  if (step_up) settled.verdict.reason = kInsufficientUserAuthentication, record.more.emplace_back("level", step_up->step_up.level);
  const Basis basis{admission.snapshot->sequence(), policy, admission.revocations};
  if (settled.verdict.outcome == Verdict::Outcome::held) {
    auto settling = co_await settle_held_call(dependencies_.approvals, recorder_, asked, message, std::move(settled.verdict));
    if (!settling) co_return unavailable();
    settled = std::move(*settling);
  }
  co_await ask_decision_points(dependencies_, asked, exchange->decided_message(), exchange->decided_method(), exchange->era, settled.verdict, record);
  take_limits(request, admission, *exchange, settled.verdict);
  // What a decision point or a limit denies is not made, so its approval is not used up.
  if (settled.verdict.outcome != Verdict::Outcome::allowed) settled.lifted.reset();
  Recorder::add(record, asked, settled.verdict);
  exchange->record = record;
  const auto position = co_await record_call(std::move(record), settled, *exchange);
  if (!position) co_return unavailable();   // no decision without its record (S1)
  exchange->position = *position;
  const Verdict& verdict = settled.verdict;

  const bool is_request = message.kind() == mcp::Message::Kind::request;
  switch (verdict.outcome) {
    case Verdict::Outcome::allowed: break;
    case Verdict::Outcome::insufficient_scope:
      co_return insufficient_scope(verdict.missing_scope, metadata_url(settings.base, admission.server->id));
    case Verdict::Outcome::invalid: {
      std::string why = "invalid params";
      json::Value data;
      if (!verdict.invalid_why.empty()) {
        why = "the arguments do not fit: " + where_and_why(verdict);
        data.set("pointer", verdict.invalid_at);
        data.set("reason", verdict.invalid_why);
      }
      const int status = exchange->era == mcp::Era::modern || !is_request ? 400 : 200;
      co_return error_body(status, is_request ? message.id() : std::nullopt, mcp::code::kInvalidParams, why, std::move(data));
    }
    case Verdict::Outcome::unknown_task:
      if (exchange->era == mcp::Era::modern && !declares_tasks(message)) co_return tasks_not_declared(message);
      co_return error_body(200, message.id(), mcp::code::kInvalidParams, "unknown task");
    case Verdict::Outcome::unknown_method:
      if (exchange->era == mcp::Era::modern) co_return unknown_method(message);   // TR-48
      [[fallthrough]];
    case Verdict::Outcome::held:
    case Verdict::Outcome::denied:
      if (step_up) {
        co_return render_step_up(verdict, *step_up, audit::denial_code(*position), &message, metadata_url(settings.base, admission.server->id), settings);
      }
      {
        const std::string code = audit::denial_code(*position);
        http::Response denial = render_denial(verdict, code, &message, exchange->era, settings);
        const bool is_call_in_session = exchange->session && is_request && message.method() == mcp::kToolsCall && denial.status == 200;
        if (is_call_in_session) denial = as_events(std::move(denial), code);
        co_return denial;
      }
  }
  if (exchange->session && is_request) {
    exchange->session->remember(*message.id(), exchange->method->list);
    const bool makes_task = exchange->method->need == mcp::Need::call && message.param("task");
    if (makes_task) exchange->session->remember_call(*message.id(), {std::make_shared<const mcp::Message>(message), exchange->lifted});
  }
  http::Response response = co_await carry_out(request, admission, exchange, basis);
  co_return response;
}

Task<http::Response> Gateway::carry_out(const http::Request& request, const Admission& admission, std::shared_ptr<Exchange> exchange, Basis basis) {
  if (go_live(exchange, std::move(basis))) {
    http::Response response = co_await forward(request, admission, exchange);
    response.withdrawn = std::shared_ptr<http::Cancellation>(exchange, &exchange->delivery);
    if (response.stream || !exchange->cut_off) co_return response;
  } else {
    recorder_.outcome(*exchange, 403, to_string(exchange->stopped));
  }
  const auto cut_off = exchange->cut_off;
  CutOffNotice notice = co_await record_cut_off(recorder_, cut_off);
  co_return error_body(403, exchange->own_id(), mcp::code::kDenied, notice.text, std::move(notice.data));
}

Task<Result<std::uint64_t, Unavailable>> Gateway::record_call(audit::Record record, SettledCall& settled, Exchange& exchange) {
  if (!settled.lifted) {
    auto position = co_await recorder_.decide(std::move(record));
    co_return position;
  }
  approvals::Request lifted = *settled.lifted;
  const auto committed = co_await recorder_.decide_lifted(std::move(record), std::move(lifted));
  if (!committed) co_return unexpected(committed.error());
  exchange.lifted = settled.verdict.decision.approvals;
  if (committed->replayed) {
    settled.verdict.outcome = Verdict::Outcome::denied;
    settled.verdict.reason = "approval_used";
  }
  // The claim is what counts; this only spares the next call the way to it.
  spawn(dependencies_.approvals->use(settled.lifted->id, dependencies_.clock.now()), [](std::exception_ptr, const std::optional<Result<void, Unavailable>>&) {});
  co_return committed->position;
}

Task<http::Response> Gateway::get(const http::Request& request, const Admission& admission) {
  audit::Record record = Recorder::base(*admission.server, admission.token.get(), &admission.caller, request, admission.now);
  if (names_modern_version(request.headers)) co_return method_not_allowed("POST");   // TR-58
  std::optional<http::Response> bad;
  std::string reason;
  const auto checked = mcp::check_legacy_version(request.headers);
  auto session = find_session(request, admission);
  if (!checked) {
    reason = checked.error().reason, bad = error_body(400, std::nullopt, checked.error().error_code, checked.error().message, checked.error().data);
  } else if (!mcp::accepts(request.headers, "text/event-stream")) {
    reason = "not_acceptable", bad = error_body(406, std::nullopt, mcp::code::kInvalidRequest, "accept text/event-stream");
  } else if (!session) {
    reason = "unknown_session", bad = std::move(session).error();
  } else if (const auto* place = request.headers.find("Last-Event-ID"); place && is_own_event_id(*place)) {
    reason = "not_resumable", bad = error_body(400, std::nullopt, mcp::code::kInvalidRequest, "there is nothing to resume");
  }
  if (bad) {
    http::Response response = co_await refuse(std::move(record), std::move(reason), std::move(*bad));
    co_return response;
  }
  const auto policy = dependencies_.policy.get();
  const Circumstances asked = circumstances(admission, *policy, request);
  Verdict verdict = authorize_connection(asked);
  std::optional<NeededStepUp> step_up;
  if (verdict.outcome == Verdict::Outcome::denied) step_up = find_step_up(asked, nullptr, nullptr, mcp::Era::legacy);
  if (step_up) verdict.reason = kInsufficientUserAuthentication, record.more.emplace_back("level", step_up->step_up.level);
  co_await ask_decision_points(dependencies_, asked, nullptr, nullptr, mcp::Era::legacy, verdict, record);
  Recorder::add(record, asked, verdict);
  const auto exchange = begin(request, admission);
  exchange->session = std::move(*session);
  exchange->stands = true;
  exchange->record = record;
  const Basis basis{admission.snapshot->sequence(), policy, admission.revocations};
  const auto position = co_await recorder_.decide(std::move(record));
  if (!position) co_return unavailable();
  exchange->position = *position;
  if (step_up) {
    co_return render_step_up(verdict, *step_up, audit::denial_code(*position), nullptr, metadata_url(dependencies_.settings.base, admission.server->id), dependencies_.settings);
  }
  if (verdict.outcome != Verdict::Outcome::allowed) {
    co_return render_denial(verdict, audit::denial_code(*position), nullptr, mcp::Era::legacy, dependencies_.settings);
  }
  http::Response response = co_await carry_out(request, admission, exchange, basis);
  co_return response;
}

// Ends a session. Asks no policy: who may no longer use a server may still tidy up what is theirs.
Task<http::Response> Gateway::remove(const http::Request& request, const Admission& admission) {
  audit::Record record = Recorder::base(*admission.server, admission.token.get(), &admission.caller, request, admission.now);
  if (names_modern_version(request.headers)) co_return method_not_allowed("POST");
  auto session = find_session(request, admission);
  std::optional<http::Response> bad;
  if (!session) bad = std::move(session).error();
  else if (!*session) bad = error_body(400, std::nullopt, mcp::code::kInvalidRequest, "a session id is needed");
  if (bad) {
    http::Response response = co_await refuse(std::move(record), "unknown_session", std::move(*bad));
    co_return response;
  }
  const auto exchange = begin(request, admission);
  exchange->session = std::move(*session);
  record.effect = audit::Effect::allow;
  record.reason = "own_session";
  exchange->record = record;
  const auto position = co_await recorder_.decide(std::move(record));
  if (!position) co_return unavailable();
  exchange->position = *position;
  http::Response response = co_await forward(request, admission, exchange);
  co_return response;
}

// ---- what stands

std::shared_ptr<const policy::ToolCatalogue> Gateway::current_tools() const {
  return dependencies_.tools ? dependencies_.tools->get() : std::make_shared<const policy::ToolCatalogue>();
}

Basis Gateway::current_basis() const {
  return {dependencies_.objects.get()->sequence(), dependencies_.policy.get(), dependencies_.revocations.epoch()};
}

void Gateway::tell_changes(Exchange& exchange, bool is_first) {
  if (!exchange.stands) return;
  const auto snapshot = dependencies_.objects.get();
  const auto policy = dependencies_.policy.get();
  const registry::Server* server = snapshot->server(exchange.server_id);
  if (!is_first && exchange.told && server) {
    const bool has_other_policy = policy != exchange.told_policy;
    exchange.owes_tools_changed |= has_other_policy || DefinitionWatch::changes_use(exchange.told->definitions(), snapshot->definitions(), *server, registry::ObjectKind::tool);
    exchange.owes_prompts_changed |= has_other_policy || DefinitionWatch::changes_use(exchange.told->definitions(), snapshot->definitions(), *server, registry::ObjectKind::prompt);
  }
  exchange.told = snapshot;
  exchange.told_policy = policy;
  const bool owes = exchange.owes_tools_changed || exchange.owes_prompts_changed;
  if (owes && exchange.poke) exchange.poke();
}

bool Gateway::go_live(const std::shared_ptr<Exchange>& exchange, Basis basis) {
  tell_changes(*exchange, true);
  // First added, then compared: a change in between is seen by one of the two.
  live_.add(exchange, basis);
  if (current_basis() == basis) return true;
  exchange->cut_off = find_cut_off(*exchange);
  if (!exchange->cut_off) return true;
  exchange->stop(Stopped::no_longer_allowed);
  return false;
}

void Gateway::check_streams(Instant now) {
  if (Executor::current()) definitions_.flush_due();
  const std::int64_t now_seconds = to_unix_seconds(now);
  const Basis current = current_basis();
  {
    const std::lock_guard lock(checked_mutex_);
    if (checked_basis_ == current && checked_second_ == now_seconds) return;
    checked_basis_ = current;
    checked_second_ = now_seconds;
  }
  live_.visit_due(now, current, [this](Exchange& exchange) { examine(exchange); });
  std::int64_t swept = sessions_swept_.load();
  if (now_seconds - swept >= kSweepSessionsSeconds && sessions_swept_.compare_exchange_strong(swept, now_seconds)) sessions_.forget_idle(now_seconds);
}

std::shared_ptr<const CutOff> Gateway::find_cut_off(const Exchange& exchange) const {
  const Instant now = dependencies_.clock.now();
  const auto snapshot = dependencies_.objects.get();
  const auto tools = current_tools();
  const auto policy = dependencies_.policy.get();
  const registry::Server* server = snapshot->server(exchange.server_id);
  // Who the token stands for may be no longer known or active. Its client learns no more of that than with a request (bearer_authentication.h).
  const auto refused = [&](std::string_view reason) {
    auto cut_off = std::make_shared<CutOff>();
    cut_off->record = cut_off_record(exchange, now);
    cut_off->record.reason = std::string(reason);
    cut_off->record.policy_version = policy->version();
    cut_off->record.object_sequence = snapshot->sequence();
    cut_off->verdict.reason = std::string(to_string(Stopped::no_longer_allowed));
    return cut_off;
  };
  if (!server || !server->upstream) return refused("server_disabled");
  const auto caller = authentication_.resolve(*exchange.token, *snapshot);
  if (!caller) return refused(to_string(caller.error()));
  const Circumstances asked{*snapshot, *server, *exchange.token, *caller, *policy, *tools, definitions_, exchange.ip, now};
  Verdict verdict = authorize_exchange(asked, exchange);
  if (verdict.outcome == Verdict::Outcome::allowed) return nullptr;
  if (verdict.outcome == Verdict::Outcome::held && is_lifted(verdict.decision, exchange.lifted)) return nullptr;
  auto cut_off = std::make_shared<CutOff>();
  cut_off->record = cut_off_record(exchange, now);
  Recorder::add(cut_off->record, asked, verdict);
  verdict.question.reset();
  cut_off->verdict = std::move(verdict);
  return cut_off;
}

void Gateway::examine(Exchange& exchange) {
  const Instant now = dependencies_.clock.now();
  // Taken before the question is asked: a change in between is seen the next time.
  Basis basis = current_basis();
  if (!exchange.stands && now >= exchange.deadline) return exchange.stop(Stopped::deadline);
  if (exchange.stands && to_unix_seconds(now) >= stands_until(*exchange.token, exchange.session.get())) return exchange.stop(Stopped::token_expired);
  if (exchange.stopped != Stopped::no) return;
  if ((exchange.cut_off = find_cut_off(exchange))) return exchange.stop(Stopped::no_longer_allowed);
  live_.set_basis(exchange, std::move(basis));
  tell_changes(exchange, false);
}

}  // namespace writ::gateway
