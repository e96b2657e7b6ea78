#include "scim/patch.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "scim/filter.h"
#include "scim/resource.h"

namespace writ::scim {
namespace {

constexpr std::string_view kPatchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
constexpr std::size_t kOperationsMax = 1'000;

enum class Operation { add, remove, replace };

std::optional<Operation> parse_operation(std::string_view text) {
  if (is_same_name(text, "add")) return Operation::add;
  if (is_same_name(text, "remove")) return Operation::remove;
  if (is_same_name(text, "replace")) return Operation::replace;
  return std::nullopt;
}

const Attribute* value_part(const Attribute& attribute) { return attribute.find("value"); }

// What makes two elements the same one: their `value`; without such a sub-attribute all of them.
std::string key_of(const Attribute& attribute, const json::Value& element) {
  const Attribute* part = value_part(attribute);
  const std::string* value = part ? element.find_string("value") : nullptr;
  if (!value) return json::write(element);
  return part->case_exact ? *value : lower(*value);
}

void merge(json::Value& into, const json::Value& from) {
  for (const json::Member& member : *from.as_object()) into.set(member.name, member.value);
}

bool is_primary(const json::Value& element) {
  const auto* primary = element.find_bool("primary");
  return primary && *primary;
}

// There is at most one primary element (RFC 7643 §2.4): a new one takes the place of the old one.
void make_way_for_primary(json::Array& elements, const json::Array& coming) {
  if (std::none_of(coming.begin(), coming.end(), is_primary)) return;
  for (json::Value& element : elements) {
    if (is_primary(element)) element.set("primary", false);
  }
}

void remove_elements(const Attribute& attribute, json::Array& elements, const json::Array& wanted) {
  std::unordered_map<std::string, bool> keys;
  for (const json::Value& one : wanted) keys.emplace(key_of(attribute, one), true);
  std::erase_if(elements, [&](const json::Value& element) { return keys.contains(key_of(attribute, element)); });
}

void add_elements(const Attribute& attribute, json::Array& elements, json::Array coming) {
  make_way_for_primary(elements, coming);
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < elements.size(); ++i) places.emplace(key_of(attribute, elements[i]), i);
  for (json::Value& one : coming) {
    const auto [place, is_new] = places.emplace(key_of(attribute, one), elements.size());
    if (is_new) elements.push_back(std::move(one));
    else merge(elements[place->second], one);
  }
}

// A new element that the filter fits: of {type eq "work"} {type: work}. False: the filter does not say what it would be.
bool describe_element(const Filter& filter, json::Value& element) {
  if (filter.kind == Filter::Kind::all) return std::all_of(filter.parts.begin(), filter.parts.end(), [&](const Filter& part) { return describe_element(part, element); });
  if (filter.kind != Filter::Kind::compare || filter.comparison != Filter::Comparison::eq || filter.value.is_null()) return false;
  element.set(filter.path.attribute->name, filter.value);
  return true;
}

class Patch {
 public:
  Patch(json::Value resource, const ResourceType& type) : resource_(std::move(resource)), type_(type) {}

  Result<void, Error> apply(const json::Value& operation) {
    if (!operation.is_object()) return unexpected(invalid_syntax("each of `Operations` must be an object"));
    const json::Value* op = find_member(operation, "op");
    const auto kind = op && op->is_string() ? parse_operation(*op->as_string()) : std::nullopt;
    if (!kind) return unexpected(invalid_syntax("`op` must be add, remove or replace"));
    const json::Value* value = find_member(operation, "value");
    const json::Value* path = find_member(operation, "path");
    if (path && !path->is_null() && !path->is_string()) return unexpected(invalid_path("`path` must be text"));
    if (path && path->is_string() && !path->as_string()->empty()) {
      const Path target = TRY(parse_path(*path->as_string(), type_));
      const Attribute* attribute = target.attribute;
      if (attribute && (attribute->read_only || (target.part && target.part->read_only))) return unexpected(mutability(quoted(*path->as_string()) + " is written by the server alone"));
      return apply_at(*kind, target, value);
    }
    if (*kind == Operation::remove) return unexpected(no_target("`remove` needs a `path`"));
    if (!value || !value->is_object()) return unexpected(invalid_value("without `path`, `value` must be an object of attributes"));
    for (const json::Member& member : *value->as_object()) TRY(apply_member(*kind, member));
    return {};
  }

