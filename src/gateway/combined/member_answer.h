#pragma once

// What one member answered to a question that went to many: the result, or why there is none.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.h"
#include "encoding/json.h"
#include "http/message.h"
#include "mcp/json_rpc.h"

namespace writ::gateway::combined {

struct MemberAnswer {
  enum class State {
    answered,        // `result` is there
    refused,         // the member's own error
    denied,          // by policy, or by a limit
    needs_step_up,
    needs_account,   // at `url`
    timed_out,
    down,
  } state = State::down;
  json::Value result, error;
  std::string url;
  static MemberAnswer of(State state) {
    MemberAnswer answer;
    answer.state = state;
    return answer;
  }
};
std::string_view to_string(MemberAnswer::State state);

// Reads the answer to `id`, from a body or among events. `found` is called once; a stream is then read to its end.
Task<void> read_answer(http::Response response, std::optional<mcp::RequestId> id, json::Limits limits, std::function<void(MemberAnswer)> found);

}  // namespace writ::gateway::combined
