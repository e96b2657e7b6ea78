#pragma once

// What servers said about their tools in the last lists that were seen, for the attributes that policy reads. A server's word until
// definitions are reviewed; a tool that was never listed has MCP's defaults, which are the most careful ones (rules §1.8).

#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "encoding/json.h"
#include "policy/decision.h"

namespace writ::gateway {

// Safe to share between threads.
class ToolDefinitions {
 public:
  policy::ToolFacts facts(std::string_view server_id, std::string_view tool) const;
  // A page of a list, before it is filtered.
  void remember(std::string_view server_id, const json::Array& tools);

 private:
  static constexpr std::size_t kToolsPerServerMax = 10'000;
  using Tools = std::unordered_map<std::string, policy::ToolFacts>;
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, Tools> servers_;
};

}  // namespace writ::gateway
