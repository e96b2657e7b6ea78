#include "scim/filter.h"

#include <algorithm>

#include "registry/fields.h"

namespace writ::scim {
namespace {

using Kind = Filter::Kind;
using Comparison = Filter::Comparison;
using Type = Attribute::Type;

constexpr std::size_t kFilterBytesMax = 4'096;
constexpr int kDepthMax = 16;
constexpr int kPartsMax = 64;

constexpr std::pair<std::string_view, Comparison> kComparisons[] = {{"eq", Comparison::eq}, {"ne", Comparison::ne}, {"co", Comparison::co}, {"sw", Comparison::sw}, {"ew", Comparison::ew},
                                                                    {"gt", Comparison::gt}, {"ge", Comparison::ge}, {"lt", Comparison::lt}, {"le", Comparison::le}};

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_char(char c) { return is_alpha(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '$'; }

// Names and their resolution are the same in filters and paths; inside brackets they are sub-attributes of the attribute before them.
class Parser {
 public:
  Parser(std::string_view text, const ResourceType& type) : text_(text), type_(type) {}

  Result<Filter, Error> filter() {
    if (text_.size() > kFilterBytesMax) return unexpected(invalid_filter("the filter is longer than 4096 bytes"));
    Filter parsed = TRY(any());
    if (at_ != text_.size()) return unexpected(wrong("an operator `and` or `or`"));
    return parsed;
  }
  Result<Path, Error> path() {
    if (text_.size() > kFilterBytesMax) return unexpected(invalid_path("the path is longer than 4096 bytes"));
    Path parsed = TRY(attribute_path(true));
    if (at_ != text_.size()) return unexpected(invalid_path("the path " + quoted(text_) + " has more than an attribute, a filter in brackets and a sub-attribute"));
    return parsed;
  }

 private:
  Error wrong(std::string expected) const { return invalid_filter("at byte " + std::to_string(at_) + " of the filter: expected " + std::move(expected)); }
  Error unknown(std::string_view name) const { return invalid_filter("there is no attribute " + quoted(name)); }

  bool is_at(char c) const { return at_ < text_.size() && text_[at_] == c; }
  std::string_view word() {
    const std::size_t from = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }
  // A word of the language, whole: `notes` does not begin with `not`.
  bool take_word(std::string_view wanted) {
    const std::size_t from = at_;
    if (is_same_name(word(), wanted)) return true;
    at_ = from;
    return false;
  }
  // One space separates (RFC 7644 §3.4.2.2); more are what people type.
  bool spaces() {
    const std::size_t from = at_;
    while (is_at(' ')) ++at_;
    return at_ > from;
  }

  Result<Filter, Error> any() {
    std::vector<Filter> parts;
    parts.push_back(TRY(all()));
    while (joined_by("or")) parts.push_back(TRY(all()));
    return joined(Kind::any, std::move(parts));
  }
  Result<Filter, Error> all() {
    std::vector<Filter> parts;
    parts.push_back(TRY(one()));
    while (joined_by("and")) parts.push_back(TRY(one()));
    return joined(Kind::all, std::move(parts));
  }
  static Filter joined(Kind kind, std::vector<Filter> parts) {
    if (parts.size() == 1) return std::move(parts.front());
    Filter filter;
    filter.kind = kind;
    filter.parts = std::move(parts);
    return filter;
  }
  bool joined_by(std::string_view operation) {
    const std::size_t from = at_;
    if (spaces() && take_word(operation) && spaces()) return true;
    at_ = from;
    return false;
  }

  Result<Filter, Error> one() {
    if (++parts_ > kPartsMax) return unexpected(invalid_filter("the filter has more than 64 parts"));
    const std::size_t from = at_;
    const bool negated = take_word("not");
    if (negated) spaces();
    if (is_at('(')) {
      Filter inner = TRY(in_parentheses());
      if (!negated) return inner;
      Filter filter;
      filter.kind = Kind::negation;
      filter.parts.push_back(std::move(inner));
      return filter;
    }
    if (negated) {
      at_ = from;
      return unexpected(wrong("`(` after `not`"));
    }
    return expression();
  }

  Result<Filter, Error> in_parentheses() {
    if (++depth_ > kDepthMax) return unexpected(invalid_filter("the filter is nested more than 16 times"));
    ++at_;
    spaces();
    Filter inner = TRY(any());
    spaces();
    if (!is_at(')')) return unexpected(wrong("`)`"));
    ++at_;
    --depth_;
    return inner;
  }

  Result<Filter, Error> expression() {
    Filter filter;
    filter.path = TRY(attribute_path(false));
    // emails[type eq "work"] alone: there is such an element.
    if (filter.path.element && !filter.path.part && ends_here()) {
      filter.kind = Kind::present;
      return filter;
    }
    if (!spaces()) return unexpected(wrong("a space and an operator"));
    const std::size_t from = at_;
    const std::string_view operation = word();
    if (is_same_name(operation, "pr")) {
      filter.kind = Kind::present;
      return filter;
    }
    const auto known = std::find_if(std::begin(kComparisons), std::end(kComparisons), [&](const auto& row) { return is_same_name(row.first, operation); });
    if (known == std::end(kComparisons)) {
      at_ = from;
      return unexpected(wrong("an operator: eq, ne, co, sw, ew, gt, ge, lt, le or pr"));
    }
    filter.kind = Kind::compare;
    filter.comparison = known->second;
    if (!spaces()) return unexpected(wrong("a space and a value"));
    filter.value = TRY(value());
    TRY(check_value(filter));
    return filter;
  }
  // Whether nothing more is said of what was read last.
  bool ends_here() {
    const std::size_t from = at_;
    bool ends = joined_by("and") || joined_by("or");
    if (!ends) {
      spaces();
      ends = at_ == text_.size() || is_at(')');
    }
    at_ = from;
    return ends;
  }

  Result<json::Value, Error> value() {
    const std::size_t from = at_;
    if (is_at('"')) {
      ++at_;
      while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2U : 1U;
      if (at_ >= text_.size()) {
        at_ = text_.size();
        return unexpected(wrong("`\"` at the end of the text"));
      }
      ++at_;
    } else {
      while (at_ < text_.size() && (is_alpha(text_[at_]) || (text_[at_] >= '0' && text_[at_] <= '9') || text_[at_] == '-' || text_[at_] == '+' || text_[at_] == '.')) ++at_;
    }
    auto parsed = json::parse(text_.substr(from, at_ - from));
    // True and False: how Entra writes them elsewhere too.
    if (!parsed && is_same_name(text_.substr(from, at_ - from), "true")) return json::Value(true);
    if (!parsed && is_same_name(text_.substr(from, at_ - from), "false")) return json::Value(false);
    if (!parsed) {
      at_ = from;
      return unexpected(wrong("a value: text in double quotes, true, false, null or a number"));
    }
    return std::move(*parsed);
  }

  // The attribute that is compared in the end: of a complex one that is named as a whole, its `value`.
  static const Attribute* compared(Path& path) {
    const Attribute* last = path.part ? path.part : path.attribute;
    if (last && last->type == Type::complex && !path.part) path.part = last->find("value");
    return path.part ? path.part : path.attribute;
  }

  static Result<void, Error> check_value(Filter& filter) {
    const Attribute* attribute = compared(filter.path);
    if (!attribute || attribute->type == Type::complex) return unexpected(invalid_filter("a complex attribute is compared by one of its sub-attributes"));
    const bool is_equality = filter.comparison == Comparison::eq || filter.comparison == Comparison::ne;
    if (filter.value.is_null()) {
      if (!is_equality) return unexpected(invalid_filter("null can only be compared by eq and ne"));
      return {};
    }
    if (attribute->type == Type::boolean) {
      if (const auto* text = filter.value.as_string(); text && (is_same_name(*text, "true") || is_same_name(*text, "false"))) filter.value = is_same_name(*text, "true");
      if (!filter.value.is_bool()) return unexpected(invalid_filter(quoted(attribute->name) + " is true or false"));
      if (!is_equality) return unexpected(invalid_filter("true and false can only be compared by eq and ne"));
      return {};
    }
    const auto* text = filter.value.as_string();
    if (!text) return unexpected(invalid_filter(quoted(attribute->name) + " is text: write the value in double quotes"));
    if (attribute->type == Type::date_time && !registry::parse_instant(*text)) return unexpected(invalid_filter(quoted(attribute->name) + " is a time in UTC such as 2026-11-24T16:45:00Z"));
    return {};
  }

  // [URN ":"] name ["[" filter "]"] ["." part]. The extension's URN alone is a path, and no filter.
  Result<Path, Error> attribute_path(bool is_path) {
    Path path;
    const auto refuse = [&](std::string_view name) { return is_path ? invalid_path("there is no attribute " + quoted(name)) : unknown(name); };
    if (within_) {
      const std::string_view name = word();
      path.attribute = within_->find(name);
      if (!path.attribute) return unexpected(refuse(name));
      return path;
    }
    bool is_core = true;
    if (text_.size() - at_ > 4 && is_same_name(text_.substr(at_, 4), "urn:")) {
      const auto take_urn = [&](const Schema* schema) {
        if (!schema || !is_same_name(text_.substr(at_, schema->id.size()), schema->id)) return false;
        const std::size_t end = at_ + schema->id.size();
        // `.` as well: not the specification's way, but a usual one.
        const bool more = end < text_.size() && (text_[end] == ':' || text_[end] == '.');
        if (!more && !(is_path && end == text_.size() && schema == type_.extension)) return false;
        at_ = end + (more ? 1 : 0);
        return true;
      };
      if (take_urn(type_.extension)) {
        path.extension = type_.extension->id;
        is_core = false;
        if (at_ == text_.size() && text_.back() != ':' && text_.back() != '.') return path;
      } else if (!take_urn(type_.core)) {
        return unexpected(refuse(text_.substr(at_)));
      }
    }
    const std::string_view name = word();
    path.attribute = is_core ? type_.find(name) : type_.extension->find(name);
    if (!path.attribute) return unexpected(refuse(name.empty() ? text_.substr(at_) : name));
    if (is_at('[')) {
      if (!path.attribute->multi_valued || path.attribute->parts.empty()) {
        std::string detail = quoted(name) + " has no elements to choose from by a filter in brackets";
        return unexpected(is_path ? invalid_path(std::move(detail)) : invalid_filter(std::move(detail)));
      }
      ++at_;
      within_ = path.attribute;
      spaces();
      auto inner = any();
      within_ = nullptr;
      if (!inner) return unexpected(std::move(inner).error());
      spaces();
      if (!is_at(']')) return unexpected(wrong("`]`"));
      ++at_;
      path.element = std::make_shared<const Filter>(std::move(*inner));
    }
    if (is_at('.')) {
      ++at_;
      const std::string_view part = word();
      path.part = path.attribute->find(part);
      if (!path.part) return unexpected(refuse(std::string(name) + "." + std::string(part)));
    }
    return path;
  }

  std::string_view text_;
  const ResourceType& type_;
  const Attribute* within_ = nullptr;   // inside brackets
  std::size_t at_ = 0;
  int depth_ = 0, parts_ = 0;
};

bool compare_texts(Comparison comparison, std::string a, std::string b) {
  switch (comparison) {
    case Comparison::eq: return a == b;
    case Comparison::ne: return a != b;
    case Comparison::co: return a.find(b) != std::string::npos;
    case Comparison::sw: return a.starts_with(b);
    case Comparison::ew: return a.ends_with(b);
    case Comparison::gt: return a > b;
    case Comparison::ge: return a >= b;
    case Comparison::lt: return a < b;
    case Comparison::le: return a <= b;
  }
  return false;
}

bool compare_times(Comparison comparison, const std::string& a, const std::string& b) {
  const auto left = registry::parse_instant(a), right = registry::parse_instant(b);
  if (!left || !right) return false;
  switch (comparison) {
    case Comparison::eq: return *left == *right;
    case Comparison::ne: return *left != *right;
    case Comparison::gt: return *left > *right;
    case Comparison::ge: return *left >= *right;
    case Comparison::lt: return *left < *right;
    case Comparison::le: return *left <= *right;
    default: return compare_texts(comparison, a, b);
  }
}

bool compare(const Attribute& attribute, Comparison comparison, const json::Value& found, const json::Value& wanted) {
  if (const auto* flag = found.as_bool(); flag && wanted.is_bool()) return (*flag == *wanted.as_bool()) == (comparison == Comparison::eq);
  const auto* text = found.as_string();
  const auto* other = wanted.as_string();
  if (!text || !other) return false;
  if (attribute.type == Type::date_time) return compare_times(comparison, *text, *other);
  return attribute.case_exact ? compare_texts(comparison, *text, *other) : compare_texts(comparison, lower(*text), lower(*other));
}

bool is_present(const json::Value& value) {
  if (value.is_null()) return false;
  if (const auto* list = value.as_array()) return !list->empty();
  if (const auto* object = value.as_object()) return !object->empty();
  const auto* text = value.as_string();
  return !text || !text->empty();
}

// The values that a path leads to. Single-valued: one or none.
std::vector<const json::Value*> values_of(const Path& path, const json::Value& resource) {
  std::vector<const json::Value*> found;
  const json::Value* holder = path.extension.empty() ? &resource : resource.find(path.extension);
  const json::Value* whole = holder && path.attribute ? holder->find(path.attribute->name) : nullptr;
  if (!whole) return found;
  const auto add = [&](const json::Value& value) {
    const json::Value* last = path.part ? value.find(path.part->name) : &value;
    if (last) found.push_back(last);
  };
  const auto* list = path.attribute->multi_valued ? whole->as_array() : nullptr;
  if (!list) {
    add(*whole);
    return found;
  }
  for (const json::Value& element : *list) {
    if (!path.element || matches_element(*path.element, element)) add(element);
  }
  return found;
}

}  // namespace

Result<Filter, Error> parse_filter(std::string_view text, const ResourceType& type) { return Parser(text, type).filter(); }

Result<Path, Error> parse_path(std::string_view text, const ResourceType& type) {
  auto parsed = Parser(text, type).path();
  // A filter inside a path that is wrong is a wrong path (RFC 7644 §3.12).
  if (!parsed && parsed.error().type == ScimType::invalid_filter) return unexpected(invalid_path(parsed.error().detail));
  return parsed;
}

bool matches(const Filter& filter, const json::Value& resource) {
  switch (filter.kind) {
    case Kind::all: return std::all_of(filter.parts.begin(), filter.parts.end(), [&](const Filter& part) { return matches(part, resource); });
    case Kind::any: return std::any_of(filter.parts.begin(), filter.parts.end(), [&](const Filter& part) { return matches(part, resource); });
    case Kind::negation: return !matches(filter.parts.front(), resource);
    case Kind::present: {
      const auto values = values_of(filter.path, resource);
      return std::any_of(values.begin(), values.end(), [](const json::Value* value) { return is_present(*value); });
    }
    case Kind::compare: break;
  }
  const auto values = values_of(filter.path, resource);
  const bool is_absent = std::none_of(values.begin(), values.end(), [](const json::Value* value) { return is_present(*value); });
  if (filter.value.is_null()) return is_absent == (filter.comparison == Comparison::eq);
  if (is_absent) return filter.comparison == Comparison::ne;
  const Attribute& attribute = filter.path.part ? *filter.path.part : *filter.path.attribute;
  return std::any_of(values.begin(), values.end(), [&](const json::Value* value) { return compare(attribute, filter.comparison, *value, filter.value); });
}

bool matches_element(const Filter& filter, const json::Value& element) { return matches(filter, element); }

std::optional<std::string> required_value(const Filter& filter, std::string_view attribute) {
  if (filter.kind == Kind::all) {
    for (const Filter& part : filter.parts) {
      if (auto value = required_value(part, attribute)) return value;
    }
    return std::nullopt;
  }
  const bool says_it = filter.kind == Kind::compare && filter.comparison == Comparison::eq && filter.path.extension.empty() && !filter.path.element && !filter.path.part &&
                       filter.path.attribute->name == attribute && filter.value.is_string();
  return says_it ? std::optional(*filter.value.as_string()) : std::nullopt;
}

bool is_same_value(const Attribute& attribute, std::string_view a, std::string_view b) { return attribute.case_exact ? a == b : is_same_name(a, b); }

}  // namespace writ::scim