  json::Value finish() && { return std::move(resource_); }

 private:
  // Of a value without a path: the name may be a path itself. Okta sends `id` and `schemas` along; what is unknown or the server's is passed over, as in PUT.
  Result<void, Error> apply_member(Operation kind, const json::Member& member) {
    const auto target = parse_path(member.name, type_);
    if (!target || (target->attribute && target->attribute->read_only)) return {};
    return apply_at(kind, *target, &member.value);
  }

  json::Value& holder_of(const Path& path) {
    if (path.extension.empty()) return resource_;
    if (!find_exactly(resource_, path.extension)) resource_.set(path.extension, json::Object{});
    return *find_exactly(resource_, path.extension);
  }

  Result<void, Error> apply_at(Operation kind, const Path& path, const json::Value* value) {
    if (kind != Operation::remove && !value) return unexpected(invalid_value("`value` is missing"));
    if (!path.attribute) return apply_extension(kind, path, value);
    if (path.attribute->multi_valued) return apply_elements(kind, path, value);
    json::Value& holder = holder_of(path);
    return path.part ? apply_part(kind, path, value, holder) : apply_single(kind, *path.attribute, value, holder);
  }

  Result<void, Error> apply_extension(Operation kind, const Path& path, const json::Value* value) {
    if (kind == Operation::remove) {
      resource_.erase(path.extension);
      return {};
    }
    if (!value->is_object()) return unexpected(invalid_value("the value of an extension is an object of its attributes"));
    for (const json::Member& member : *value->as_object()) {
      Path target{path.extension, type_.extension->find(member.name), nullptr, nullptr};
      if (target.attribute) TRY(apply_at(kind, target, &member.value));
    }
    return {};
  }

  static Result<void, Error> apply_single(Operation kind, const Attribute& attribute, const json::Value* value, json::Value& holder) {
    json::Value read;
    if (kind != Operation::remove) read = TRY(read_value(attribute, *value));
    if (read.is_null()) {
      // `active` is either, and what is neither must not let anybody in.
      const bool must_stay = attribute.required || attribute.name == "active";
      if (must_stay && kind == Operation::remove) return unexpected(mutability(quoted(attribute.name) + " cannot be removed"));
      if (must_stay) return unexpected(invalid_value(quoted(attribute.name) + " needs a value"));
      holder.erase(attribute.name);
      return {};
    }
    // Of a complex attribute, sub-attributes that are not named stay (RFC 7644 §3.5.2.3).
    json::Value* present = find_exactly(holder, attribute.name);
    if (present && present->is_object() && read.is_object()) merge(*present, read);
    else holder.set(attribute.name, std::move(read));
    return {};
  }

  static Result<void, Error> apply_part(Operation kind, const Path& path, const json::Value* value, json::Value& holder) {
    json::Value read;
    if (kind != Operation::remove) read = TRY(read_value(*path.part, *value));
    const json::Value* present = holder.find(path.attribute->name);
    json::Value whole = present && present->is_object() ? *present : json::Value(json::Object{});
    if (read.is_null()) whole.erase(path.part->name);
    else whole.set(path.part->name, std::move(read));
    if (whole.as_object()->empty()) holder.erase(path.attribute->name);
    else holder.set(path.attribute->name, std::move(whole));
    return {};
  }

  Result<void, Error> apply_elements(Operation kind, const Path& path, const json::Value* value) {
    json::Value& holder = holder_of(path);
    json::Array elements;
    if (json::Value* present = find_exactly(holder, path.attribute->name); present && present->is_array()) elements = std::move(*present->as_array());
    const auto changed = path.element || path.part ? change_chosen(kind, path, value, elements) : change_all(kind, *path.attribute, value, elements);
    if (!changed) return unexpected(changed.error());
    if (elements.empty()) holder.erase(path.attribute->name);
    else holder.set(path.attribute->name, std::move(elements));
    return {};
  }

