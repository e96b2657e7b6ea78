#pragma once

// The tools that the combined address has of its own: where the person may go, and who they are to it. They have no upstream; what they tell is what
// the caller may know. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "encoding/json.h"
#include "gateway/access_token.h"
#include "gateway/bearer_authentication.h"
#include "mcp/methods.h"
#include "registry/snapshot.h"

namespace writ::gateway::combined {

inline constexpr std::string_view kServersTool = "writ_servers";
inline constexpr std::string_view kWhoamiTool = "writ_whoami";
bool is_built_in(std::string_view tool);
// As elements of tools/list.
json::Array built_in_tools();

// One server as writ_servers tells it.
struct ServerState {
  const registry::Server* server = nullptr;
  std::string state;             // available | sign_in_needed | account_needed | slow | down | error | denied
  std::string what_to_do, url;   // may be empty; `url`: where the person links an account
};
json::Value servers_result(const std::vector<ServerState>& servers, mcp::Era era);
json::Value whoami_result(const registry::Snapshot& snapshot, const Caller& caller, const AccessToken& token, const registry::Server& endpoint, Instant now, mcp::Era era);

}  // namespace writ::gateway::combined
