// Compiling looks at every subschema once: bounded in number and depth, keywords of the right type, references resolved, patterns compiled.

#include <re2/re2.h>

#include <algorithm>
#include <vector>

#include "json_schema/schema.h"

namespace writ::json_schema {
namespace {

constexpr int kDepthMax = 64;
constexpr int kSubschemasMax = 20'000;
constexpr std::size_t kPatternsMax = 500, kPatternBytesMax = 2'000;
constexpr std::int64_t kPatternMemory = 1 << 20;

// ECMA-262 writes \u00e9 where RE2 writes \x{00e9}, and (?<name> where it writes (?P<name>.
std::string translated(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      const bool is_unicode = pattern[i + 1] == 'u' && i + 5 < pattern.size() && pattern.substr(i + 2, 4).find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
      if (is_unicode) {
        out.append("\\x{").append(pattern.substr(i + 2, 4)).append("}");
        i += 5;
      } else {
        out.append(pattern.substr(i, 2));
        ++i;
      }
    } else if (pattern.substr(i).starts_with("(?<") && i + 3 < pattern.size() && pattern[i + 3] != '=' && pattern[i + 3] != '!') {
      out += "(?P<";
      i += 2;
    } else {
      out += pattern[i];
    }
  }
  return out;
}

std::string decoded_token(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
      out += token[++i] == '0' ? '~' : '/';
    } else if (token[i] == '%' && i + 2 < token.size()) {
      const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
      const int high = digit(token[i + 1]), low = digit(token[i + 2]);
      if (high < 0 || low < 0) {
        out += token[i];
        continue;
      }
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += token[i];
    }
  }
  return out;
}

enum class Holds { schema, list_of_schemas, map_of_schemas, items };   // items: a schema, or in older drafts a list of them
struct Applicator {
  const char* keyword;
  Holds holds;
};
constexpr Applicator kApplicators[] = {
    {"properties", Holds::map_of_schemas}, {"patternProperties", Holds::map_of_schemas}, {"additionalProperties", Holds::schema}, {"propertyNames", Holds::schema},
    {"dependentSchemas", Holds::map_of_schemas}, {"items", Holds::items}, {"prefixItems", Holds::list_of_schemas}, {"additionalItems", Holds::schema},
    {"contains", Holds::schema}, {"allOf", Holds::list_of_schemas}, {"anyOf", Holds::list_of_schemas}, {"oneOf", Holds::list_of_schemas}, {"not", Holds::schema},
    {"if", Holds::schema}, {"then", Holds::schema}, {"else", Holds::schema}, {"$defs", Holds::map_of_schemas}, {"definitions", Holds::map_of_schemas},
};
constexpr const char* kCounts[] = {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains"};
constexpr const char* kNumbers[] = {"minimum", "maximum", "multipleOf"};
// They would restrict, and are not understood here: to leave them out would be to let through what the tool's author forbids.
constexpr const char* kRefused[] = {"$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems"};
constexpr const char* kTypes[] = {"null", "boolean", "object", "array", "number", "string", "integer"};

bool is_one_of(std::string_view word, const auto& words) {
  for (const char* one : words) {
    if (word == one) return true;
  }
  return false;
}

bool are_strings(const json::Value& value) { return json::to_strings(value).has_value(); }

}  // namespace

class Compiler {
 public:
  explicit Compiler(Schema& schema) : schema_(schema) {
    if (const auto* id = schema.root_.find_string("$id")) id_ = *id;
  }

  std::optional<Failure> run() {
    look(schema_.root_, "", 0);
    return std::move(failure_);
  }

 private:
  void fail(const std::string& pointer, std::string message) {
    if (!failure_) failure_ = Failure{pointer, std::move(message)};
  }

  void look(const json::Value& schema, const std::string& pointer, int depth) {
    if (failure_ || schema.is_bool()) return;
    if (!schema.is_object()) return fail(pointer, "a schema must be an object, true or false");
    if (depth > kDepthMax) return fail(pointer, "the schema is nested deeper than 64 levels");
    if (++subschemas_ > kSubschemasMax) return fail(pointer, "the schema has more than 20,000 parts");
    for (const json::Member& member : *schema.as_object()) {
      if (failure_) return;
      keyword(schema, member, pointer + "/" + member.name, depth);
    }
  }

  void keyword(const json::Value& schema, const json::Member& member, const std::string& at, int depth) {
    const std::string& name = member.name;
    const json::Value& value = member.value;
    for (const Applicator& applicator : kApplicators) {
      if (name == applicator.keyword) return subschemas(applicator.holds, value, at, depth + 1);
    }
    if (name == "$ref") return reference(schema, value, at);
    if (name == "$id" && depth > 0) return fail(at, "schemas within the schema cannot have an `$id` of their own");
    if (is_one_of(name, kRefused)) return fail(at, "`" + name + "` is not supported");
    if (name == "type") return type(value, at);
    if (name == "required" && !are_strings(value)) return fail(at, "`required` must be a list of names");
    if (name == "enum" && !value.is_array()) return fail(at, "`enum` must be a list");
    if (name == "dependentRequired") return dependent_required(value, at);
    if (name == "pattern") {
      if (!value.is_string()) return fail(at, "`pattern` must be text");
      return pattern(*value.as_string(), at);
    }
    if (is_one_of(name, kCounts)) {
      const auto* number = value.as_double();
      const bool is_count = (value.as_int() && *value.as_int() >= 0) || (number && *number >= 0 && *number == static_cast<double>(static_cast<std::int64_t>(std::min(*number, 1e15))));
      if (!is_count) return fail(at, "`" + name + "` must be a whole number that is not negative");
    }
    if (is_one_of(name, kNumbers) && !value.is_number()) return fail(at, "`" + name + "` must be a number");
    if (name == "multipleOf" && !((value.as_int() && *value.as_int() > 0) || (value.as_double() && *value.as_double() > 0))) return fail(at, "`multipleOf` must be more than 0");
    const bool is_exclusive = name == "exclusiveMinimum" || name == "exclusiveMaximum";
    if (is_exclusive && !value.is_number() && !value.is_bool()) return fail(at, "`" + name + "` must be a number");
    if (name == "uniqueItems" && !value.is_bool()) return fail(at, "`uniqueItems` must be true or false");
  }

