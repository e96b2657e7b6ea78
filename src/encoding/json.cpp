#include "encoding/json.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "encoding/plain_text.h"
#include "encoding/utf8.h"

namespace writ::json {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kWhitespace = " \t\r\n";
// Below this many members comparing all pairs is quicker than sorting. Nothing here hashes, so nothing can be flooded (J14).
constexpr std::size_t kComparePairsBelow = 16;
// A buffer that once held a large text is given back.
constexpr std::size_t kKeptCapacity = 4 << 20;

bool has_duplicate(const Object& object) {
  if (object.size() < kComparePairsBelow) {
    for (std::size_t i = 1; i < object.size(); ++i)
      for (std::size_t k = 0; k < i; ++k)
        if (object[i].name == object[k].name) return true;
    return false;
  }
  std::vector<std::string_view> names;
  names.reserve(object.size());
  for (const Member& member : object) names.emplace_back(member.name);
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

// Turns simdjson's tape into our values, counting members and refusing duplicates on the way.
class Converter {
 public:
  Converter(const Limits& limits, bool check_strings)
      : left_(limits.members_max), levels_left_(limits.depth_max), check_strings_(check_strings) {}

  Result<Value, Problem> convert(simdjson::dom::element element) {
    using Type = simdjson::dom::element_type;
    switch (element.type()) {
      case Type::OBJECT:
      case Type::ARRAY: return convert_container(element);
      case Type::STRING: return Value(TRY(text(element.get_string().value_unsafe())));
      case Type::INT64: return Value(std::int64_t{element.get_int64().value_unsafe()});
      case Type::UINT64: return unexpected(Problem::number_out_of_range);   // above 2^63 − 1: a double would change it
      case Type::DOUBLE: return Value(element.get_double().value_unsafe());
      case Type::BOOL: return Value(element.get_bool().value_unsafe());
      case Type::NULL_VALUE: return Value(nullptr);
    }
    return unexpected(Problem::syntax);
  }

 private:
  // simdjson validates the text; but an escape may spell a lone surrogate, which no UTF-8 string can hold.
  Result<std::string, Problem> text(std::string_view string) const {
    if (check_strings_ && !utf8::is_valid(string)) return unexpected(Problem::invalid_utf8);
    return std::string(string);
  }

  // simdjson bounds the depth as well, but does not count an empty container as a level.
  Result<Value, Problem> convert_container(simdjson::dom::element element) {
    if (levels_left_ == 0) return unexpected(Problem::too_deep);
    --levels_left_;
    auto value = element.is_object() ? convert_object(element) : convert_array(element);
    ++levels_left_;
    return value;
  }

  Result<Value, Problem> convert_object(simdjson::dom::element element) {
    const simdjson::dom::object members = element.get_object().value_unsafe();
    Object object;
    object.reserve(std::min(members.size(), left_));
    for (const auto [name, value] : members) {
      if (left_-- == 0) return unexpected(Problem::too_many_members);
      std::string own_name = TRY(text(name));
      Value own_value = TRY(convert(value));   // never inside the braces: clang forgets the name when TRY returns from there
      object.push_back(Member{std::move(own_name), std::move(own_value)});
    }
    if (has_duplicate(object)) return unexpected(Problem::duplicate_member);
    return Value(std::move(object));
  }

  Result<Value, Problem> convert_array(simdjson::dom::element element) {
    const simdjson::dom::array elements = element.get_array().value_unsafe();
    Array array;
    array.reserve(std::min(elements.size(), left_));
    for (const auto value : elements) {
      if (left_-- == 0) return unexpected(Problem::too_many_members);
      array.push_back(TRY(convert(value)));
    }
    return Value(std::move(array));
  }

  std::size_t left_;
  std::size_t levels_left_;
  bool check_strings_;
};

// ---- telling errors apart, only after simdjson has refused the text

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// RFC 8259 §6
bool is_number(std::string_view token) {
  const auto digits = [&token] {
    std::size_t count = 0;
    while (count < token.size() && is_digit(token[count])) ++count;
    token.remove_prefix(count);
    return count;
  };
  if (token.starts_with('-')) token.remove_prefix(1);
  const bool has_leading_zero = token.starts_with('0');
  const std::size_t whole = digits();
  if (whole == 0 || (has_leading_zero && whole > 1)) return false;
  if (token.starts_with('.')) {
    token.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (token.starts_with('e') || token.starts_with('E')) {
    token.remove_prefix(1);
    if (token.starts_with('+') || token.starts_with('-')) token.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return token.empty();
}

std::size_t end_of_string(std::string_view text, std::size_t start) {
  std::size_t i = start + 1;
  while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
  return std::min(i + 1, text.size());
}

bool numbers_are_well_formed(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '"') {
      i = end_of_string(text, i);
    } else if (is_digit(text[i]) || text[i] == '-') {
      const std::size_t end = std::min(text.find_first_of(" \t\r\n,]}:[{\"", i), text.size());
      if (!is_number(text.substr(i, end - i))) return false;
      i = end;
    } else {
      ++i;
    }
  }
  return true;
}

// Where the first value of the text ends, if its brackets balance.
std::optional<std::size_t> end_of_first_value(std::string_view text) {
  std::size_t i = text.find_first_not_of(kWhitespace);
  if (i == std::string_view::npos) return std::nullopt;
  if (text[i] == '"') return end_of_string(text, i);
  if (text[i] != '{' && text[i] != '[') return std::min(text.find_first_of(" \t\r\n,]}:[{\"", i), text.size());
  std::size_t depth = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (c == '"') {
      i = end_of_string(text, i);
      continue;
    }
    ++i;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return i;
  }
  return std::nullopt;
}

bool is_complete_before_its_end(simdjson::dom::parser& parser, std::string_view text) {
  const auto end = end_of_first_value(text);
  if (!end || text.find_first_not_of(kWhitespace, *end) == std::string_view::npos) return false;
  return parser.parse(text.data(), *end).error() == simdjson::SUCCESS;
}

Problem explain(simdjson::error_code error, simdjson::dom::parser& parser, std::string_view text) {
  switch (error) {
    case simdjson::CAPACITY: return Problem::too_large;
    case simdjson::DEPTH_ERROR: return Problem::too_deep;
    case simdjson::UTF8_ERROR: return Problem::invalid_utf8;
    default: break;
  }
  if (is_complete_before_its_end(parser, text)) return Problem::trailing_bytes;
  if (error == simdjson::NUMBER_ERROR && numbers_are_well_formed(text)) return Problem::number_out_of_range;
  return Problem::syntax;
}

// ---- writing

void append_number(std::string& out, std::int64_t value) {
  char buffer[24];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value).ptr;
  out.append(buffer, end);
}

