#pragma once

// What a policy has made sure of before it reads something that may be absent: that an expression has an optional attribute, or a tag.
// Expressions are compared as trees: `context.a` twice is the same, whatever may stand between.

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "cedar/ast.h"

namespace writ::cedar {

struct Capability {
  const ast::Expression* object = nullptr;
  std::string_view attribute;                // of an attribute
  const ast::Expression* tag = nullptr;      // of a tag: the expression that names it; else null

  bool is_same(const Capability& other) const;
  std::uint64_t hash() const;   // the same for all that are the same
};

class Capabilities {
 public:
  bool has(const Capability& capability) const;
  void add(const Capability& capability);
  void add_all(const Capabilities& others);
  Capabilities intersect(const Capabilities& others) const;
  bool is_empty() const { return by_hash_.empty(); }

 private:
  std::unordered_multimap<std::uint64_t, Capability> by_hash_;
};

}  // namespace writ::cedar
