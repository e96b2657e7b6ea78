#pragma once

// A Cedar schema: what entities, actions and contexts there are. Made once from text or JSON, then immutable; threads may share it.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "cedar/entity_type.h"
#include "cedar/message.h"
#include "cedar/type.h"

namespace writ::cedar {

namespace declared {
struct Schema;
}

class Schema {
 public:
  // From the human syntax, and from the JSON form.
  static Result<Schema, Message> parse(std::string_view text);
  static Result<Schema, Message> parse_json(std::string_view text);
  // Gives every name its meaning and checks the rules that concern several declarations.
  static Result<Schema, Message> resolve(const declared::Schema& declarations);

  // In the order of the declarations, by namespace. `entity_types` has no types of actions.
  std::span<const EntityType* const> entity_types() const { return entity_types_; }
  std::span<const Action* const> actions() const { return actions_; }

  // Null when there is none. `find_type` finds types of entities and of actions.
  const EntityType* find_type(std::string_view name) const;
  const Action* find_action(const EntityUid& uid) const;

  // Every name of a type, and every id of an action of that type: for suggestions.
  std::vector<std::string_view> type_names() const;
  std::vector<std::string_view> action_ids(std::string_view type_name) const;

  Schema(Schema&&) noexcept = default;
  Schema& operator=(Schema&&) noexcept = default;

 private:
  friend class SchemaResolver;
  Schema() : pool_(std::make_unique<TypePool>()) {}

  std::unique_ptr<TypePool> pool_;
  std::vector<const EntityType*> entity_types_;
  std::vector<const Action*> actions_;
  std::unordered_map<std::string_view, const EntityType*> types_by_name_;
  struct HashOfUid {
    std::size_t operator()(const EntityUid& uid) const { return uid.hash(); }
  };
  std::unordered_map<EntityUid, const Action*, HashOfUid> actions_by_uid_;
};

}  // namespace writ::cedar
