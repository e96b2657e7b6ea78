#pragma once

// Many members' answers as one. Pure.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "encoding/json.h"
#include "mcp/methods.h"
#include "registry/definitions.h"

namespace writ::gateway::combined {

// What one member answered: its result, as far as this caller may see it.
struct Answered {
  std::string member, title;   // id, and what people call it
  json::Value result;
};

struct MergedList {
  json::Array elements;
  std::map<std::string, std::string> cursors;   // of the members that have more
};
// In the members' order. Names and URIs become those of the combined address; nothing else of an element is touched.
MergedList merge_lists(mcp::List list, const std::vector<Answered>& answers, const registry::Definitions& definitions);

// The union of what members can do. `tools` with `listChanged` is always there: the gateway has tools of its own.
json::Value merge_capabilities(const std::vector<json::Value>& capabilities);
// What may be the case of a member that has not answered yet.
json::Value all_capabilities();
// Each under its member's name. Empty: none has any.
std::string merge_instructions(const std::vector<Answered>& answers);
// TR-90: how long the whole may be kept: as long as its first part that changes. 0 where somebody is missing.
std::int64_t merge_ttl(const std::vector<Answered>& answers, bool is_complete);

}  // namespace writ::gateway::combined
