#pragma once

// What a schema declares: types of entities, and actions. Immutable; they live as long as their Schema.

#include <cstdint>
#include <span>
#include <string_view>

#include "cedar/name.h"
#include "cedar/type.h"

namespace writ::cedar {

// A type of entities. The types of actions (`Action`, `N::Action`) are here too: they have no attributes and no tags.
struct EntityType {
  std::string_view name;
  std::uint32_t index = 0;                             // of the schema's types, entities and actions together
  bool is_action = false;
  bool is_enumerated = false;
  std::span<const std::string_view> ids{};             // of an enumerated type: every id there is, sorted
  const Type* self = nullptr;                          // the type of references to it
  const Type* attributes = nullptr;                    // a record
  const Type* tags = nullptr;                          // null when it may have none
  std::span<const EntityType* const> ancestors{};      // every type that its entities can be in, through others too; sorted by index

  bool has_id(std::string_view id) const;              // always, unless it is enumerated
  // Whether an entity of this type can be below one of `other`. Says nothing about an entity being in itself.
  bool may_be_below(const EntityType& other) const;
};

struct Action {
  EntityUid uid;
  std::uint32_t index = 0;
  const EntityType* type = nullptr;
  std::span<const Action* const> parents{};            // as declared
  std::span<const Action* const> ancestors{};          // without itself; sorted by index
  std::span<const Action* const> descendants{};        // without itself; sorted by index
  // To what it applies; all empty for a group that no request names.
  std::span<const EntityType* const> principals{};     // sorted by index
  std::span<const EntityType* const> resources{};      // sorted by index
  const Type* context = nullptr;                       // a record

  bool is_below(const Action& other) const;
  bool applies_to_anything() const { return !principals.empty() && !resources.empty(); }
};

// Whether a list sorted by index has the item.
template <class T>
bool contains(std::span<const T* const> sorted, const T& item) {
  std::size_t begin = 0;
  std::size_t end = sorted.size();
  while (begin < end) {
    const std::size_t middle = begin + (end - begin) / 2;
    if (sorted[middle]->index == item.index) return true;
    if (sorted[middle]->index < item.index) begin = middle + 1;
    else end = middle;
  }
  return false;
}

inline bool EntityType::may_be_below(const EntityType& other) const { return contains(ancestors, other); }
inline bool Action::is_below(const Action& other) const { return contains(ancestors, other); }

}  // namespace writ::cedar
