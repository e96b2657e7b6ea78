#pragma once

// What policy knows of the tools of every server at one moment: from each tool's definition its name, the attributes (rules §1.8) and the type of
// its arguments. Immutable and shared; the gateway decides with it, and activation checks policies against it.

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shared_cell.h"
#include "encoding/json.h"
#include "json_schema/schema.h"
#include "policy/decision.h"
#include "policy/vocabulary.h"
#include "registry/definitions.h"

namespace writ::policy {

// One element of a tools/list result: name, argument type, and annotations, absent ones with MCP's defaults, which are the most careful ones.
ToolFacts read_tool_facts(const json::Value& definition);

// From the definition that was approved, and what the reviewer said against it (rules §1.8).
ToolFacts tool_facts(const registry::Definition& definition);

// How a tool's arguments must be (rules §4.3).
struct InputSchema {
  std::shared_ptr<const json_schema::Schema> compiled;   // null: it cannot be used, and no call is
  std::string problem;
};

class ToolCatalogue {
 public:
  // The approved tools. What did not change since `before` keeps its facts: a change of one tool costs what its server's tools cost at most.
  static std::shared_ptr<const ToolCatalogue> of(const registry::Definitions& definitions, const ToolCatalogue* before = nullptr);

  // The facts of a tool of `server`, under their own name; the last one stays. Only while the catalogue is made.
  void add(std::string_view server, std::shared_ptr<const ToolFacts> facts);

  // Null: nothing is known of it.
  std::shared_ptr<const ToolFacts> find(std::string_view server, std::string_view tool) const;
  // Null: the tool has none, or is not known.
  std::shared_ptr<const InputSchema> input_schema(std::string_view server, std::string_view tool) const;
  // As find(), with the careful defaults for a tool that is not known.
  ToolFacts facts(std::string_view server, std::string_view tool) const;
  // Of one server, sorted by name.
  std::vector<std::shared_ptr<const ToolFacts>> of_server(std::string_view server) const;
  // What the schema is generated from; sorted.
  std::vector<KnownTool> known() const;

 private:
  struct Known {
    std::shared_ptr<const ToolFacts> facts;
    std::shared_ptr<const InputSchema> schema;
  };
  using Shelf = std::map<std::string, Known, std::less<>>;   // of one server
  std::map<std::string, std::shared_ptr<const Shelf>, std::less<>> servers_;
  registry::Definitions definitions_;   // that it was made from
};

// The current one, shared by all threads; readers never wait. It is set before the snapshot that it belongs to: who takes the snapshot first and
// then this has facts that are at least as new.
class CurrentTools {
 public:
  CurrentTools() : tools_(std::make_shared<const ToolCatalogue>()) {}
  std::shared_ptr<const ToolCatalogue> get() const { return tools_.load(); }
  void set(std::shared_ptr<const ToolCatalogue> tools) { tools_.store(std::move(tools)); }

 private:
  SharedCell<const ToolCatalogue> tools_;
};

}  // namespace writ::policy
