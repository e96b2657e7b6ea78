#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "json_schema/schema.h"

namespace writ::json_schema {
namespace {

// Applying one subschema to one value is one step. Honest schemas take some thousands; a schema whose alternatives nest takes as many as it likes.
constexpr int kStepsMax = 200'000;
constexpr int kDepthMax = 128;

using Number = long double;   // holds every 64-bit integer and every double exactly

std::optional<Number> number_of(const json::Value& value) {
  if (const auto* whole = value.as_int()) return static_cast<Number>(*whole);
  if (const auto* number = value.as_double()) return static_cast<Number>(*number);
  return std::nullopt;
}

bool is_whole(const json::Value& value) { return value.is_int() || (value.is_double() && std::trunc(*value.as_double()) == *value.as_double()); }

std::string_view type_of(const json::Value& value) {
  if (value.is_null()) return "null";
  if (value.is_bool()) return "true or false";
  if (value.is_string()) return "text";
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  return is_whole(value) ? "a whole number" : "a number";
}

bool has_type(const json::Value& value, std::string_view type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  return type == "integer" && is_whole(value);
}

// As JSON Schema compares: numbers by value, members in any order.
bool is_equal(const json::Value& a, const json::Value& b) {
  if (a.is_number() && b.is_number()) return number_of(a) == number_of(b);
  if (a.is_array() && b.is_array()) return std::equal(a.as_array()->begin(), a.as_array()->end(), b.as_array()->begin(), b.as_array()->end(), is_equal);
  if (a.is_object() && b.is_object()) {
    if (a.as_object()->size() != b.as_object()->size()) return false;
    return std::all_of(a.as_object()->begin(), a.as_object()->end(), [&](const json::Member& member) {
      const json::Value* other = b.find(member.name);
      return other && is_equal(member.value, *other);
    });
  }
  return a == b;
}

// Equal values have equal keys.
json::Value with_plain_numbers(const json::Value& value) {
  if (const auto* number = value.as_double(); number && is_whole(value) && std::abs(*number) < 9e18) return static_cast<std::int64_t>(*number);
  if (const auto* list = value.as_array()) {
    json::Array out;
    for (const json::Value& item : *list) out.push_back(with_plain_numbers(item));
    return out;
  }
  if (const auto* object = value.as_object()) {
    json::Object out;
    for (const json::Member& member : *object) out.push_back({member.name, with_plain_numbers(member.value)});
    return out;
  }
  return value;
}

std::int64_t code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; });
}

bool is_multiple(const json::Value& value, const json::Value& of) {
  if (value.is_int() && of.is_int()) return *value.as_int() % *of.as_int() == 0;
  const Number quotient = *number_of(value) / *number_of(of);
  return std::isfinite(quotient) && std::abs(quotient - std::round(quotient)) <= 1e-9L * std::max<Number>(1, std::abs(quotient));
}

std::string escaped(std::string_view name) {
  std::string out;
  for (const char letter : name.substr(0, 100)) out += letter == '~' ? "~0" : letter == '/' ? "~1" : std::string(1, letter);
  return out;
}

// Where in the value: written out only for what does not fit. Lives on the stack of those who go down.
struct Place {
  const Place* above = nullptr;
  std::string_view member{};       // of an object
  std::size_t element = kNone;     // of a list
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  std::string pointer() const {
    if (!above) return "";
    return above->pointer() + "/" + (element == kNone ? escaped(member) : std::to_string(element));
  }
};

std::string shown(const json::Value& value) {
  std::string text = json::write(value);
  if (text.size() <= 60) return text;
  std::size_t end = 57;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;   // on a character's edge
  return text.substr(0, end) + "…";
}

}  // namespace

class Checker {
 public:
  explicit Checker(const Schema& schema) : schema_(schema) {}

  std::optional<Failure> run(const json::Value& value) {
    if (check(schema_.root_, value, Place{}, 0)) return std::nullopt;
    return std::move(failure_);
  }

 private:
  // The reason of the last failure stays; alternatives that fail are explained by whoever tried them.
  bool fail(const Place& at, std::string message) {
    if (!is_exhausted_) failure_ = Failure{at.pointer(), std::move(message)};
    return false;
  }

  bool check(const json::Value& schema, const json::Value& value, const Place& at, int depth) {
    if (is_exhausted_) return false;
    if (++steps_ > kStepsMax || depth > kDepthMax) {
      fail(at, "judging this takes more work than is allowed");
      is_exhausted_ = true;   // also `not` and alternatives end here: what is not judged is not valid
      return false;
    }
    if (const auto* verdict = schema.as_bool()) return *verdict || fail(at, "nothing is allowed here");
    if (const auto found = schema_.references_.find(&schema); found != schema_.references_.end()) {
      if (!check(*found->second, value, at, depth + 1)) return false;
    }
    return check_any(schema, value, at) && check_number(schema, value, at) && check_string(schema, value, at) && check_array(schema, value, at, depth) &&
           check_object(schema, value, at, depth) && check_combinations(schema, value, at, depth);
  }

