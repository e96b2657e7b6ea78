#pragma once

// Tells contexts apart only as far as a policy looks at them. Twenty thousand tools have as many context types, and a policy that does
// not read `context.args` cannot tell one from the other; it is checked once for all of them.

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cedar/ast.h"
#include "cedar/schema.h"

namespace writ::cedar {

// What the clauses of a policy look at.
struct ContextReads {
  bool reads_action = false;                              // outside the scope
  std::vector<std::vector<std::string_view>> paths{};     // `context.args.repo` is [args, repo]; sorted. A bare `context` is []
};
ContextReads find_context_reads(const ast::Policy& policy);

class ContextShapes {
 public:
  explicit ContextShapes(const Schema& schema) : schema_(schema) {}

  // For each action of the schema a number; those with the same number look the same along the paths.
  const std::vector<std::uint32_t>& along(const std::vector<std::vector<std::string_view>>& paths);

 private:
  std::vector<std::uint32_t> compute(const std::vector<std::vector<std::string_view>>& paths) const;

  const Schema& schema_;
  // Owns the names: policies come and go. Policies of one shop read the same few paths, so it stays small; see `along`.
  std::map<std::vector<std::vector<std::string>>, std::vector<std::uint32_t>> known_;
};

}  // namespace writ::cedar
