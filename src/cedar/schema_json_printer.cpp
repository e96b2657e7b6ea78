#include "cedar/schema_json.h"
#include "encoding/json.h"

namespace writ::cedar {

namespace {

using Form = declared::Type::Form;

json::Value to_json(const declared::Type& type);

void add_annotations(json::Value& to, const declared::Annotations& annotations) {
  if (annotations.empty()) return;
  json::Value members = json::Object{};
  for (const declared::Annotation& annotation : annotations)
    members.set(annotation.key, annotation.value ? json::Value(*annotation.value) : json::Value(nullptr));
  to.set("annotations", std::move(members));
}

json::Value names_to_json(const std::vector<declared::TypeName>& names) {
  json::Array all;
  for (const declared::TypeName& name : names) all.emplace_back(name.name);
  return all;
}

json::Value attributes_to_json(const std::vector<declared::Attribute>& attributes) {
  json::Object members;
  for (const declared::Attribute& attribute : attributes) {
    json::Value member = to_json(attribute.type);
    if (!attribute.is_required) member.set("required", false);
    add_annotations(member, attribute.annotations);
    members.push_back({attribute.name, std::move(member)});
  }
  return members;
}

json::Value built_in_to_json(const std::string& name) {
  if (name == "Bool") return json::Value{{"type", "Boolean"}};
  if (name == "Long" || name == "String") return json::Value{{"type", name}};
  return json::Value{{"type", "Extension"}, {"name", name}};
}

json::Value to_json(const declared::Type& type) {
  switch (type.form) {
    case Form::name: return json::Value{{"type", "EntityOrCommon"}, {"name", type.name}};
    case Form::entity: return json::Value{{"type", "Entity"}, {"name", type.name}};
    case Form::common: return json::Value{{"type", type.name}};
    case Form::built_in: return built_in_to_json(type.name);
    case Form::set: return json::Value{{"type", "Set"}, {"element", to_json(type.element.front())}};
    case Form::record: break;
  }
  return json::Value{{"type", "Record"}, {"attributes", attributes_to_json(type.attributes)}};
}

json::Value to_json(const declared::EntityType& type) {
  json::Value members = json::Object{};
  if (type.ids) {
    members.set("enum", json::from_strings(*type.ids));
  } else {
    if (!type.parents.empty()) members.set("memberOfTypes", names_to_json(type.parents));
    members.set("shape", to_json(type.shape));
    if (type.tags) members.set("tags", to_json(*type.tags));
  }
  add_annotations(members, type.annotations);
  return members;
}

json::Value to_json(const declared::Action& action) {
  json::Value members = json::Object{};
  if (!action.parents.empty()) {
    json::Array parents;
    for (const declared::ActionName& parent : action.parents) {
      json::Value name{{"id", parent.id}};
      if (!parent.type.empty()) name.set("type", parent.type);
      parents.push_back(std::move(name));
    }
    members.set("memberOf", std::move(parents));
  }
  if (action.applies_to)
    members.set("appliesTo", json::Value{{"principalTypes", names_to_json(action.applies_to->principals)},
                                         {"resourceTypes", names_to_json(action.applies_to->resources)},
                                         {"context", to_json(action.applies_to->context)}});
  add_annotations(members, action.annotations);
  return members;
}

json::Value to_json(const declared::Namespace& space) {
  json::Object entity_types;
  for (const declared::EntityType& type : space.entity_types) entity_types.push_back({type.name, to_json(type)});
  json::Object actions;
  for (const declared::Action& action : space.actions) actions.push_back({action.id, to_json(action)});
  json::Value members{{"entityTypes", std::move(entity_types)}, {"actions", std::move(actions)}};
  if (!space.common_types.empty()) {
    json::Object commons;
    for (const declared::CommonType& common : space.common_types) {
      json::Value type = to_json(common.type);
      add_annotations(type, common.annotations);
      commons.push_back({common.name, std::move(type)});
    }
    members.set("commonTypes", std::move(commons));
  }
  add_annotations(members, space.annotations);
  return members;
}

}  // namespace

std::string print_schema_json(const declared::Schema& schema) {
  json::Object spaces;
  for (const declared::Namespace& space : schema.namespaces) spaces.push_back({space.name, to_json(space)});
  return json::write(spaces);
}

}  // namespace writ::cedar
