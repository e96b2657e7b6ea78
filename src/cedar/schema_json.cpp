#include "cedar/schema_json.h"

#include <algorithm>
#include <initializer_list>

#include "cedar/name.h"
#include "cedar/schema_names.h"
#include "cedar/type.h"
#include "encoding/json.h"

namespace writ::cedar {

namespace {

using Form = declared::Type::Form;
using Names = std::initializer_list<std::string_view>;

constexpr json::Limits kLimits{.bytes_max = kTextBytesMax, .depth_max = 2 * kTypeDepthMax + 20, .members_max = 10'000'000};

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

// A name as JSON must spell it: no spaces, no reserved words; `__cedar` only where it leads to a built-in type.
bool is_name(std::string_view name) {
  if (is_type_name(name)) return true;
  return name_space_of(name) == kBuiltInNamespace && is_plain_name(last_component(name));
}

// A value and the way to it.
class Node {
 public:
  Node(const json::Value& value, const Node* above, std::string_view step) : value_(value), above_(above), step_(step) {}

  const json::Value& value() const { return value_; }
  std::string path() const { return (above_ == nullptr ? std::string() : above_->path() + "/" + std::string(step_)); }
  Node below(const json::Member& member) const { return Node(member.value, this, member.name); }

  Unexpected<Message> fail(std::string text, std::string suggestion = {}) const {
    Message problem = message(above_ == nullptr ? std::move(text) : "at " + quoted(path()) + ": " + text);
    problem.suggestion = std::move(suggestion);
    return unexpected(std::move(problem));
  }

  Result<const json::Object*, Message> object() const {
    if (value_.as_object() == nullptr) return fail("expected an object");
    return value_.as_object();
  }
  Result<std::string, Message> string() const {
    if (value_.as_string() == nullptr) return fail("expected a string");
    return *value_.as_string();
  }
  Result<std::string, Message> name() const {
    std::string text = TRY(string());
    if (!is_name(text)) return fail(quoted(text) + " is no name of a type");
    return text;
  }
  Result<std::vector<std::string>, Message> strings() const {
    auto all = json::to_strings(value_);
    if (!all) return fail("expected an array of strings");
    return std::move(*all);
  }
  Result<std::vector<declared::TypeName>, Message> names() const {
    std::vector<declared::TypeName> all;
    for (std::string& text : TRY(strings())) {
      if (!is_name(text)) return fail(quoted(text) + " is no name of a type");
      all.push_back({std::move(text), {}});
    }
    return all;
  }
  // Misspelled members would silently mean nothing.
  Result<void, Message> check_members(Names allowed) const {
    const json::Object* members = TRY(object());
    for (const json::Member& member : *members) {
      if (std::find(allowed.begin(), allowed.end(), member.name) != allowed.end()) continue;
      return fail("unknown member " + quoted(member.name), did_you_mean(member.name, std::vector<std::string_view>(allowed)));
    }
    return {};
  }
  // The member, if there is one.
  const json::Member* find(std::string_view member_name) const {
    for (const json::Member& member : *value_.as_object())
      if (member.name == member_name) return &member;
    return nullptr;
  }
  Result<const json::Member*, Message> require(std::string_view member_name) const {
    TRY(object());
    const json::Member* member = find(member_name);
    if (member == nullptr) return fail("the member " + quoted(member_name) + " is missing");
    return member;
  }