  static Result<void, Error> change_all(Operation kind, const Attribute& attribute, const json::Value* value, json::Array& elements) {
    json::Array read;
    if (value) {
      json::Value list = TRY(read_value(attribute, *value));
      if (auto* array = list.as_array()) read = std::move(*array);
    }
    switch (kind) {
      case Operation::add: add_elements(attribute, elements, std::move(read)); break;
      case Operation::replace:
        elements.clear();
        add_elements(attribute, elements, std::move(read));   // each once
        break;
      case Operation::remove:
        // Entra: `path: members` with a `value` of those that go. Without a value all do; an empty list is a list of nobody.
        if (value && !value->is_null()) remove_elements(attribute, elements, read);
        else elements.clear();
        break;
    }
    return {};
  }

  // emails[type eq "work"], emails[type eq "work"].value, emails.value
  static Result<void, Error> change_chosen(Operation kind, const Path& path, const json::Value* value, json::Array& elements) {
    const auto is_chosen = [&](const json::Value& element) { return !path.element || matches_element(*path.element, element); };
    if (kind == Operation::remove && !path.part) {
      std::erase_if(elements, is_chosen);
      return {};
    }
    json::Value read;
    if (kind != Operation::remove) {
      if (path.part) {
        read = TRY(read_value(*path.part, *value));
      } else {
        json::Value list = TRY(read_value(*path.attribute, *value));
        if (!list.is_array() || list.as_array()->size() != 1) return unexpected(invalid_value("one element of " + quoted(path.attribute->name) + " has one value"));
        read = std::move(list.as_array()->front());
      }
    }
    const bool is_any = std::any_of(elements.begin(), elements.end(), is_chosen);
    if (kind == Operation::replace && !is_any) return unexpected(no_target("nothing in " + quoted(path.attribute->name) + " fits the path"));
    if (kind == Operation::add && !is_any) {
      json::Value element = json::Object{};
      if (path.element && !describe_element(*path.element, element)) return unexpected(no_target("nothing in " + quoted(path.attribute->name) + " fits the path"));
      elements.push_back(std::move(element));
      if (path.part && read.is_null()) elements.pop_back();
    }
    json::Array coming{path.part ? json::Value(json::Object{}) : read};
    if (path.part && !read.is_null()) coming.front().set(path.part->name, read);
    // Chosen before the old primary steps down: the filter may be about that.
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < elements.size(); ++i) {
      if (is_chosen(elements[i])) chosen.push_back(i);
    }
    make_way_for_primary(elements, coming);
    for (const std::size_t i : chosen) {
      if (path.part && read.is_null()) elements[i].erase(path.part->name);
      else if (path.part) elements[i].set(path.part->name, read);
      else if (kind == Operation::replace) elements[i] = read;
      else merge(elements[i], read);
    }
    std::erase_if(elements, [](const json::Value& element) { return element.as_object()->empty(); });
    return {};
  }

  json::Value resource_;
  const ResourceType& type_;
};

}  // namespace

Result<json::Value, Error> apply_patch(const json::Value& body, json::Value resource, const ResourceType& type) {
  TRY(check_schemas(body, kPatchSchema));
  const json::Value* operations = find_member(body, "Operations");
  const auto* list = operations ? operations->as_array() : nullptr;
  if (!list || list->empty()) return unexpected(invalid_syntax("a PATCH needs `Operations`: a list of at least one operation"));
  if (list->size() > kOperationsMax) return unexpected(invalid_syntax("at most 1000 operations at a time"));
  // The resource is a copy: when one operation fails, nothing of the others was done (EN-05).
  Patch patch(std::move(resource), type);
  for (const json::Value& operation : *list) TRY(patch.apply(operation));
  return std::move(patch).finish();
}

}  // namespace writ::scim
