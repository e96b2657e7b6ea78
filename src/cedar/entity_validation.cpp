#include "cedar/entity_validation.h"

#include <algorithm>

#include "cedar/value_json.h"
#include "cedar/value_type.h"

namespace writ::cedar {

namespace {

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }
Unexpected<Message> refuse(std::string text) { return unexpected(message(std::move(text))); }

// An action says nothing that the schema does not say.
Result<void, Message> validate_action(const StoredEntity& entity, const Schema& schema) {
  const std::string name = quoted(entity.uid.to_string());
  const Action* action = schema.find_action(entity.uid);
  if (action == nullptr) return refuse("there is no action " + name + " in the schema");
  if (!entity.attributes.members().empty() || !entity.tags.members().empty()) return refuse("the action " + name + " has attributes or tags");
  const bool is_same = entity.ancestors.size() == action->ancestors.size() &&
                       std::all_of(action->ancestors.begin(), action->ancestors.end(),
                                   [&](const Action* ancestor) { return entity.has_ancestor(ancestor->uid); });
  if (!is_same) return refuse("the action " + name + " is in other groups than the schema says");
  return {};
}

Result<void, Message> validate_tags(const StoredEntity& entity, const EntityType& type, const Schema& schema) {
  const std::string name = entity.uid.to_string();
  for (const Member& tag : entity.tags.members()) {
    if (type.tags == nullptr) return refuse(quoted(name) + " has tags, which its type does not declare");
    if (const auto mismatch = find_mismatch(tag.value, *type.tags, schema))
      return refuse(describe(*mismatch, name + ".getTag(" + std::string(tag.key) + ")"));
  }
  return {};
}

Result<void, Message> validate_parents(const StoredEntity& entity, const EntityType& type, const Schema& schema) {
  for (const EntityUid& parent : entity.parents) {
    const EntityType* parent_type = schema.find_type(parent.type());
    if (parent_type == nullptr || !type.may_be_below(*parent_type))
      return refuse(quoted(entity.uid.to_string()) + " is in " + quoted(parent.to_string()) + ", which the schema does not permit for its type");
    if (check_exists(parent, schema))
      return refuse(quoted(entity.uid.to_string()) + " is in " + quoted(parent.to_string()) + ", which does not exist in the schema");
  }
  return {};
}

bool is_action_entity(const json::Value& entity) {
  const json::Value* uid = entity.find("uid");
  if (uid == nullptr) return false;
  const json::Value* escaped = uid->find("__entity");
  const std::string* type = (escaped == nullptr ? uid : escaped)->find_string("type");
  return type != nullptr && is_action_type(*type);
}

}  // namespace

Result<void, Message> validate_entity(const StoredEntity& entity, const Schema& schema) {
  if (entity.uid.is_action()) return validate_action(entity, schema);
  const EntityType* type = schema.find_type(entity.uid.type());
  if (type == nullptr) {
    Message unknown = message("there is no entity type " + quoted(entity.uid.type()));
    unknown.suggestion = did_you_mean(entity.uid.type(), schema.type_names());
    return unexpected(std::move(unknown));
  }
  if (!type->has_id(entity.uid.id())) return refuse(quoted(type->name) + " lists no " + quoted(entity.uid.id()));
  if (const auto mismatch = find_mismatch(entity.attributes, *type->attributes, schema)) return refuse(describe(*mismatch, entity.uid.to_string()));
  TRY(validate_tags(entity, *type, schema));
  return validate_parents(entity, *type, schema);
}

Result<void, Message> validate_entities(const Entities& entities, const Schema& schema) {
  for (const StoredEntity* entity : entities.all()) TRY(validate_entity(*entity, schema));
  return {};
}

Result<void, Message> add_actions(EntitiesBuilder& builder, const Schema& schema) {
  for (const Action* action : schema.actions()) {
    std::vector<EntityUid> parents;
    for (const Action* parent : action->parents) parents.push_back(parent->uid);
    TRY(builder.add(action->uid, {}, std::move(parents)));
  }
  return {};
}

Result<Entities, Message> read_valid_entities(const json::Value& json, const Schema& schema) {
  if (json.as_array() == nullptr) return refuse("entities must be an array");
  json::Array actions, others;
  for (const json::Value& entity : *json.as_array()) (is_action_entity(entity) ? actions : others).push_back(entity);
  // Listed actions may name their groups in any way that comes to the same; the schema's own take their place.
  const Entities listed = TRY(read_entities(actions));
  TRY(validate_entities(listed, schema));
  EntitiesBuilder builder;
  TRY(add_actions(builder, schema));
  TRY(add_entities(builder, others, &schema));
  Entities entities = TRY(builder.build());
  TRY(validate_entities(entities, schema));
  return entities;
}

}  // namespace writ::cedar