  bool check_any(const json::Value& schema, const json::Value& value, const Place& at) {
    if (const json::Value* type = schema.find("type")) {
      const auto* word = type->as_string();
      const json::Array* words = type->as_array();
      const bool fits = word ? has_type(value, *word) : std::any_of(words->begin(), words->end(), [&](const json::Value& one) { return has_type(value, *one.as_string()); });
      if (!fits) {
        std::string wanted = word ? *word : "";
        for (const json::Value& one : words ? *words : json::Array{}) wanted += (wanted.empty() ? "" : " or ") + *one.as_string();
        return fail(at, "must be of type " + wanted + ", not " + std::string(type_of(value)));
      }
    }
    if (const json::Value* constant = schema.find("const"); constant && !is_equal(value, *constant)) return fail(at, "must be " + shown(*constant));
    if (const auto* list = schema.find_array("enum")) {
      steps_ += static_cast<int>(list->size() / 8);
      if (std::none_of(list->begin(), list->end(), [&](const json::Value& one) { return is_equal(value, one); })) return fail(at, "must be one of " + shown(*schema.find("enum")));
    }
    return true;
  }

  bool check_number(const json::Value& schema, const json::Value& value, const Place& at) {
    const auto number = number_of(value);
    if (!number) return true;
    const json::Value* minimum = schema.find("minimum");
    const json::Value* maximum = schema.find("maximum");
    const json::Value* above = schema.find("exclusiveMinimum");
    const json::Value* below = schema.find("exclusiveMaximum");
    // Draft 4 wrote `exclusiveMinimum: true` beside `minimum`.
    const bool is_above_minimum = above && above->is_bool() && *above->as_bool(), is_below_maximum = below && below->is_bool() && *below->as_bool();
    if (minimum && (*number < *number_of(*minimum) || (is_above_minimum && *number == *number_of(*minimum)))) return fail(at, "must be at least " + shown(*minimum));
    if (maximum && (*number > *number_of(*maximum) || (is_below_maximum && *number == *number_of(*maximum)))) return fail(at, "must be at most " + shown(*maximum));
    if (above && above->is_number() && *number <= *number_of(*above)) return fail(at, "must be more than " + shown(*above));
    if (below && below->is_number() && *number >= *number_of(*below)) return fail(at, "must be less than " + shown(*below));
    if (const json::Value* of = schema.find("multipleOf"); of && !is_multiple(value, *of)) return fail(at, "must be a multiple of " + shown(*of));
    return true;
  }

  template <class Count>
  bool within(const json::Value& schema, std::string_view least, std::string_view most, Count count, const Place& at, std::string_view what) {
    if (const json::Value* limit = schema.find(least); limit && static_cast<Number>(count()) < *number_of(*limit)) return fail(at, "needs at least " + shown(*limit) + " " + std::string(what));
    if (const json::Value* limit = schema.find(most); limit && static_cast<Number>(count()) > *number_of(*limit)) return fail(at, "may have at most " + shown(*limit) + " " + std::string(what));
    return true;
  }

  bool matches(const std::string& pattern, const std::string& text) { return re2::RE2::PartialMatch(text, *schema_.patterns_.find(pattern)->second); }

  bool check_string(const json::Value& schema, const json::Value& value, const Place& at) {
    const auto* text = value.as_string();
    if (!text) return true;
    if (!within(schema, "minLength", "maxLength", [text] { return code_points(*text); }, at, "characters")) return false;
    const auto* pattern = schema.find_string("pattern");
    return !pattern || matches(*pattern, *text) || fail(at, "must match the pattern " + *pattern);
  }

  bool check_array(const json::Value& schema, const json::Value& value, const Place& at, int depth) {
    const auto* list = value.as_array();
    if (!list) return true;
    if (!within(schema, "minItems", "maxItems", [list] { return list->size(); }, at, "elements")) return false;
    const json::Value* items = schema.find("items");
    const json::Array* prefix = items && items->is_array() ? items->as_array() : schema.find_array("prefixItems");
    const json::Value* rest = items && items->is_array() ? schema.find("additionalItems") : items;
    for (std::size_t i = 0; i < list->size(); ++i) {
      const json::Value* of = prefix && i < prefix->size() ? &(*prefix)[i] : rest;
      if (of && !check(*of, (*list)[i], Place{&at, {}, i}, depth + 1)) return false;
    }
    if (const auto* unique = schema.find_bool("uniqueItems"); unique && *unique) {
      std::set<std::string> seen;
      for (std::size_t i = 0; i < list->size(); ++i) {
        if (!seen.insert(json::write_canonical(with_plain_numbers((*list)[i]))).second) return fail(Place{&at, {}, i}, "is in the list already");
      }
    }
    return check_contains(schema, *list, at, depth);
  }

