// The middle of the gateway's walk: may this message go on? Asked, recorded, and from then on ended from outside when it no longer may.

#include <algorithm>
#include <utility>

#include "gateway/answers.h"
#include "gateway/challenge.h"
#include "gateway/denial.h"
#include "gateway/external_decision.h"
#include "gateway/exchange_authorization.h"
#include "gateway/gateway.h"
#include "gateway/held_call.h"
#include "gateway/protected_resource_metadata.h"
#include "gateway/step_up.h"
#include "gateway/way.h"
#include "mcp/streamable_http.h"
#include "telemetry/trail.h"

namespace writ::gateway {
namespace {

std::string where_and_why(const Verdict& verdict) {
  return (verdict.invalid_at.empty() ? "they" : "`" + verdict.invalid_at + "`") + " " + verdict.invalid_why;
}

http::Response unknown_method(const mcp::Message& message) {
  json::Value data;
  if (message.method() == mcp::kInitialize) data = json::Value{{"supported", json::Array{std::string(mcp::kModernVersion)}}};   // TR-58
  return error_body(404, message.kind() == mcp::Message::Kind::request ? message.id() : std::nullopt, mcp::code::kMethodNotFound,
                    "method not found", std::move(data));
}

http::Response invalid(const Verdict& verdict, const mcp::Message& message, mcp::Era era) {
  std::string why = "invalid params";
  json::Value data;
  if (!verdict.invalid_why.empty()) {
    why = "the arguments do not fit: " + where_and_why(verdict);
    data.set("pointer", verdict.invalid_at);
    data.set("reason", verdict.invalid_why);
  }
  const bool is_request = message.kind() == mcp::Message::Kind::request;
  return error_body(era == mcp::Era::modern || !is_request ? 400 : 200, is_request ? message.id() : std::nullopt, mcp::code::kInvalidParams, why, std::move(data));
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

http::Response denial_of(const Exchange& exchange, const Verdict& verdict, const std::string& code, const Settings& settings) {
  const mcp::Message* sent = exchange.message ? &*exchange.message : nullptr;
  http::Response denial = render_denial(verdict, code, sent, exchange.era, settings);
  const bool is_call_in_session = exchange.session && exchange.own_id() && sent->method() == mcp::kToolsCall && denial.status == 200;
  if (is_call_in_session) denial = as_events(std::move(denial), code);
  return denial;
}

// What its answer is filtered by, on whatever stream that comes.
void remember_request(const Exchange& exchange) {
  const mcp::Message& sent = *exchange.message;
  exchange.session->remember(*exchange.own_id(), exchange.method->list);
  const bool makes_task = exchange.method->need == mcp::Need::call && sent.param("task");
  if (makes_task) exchange.session->remember_call(*exchange.own_id(), {std::make_shared<const mcp::Message>(sent), exchange.lifted});
}

}  // namespace

Verdict authorize_exchange(const Circumstances& asked, const Exchange& exchange) {
  if (!exchange.message || exchange.is_combined) return authorize_connection(asked);
  const bool is_about_task = exchange.method && exchange.method->need == mcp::Need::task && mcp::is_in(*exchange.method, exchange.era);
  if (is_about_task) return authorize_task(asked, *exchange.message, exchange.task.get(), exchange.era);
  return authorize(asked, *exchange.message, exchange.method, exchange.era);
}

Circumstances Gateway::circumstances(const Admission& admission, const policy::Policy& policy, const http::Request& request) const {
  return {*admission.snapshot, *admission.server, *admission.token, admission.caller, policy, *admission.tools, definitions_, request.peer.address, admission.now, admission.endpoint};
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

// Asks the server itself for what nobody has seen of it yet, where that may be used unreviewed; then everything is looked at anew.
Task<void> Gateway::learn_first(const http::Request& request, Admission& admission, std::shared_ptr<Exchange> exchange, std::shared_ptr<const policy::Policy> policy) {
  if (!must_learn(admission, *exchange)) co_return;
  if (authorize_connection(circumstances(admission, *policy, request)).outcome != Verdict::Outcome::allowed) co_return;
  co_await learn(request, admission, *exchange);
  const auto snapshot = dependencies_.objects.get();
  const auto way = find_way(*snapshot, exchange->server_id, exchange->endpoint_id);
  const auto caller = authentication_.resolve(*admission.token, *snapshot);
  // Who may no longer get here is told so when the decision is taken up (go_live).
  if (!way || !caller) co_return;
  admission.caller = *caller;
  admission.server = way->server, admission.endpoint = way->endpoint;
  admission.snapshot = snapshot;
  admission.tools = current_tools();
}

Task<std::optional<http::Response>> Gateway::decide(const http::Request& request, Admission& admission, std::shared_ptr<Exchange> exchange, audit::Record record) {
  const Settings& settings = dependencies_.settings;
  const auto policy = dependencies_.policy.get();
  co_await learn_first(request, admission, exchange, policy);
  const mcp::Message* sent = exchange->message ? &*exchange->message : nullptr;
  if (exchange->method && exchange->method->need == mcp::Need::task) {
    const auto* task = sent->param_string("taskId");
    if (task) exchange->task = tasks_.find(admission.server->id, admission.token->principal.key, *task);
  }
  telemetry::Step deciding(request.trail, "decide");
  const Circumstances asked = circumstances(admission, *policy, request);
  SettledCall settled{authorize_exchange(asked, *exchange), std::nullopt};
  if (exchange->is_combined) settled.verdict.subject = exchange->built_in_tool;
  std::optional<NeededStepUp> step_up;
  if (settled.verdict.outcome == Verdict::Outcome::denied) step_up = find_step_up(asked, exchange->decided_message(), exchange->decided_method(), exchange->era);
  if (step_up) settled.verdict.reason = kInsufficientUserAuthentication, record.more.emplace_back("level", step_up->step_up.level);
  const Basis basis{admission.snapshot->sequence(), policy, admission.revocations};
  if (sent && !exchange->is_combined && settled.verdict.outcome == Verdict::Outcome::held) {
    auto settling = co_await settle_held_call(dependencies_.approvals, recorder_, asked, *sent, std::move(settled.verdict));
    if (!settling) co_return decisions_unavailable();
    settled = std::move(*settling);
  }
  co_await ask_decision_points(dependencies_, asked, exchange->decided_message(), exchange->decided_method(), exchange->era, settled.verdict, record);
  if (sent) take_limits(request, admission, *exchange, settled.verdict);
  // What a decision point or a limit denies is not made, so its approval is not used up.
  if (settled.verdict.outcome != Verdict::Outcome::allowed) settled.lifted.reset();
  deciding.end();
  Recorder::add(record, asked, settled.verdict);
  exchange->record = record;
  const auto position = co_await record_call(std::move(record), settled, *exchange);
  if (!position) co_return decisions_unavailable();   // no decision without its record (S1)
  exchange->position = *position;
  const Verdict& verdict = settled.verdict;

  switch (verdict.outcome) {
    case Verdict::Outcome::allowed: break;
    case Verdict::Outcome::insufficient_scope:
      co_return insufficient_scope(verdict.missing_scope, metadata_url(settings.base, admission.addressed()));
    case Verdict::Outcome::invalid: co_return invalid(verdict, *sent, exchange->era);
    case Verdict::Outcome::unknown_task:
      if (exchange->era == mcp::Era::modern && !declares_tasks(*sent)) co_return tasks_not_declared(*sent);
      co_return error_body(200, sent->id(), mcp::code::kInvalidParams, "unknown task");
    case Verdict::Outcome::unknown_method:
      if (exchange->era == mcp::Era::modern) co_return unknown_method(*sent);   // TR-48
      [[fallthrough]];
    case Verdict::Outcome::held:
    case Verdict::Outcome::denied:
      if (step_up) {
        co_return render_step_up(verdict, *step_up, audit::denial_code(*position), sent, metadata_url(settings.base, admission.addressed()), settings);
      }
      co_return denial_of(*exchange, verdict, audit::denial_code(*position), settings);
  }
  if (exchange->session && exchange->own_id()) remember_request(*exchange);
  if (go_live(exchange, basis)) co_return std::nullopt;
  recorder_.outcome(*exchange, 403, to_string(exchange->stopped));
  http::Response ended = co_await tell_cut_off(exchange);
  co_return ended;
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

}  // namespace writ::gateway
