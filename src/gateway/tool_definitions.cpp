#include "gateway/tool_definitions.h"

#include <mutex>

#include "policy/argument_type.h"

namespace writ::gateway {

policy::ToolFacts read_tool(const json::Value& definition) {
  policy::ToolFacts tool;
  if (const auto* name = definition.find_string("name")) tool.name = *name;
  if (const json::Value* schema = definition.find("inputSchema")) tool.argument_type = policy::read_argument_type(*schema);
  const json::Value* annotations = definition.find("annotations");
  if (!annotations) return tool;
  const auto read = [annotations](std::string_view name, bool& into) {
    if (const auto* value = annotations->find_bool(name)) into = *value;
  };
  read("readOnlyHint", tool.read_only);
  read("destructiveHint", tool.destructive);
  read("idempotentHint", tool.idempotent);
  read("openWorldHint", tool.open_world);
  return tool;
}

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
    policy::ToolFacts tool = read_tool(definition);
    if (tool.name.empty()) continue;
    if (known.size() >= kToolsPerServerMax && !known.contains(tool.name)) continue;   // unknown ones keep the careful defaults
    std::string name = tool.name;
    known.insert_or_assign(std::move(name), std::move(tool));
  }
}

}  // namespace writ::gateway