void append_number(std::string& out, double value) {
  if (!(value - value == 0)) {   // JSON has no NaN and no infinity
    out += "null";
    return;
  }
  char buffer[32];
  const auto end = std::to_chars(std::begin(buffer), std::end(buffer), value).ptr;
  const std::string_view digits(buffer, static_cast<std::size_t>(end - buffer));
  out += digits;
  if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

template <class Container, class Append>
void append_list(std::string& out, char open, char close, const Container& items, Append append_item) {
  out += open;
  bool is_first = true;
  for (const auto& item : items) {
    if (!is_first) out += ',';
    is_first = false;
    append_item(item);
  }
  out += close;
}

}  // namespace

Value::Value(std::initializer_list<Member> members) : data_(Object(members)) { assert(!has_duplicate(*as_object())); }

const Value* Value::find(std::string_view name) const {
  const Object* object = as_object();
  if (object == nullptr) return nullptr;
  for (const Member& member : *object)
    if (member.name == name) return &member.value;
  return nullptr;
}

const std::string* Value::find_string(std::string_view name) const {
  const Value* member = find(name);
  return member == nullptr ? nullptr : member->as_string();
}
const std::int64_t* Value::find_int(std::string_view name) const {
  const Value* member = find(name);
  return member == nullptr ? nullptr : member->as_int();
}
const bool* Value::find_bool(std::string_view name) const {
  const Value* member = find(name);
  return member == nullptr ? nullptr : member->as_bool();
}
const Array* Value::find_array(std::string_view name) const {
  const Value* member = find(name);
  return member == nullptr ? nullptr : member->as_array();
}
const Object* Value::find_object(std::string_view name) const {
  const Value* member = find(name);
  return member == nullptr ? nullptr : member->as_object();
}

Value& Value::set(std::string_view name, Value value) {
  if (is_null()) data_ = Object{};
  Object* object = as_object();
  assert(object != nullptr);
  for (Member& member : *object) {
    if (member.name == name) {
      member.value = std::move(value);
      return *this;
    }
  }
  object->push_back(Member{std::string(name), std::move(value)});
  return *this;
}

void Value::erase(std::string_view name) {
  if (Object* object = as_object()) std::erase_if(*object, [name](const Member& member) { return member.name == name; });
}

Value from_strings(const std::vector<std::string>& strings) { return Array(strings.begin(), strings.end()); }

