// What is meant for one member: its message, decided and forwarded there, and the answer in names of the combined address.

#include <utility>

#include "gateway/answers.h"
#include "gateway/combined/endpoint.h"
#include "gateway/combined/translation.h"
#include "mcp/streamable_http.h"

namespace writ::gateway::combined {
namespace {

// Of the request, its method and what it names: a state is good for the same question again and for nothing else (TR-82, TR-83).
std::string state_purpose(const registry::Server& endpoint, const registry::Server& member, const mcp::Message& message) {
  const auto* subject = message.param_string(message.method() == "resources/read" ? "uri" : "name");
  return json::write(json::Array{"state", endpoint.id, member.id, message.method(), subject ? *subject : ""});
}

http::Response member_failed(const Exchange& exchange, const MemberAnswer& why, const std::string& member) {
  using State = MemberAnswer::State;
  const bool is_late = why.state == State::timed_out;
  if (why.state == State::needs_account || why.state == State::refused) {
    // The member's own words about the client's hello.
    const auto* code = why.error.find_int("code");
    const auto* message = why.error.find_string("message");
    const json::Value* data = why.error.find("data");
    return error_body(200, exchange.own_id(), code ? static_cast<int>(*code) : mcp::code::kUpstreamFailed, message ? *message : "the server `" + member + "` does not open a session",
                      data ? *data : json::Value());
  }
  return error_body(is_late ? 504 : 502, exchange.own_id(), is_late ? mcp::code::kUpstreamTimedOut : mcp::code::kUpstreamFailed,
                    is_late ? "the server `" + member + "` did not answer in time" : "the server `" + member + "` cannot be reached or answers badly");
}

}  // namespace

Telling Endpoint::telling_of(const MemberCall& call) const {
  const Settings& settings = gateway_.dependencies().settings;
  Telling telling{handles_, {settings.answer_bytes_max, settings.depth_max, settings.members_max}, call.admission.server->id, call.admission.token->principal.key, "", std::nullopt, false};
  const auto& message = call.exchange->message;
  if (!message || message->kind() != mcp::Message::Kind::request) return telling;
  telling.is_for_one_request = true;
  telling.state_purpose = state_purpose(*call.admission.endpoint, *call.admission.server, *message);
  const json::Value* meta = message->param("_meta");
  if (const json::Value* token = meta ? meta->find("progressToken") : nullptr) telling.progress_token = *token;
  return telling;
}

http::Response Endpoint::told(http::Response response, const MemberCall& call, Telling telling) const {
  if (response.stream) {
    response.stream = std::make_unique<MemberStream>(call.exchange, std::move(response.stream), std::move(telling), gateway_.dependencies().clock);
    return response;
  }
  if (response.status != 200 || response.body.empty() || !call.exchange->message) return response;
  if (mcp::is_event_stream(response.headers)) {
    // A denial of the gateway's own, in the form of a stream.
    mcp::SseParser parser(telling.limits.bytes_max);
    std::vector<mcp::Event> events;
    const auto fed = parser.feed(response.body, events);
    response.body = fed ? tell_events(telling, std::move(events), call.exchange->era, gateway_.dependencies().clock.now()) : std::string();
    return response;
  }
  auto text = tell(telling, response.body, gateway_.dependencies().clock.now());
  if (!text) return error_body(502, call.exchange->own_id(), mcp::code::kUpstreamFailed, "the server cannot be reached or answers badly");
  response.body = std::move(*text);
  return response;
}

Task<http::Response> Endpoint::to_one(Turn turn, std::string member, json::Value message, audit::Record record) {
  const Exchange& own = *turn.exchange;
  const auto& sessions = turn.asking->sessions;
  const bool is_legacy = own.era == mcp::Era::legacy;
  // An answer to a request of a session that is gone is nobody's.
  if (is_legacy && turn.message().is_response() && !sessions->find(member)) {
    http::Response response = error_body(400, std::nullopt, mcp::code::kInvalidRequest, "no request is open with this id");
    http::Response refused = co_await gateway_.refuse(std::move(record), "unknown_request_id", std::move(response));
    co_return refused;
  }
  // Who may not connect is told so by the decision below, without the member hearing of them.
  if (is_legacy && !sessions->find(member) && may_connect(*turn.asking, member)) {
    std::vector<Members::Question> questions;
    questions.push_back({member, std::nullopt});
    const auto opened = co_await members_.ask(turn.asking, std::move(questions), turn.exchange);
    if (!sessions->find(member)) co_return member_failed(own, opened.front(), member);
  }
  if (json::Value* params = find_member(message, "params"); params && params->find("requestState")) {
    const registry::Server* server = turn.admission.snapshot->server(member);
    const auto* handle = params->find_string("requestState");
    auto read = mcp::Message::parse(json::write(message), {gateway_.dependencies().settings.message_bytes_max * 2, gateway_.dependencies().settings.depth_max, gateway_.dependencies().settings.members_max});
    auto state = handle && read && server
                     ? handles_.open(*handle, turn.admission.token->principal.key, state_purpose(*turn.admission.server, *server, *read), turn.admission.now)
                     : std::nullopt;
    if (!state) {
      http::Response response = error_body(400, own.own_id(), mcp::code::kInvalidParams, "`requestState` is not of this request, or too old: send the request anew without it");
      http::Response refused = co_await gateway_.refuse(std::move(record), "bad_request_state", std::move(response));
      co_return refused;
    }
    auto elsewhere = co_await gateway_.ask_node_of_state(turn.request, turn.admission, member, state->as_string());
    if (elsewhere) co_return std::move(*elsewhere);
    params->set("requestState", std::move(*state));
  }
  const auto call = members_.call(*turn.asking, member, &message);
  if (!call) {
    http::Response response = error_body(400, own.own_id(), mcp::code::kInvalidRequest, "not a valid MCP message");
    http::Response refused = co_await gateway_.refuse(std::move(record), "not_a_message", std::move(response));
    co_return refused;
  }
  if (sessions && own.own_id()) sessions->remember(*own.own_id(), member);
  http::Response response = co_await gateway_.walk(call->request, call->admission, call->exchange, call->record);
  if (response.status == 404 && sessions && call->exchange->session) {
    // TR-25: the member's session is over, not the client's. Nothing is sent twice.
    sessions->forget(member, *call->exchange->session);
    co_return error_body(502, own.own_id(), mcp::code::kUpstreamFailed, "the server `" + member + "` has started anew: send the request again");
  }
  co_return told(std::move(response), *call, telling_of(*call));
}

}  // namespace writ::gateway::combined
