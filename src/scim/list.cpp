#include "scim/list.h"

#include <algorithm>
#include <charconv>

#include "scim/resource.h"

namespace writ::scim {
namespace {

constexpr const char* kListSchema = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

// Comma-separated; what is not known asks for nothing.
std::vector<Path> read_names(std::string_view text, const ResourceType& type) {
  std::vector<Path> paths;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    std::string_view name = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (auto path = parse_path(name, type)) paths.push_back(std::move(*path));
  }
  return paths;
}

Result<std::int64_t, Error> read_number(const form::Parameters& query, const char* name, std::int64_t fallback) {
  const auto* text = query.find(name);
  if (!text) return fallback;
  std::int64_t number = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), number);
  if (read.ec != std::errc{} || read.ptr != text->data() + text->size()) return unexpected(invalid_value(quoted(name) + " must be a whole number"));
  return number;
}

// Of an object or of each element of a list, only this part.
json::Value part_of(const json::Value& value, std::string_view part) {
  json::Value out = json::Object{};
  if (const auto* list = value.as_array()) {
    json::Array elements;
    for (const json::Value& element : *list) elements.push_back(part_of(element, part));
    return elements;
  }
  if (const json::Value* found = value.find(part)) out.set(part, *found);
  return out;
}

void take(const Path& path, const json::Value& from, json::Value& into) {
  const json::Value* value = from.find(path.attribute->name);
  if (!value) return;
  json::Value* present = find_exactly(into, path.attribute->name);
  if (!path.part) {
    into.set(path.attribute->name, *value);
  } else if (present && present->is_object()) {
    if (const json::Value* part = value->find(path.part->name)) present->set(path.part->name, *part);
  } else if (!present) {
    into.set(path.attribute->name, part_of(*value, path.part->name));
  }
}

void leave_out(const Path& path, json::Value& from) {
  json::Value* value = find_exactly(from, path.attribute->name);
  if (!value || path.attribute->always_returned) return;
  if (!path.part) {
    from.erase(path.attribute->name);
  } else if (auto* list = value->as_array()) {
    for (json::Value& element : *list) element.erase(path.part->name);
  } else {
    value->erase(path.part->name);
  }
}

}  // namespace

Result<Projection, Error> Projection::read(const form::Parameters& query, const ResourceType& type) {
  Projection projection(type);
  const auto* wanted = query.find("attributes");
  const auto* excluded = query.find("excludedAttributes");
  if (wanted && excluded) return unexpected(invalid_value("write `attributes` or `excludedAttributes`, not both"));
  if (wanted) projection.wanted_ = read_names(*wanted, type);
  if (excluded) projection.excluded_ = read_names(*excluded, type);
  return projection;
}

json::Value Projection::of(json::Value resource) const {
  for (const Path& path : excluded_) {
    if (!path.attribute) resource.erase(path.extension);
    else if (path.extension.empty()) leave_out(path, resource);
    else if (json::Value* extension = find_exactly(resource, path.extension)) leave_out(path, *extension);
  }
  if (!wanted_) return resource;
  json::Value out = json::Object{};
  for (const json::Member& member : *resource.as_object()) {
    const Attribute* attribute = type_->find(member.name);
    if (attribute && attribute->always_returned) out.set(member.name, member.value);
  }
  for (const Path& path : *wanted_) {
    if (path.extension.empty()) {
      take(path, resource, out);
      continue;
    }
    const json::Value* extension = resource.find(path.extension);
    if (!extension) continue;
    if (!path.attribute) {
      out.set(path.extension, *extension);
      continue;
    }
    if (!out.find(path.extension)) out.set(path.extension, json::Object{});
    take(path, *extension, *find_exactly(out, path.extension));
  }
  return out;
}

Result<ListQuery, Error> read_list_query(const form::Parameters& query, const ResourceType& type) {
  const std::int64_t start = TRY(read_number(query, "startIndex", 1));
  const std::int64_t count = TRY(read_number(query, "count", 100));
  Projection projection = TRY(Projection::read(query, type));
  ListQuery list{std::max<std::int64_t>(start, 1), std::clamp<std::int64_t>(count, 0, kResultsMax), std::nullopt, std::move(projection)};
  if (const auto* filter = query.find("filter")) list.filter = TRY(parse_filter(*filter, type));
  return list;
}

bool Page::takes_next() {
  ++total_;
  return total_ >= query_.start && total_ - query_.start < query_.count;
}

json::Value Page::finish() && {
  const auto shown = static_cast<std::int64_t>(resources_.size());
  json::Value body{{"schemas", json::Array{kListSchema}}, {"totalResults", total_}, {"startIndex", query_.start}, {"itemsPerPage", shown}};
  body.set("Resources", std::move(resources_));
  return body;
}

json::Value list_response(json::Array resources) {
  const auto count = static_cast<std::int64_t>(resources.size());
  json::Value body{{"schemas", json::Array{kListSchema}}, {"totalResults", count}, {"startIndex", 1}, {"itemsPerPage", count}};
  body.set("Resources", std::move(resources));
  return body;
}

}  // namespace writ::scim