std::optional<std::vector<std::string>> to_strings(const Value& value) {
  const Array* array = value.as_array();
  if (array == nullptr) return std::nullopt;
  std::vector<std::string> strings;
  strings.reserve(array->size());
  for (const Value& element : *array) {
    if (!element.is_string()) return std::nullopt;
    strings.push_back(*element.as_string());
  }
  return strings;
}

std::string_view to_string(Problem problem) {
  switch (problem) {
    case Problem::too_large: return "too_large";
    case Problem::too_deep: return "too_deep";
    case Problem::too_many_members: return "too_many_members";
    case Problem::duplicate_member: return "duplicate_member";
    case Problem::invalid_utf8: return "invalid_utf8";
    case Problem::number_out_of_range: return "number_out_of_range";
    case Problem::syntax: return "syntax";
    case Problem::trailing_bytes: return "trailing_bytes";
  }
  return "unknown";
}

Result<Value, Problem> parse(std::string_view text, const Limits& limits) {
  if (text.size() > limits.bytes_max) return unexpected(Problem::too_large);
  // Some parsers skip a byte-order mark; what they then read, others do not.
  if (text.starts_with("\xEF\xBB\xBF")) return unexpected(Problem::syntax);
  if (text.empty()) return unexpected(Problem::syntax);

  thread_local simdjson::dom::parser parser;
  // simdjson counts what stands inside the innermost container as a level of its own.
  const std::size_t depth = limits.depth_max + 1;
  if (parser.max_depth() != depth || parser.capacity() > kKeptCapacity) {
    const std::size_t capacity = std::max<std::size_t>(text.size(), 4096);
    if (parser.allocate(capacity, depth) != simdjson::SUCCESS) return unexpected(Problem::too_large);
  }
  const auto parsed = parser.parse(text.data(), text.size());
  if (parsed.error() != simdjson::SUCCESS) return unexpected(explain(parsed.error(), parser, text));
  const bool has_escapes = text.find("\\u") != std::string_view::npos;
  return Converter(limits, has_escapes).convert(parsed.value_unsafe());
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    if (const std::size_t plain = plain_prefix(text); plain != 0) {
      out += text.substr(0, plain);
      text.remove_prefix(plain);
      continue;
    }
    const auto byte = static_cast<unsigned char>(text[0]);
    std::size_t length = 1;
    switch (byte) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (byte < 0x20) {
          out += "\\u00";
          out += kHexDigits[byte >> 4];
          out += kHexDigits[byte & 15];
        } else if (const std::size_t valid = utf8::length_of_first(text); valid != 0) {
          length = valid;
          out += text.substr(0, length);
        } else {
          out += "\xEF\xBF\xBD";
        }
    }
    text.remove_prefix(length);
  }
  out += '"';
}

void append(std::string& out, const Value& value) {
  if (value.is_null()) {
    out += "null";
  } else if (const bool* flag = value.as_bool()) {
    out += *flag ? "true" : "false";
  } else if (const std::int64_t* integer = value.as_int()) {
    append_number(out, *integer);
  } else if (const double* number = value.as_double()) {
    append_number(out, *number);
  } else if (const std::string* string = value.as_string()) {
    append_quoted(out, *string);
  } else if (const Array* array = value.as_array()) {
    append_list(out, '[', ']', *array, [&out](const Value& element) { append(out, element); });
  } else if (const Object* object = value.as_object()) {
    append_list(out, '{', '}', *object, [&out](const Member& member) {
      append_quoted(out, member.name);
      out += ':';
      append(out, member.value);
    });
  }
}

std::string write(const Value& value) {
  std::string out;
  append(out, value);
  return out;
}

namespace {

void append_canonical(std::string& out, const Value& value) {
  if (const Array* array = value.as_array()) {
    append_list(out, '[', ']', *array, [&out](const Value& element) { append_canonical(out, element); });
  } else if (const Object* object = value.as_object()) {
    std::vector<const Member*> sorted;
    sorted.reserve(object->size());
    for (const Member& member : *object) sorted.push_back(&member);
    std::sort(sorted.begin(), sorted.end(), [](const Member* a, const Member* b) { return a->name < b->name; });
    append_list(out, '{', '}', sorted, [&out](const Member* member) {
      append_quoted(out, member->name);
      out += ':';
      append_canonical(out, member->value);
    });
  } else {
    append(out, value);
  }
}

}  // namespace

std::string write_canonical(const Value& value) {
  std::string out;
  append_canonical(out, value);
  return out;
}

}  // namespace writ::json
