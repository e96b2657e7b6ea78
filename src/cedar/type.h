#pragma once

// The types of a schema, resolved: no names are left to look up. Immutable; they live in the arena of their maker.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cedar/arena.h"

namespace writ::cedar {

struct EntityType;
struct Type;

struct AttributeType {
  std::string_view name;
  const Type* type = nullptr;
  bool is_required = true;
};

struct Type {
  // `always_true` and `always_false` are the types of Boolean expressions whose value the type checker knows; no schema has them.
  enum class Kind : std::uint8_t { always_true, always_false, boolean, integer, string, entity, set, record, decimal, ip, datetime, duration };

  Kind kind = Kind::boolean;
  std::uint32_t depth = 1;                        // 1 for a type without parts
  const EntityType* entity = nullptr;             // of entity
  const Type* element = nullptr;                  // of set
  std::span<const AttributeType> attributes{};    // of record: sorted by name, unique

  bool is(Kind other) const { return kind == other; }
  bool is_boolean() const { return kind <= Kind::boolean; }
  // Of a record: the attribute, or null.
  const AttributeType* find(std::string_view name) const;
};

// INVARIANT: no type is deeper; walks over types may recurse.
inline constexpr std::uint32_t kTypeDepthMax = 250;

// Makes each type once: within one pool, equal types are the same object. Not shared between threads while it grows.
class TypePool {
 public:
  // The types without parts: of every kind but entity, set and record.
  static const Type* simple(Type::Kind kind);
  const Type* entity(const EntityType* entity);
  const Type* set(const Type* element);
  // Precondition: names are unique. The last of a repeated name must have been chosen by the caller.
  const Type* record(std::vector<AttributeType> attributes);

  Arena& arena() { return arena_; }

 private:
  const Type* intern(const Type& type, std::uint64_t hash);

  Arena arena_;
  std::unordered_multimap<std::uint64_t, const Type*> made_;
};

// As a schema would write it, cut short when it is long: `{ name: String, … }`.
std::string to_string(const Type& type);

}  // namespace writ::cedar