 private:
  const json::Value& value_;
  const Node* above_;
  std::string_view step_;
};

Result<declared::Annotations, Message> read_annotations(const Node& above) {
  declared::Annotations all;
  const json::Member* member = above.find("annotations");
  if (member == nullptr) return all;
  const Node node = above.below(*member);
  for (const json::Member& annotation : *TRY(node.object())) {
    const Node value = node.below(annotation);
    if (!is_identifier(annotation.name)) return value.fail(quoted(annotation.name) + " is no annotation's name");
    if (annotation.value.is_null()) all.push_back({annotation.name, std::nullopt});
    else {
      std::string text = TRY(value.string());
      all.push_back({annotation.name, std::move(text)});
    }
  }
  return all;
}

enum class Where { attribute, elsewhere };

Result<declared::Type, Message> read_type(const Node& node, Where where);

Result<void, Message> check_type_members(const Node& node, Where where, std::string_view own) {
  if (where == Where::attribute) return node.check_members({"type", "required", "annotations", own});
  return node.check_members({"type", own});
}

Result<declared::Type, Message> read_record(const Node& node, Where where) {
  if (where == Where::attribute) TRY(node.check_members({"type", "required", "annotations", "attributes", "additionalAttributes"}));
  else TRY(node.check_members({"type", "attributes", "additionalAttributes"}));
  if (const json::Member* additional = node.find("additionalAttributes")) {
    const bool* allowed = additional->value.as_bool();
    if (allowed == nullptr || *allowed) return node.fail("records are closed: `additionalAttributes` may only be false");
  }
  declared::Type record;
  const json::Member* member = TRY(node.require("attributes"));
  const Node attributes = node.below(*member);
  for (const json::Member& item : *TRY(attributes.object())) {
    const Node below = attributes.below(item);
    declared::Attribute attribute;
    attribute.name = item.name;
    attribute.type = TRY(read_type(below, Where::attribute));
    attribute.annotations = TRY(read_annotations(below));
    if (const json::Member* required = below.find("required")) {
      if (required->value.as_bool() == nullptr) return below.fail("`required` is true or false");
      attribute.is_required = *required->value.as_bool();
    }
    record.attributes.push_back(std::move(attribute));
  }
  return record;
}

Result<declared::Type, Message> read_named(const Node& node, Where where, Form form) {
  TRY(check_type_members(node, where, "name"));
  const json::Member* member = TRY(node.require("name"));
  declared::Type type;
  type.form = form;
  type.name = TRY(node.below(*member).name());
  return type;
}

Result<declared::Type, Message> read_type(const Node& node, Where where) {
  const json::Member* member = TRY(node.require("type"));
  const std::string word = TRY(node.below(*member).string());
  if (word == "Record") return read_record(node, where);
  if (word == "Entity") return read_named(node, where, Form::entity);
  if (word == "EntityOrCommon") return read_named(node, where, Form::name);
  declared::Type type;
  if (word == "Set") {
    TRY(check_type_members(node, where, "element"));
    type.form = Form::set;
    const json::Member* element = TRY(node.require("element"));
    type.element.push_back(TRY(read_type(node.below(*element), Where::elsewhere)));
    return type;
  }
  if (word == "Extension") {
    type = TRY(read_named(node, where, Form::built_in));
    const bool is_extension = find_built_in(type.name) && type.name != "Long" && type.name != "String" && type.name != "Bool";
    if (!is_extension) return node.fail("there is no extension type " + quoted(type.name));
    return type;
  }
  TRY(check_type_members(node, where, "type"));
  type.form = word == "Long" || word == "String" || word == "Boolean" ? Form::built_in : Form::common;
  type.name = word == "Boolean" ? "Bool" : word;
  if (!is_name(type.name)) return node.fail(quoted(word) + " is no name of a type");
  return type;
}

Result<declared::EntityType, Message> read_entity_type(const Node& node, const std::string& name) {
  declared::EntityType type;
  type.name = name;
  TRY(node.object());
  if (const json::Member* ids = node.find("enum")) {
    TRY(node.check_members({"enum", "annotations"}));
    type.ids = TRY(node.below(*ids).strings());
    if (type.ids->empty()) return node.fail("an enumerated entity type needs at least one id");
  } else {
    TRY(node.check_members({"memberOfTypes", "shape", "tags", "annotations"}));
    if (const json::Member* parents = node.find("memberOfTypes")) type.parents = TRY(node.below(*parents).names());
    if (const json::Member* shape = node.find("shape")) type.shape = TRY(read_type(node.below(*shape), Where::elsewhere));
    if (const json::Member* tags = node.find("tags")) type.tags = TRY(read_type(node.below(*tags), Where::elsewhere));
  }
  type.annotations = TRY(read_annotations(node));
  return type;
}

Result<declared::AppliesTo, Message> read_applies_to(const Node& node) {
  TRY(node.check_members({"principalTypes", "resourceTypes", "context"}));
  declared::AppliesTo applies_to;
  const json::Member* principals = TRY(node.require("principalTypes"));
  applies_to.principals = TRY(node.below(*principals).names());
  const json::Member* resources = TRY(node.require("resourceTypes"));
  applies_to.resources = TRY(node.below(*resources).names());
  if (const json::Member* context = node.find("context")) applies_to.context = TRY(read_type(node.below(*context), Where::elsewhere));
  return applies_to;
}

Result<declared::Action, Message> read_action(const Node& node, const std::string& id) {
  TRY(node.check_members({"memberOf", "appliesTo", "annotations"}));
  declared::Action action;
  action.id = id;
  if (const json::Member* groups = node.find("memberOf"); groups != nullptr && !groups->value.is_null()) {
    const Node list = node.below(*groups);
    if (groups->value.as_array() == nullptr) return list.fail("expected an array");
    for (const json::Value& group : *groups->value.as_array()) {
      const Node item(group, &list, "[]");
      TRY(item.check_members({"id", "type"}));
      declared::ActionName name;
      name.id = TRY(item.below(*TRY(item.require("id"))).string());
      if (const json::Member* type = item.find("type"); type != nullptr && !type->value.is_null()) name.type = TRY(item.below(*type).name());
      action.parents.push_back(std::move(name));
    }
  }
  if (const json::Member* applies_to = node.find("appliesTo"); applies_to != nullptr && !applies_to->value.is_null())
    action.applies_to = TRY(read_applies_to(node.below(*applies_to)));
  action.annotations = TRY(read_annotations(node));
  return action;
}

Result<declared::Namespace, Message> read_namespace(const Node& node, const std::string& name) {
  TRY(node.check_members({"entityTypes", "actions", "commonTypes", "annotations"}));
  declared::Namespace space;
  space.name = name;
  const Node types = node.below(*TRY(node.require("entityTypes")));
  for (const json::Member& type : *TRY(types.object())) space.entity_types.push_back(TRY(read_entity_type(types.below(type), type.name)));
  const Node actions = node.below(*TRY(node.require("actions")));
  for (const json::Member& action : *TRY(actions.object())) space.actions.push_back(TRY(read_action(actions.below(action), action.name)));
  if (const json::Member* member = node.find("commonTypes")) {
    const Node commons = node.below(*member);
    for (const json::Member& common : *TRY(commons.object())) {
      const Node below = commons.below(common);
      // Here, too, annotations may stand beside the type; `required` may not.
      declared::CommonType type{common.name, {}, TRY([&]() -> Result<declared::Annotations, Message> {
                                  TRY(below.object());
                                  return read_annotations(below);
                                }()),
                                {}};
      json::Value bare = common.value;
      bare.erase("annotations");
      type.type = TRY(read_type(Node(bare, &commons, common.name), Where::elsewhere));
      space.common_types.push_back(std::move(type));
    }
  }
  space.annotations = TRY(read_annotations(node));
  return space;
}

}  // namespace

Result<declared::Schema, Message> parse_schema_json(std::string_view text) {
  const auto parsed = json::parse(text, kLimits);
  if (!parsed) return unexpected(message("this is no JSON that can be read: " + std::string(json::to_string(parsed.error()))));
  const Node root(*parsed, nullptr, "");
  declared::Schema schema;
  for (const json::Member& space : *TRY(root.object())) schema.namespaces.push_back(TRY(read_namespace(root.below(space), space.name)));
  return schema;
}

}  // namespace writ::cedar
