#include "cedar/value_json.h"

#include <vector>

#include "cedar/ast.h"
#include "cedar/evaluate.h"
#include "cedar/extension.h"

namespace writ::cedar {

namespace {

using Kind = Value::Kind;

Unexpected<Message> refuse(std::string text) { return unexpected(message(std::move(text))); }
std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

std::optional<ast::Function> constructor_of(Type::Kind kind) {
  switch (kind) {
    case Type::Kind::decimal: return ast::Function::decimal;
    case Type::Kind::ip: return ast::Function::ip;
    case Type::Kind::datetime: return ast::Function::datetime;
    case Type::Kind::duration: return ast::Function::duration;
    default: return std::nullopt;
  }
}

struct Escape {
  const json::Value* entity = nullptr;
  const json::Value* call = nullptr;
};

bool is_entity_object(const json::Value& json) { return json.find_string("type") != nullptr && json.find_string("id") != nullptr; }
bool is_call_object(const json::Value& json) {
  return json.find_string("fn") != nullptr && (json.find("arg") != nullptr || json.find_array("args") != nullptr);
}

// An object with exactly the one key; whatever else it has makes it a plain record.
Escape find_escape(const json::Object& object) {
  if (object.size() != 1) return {};
  const json::Member& only = object[0];
  if (only.name == "__entity" && is_entity_object(only.value)) return {&only.value, nullptr};
  if (only.name == "__extn" && is_call_object(only.value)) return {nullptr, &only.value};
  return {};
}

Result<Value, Message> call(ast::Function function, std::span<const Value> arguments, Arena& arena) {
  const std::vector<const ast::Expression*> places(arguments.size(), nullptr);   // errors point nowhere
  static const ast::Expression nowhere{ast::Bool{false}, {}, 1};
  const auto value = apply_call(ast::Call{function, places}, arguments, nowhere, arena);
  if (!value) return refuse(quoted(ast::to_string(function)) + ": " + value.error().to_string());
  return *value;
}

// Where a schema expects the result, the arguments too may be written without escapes.
Result<Value, Message> read_call(const json::Value& json, Arena& arena, bool is_guided) {
  const std::string& name = *json.find_string("fn");
  const auto function = ast::find_function(name);
  if (!function) return refuse("unknown function " + quoted(name));
  // They may be written without escapes too.
  const auto simple = [](Type::Kind kind) { return TypePool::simple(kind); };
  const auto expected = [&](std::size_t position) -> const Type* {
    if (!is_guided) return nullptr;
    switch (*function) {
      case ast::Function::decimal:
      case ast::Function::ip:
      case ast::Function::datetime:
      case ast::Function::duration: return nullptr;
      case ast::Function::offset: return simple(position == 0 ? Type::Kind::datetime : Type::Kind::duration);
      case ast::Function::duration_since:
      case ast::Function::to_date:
      case ast::Function::to_time: return simple(Type::Kind::datetime);
      case ast::Function::less_than:
      case ast::Function::less_than_or_equal:
      case ast::Function::greater_than:
      case ast::Function::greater_than_or_equal: return simple(Type::Kind::decimal);
      case ast::Function::is_ipv4:
      case ast::Function::is_ipv6:
      case ast::Function::is_loopback:
      case ast::Function::is_multicast:
      case ast::Function::is_in_range: return simple(Type::Kind::ip);
      default: return simple(Type::Kind::duration);
    }
  };
  std::vector<Value> arguments;
  if (const json::Value* one = json.find("arg")) {
    arguments.push_back(TRY(read_value(*one, arena, expected(0))));
  } else {
    for (const json::Value& argument : *json.find_array("args")) arguments.push_back(TRY(read_value(argument, arena, expected(arguments.size()))));
  }
  return call(*function, arguments, arena);
}

Result<Value, Message> read_entity(const json::Value& json, Arena& arena) { return Value::entity(arena, TRY(read_entity_uid(json, arena))); }

const Type* type_of_attribute(const Type& record, std::string_view name) {
  const AttributeType* attribute = record.find(name);
  return attribute == nullptr ? nullptr : attribute->type;
}

Result<std::vector<Member>, Message> read_members(const json::Object& object, Arena& arena, const Type* expected) {
  const bool is_guided = expected != nullptr && expected->is(Type::Kind::record);
  std::vector<Member> members;
  for (const json::Member& member : object)
    members.push_back({member.name, TRY(read_value(member.value, arena, is_guided ? type_of_attribute(*expected, member.name) : nullptr))});
  return members;
}

Result<Value, Message> read_object(const json::Value& json, Arena& arena, const Type* expected) {
  const json::Object& object = *json.as_object();
  const Escape escape = find_escape(object);
  if (escape.entity != nullptr) return read_entity(*escape.entity, arena);
  if (escape.call != nullptr) return read_call(*escape.call, arena, false);
  if (object.size() == 1 && object[0].name == "__expr" && object[0].value.is_string()) return refuse("`__expr` is no longer supported");
  if (expected != nullptr && expected->is(Type::Kind::entity) && is_entity_object(json)) return read_entity(json, arena);
  const auto record = make_record(arena, TRY(read_members(object, arena, expected)));
  if (!record) return refuse("a record has a key twice");
  return *record;
}

}  // namespace

Result<Value, Message> read_value(const json::Value& json, Arena& arena, const Type* expected) {
  if (const auto constructor = expected == nullptr ? std::nullopt : constructor_of(expected->kind)) {
    const json::Value* escaped = json.is_object() ? find_escape(*json.as_object()).call : nullptr;
    if (escaped != nullptr) return read_call(*escaped, arena, true);
    if (json.is_object() && is_call_object(json)) return read_call(json, arena, true);
    const Value argument = TRY(read_value(json, arena));
    return call(*constructor, {&argument, 1}, arena);
  }
  if (const bool* flag = json.as_bool()) return Value::boolean(*flag);
  if (const std::int64_t* integer = json.as_int()) return Value::integer(*integer);
  if (const std::string* text = json.as_string()) return Value::string(arena, *text);
  if (json.is_object()) return read_object(json, arena, expected);
  if (const json::Array* array = json.as_array()) {
    const Type* element = expected != nullptr && expected->is(Type::Kind::set) ? expected->element : nullptr;
    std::vector<Value> elements;
    for (const json::Value& each : *array) elements.push_back(TRY(read_value(each, arena, element)));
    return Value::set(arena, std::move(elements));
  }
  return refuse(json.is_null() ? "`null` is no Cedar value" : "a number must be a whole number of 64 bits");
}

Result<Value, Message> read_context(const json::Value& json, Arena& arena, const Type* expected) {
  const json::Object* object = json.as_object();
  if (object == nullptr) return refuse("a context must be an object");
  const Value context = TRY(read_value(json, arena, expected));
  if (!context.is(Kind::record)) return refuse("a context must be a record, found " + std::string(describe(context.kind())));
  return context;
}

Result<EntityUid, Message> read_entity_uid(const json::Value& json, Arena& arena) {
  const json::Value* reference = json.find("__entity");
  if (reference == nullptr) reference = &json;
  const std::string* type = reference->find_string("type");
  const std::string* id = reference->find_string("id");
  if (type == nullptr || id == nullptr) return refuse("an entity reference must be an object with the strings `type` and `id`");
  if (!is_type_name(*type)) return refuse(quoted(*type) + " is no type name");
  return EntityUid(arena.copy(*type), arena.copy(*id));
}

Result<void, Message> add_entities(EntitiesBuilder& builder, const json::Value& json, const Schema* schema) {
  const json::Array* array = json.as_array();
  if (array == nullptr) return refuse("entities must be an array");
  Arena& arena = builder.arena();
  for (const json::Value& entity : *array) {
    const json::Value* uid_json = entity.find("uid");
    const json::Object* attributes_json = entity.find_object("attrs");
    const json::Array* parents_json = entity.find_array("parents");
    if (uid_json == nullptr || attributes_json == nullptr || parents_json == nullptr)
      return refuse("an entity must be an object with `uid`, the object `attrs` and the array `parents`");
    const EntityUid uid = TRY(read_entity_uid(*uid_json, arena));
    const EntityType* declared = schema == nullptr ? nullptr : schema->find_type(uid.type());
    std::vector<Member> attributes, tags;
    for (const json::Member& member : *attributes_json) {
      const Type* type = declared == nullptr ? nullptr : type_of_attribute(*declared->attributes, member.name);
      attributes.push_back({member.name, TRY(read_value(member.value, arena, type))});
    }
    if (const json::Value* tags_json = entity.find("tags")) {
      if (!tags_json->is_object()) return refuse("the `tags` of " + quoted(uid.to_string()) + " must be an object");
      for (const json::Member& member : *tags_json->as_object())
        tags.push_back({member.name, TRY(read_value(member.value, arena, declared == nullptr ? nullptr : declared->tags))});
    }
    std::vector<EntityUid> parents;
    for (const json::Value& parent : *parents_json) parents.push_back(TRY(read_entity_uid(parent, arena)));
    TRY(builder.add(uid, std::move(attributes), std::move(parents), std::move(tags)));
  }
  return {};
}

Result<Entities, Message> read_entities(const json::Value& json, const Schema* schema) {
  EntitiesBuilder builder;
  TRY(add_entities(builder, json, schema));
  return builder.build();
}

json::Value to_json(const EntityUid& uid) { return {{"type", uid.type()}, {"id", uid.id()}}; }

json::Value to_json(const Value& value) {
  const auto call_json = [](const char* function, std::string text) {
    return json::Value{{"__extn", {{"fn", function}, {"arg", std::move(text)}}}};
  };
  switch (value.kind()) {
    case Kind::boolean: return value.as_bool();
    case Kind::integer: return value.as_integer();
    case Kind::string: return value.as_string();
    case Kind::entity: return {{"__entity", to_json(value.as_entity())}};
    case Kind::set: {
      json::Array array;
      for (const Value& element : value.elements()) array.push_back(to_json(element));
      return array;
    }
    case Kind::record: {
      json::Object object;
      for (const Member& member : value.members()) object.push_back({std::string(member.key), to_json(member.value)});
      return object;
    }
    case Kind::decimal: return call_json("decimal", decimal_to_string(value.count()));
    case Kind::ip: return call_json("ip", value.as_ip().to_string());
    case Kind::duration: return call_json("duration", duration_to_string(value.count()));
    case Kind::datetime: break;
  }
  if (const std::string text = datetime_to_string(value.count()); !text.empty()) return call_json("datetime", text);
  const json::Value start = call_json("datetime", "1970-01-01");
  return {{"__extn", {{"fn", "offset"}, {"args", json::Array{start, call_json("duration", duration_to_string(value.count()))}}}}};
}

}  // namespace writ::cedar