  bool check_contains(const json::Value& schema, const json::Array& list, const Place& at, int depth) {
    const json::Value* contains = schema.find("contains");
    if (!contains) return true;
    std::int64_t count = 0;
    for (const json::Value& item : list) count += check(*contains, item, at, depth + 1);
    if (is_exhausted_) return false;
    const json::Value* least = schema.find("minContains");
    const json::Value* most = schema.find("maxContains");
    if (static_cast<Number>(count) < (least ? *number_of(*least) : 1)) return fail(at, "has too few elements of the kind that it must contain");
    return !most || static_cast<Number>(count) <= *number_of(*most) || fail(at, "has too many elements of the kind that it must contain");
  }

  bool check_object(const json::Value& schema, const json::Value& value, const Place& at, int depth) {
    const auto* object = value.as_object();
    if (!object) return true;
    if (!within(schema, "minProperties", "maxProperties", [object] { return object->size(); }, at, "members")) return false;
    if (const json::Value* required = schema.find("required")) {
      for (const json::Value& name : *required->as_array()) {
        if (!value.find(*name.as_string())) return fail(at, "needs the member `" + name.as_string()->substr(0, 100) + "`");
      }
    }
    if (const auto* dependents = schema.find_object("dependentRequired")) {
      for (const json::Member& member : *dependents) {
        if (!value.find(member.name)) continue;
        for (const json::Value& name : *member.value.as_array()) {
          if (!value.find(*name.as_string())) return fail(at, "needs the member `" + *name.as_string() + "` beside `" + member.name + "`");
        }
      }
    }
    if (const auto* dependents = schema.find_object("dependentSchemas")) {
      for (const json::Member& member : *dependents) {
        if (value.find(member.name) && !check(member.value, value, at, depth + 1)) return false;
      }
    }
    const json::Value* properties = schema.find("properties");
    const json::Object* patterns = schema.find_object("patternProperties");
    const json::Value* additional = schema.find("additionalProperties");
    const json::Value* names = schema.find("propertyNames");
    for (const json::Member& member : *object) {
      const Place below{&at, member.name};
      if (names && !check(*names, member.name, below, depth + 1)) return false;
      const json::Value* of = properties ? properties->find(member.name) : nullptr;
      bool is_known = of != nullptr;
      if (of && !check(*of, member.value, below, depth + 1)) return false;
      if (patterns) {
        for (const json::Member& pattern : *patterns) {
          if (!matches(pattern.name, member.name)) continue;
          is_known = true;
          if (!check(pattern.value, member.value, below, depth + 1)) return false;
        }
      }
      if (is_known || !additional) continue;
      if (const auto* allowed = additional->as_bool(); allowed && !*allowed) return fail(below, "is not a member that the tool knows");
      if (!check(*additional, member.value, below, depth + 1)) return false;
    }
    return true;
  }

  bool check_combinations(const json::Value& schema, const json::Value& value, const Place& at, int depth) {
    if (const auto* all = schema.find_array("allOf")) {
      for (const json::Value& one : *all) {
        if (!check(one, value, at, depth + 1)) return false;
      }
    }
    if (const auto* any = schema.find_array("anyOf")) {
      const bool found = std::any_of(any->begin(), any->end(), [&](const json::Value& one) { return check(one, value, at, depth + 1); });
      // The only alternative's own reason says more.
      if (!found) return any->size() == 1 ? false : fail(at, "fits none of the alternatives; of the last: " + last_reason());
    }
    if (const auto* one_of = schema.find_array("oneOf")) {
      std::int64_t fitting = 0;
      for (const json::Value& one : *one_of) fitting += check(one, value, at, depth + 1);
      if (is_exhausted_) return false;
      if (fitting != 1) return fail(at, fitting == 0 ? "fits none of the alternatives; of the last: " + last_reason() : "fits more than one of the alternatives");
    }
    if (const json::Value* excluded = schema.find("not")) {
      const bool fits = check(*excluded, value, at, depth + 1);
      if (is_exhausted_) return false;
      if (fits) return fail(at, "is what it must not be");
    }
    if (const json::Value* condition = schema.find("if")) {
      const bool holds = check(*condition, value, at, depth + 1);
      if (is_exhausted_) return false;
      const json::Value* consequence = schema.find(holds ? "then" : "else");
      if (consequence && !check(*consequence, value, at, depth + 1)) return false;
    }
    return true;
  }

  std::string last_reason() const { return failure_ ? (failure_->pointer.empty() ? "it" : "`" + failure_->pointer + "`") + " " + failure_->message : ""; }

  const Schema& schema_;
  int steps_ = 0;
  bool is_exhausted_ = false;
  std::optional<Failure> failure_;
};

std::optional<Failure> Schema::check(const json::Value& value) const { return Checker(*this).run(value); }

}  // namespace writ::json_schema
