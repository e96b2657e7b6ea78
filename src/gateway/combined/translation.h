#pragma once

// Messages between the names of the combined address and those of one member. Pure, over parsed messages: what a member is sent is written again from what
// was decided on.

#include <optional>
#include <string>
#include <string_view>

#include "encoding/json.h"
#include "mcp/json_rpc.h"
#include "registry/definitions.h"

namespace writ::gateway::combined {

// A client's message that one member is meant by.
struct Routed {
  std::string member;   // may be none of the combined server's
  json::Value value;    // as the member is to get it
};
// Absent: it names nothing of any member.
std::optional<Routed> route(const mcp::Message& message, const registry::Definitions& definitions);
// Whether messages of this method are meant for one member (as opposed to: for all, or for the gateway itself).
bool is_for_one_member(const mcp::Message& message);

struct FromMember {
  std::string_view member;
  // The progress that this stream is about; null: any.
  const json::Value* progress_token = nullptr;
};
// What a member says, in names of the combined address. False: it is not passed on.
bool to_client(const FromMember& from, mcp::Message& message);

// The member of `params` that is set anew, in a copy.
json::Value with_param(const json::Value& message, std::string_view name, json::Value value);
// The member of an object, to be changed; null when there is none.
json::Value* find_member(json::Value& object, std::string_view name);

}  // namespace writ::gateway::combined
