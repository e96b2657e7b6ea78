#include "gateway/combined/endpoint.h"

#include <algorithm>
#include <utility>

#include "gateway/answers.h"
#include "gateway/client_watch.h"
#include "gateway/combined/built_in_tools.h"
#include "gateway/combined/merged_stream.h"
#include "gateway/combined/names.h"
#include "gateway/combined/translation.h"
#include "gateway/denial.h"
#include "gateway/step_up.h"
#include "gateway/way.h"

namespace writ::gateway::combined {
namespace {

bool is_member(const registry::Server& combined, const std::string& id) {
  return std::find(combined.members.begin(), combined.members.end(), id) != combined.members.end();
}

bool calls_built_in(const mcp::Message& message) {
  const auto* name = message.method() == mcp::kToolsCall ? message.param_string("name") : nullptr;
  return name && is_built_in(*name);
}

}  // namespace

std::shared_ptr<const Asking> Endpoint::asking_of(const http::Request& request, const Admission& admission, const Exchange& exchange) const {
  auto asking = std::make_shared<Asking>();
  asking->from.method = request.method;
  asking->from.peer = request.peer;
  asking->from.headers = request.headers;
  asking->from.headers.erase("Authorization");   // it was for us
  asking->from.client_gone = request.client_gone;
  asking->admission = admission;
  asking->era = exchange.era;
  asking->sessions = member_sessions(exchange);
  if (asking->sessions) asking->sessions->use(to_unix_seconds(admission.now), admission.token->expires);
  return asking;
}

bool Endpoint::may_connect(const Asking& asking, const std::string& member) const {
  Admission at = asking.admission;
  const auto way = find_way(*at.snapshot, member, at.server->id);
  if (!way) return false;
  at.server = way->server, at.endpoint = way->endpoint;
  const auto policy = gateway_.dependencies().policy.get();
  return authorize_connection(gateway_.circumstances(at, *policy, asking.from)).outcome == Verdict::Outcome::allowed;
}

Endpoint::Reachable Endpoint::reachable(const Turn& turn) const {
  Reachable found;
  const auto policy = gateway_.dependencies().policy.get();
  for (const std::string& id : turn.admission.server->members) {
    Admission at = turn.admission;
    const auto way = find_way(*at.snapshot, id, turn.admission.server->id);
    if (!way) continue;
    at.server = way->server, at.endpoint = way->endpoint;
    const Circumstances asked = gateway_.circumstances(at, *policy, turn.request);
    const Verdict verdict = authorize_connection(asked);
    // Who may not get there is not told that it is there.
    if (verdict.outcome == Verdict::Outcome::allowed) found.open.push_back(way->server);
    else if (verdict.outcome == Verdict::Outcome::denied && find_step_up(asked, nullptr, nullptr, turn.exchange->era)) found.after_sign_in.push_back(way->server);
  }
  return found;
}

Task<http::Response> Endpoint::post(const http::Request& request, Admission admission) {
  audit::Record record = Recorder::base(*admission.server, admission.token.get(), &admission.caller, request, admission.now);
  const auto exchange = gateway_.begin(request, admission);
  auto bad = co_await gateway_.read(request, admission, exchange, record);
  if (bad) co_return std::move(*bad);
  const mcp::Message& message = *exchange->message;
  const bool needs_session = exchange->era == mcp::Era::legacy && message.method() != mcp::kInitialize && message.method() != "ping";
  if (needs_session && !member_sessions(*exchange)) {
    http::Response response = error_body(400, exchange->own_id(), mcp::code::kInvalidRequest, "a session id is needed: send `initialize` first");   // TR-24
    http::Response refused = co_await gateway_.refuse(std::move(record), "session_missing", std::move(response));
    co_return refused;
  }
  const bool is_known = message.is_response() || (exchange->method && mcp::is_in(*exchange->method, exchange->era));
  const bool is_built_in_call = calls_built_in(message);
  const bool is_for_one = is_known && is_for_one_member(message) && !is_built_in_call;
  if (is_for_one) {
    auto routed = route(message, admission.snapshot->definitions());
    if (routed && is_member(*admission.server, routed->member)) {
      Turn turn{request, admission, exchange, asking_of(request, admission, *exchange)};
      http::Response response = co_await to_one(turn, std::move(routed->member), std::move(routed->value), std::move(record));
      co_return response;
    }
  }
  // What names nobody's tool or resource is decided here, and looks like any other that does not exist.
  exchange->is_combined = is_known && !is_for_one;
  if (is_built_in_call) exchange->built_in_tool = *message.param_string("name");
  auto refused = co_await gateway_.decide(request, admission, exchange, std::move(record));
  if (refused) co_return std::move(*refused);
  const Turn turn{request, admission, exchange, asking_of(request, admission, *exchange)};
  const ClientWatch watch(request.client_gone, exchange);
  if (is_for_one && message.kind() == mcp::Message::Kind::request) co_return refuse_params(turn, "nobodys", "no server here has that");
  const std::string& method = message.method();
  if (method == "notifications/cancelled") {
    http::Response response = co_await cancel_at_member(turn);
    co_return response;
  }
  if (method == "notifications/roots/list_changed" || method == "notifications/elicitation/complete") {
    http::Response response = co_await tell_all(turn, "");
    co_return response;
  }
  if (message.kind() != mcp::Message::Kind::request) co_return accepted(turn);   // `initialized`: members hear it when they are opened
  if (method == "ping") co_return answer(turn, json::Object{});
  Task<http::Response> task = is_built_in_call                 ? call_built_in(turn)
                              : method == mcp::kInitialize     ? initialize(turn)
                              : method == mcp::kDiscover       ? discover(turn)
                              : method == "logging/setLevel"   ? tell_all(turn, "logging")
                              : exchange->method->stands       ? listen(turn)
                                                               : list(turn);
  http::Response response = co_await task;
  co_return response;
}

Task<http::Response> Endpoint::get(const http::Request& request, Admission admission) {
  audit::Record record = Recorder::base(*admission.server, admission.token.get(), &admission.caller, request, admission.now);
  const auto exchange = gateway_.begin(request, admission);
  auto bad = co_await gateway_.read_get(request, admission, exchange, record);
  if (bad) co_return std::move(*bad);
  const auto sessions = member_sessions(*exchange);
  if (!sessions) {
    http::Response response = error_body(400, std::nullopt, mcp::code::kInvalidRequest, "a session id is needed: send `initialize` first");
    http::Response refused = co_await gateway_.refuse(std::move(record), "session_missing", std::move(response));
    co_return refused;
  }
  const auto asking = asking_of(request, admission, *exchange);
  const auto* event_id = request.headers.find_single("Last-Event-ID");
  const auto point = event_id ? split_handle(*event_id) : std::nullopt;
  if (point && is_own_event_id(point->rest)) {
    http::Response response = error_body(400, std::nullopt, mcp::code::kInvalidRequest, "there is nothing to resume");
    http::Response refused = co_await gateway_.refuse(std::move(record), "not_resumable", std::move(response));
    co_return refused;
  }
  if (point && is_member(*admission.server, std::string(point->member)) && sessions->find(std::string(point->member))) {
    // The stream of one answer, gone on with at its member.
    const auto call = members_.call(*asking, std::string(point->member), nullptr);
    if (call) {
      call->request.headers.add("Last-Event-ID", std::string(point->rest));
      http::Response response = co_await gateway_.walk(call->request, call->admission, call->exchange, call->record);
      co_return told(std::move(response), *call, telling_of(*call));
    }
  }
  exchange->is_combined = true;
  auto refused = co_await gateway_.decide(request, admission, exchange, std::move(record));
  if (refused) co_return std::move(*refused);
  const Turn turn{request, admission, exchange, asking};
  Points points(handles_, admission.token->principal.key, admission.server->id, exchange->session->id);
  if (event_id) points.resume_from(*event_id, admission.now);
  co_return stream(turn, admission.server->members, std::move(points));
}

Task<http::Response> Endpoint::remove(const http::Request& request, Admission admission) {
  audit::Record record = Recorder::base(*admission.server, admission.token.get(), &admission.caller, request, admission.now);
  const auto exchange = gateway_.begin(request, admission);
  auto bad = co_await gateway_.read_delete(request, admission, exchange, std::move(record));
  if (bad) co_return std::move(*bad);
  const auto asking = asking_of(request, admission, *exchange);
  gateway_.sessions().close(*exchange->session);
  for (const auto& [member, open] : asking->sessions ? asking->sessions->all() : decltype(asking->sessions->all()){}) {
    if (open->session->upstream_id.empty()) continue;
    auto call = members_.call(*asking, member, nullptr);
    if (!call) continue;
    call->request.method = "DELETE";
    call->record.method = "DELETE";
    call->request.client_gone = nullptr;
    call->exchange->stands = false;
    call->exchange->answer_within = gateway_.dependencies().settings.member_deadline;
    call->exchange->deadline = admission.now + gateway_.dependencies().settings.member_deadline;
    // Nobody waits: the session is over here whatever the member says.
    spawn(end_at_member(gateway_, std::move(call)), [](std::exception_ptr) {});
  }
  gateway_.recorder().outcome(*exchange, 200, "completed");
  co_return http::no_store(http::text(200, ""));
}

Task<void> Endpoint::end_at_member(Gateway& gateway, std::shared_ptr<MemberCall> call) {
  const auto refused = co_await gateway.record_end(call->exchange, call->record);
  if (refused) co_return;
  const http::Response response = co_await gateway.forward(call->request, call->admission, call->exchange);
  static_cast<void>(response);
}

http::Response Endpoint::answer(const Turn& turn, json::Value result) const {
  Exchange& exchange = *turn.exchange;
  http::Response response = http::no_store(http::json(200, json::write(mcp::result_response(*exchange.own_id(), std::move(result)))));
  exchange.answered = true;
  exchange.bytes = static_cast<std::int64_t>(response.body.size());
  gateway_.recorder().outcome(exchange, 200, "completed");
  response.withdrawn = std::shared_ptr<http::Cancellation>(turn.exchange, &turn.exchange->delivery);
  return response;
}

http::Response Endpoint::refuse_params(const Turn& turn, std::string_view reason, std::string_view message) const {
  const int status = turn.exchange->era == mcp::Era::modern ? 400 : 200;
  gateway_.recorder().outcome(*turn.exchange, status, reason);
  return error_body(status, turn.exchange->own_id(), mcp::code::kInvalidParams, message);
}

http::Response Endpoint::accepted(const Turn& turn) const {
  gateway_.recorder().outcome(*turn.exchange, 202, "completed");
  return http::Response{202, {}, "", nullptr};
}

Task<http::Response> Endpoint::stopped(Turn turn) {
  const bool is_denied = turn.exchange->stopped == Stopped::no_longer_allowed;
  gateway_.recorder().outcome(*turn.exchange, is_denied ? 403 : 504, to_string(turn.exchange->stopped));
  if (!is_denied) co_return error_body(504, turn.exchange->own_id(), mcp::code::kUpstreamTimedOut, "ended before the answer was there");
  http::Response ended = co_await gateway_.tell_cut_off(turn.exchange);
  co_return ended;
}

http::Response Endpoint::stream(const Turn& turn, std::vector<std::string> members, std::optional<Points> points) {
  http::Response response;
  response.headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};   // TR-54
  response.stream = std::make_unique<MergedStream>(gateway_, members_, handles_, turn.asking, turn.exchange, std::move(members), std::move(points));
  return response;
}

}  // namespace writ::gateway::combined
