#pragma once

// What policy knows of the tools of every server at one moment: from each tool's definition its name, the attributes (rules §1.8) and the type of
// its arguments. Immutable and shared; the gateway decides with it, and activation checks policies against it.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "encoding/json.h"
#include "policy/decision.h"
#include "policy/vocabulary.h"

namespace writ::policy {

// One element of a tools/list result: name, argument type, and annotations, absent ones with MCP's defaults, which are the most careful ones.
ToolFacts read_tool_facts(const json::Value& definition);

class ToolCatalogue {
 public:
  // The facts of a tool of `server`, under their own name; the last one stays. Only while the catalogue is made.
  void add(std::string_view server, std::shared_ptr<const ToolFacts> facts);

  // Null: nothing is known of it.
  std::shared_ptr<const ToolFacts> find(std::string_view server, std::string_view tool) const;
  // As find(), with the careful defaults for a tool that is not known.
  ToolFacts facts(std::string_view server, std::string_view tool) const;
  // Of one server, sorted by name.
  std::vector<std::shared_ptr<const ToolFacts>> of_server(std::string_view server) const;
  // What the schema is generated from; sorted.
  std::vector<KnownTool> known() const;

 private:
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const ToolFacts>> tools_;
};

}  // namespace writ::policy
