#include "policy/tool_catalogue.h"

namespace writ::policy {

ToolFacts read_tool_facts(const json::Value& definition) {
  ToolFacts tool;
  if (const auto* name = definition.find_string("name")) tool.name = *name;
  if (const json::Value* schema = definition.find("inputSchema")) tool.argument_type = read_argument_type(*schema);
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

void ToolCatalogue::add(std::string_view server, std::shared_ptr<const ToolFacts> facts) {
  std::string name = facts->name;
  tools_.insert_or_assign(std::pair(std::string(server), std::move(name)), std::move(facts));
}

std::shared_ptr<const ToolFacts> ToolCatalogue::find(std::string_view server, std::string_view tool) const {
  const auto found = tools_.find(std::pair(std::string(server), std::string(tool)));
  return found == tools_.end() ? nullptr : found->second;
}

ToolFacts ToolCatalogue::facts(std::string_view server, std::string_view tool) const {
  if (const auto found = find(server, tool)) return *found;
  ToolFacts unknown;
  unknown.name = std::string(tool);
  return unknown;
}

std::vector<std::shared_ptr<const ToolFacts>> ToolCatalogue::of_server(std::string_view server) const {
  std::vector<std::shared_ptr<const ToolFacts>> found;
  for (auto at = tools_.lower_bound(std::pair(std::string(server), std::string())); at != tools_.end() && at->first.first == server; ++at) found.push_back(at->second);
  return found;
}

std::vector<KnownTool> ToolCatalogue::known() const {
  std::vector<KnownTool> all;
  for (const auto& [key, facts] : tools_) {
    if (facts->argument_type) all.push_back({key.first, key.second, facts->argument_type});
  }
  return all;
}

}  // namespace writ::policy