  void subschemas(Holds holds, const json::Value& value, const std::string& at, int depth) {
    if (holds == Holds::items) holds = value.is_array() ? Holds::list_of_schemas : Holds::schema;
    if (holds == Holds::schema) return look(value, at, depth);
    if (holds == Holds::list_of_schemas) {
      if (!value.is_array()) return fail(at, "this must be a list of schemas");
      for (std::size_t i = 0; i < value.as_array()->size(); ++i) look((*value.as_array())[i], at + "/" + std::to_string(i), depth);
      return;
    }
    if (!value.is_object()) return fail(at, "this must map names to schemas");
    const bool names_are_patterns = at.ends_with("/patternProperties");
    for (const json::Member& member : *value.as_object()) {
      if (names_are_patterns) pattern(member.name, at);
      look(member.value, at + "/" + member.name, depth);
    }
  }

  void type(const json::Value& value, const std::string& at) {
    if (value.is_string() && is_one_of(*value.as_string(), kTypes)) return;
    const auto names = json::to_strings(value);
    if (!names || names->empty()) return fail(at, "`type` must be null, boolean, object, array, number, string or integer, or a list of these");
    for (const std::string& name : *names) {
      if (!is_one_of(name, kTypes)) return fail(at, "`type` must be null, boolean, object, array, number, string or integer, or a list of these");
    }
  }

  void dependent_required(const json::Value& value, const std::string& at) {
    bool good = value.is_object();
    if (good) {
      for (const json::Member& member : *value.as_object()) good = good && are_strings(member.value);
    }
    if (!good) fail(at, "`dependentRequired` must map names to lists of names");
  }

  void pattern(const std::string& text, const std::string& at) {
    if (schema_.patterns_.contains(text)) return;
    if (schema_.patterns_.size() >= kPatternsMax || text.size() > kPatternBytesMax) return fail(at, "the schema has too many patterns, or one of more than 2,000 bytes");
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kPatternMemory);
    auto compiled = std::make_unique<re2::RE2>(translated(text), options);
    if (!compiled->ok()) return fail(at, "the pattern cannot be used: " + compiled->error());
    schema_.patterns_.emplace(text, std::move(compiled));
  }

  // Within this document only. A pointer may lead to any place, but what stands there is used as a schema and must be one.
  void reference(const json::Value& schema, const json::Value& value, const std::string& at) {
    if (!value.is_string()) return fail(at, "`$ref` must be text");
    std::string_view target = *value.as_string();
    if (!id_.empty() && target.starts_with(id_)) target.remove_prefix(id_.size());
    if (!target.starts_with('#')) return fail(at, "`$ref` leads to another document, which is not fetched");
    target.remove_prefix(1);
    if (!target.empty() && target.front() != '/') return fail(at, "`$ref` must be `#` and a JSON pointer");
    const json::Value* found = &schema_.root_;
    while (!target.empty() && found) {
      target.remove_prefix(1);
      const auto slash = std::min(target.find('/'), target.size());
      const std::string token = decoded_token(target.substr(0, slash));
      target.remove_prefix(slash);
      if (const auto* list = found->as_array()) {
        std::size_t index = 0;
        for (const char digit : token) index = digit >= '0' && digit <= '9' && index <= list->size() ? index * 10 + static_cast<std::size_t>(digit - '0') : list->size() + 1;
        found = !token.empty() && index < list->size() ? &(*list)[index] : nullptr;
      } else {
        found = found->find(token);
      }
    }
    if (!found) return fail(at, "`$ref` leads nowhere");
    schema_.references_.emplace(&schema, found);
    // It may stand where no keyword would have led to it.
    if (visited_.emplace(found, found).second) look(*found, at, 1);
  }

  Schema& schema_;
  std::string id_;
  int subschemas_ = 0;
  std::unordered_map<const json::Value*, const json::Value*> visited_;
  std::optional<Failure> failure_;
};

Schema::Schema() = default;
Schema::~Schema() = default;

Result<std::shared_ptr<const Schema>, Failure> Schema::compile(json::Value schema) {
  std::shared_ptr<Schema> made(new Schema());
  made->root_ = std::move(schema);
  if (auto failure = Compiler(*made).run()) return unexpected(std::move(*failure));
  return std::shared_ptr<const Schema>(std::move(made));
}

}  // namespace writ::json_schema
