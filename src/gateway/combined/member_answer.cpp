#include "gateway/combined/member_answer.h"

#include <utility>
#include <vector>

#include "gateway/combined/translation.h"
#include "mcp/sse.h"
#include "mcp/streamable_http.h"

namespace writ::gateway::combined {
namespace {

using State = MemberAnswer::State;

// From a JSON-RPC error, whoever made it: the member, or the gateway on the way.
MemberAnswer from_error(const json::Value& error) {
  MemberAnswer answer = MemberAnswer::of(State::refused);
  answer.error = error;
  const auto* code = error.find_int("code");
  const json::Value* data = error.find("data");
  const auto* kind = data ? data->find_string("kind") : nullptr;
  const auto* url = data ? data->find_string("request_url") : nullptr;
  if (kind && *kind == "account_needed") {
    answer.state = State::needs_account;
    if (url) answer.url = *url;
  } else if (code && *code == mcp::code::kUpstreamFailed) {
    answer.state = State::down;
  } else if (code && *code == mcp::code::kUpstreamTimedOut) {
    answer.state = State::timed_out;
  } else if (code && *code == mcp::code::kDenied) {
    answer.state = State::denied;
  }
  return answer;
}

std::optional<MemberAnswer> from_message(std::string_view text, const std::optional<mcp::RequestId>& id, const json::Limits& limits) {
  auto message = mcp::Message::parse_from_server(text, limits);
  if (!message || !message->is_response()) return std::nullopt;
  if (message->id() && id && !(*message->id() == *id)) return std::nullopt;
  if (message->kind() == mcp::Message::Kind::error) return from_error(*message->value().find("error"));
  MemberAnswer answer = MemberAnswer::of(State::answered);
  if (json::Value* result = find_member(message->value(), "result")) answer.result = std::move(*result);
  return answer;
}

MemberAnswer from_status(int status) {
  if (status == 202 || status == 200) return MemberAnswer::of(State::answered);
  if (status == 401) return MemberAnswer::of(State::needs_step_up);
  if (status == 403 || status == 429) return MemberAnswer::of(State::denied);
  if (status == 504) return MemberAnswer::of(State::timed_out);
  return MemberAnswer::of(status >= 500 ? State::down : State::refused);
}

}  // namespace

std::string_view to_string(MemberAnswer::State state) {
  switch (state) {
    case State::answered: return "available";
    case State::refused: return "error";
    case State::denied: return "denied";
    case State::needs_step_up: return "sign_in_needed";
    case State::needs_account: return "account_needed";
    case State::timed_out: return "slow";
    case State::down: return "down";
  }
  return "down";
}

Task<void> read_answer(http::Response response, std::optional<mcp::RequestId> id, json::Limits limits, std::function<void(MemberAnswer)> found) {
  if (response.status == 401) co_return found(MemberAnswer::of(State::needs_step_up));
  if (!response.stream) {
    std::string body = std::move(response.body);
    if (mcp::is_event_stream(response.headers)) {
      mcp::SseParser whole(limits.bytes_max);
      std::vector<mcp::Event> all;
      static_cast<void>(whole.feed(body, all));
      body = all.empty() ? std::string() : std::move(all.back().data);
    }
    auto answer = from_message(body, id, limits);
    MemberAnswer told = answer ? std::move(*answer) : from_status(response.status);
    // A status that is no success outweighs what the body says.
    if (response.status >= 400 && told.state == State::answered) told = from_status(response.status);
    co_return found(std::move(told));
  }
  mcp::SseParser parser(limits.bytes_max);
  std::vector<mcp::Event> events;
  bool is_found = false;
  while (true) {
    auto piece = co_await response.stream->next();
    if (!piece) break;
    events.clear();
    const auto fed = parser.feed(*piece, events);
    for (const mcp::Event& event : events) {
      auto answer = is_found ? std::nullopt : from_message(event.data, id, limits);
      if (!answer) continue;
      is_found = true;
      found(std::move(*answer));
    }
    if (!fed) break;
  }
  if (!is_found) found(MemberAnswer::of(State::down));
}

}  // namespace writ::gateway::combined
