#include "policy/argument_type.h"

#include <algorithm>
#include <cmath>
#include <charconv>

#include "cedar/extension.h"
#include "cedar/name.h"

namespace writ::policy {
namespace {

constexpr int kDepthMax = 16;
constexpr std::size_t kNodesMax = 10'000;
constexpr std::size_t kBytesMax = 64 * 1024;

using Kind = ArgumentType::Kind;
using TypePointer = std::shared_ptr<const ArgumentType>;

TypePointer simple(Kind kind) {
  auto type = std::make_shared<ArgumentType>();
  type->kind = kind;
  return type;
}

// `type` as one word; "" when it is absent or several.
std::string type_word(const json::Value& schema) {
  const auto* word = schema.find_string("type");
  return word ? *word : "";
}

bool is_required(const json::Value& schema, const std::string& name) {
  const auto* required = schema.find("required");
  const auto* list = required ? required->as_array() : nullptr;
  return list && std::any_of(list->begin(), list->end(), [&](const json::Value& one) { return one.as_string() && *one.as_string() == name; });
}

TypePointer read(const json::Value& schema, int depth);

TypePointer read_record(const json::Value& schema, int depth) {
  auto record = std::make_shared<ArgumentType>();
  record->kind = Kind::record;
  const auto* properties = schema.find("properties");
  if (properties && properties->is_object()) {
    for (const auto& property : *properties->as_object()) {
      TypePointer type = read(property.value, depth + 1);
      if (type->kind == Kind::inexpressible) continue;
      record->members.push_back({property.name, is_required(schema, property.name), std::move(type)});
    }
  }
  std::sort(record->members.begin(), record->members.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return record;
}

TypePointer read(const json::Value& schema, int depth) {
  if (depth > kDepthMax || !schema.is_object()) return simple(Kind::inexpressible);
  // Combinations say more than one type can.
  for (const char* combination : {"$ref", "anyOf", "oneOf", "allOf", "not", "if"}) {
    if (schema.find(combination)) return simple(Kind::inexpressible);
  }
  const std::string word = type_word(schema);
  if (word == "string") return simple(Kind::string);
  if (word == "integer") return simple(Kind::integer);
  if (word == "number") return simple(Kind::decimal);
  if (word == "boolean") return simple(Kind::boolean);
  if (word == "object") return read_record(schema, depth);
  if (word == "array") {
    const auto* items = schema.find("items");
    TypePointer element = items ? read(*items, depth + 1) : simple(Kind::inexpressible);
    if (element->kind == Kind::inexpressible) return element;
    auto set = std::make_shared<ArgumentType>();
    set->kind = Kind::set;
    set->element = std::move(element);
    return set;
  }
  return simple(Kind::inexpressible);
}

void append_key(std::string& out, std::string_view name) {
  if (cedar::is_plain_name(name)) out += name;
  else out += cedar::Value::string(name).to_string();
}

std::string escaped_pointer(std::string_view name) {
  std::string out;
  for (const char character : name) out += character == '~' ? "~0" : character == '/' ? "~1" : std::string(1, character);
  return out;
}

// Turns JSON into Cedar values, noting what it leaves out.
class Seer {
 public:
  Seer(cedar::Arena& arena, std::vector<std::string>& unseen) : arena_(arena), unseen_(unseen) {}

  cedar::Value record(const ArgumentType& type, const json::Object& object, const std::string& pointer) {
    std::vector<cedar::Member> members;
    for (const auto& member : object) {
      const std::string below = pointer + "/" + escaped_pointer(member.name);
      const auto found = std::lower_bound(type.members.begin(), type.members.end(), member.name, [](const auto& a, const std::string& name) { return a.name < name; });
      const bool known = found != type.members.end() && found->name == member.name;
      const auto seen = known ? value(*found->type, member.value, below) : std::nullopt;
      if (seen) members.push_back({arena_.copy(std::string_view(member.name)), *seen});
      else if (!known) unseen_.push_back(below);
    }
    return cedar::Value::record(arena_, std::move(members));
  }

 private:
  // Absent: what stands here is not expressible; its pointer was noted.
  std::optional<cedar::Value> value(const ArgumentType& type, const json::Value& json, const std::string& pointer) {
    const auto seen = within_limits(json) ? expressed(type, json, pointer) : std::nullopt;
    if (!seen) unseen_.push_back(pointer);
    return seen;
  }

  bool within_limits(const json::Value& json) {
    if (++nodes_ > kNodesMax) return false;
    if (const auto* text = json.as_string()) bytes_ += text->size();
    return bytes_ <= kBytesMax;
  }

  std::optional<cedar::Value> expressed(const ArgumentType& type, const json::Value& json, const std::string& pointer) {
    switch (type.kind) {
      case Kind::string:
        return json.as_string() ? std::optional(cedar::Value::string(arena_, *json.as_string())) : std::nullopt;
      case Kind::integer:
        return json.as_int() ? std::optional(cedar::Value::integer(*json.as_int())) : std::nullopt;
      case Kind::boolean:
        return json.as_bool() ? std::optional(cedar::Value::boolean(*json.as_bool())) : std::nullopt;
      case Kind::decimal:
        return decimal(json);
      case Kind::record:
        return json.is_object() ? std::optional(record(type, *json.as_object(), pointer)) : std::nullopt;
      case Kind::set:
        return set(type, json, pointer);
      case Kind::inexpressible:
        return std::nullopt;
    }
    return std::nullopt;
  }

  // A number with at most four decimals that fits; anything else would be another number than the tool gets.
  std::optional<cedar::Value> decimal(const json::Value& json) {
    if (const auto* whole = json.as_int()) {
      constexpr std::int64_t kMost = INT64_MAX / 10'000;
      if (*whole > kMost || *whole < -kMost) return std::nullopt;
      return cedar::Value::decimal(*whole * 10'000);
    }
    const auto* number = json.as_double();
    if (number == nullptr) return std::nullopt;
    char text[64];
    const auto written = std::to_chars(text, text + sizeof text, *number, std::chars_format::fixed);
    if (written.ec != std::errc()) return std::nullopt;
    std::string decimal(text, written.ptr);
    if (decimal.find('.') == std::string::npos) decimal += ".0";
    const auto parsed = cedar::parse_decimal(decimal);
    return parsed ? std::optional(cedar::Value::decimal(*parsed)) : std::nullopt;
  }

  // A set of which one element is not expressible is not expressible: `contains` would lie.
  std::optional<cedar::Value> set(const ArgumentType& type, const json::Value& json, const std::string& pointer) {
    const auto* array = json.as_array();
    if (array == nullptr) return std::nullopt;
    std::vector<cedar::Value> elements;
    const std::size_t noted = unseen_.size();
    for (std::size_t i = 0; i < array->size(); ++i) {
      const auto element = value(*type.element, (*array)[i], pointer + "/" + std::to_string(i));
      if (!element || unseen_.size() != noted) {
        unseen_.resize(noted);
        return std::nullopt;
      }
      elements.push_back(*element);
    }
    return cedar::Value::set(arena_, std::move(elements));
  }

  cedar::Arena& arena_;
  std::vector<std::string>& unseen_;
  std::size_t nodes_ = 0, bytes_ = 0;
};

}  // namespace

std::shared_ptr<const ArgumentType> read_argument_type(const json::Value& input_schema) {
  TypePointer type = read(input_schema, 0);
  if (type->kind == Kind::record) return type;
  return simple(Kind::record);
}

std::string to_cedar(const ArgumentType& type) {
  switch (type.kind) {
    case Kind::string: return "String";
    case Kind::integer: return "Long";
    case Kind::decimal: return "decimal";
    case Kind::boolean: return "Bool";
    case Kind::set: return "Set<" + to_cedar(*type.element) + ">";
    case Kind::record: {
      if (type.members.empty()) return "{}";
      std::string out = "{ ";
      for (const auto& member : type.members) {
        if (out.size() > 2) out += ", ";
        append_key(out, member.name);
        out += member.required ? ": " : "?: ";
        out += to_cedar(*member.type);
      }
      return out + " }";
    }
    case Kind::inexpressible: break;
  }
  return "{}";
}

SeenArguments see(const ArgumentType& type, const json::Value& arguments, cedar::Arena& arena) {
  SeenArguments seen;
  Seer seer(arena, seen.unseen);
  static const json::Object kNone;
  if (const auto* object = arguments.as_object()) {
    seen.args = seer.record(type, *object, "");
  } else {
    seen.args = seer.record(type, kNone, "");
    if (!arguments.is_null()) seen.unseen.push_back("");
  }
  return seen;
}

}  // namespace writ::policy
