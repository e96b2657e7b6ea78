#include "cedar/schema.h"

#include <algorithm>

#include "cedar/schema_json.h"
#include "cedar/schema_parser.h"

namespace writ::cedar {

bool EntityType::has_id(std::string_view id) const {
  return !is_enumerated || std::binary_search(ids.begin(), ids.end(), id);
}

Result<Schema, Message> Schema::parse(std::string_view text) { return resolve(TRY(parse_schema(text))); }

Result<Schema, Message> Schema::parse_json(std::string_view text) { return resolve(TRY(parse_schema_json(text))); }

const EntityType* Schema::find_type(std::string_view name) const {
  const auto found = types_by_name_.find(name);
  return found == types_by_name_.end() ? nullptr : found->second;
}

const Action* Schema::find_action(const EntityUid& uid) const {
  const auto found = actions_by_uid_.find(uid);
  return found == actions_by_uid_.end() ? nullptr : found->second;
}

std::vector<std::string_view> Schema::type_names() const {
  std::vector<std::string_view> names;
  names.reserve(entity_types_.size());
  for (const EntityType* type : entity_types_) names.push_back(type->name);
  return names;
}

std::vector<std::string_view> Schema::action_ids(std::string_view type_name) const {
  std::vector<std::string_view> ids;
  for (const Action* action : actions_)
    if (action->uid.type() == type_name) ids.push_back(action->uid.id());
  return ids;
}

}  // namespace writ::cedar
