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

ToolFacts tool_facts(const registry::Definition& definition) {
  ToolFacts tool = read_tool_facts(*definition.approved);
  tool.name = definition.name;
  tool.definition_digest = definition.approved_digest;
  tool.groups = definition.groups;
  tool.read_only = definition.read_only.value_or(tool.read_only);
  tool.destructive = definition.destructive.value_or(tool.destructive);
  tool.idempotent = definition.idempotent.value_or(tool.idempotent);
  tool.open_world = definition.open_world.value_or(tool.open_world);
  return tool;
}

static std::shared_ptr<const InputSchema> read_input_schema(const json::Value& definition) {
  const json::Value* schema = definition.find("inputSchema");
  if (!schema) return nullptr;
  auto compiled = json_schema::Schema::compile(*schema);
  if (compiled) return std::make_shared<const InputSchema>(InputSchema{std::move(*compiled), ""});
  const auto& failure = compiled.error();
  return std::make_shared<const InputSchema>(InputSchema{nullptr, (failure.pointer.empty() ? "" : "`" + failure.pointer + "`: ") + failure.message});
}

std::shared_ptr<const ToolCatalogue> ToolCatalogue::of(const registry::Definitions& definitions, const ToolCatalogue* before) {
  const auto made = std::make_shared<ToolCatalogue>();
  made->definitions_ = definitions;
  for (const std::string& server : definitions.servers()) {
    std::shared_ptr<const Shelf> known;
    if (before) {
      const auto found = before->servers_.find(server);
      if (found != before->servers_.end()) known = found->second;
    }
    if (known && definitions.is_shared(server, before->definitions_)) {
      made->servers_.emplace(server, std::move(known));
      continue;
    }
    auto shelf = std::make_shared<Shelf>();
    for (const auto& [key, definition] : *definitions.of(server)) {
      if (definition->kind != registry::ObjectKind::tool || !definition->approved) continue;
      const auto earlier = known ? before->definitions_.find(registry::ObjectKind::tool, server, definition->name) : nullptr;
      // Other words are no other effect, but an approval is bound to them, too.
      const bool is_same = earlier && earlier->approved && earlier->approved_digest == definition->approved_digest;
      if (is_same && has_same_effect(*earlier, *definition)) shelf->emplace(definition->name, known->find(definition->name)->second);
      else shelf->emplace(definition->name, Known{std::make_shared<const ToolFacts>(tool_facts(*definition)), read_input_schema(*definition->approved)});
    }
    made->servers_.emplace(server, std::move(shelf));
  }
  return made;
}

void ToolCatalogue::add(std::string_view server, std::shared_ptr<const ToolFacts> facts) {
  std::shared_ptr<const Shelf>& shelf = servers_[std::string(server)];
  auto changed = shelf ? std::make_shared<Shelf>(*shelf) : std::make_shared<Shelf>();
  std::string name = facts->name;
  changed->insert_or_assign(std::move(name), Known{std::move(facts), nullptr});
  shelf = std::move(changed);
}

std::shared_ptr<const ToolFacts> ToolCatalogue::find(std::string_view server, std::string_view tool) const {
  const auto shelf = servers_.find(server);
  if (shelf == servers_.end()) return nullptr;
  const auto found = shelf->second->find(tool);
  return found == shelf->second->end() ? nullptr : found->second.facts;
}

std::shared_ptr<const InputSchema> ToolCatalogue::input_schema(std::string_view server, std::string_view tool) const {
  const auto shelf = servers_.find(server);
  if (shelf == servers_.end()) return nullptr;
  const auto found = shelf->second->find(tool);
  return found == shelf->second->end() ? nullptr : found->second.schema;
}

ToolFacts ToolCatalogue::facts(std::string_view server, std::string_view tool) const {
  if (const auto found = find(server, tool)) return *found;
  ToolFacts unknown;
  unknown.name = std::string(tool);
  return unknown;
}

std::vector<std::shared_ptr<const ToolFacts>> ToolCatalogue::of_server(std::string_view server) const {
  std::vector<std::shared_ptr<const ToolFacts>> found;
  const auto shelf = servers_.find(server);
  if (shelf == servers_.end()) return found;
  for (const auto& [name, known] : *shelf->second) found.push_back(known.facts);
  return found;
}

std::vector<KnownTool> ToolCatalogue::known() const {
  std::vector<KnownTool> all;
  for (const auto& [server, shelf] : servers_) {
    for (const auto& [name, known] : *shelf) {
      if (known.facts->argument_type) all.push_back({server, name, known.facts->argument_type});
    }
  }
  return all;
}

}  // namespace writ::policy
