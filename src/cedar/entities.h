#pragma once

// The entities that decisions look at: attributes, tags and the hierarchy with its transitive closure.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "cedar/arena.h"
#include "cedar/message.h"
#include "cedar/name.h"
#include "cedar/uid_index.h"
#include "cedar/value.h"

namespace writ::cedar {

struct StoredEntity {
  EntityUid uid;
  Value attributes;                        // a record
  Value tags;                              // a record
  std::span<const EntityUid> parents;      // as given, without repetition, sorted
  std::span<const EntityUid> ancestors;    // the closure of the parents, sorted by hash; stored or not

  bool has_ancestor(const EntityUid& ancestor) const;
};

// Immutable once built; threads share it. It may lie over another one (a request's entities over those of the deployment).
class Entities {
 public:
  Entities() = default;
  // Null when it is not stored. A reference to an entity that is not stored is no error.
  const StoredEntity* find(const EntityUid& uid) const;
  // Cedar's `in` of two entities: every entity is in itself, stored or not.
  bool is_in(const EntityUid& descendant, const EntityUid& ancestor) const;
  // Its own entities, in the order they were added; not those below.
  std::span<const StoredEntity* const> all() const { return all_; }

 private:
  friend class EntitiesBuilder;

  std::shared_ptr<const Entities> below_;
  std::shared_ptr<Arena> arena_;
  std::vector<StoredEntity*> all_;
  UidIndex index_;             // of `all_`
  UidIndex missing_parents_;   // named as a parent, stored neither here nor below
};

class EntitiesBuilder {
 public:
  explicit EntitiesBuilder(std::shared_ptr<const Entities> below = nullptr);

  // Attribute and tag values may be made here; they then live as long as the entities.
  Arena& arena() { return *arena_; }

  // Copies the references. The values must live in `arena()` or outlive the entities.
  // Refused: a different entity of the same uid, an action with a parent that is none.
  Result<void, Message> add(const EntityUid& uid, std::vector<Member> attributes, std::vector<EntityUid> parents, std::vector<Member> tags = {});

  // Computes the closure. Refused: a cycle; an entity that one below has named as its parent, since the closure there is done.
  Result<Entities, Message> build();

 private:
  std::shared_ptr<const Entities> below_;
  std::shared_ptr<Arena> arena_;
  std::vector<StoredEntity*> entities_;
  UidIndex index_;   // of `entities_`
};

}  // namespace writ::cedar
