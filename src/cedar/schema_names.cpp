#include "cedar/schema_names.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "cedar/name.h"

namespace writ::cedar {

namespace {

struct BuiltIn {
  std::string_view name;
  Type::Kind kind;
};
constexpr std::array<BuiltIn, 7> kBuiltIns{{{"Bool", Type::Kind::boolean},
                                            {"Long", Type::Kind::integer},
                                            {"String", Type::Kind::string},
                                            {"decimal", Type::Kind::decimal},
                                            {"ipaddr", Type::Kind::ip},
                                            {"datetime", Type::Kind::datetime},
                                            {"duration", Type::Kind::duration}}};

// They mean something in the JSON form, whatever is declared.
constexpr std::array<std::string_view, 8> kNoCommonTypes{"Bool", "Boolean", "Entity", "Extension", "Long", "Record", "Set", "String"};

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

}  // namespace

std::optional<Type::Kind> find_built_in(std::string_view name) {
  for (const BuiltIn& type : kBuiltIns)
    if (type.name == name) return type.kind;
  return std::nullopt;
}

std::string qualify(std::string_view name_space, std::string_view name) {
  if (name_space.empty()) return std::string(name);
  return std::string(name_space) + "::" + std::string(name);
}

Result<SchemaNames, Message> SchemaNames::collect(const declared::Schema& schema) {
  SchemaNames names;
  std::unordered_set<std::string_view> spaces;
  for (const declared::Namespace& space : schema.namespaces) {
    if (!space.name.empty() && !is_type_name(space.name))
      return unexpected(message_at(schema.text, space.place, quoted(space.name) + " cannot be the name of a namespace"));
    if (!spaces.insert(space.name).second)
      return unexpected(message_at(schema.text, space.place, "the namespace " + quoted(space.name) + " stands twice in this schema"));
    TRY(names.add(schema, space));
  }
  TRY(names.check_shadowing(schema));
  return names;
}

Result<void, Message> SchemaNames::add(const declared::Schema& schema, const declared::Namespace& space) {
  const auto refuse = [&](Span place, std::string text) { return unexpected(message_at(schema.text, place, std::move(text))); };
  for (const declared::EntityType& type : space.entity_types) {
    if (!is_plain_name(type.name) || type.name == "Action")
      return refuse(type.place, "an entity type may not be called " + quoted(type.name));
    Declared& declared = declared_[qualify(space.name, type.name)];
    if (declared.entity != nullptr) return refuse(type.place, "the entity type " + quoted(type.name) + " is declared twice");
    declared.entity = &type;
    declared.name_space = space.name;
  }
  for (const declared::CommonType& type : space.common_types) {
    const bool is_forbidden = std::find(kNoCommonTypes.begin(), kNoCommonTypes.end(), type.name) != kNoCommonTypes.end();
    if (!is_plain_name(type.name) || is_forbidden) return refuse(type.place, "a type may not be called " + quoted(type.name));
    Declared& declared = declared_[qualify(space.name, type.name)];
    if (declared.common != nullptr) return refuse(type.place, "the type " + quoted(type.name) + " is declared twice");
    declared.common = &type;
    declared.name_space = space.name;
  }
  std::unordered_set<std::string_view> ids;
  for (const declared::Action& action : space.actions)
    if (!ids.insert(action.id).second) return refuse(action.place, "the action " + quoted(action.id) + " is declared twice");
  if (!space.actions.empty()) {
    Declared& declared = declared_[qualify(space.name, "Action")];
    declared.is_action_type = true;
    declared.name_space = space.name;
  }
  return {};
}

// A name of the empty namespace can be written everywhere. If another namespace had it too, the same text would change its meaning
// with the place where it stands.
Result<void, Message> SchemaNames::check_shadowing(const declared::Schema& schema) const {
  const auto empty = std::find_if(schema.namespaces.begin(), schema.namespaces.end(), [](const auto& space) { return space.name.empty(); });
  if (empty == schema.namespaces.end()) return {};
  std::unordered_set<std::string_view> types;
  std::unordered_set<std::string_view> actions;
  for (const declared::EntityType& type : empty->entity_types) types.insert(type.name);
  for (const declared::CommonType& type : empty->common_types) types.insert(type.name);
  for (const declared::Action& action : empty->actions) actions.insert(action.id);
  for (const declared::Namespace& space : schema.namespaces) {
    if (space.name.empty()) continue;
    const auto refuse = [&](const std::string& name, Span place) {
      return unexpected(message_at(schema.text, place, quoted(name) + " is also declared outside any namespace, which this declaration would hide"));
    };
    for (const declared::EntityType& type : space.entity_types)
      if (types.contains(type.name)) return refuse(type.name, type.place);
    for (const declared::CommonType& type : space.common_types)
      if (types.contains(type.name)) return refuse(type.name, type.place);
    for (const declared::Action& action : space.actions)
      if (actions.contains(action.id)) return refuse(action.id, action.place);
  }
  return {};
}

std::optional<SchemaNames::Meaning> SchemaNames::find(std::string_view name_space, std::string_view name, Allowed allowed) const {
  const auto look_up = [&](const std::string& full) -> std::optional<Meaning> {
    const auto found = declared_.find(full);
    if (found == declared_.end()) return std::nullopt;
    const Declared& declared = found->second;
    Meaning meaning;
    if (allowed != Allowed::entity && declared.common != nullptr) {
      meaning.common = declared.common;
      meaning.common_namespace = declared.name_space;
      return meaning;
    }
    if (allowed == Allowed::common || (declared.entity == nullptr && !declared.is_action_type)) return std::nullopt;
    meaning.entity = found->first;
    return meaning;
  };
  const bool is_qualified = name.find("::") != std::string_view::npos;
  if (!is_qualified && !name_space.empty())
    if (auto meaning = look_up(qualify(name_space, name))) return meaning;
  if (auto meaning = look_up(std::string(name))) return meaning;
  if (allowed == Allowed::entity) return std::nullopt;
  std::string_view built_in = name;
  if (is_qualified) {
    if (name_space_of(name) != kBuiltInNamespace) return std::nullopt;
    built_in = last_component(name);
  } else if (const auto found = declared_.find(std::string(name));
             found != declared_.end() && (found->second.common != nullptr || found->second.entity != nullptr)) {
    return std::nullopt;   // a declaration of that name takes the place of the built-in type
  }
  Meaning meaning;
  meaning.built_in = find_built_in(built_in);
  if (!meaning.built_in) return std::nullopt;
  return meaning;
}

std::vector<std::string_view> SchemaNames::candidates(Allowed allowed) const {
  std::vector<std::string_view> names;
  for (const auto& [name, declared] : declared_) {
    if (allowed != Allowed::entity && declared.common != nullptr) names.push_back(name);
    else if (allowed != Allowed::common && declared.entity != nullptr) names.push_back(name);
  }
  if (allowed != Allowed::entity)
    for (const BuiltIn& type : kBuiltIns) names.push_back(type.name);
  std::sort(names.begin(), names.end());   // the same suggestion every time
  return names;
}

}  // namespace writ::cedar
