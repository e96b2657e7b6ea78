#include "gateway/tool_definitions.h"

#include <mutex>

#include "policy/tool_catalogue.h"
#include "registry/definitions.h"

namespace writ::gateway {

policy::ToolFacts ToolDefinitions::facts(std::string_view server_id, std::string_view tool) const {
  {
    const std::shared_lock lock(mutex_);
    const auto server = servers_.find(std::string(server_id));
    if (server != servers_.end()) {
      const auto found = server->second.find(std::string(tool));
      if (found != server->second.end()) return found->second;
    }
  }
  policy::ToolFacts unknown;
  unknown.name = std::string(tool);
  return unknown;
}

void ToolDefinitions::remember(std::string_view server_id, const json::Array& tools) {
  const std::unique_lock lock(mutex_);
  Tools& known = servers_[std::string(server_id)];
  for (const json::Value& definition : tools) {
    policy::ToolFacts tool = policy::read_tool_facts(definition);
    if (tool.name.empty()) continue;
    tool.definition_digest = registry::definition_digest(definition);   // an approval is bound to what the tool was said to be
    if (known.size() >= kToolsPerServerMax && !known.contains(tool.name)) continue;   // unknown ones keep the careful defaults
    std::string name = tool.name;
    known.insert_or_assign(std::move(name), std::move(tool));
  }
}

}  // namespace writ::gateway
