#include "cedar/type.h"

#include <algorithm>
#include <array>
#include <functional>

#include "cedar/entity_type.h"
#include "cedar/lexer.h"
#include "cedar/name.h"

namespace writ::cedar {

namespace {

std::uint64_t mix(std::uint64_t seed, std::uint64_t value) {
  return (seed ^ value) * 0x9E3779B97F4A7C15u + (seed << 6) + (seed >> 2);
}

std::uint64_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

// Parts are compared by address: they come from the same pool.
bool is_same_shallow(const Type& a, const Type& b) {
  return a.kind == b.kind && a.entity == b.entity && a.element == b.element &&
         std::equal(a.attributes.begin(), a.attributes.end(), b.attributes.begin(), b.attributes.end(),
                    [](const AttributeType& x, const AttributeType& y) {
                      return x.type == y.type && x.is_required == y.is_required && x.name == y.name;
                    });
}

// Types are told to people, and a schema can make them arbitrarily long.
constexpr std::size_t kShownBytesMax = 160;

void append(std::string& out, const Type& type);

void append_record(std::string& out, const Type& record) {
  if (record.attributes.empty()) {
    out += "{}";
    return;
  }
  out += "{ ";
  bool is_first = true;
  for (const AttributeType& attribute : record.attributes) {
    if (!is_first) out += ", ";
    is_first = false;
    if (out.size() > kShownBytesMax) {
      out += "…";
      break;
    }
    out += is_identifier(attribute.name) && !is_reserved(attribute.name) ? std::string(attribute.name) : quote(attribute.name);
    if (!attribute.is_required) out += '?';
    out += ": ";
    append(out, *attribute.type);
  }
  out += " }";
}

void append(std::string& out, const Type& type) {
  switch (type.kind) {
    case Type::Kind::always_true:
    case Type::Kind::always_false:
    case Type::Kind::boolean: out += "Bool"; return;
    case Type::Kind::integer: out += "Long"; return;
    case Type::Kind::string: out += "String"; return;
    case Type::Kind::decimal: out += "decimal"; return;
    case Type::Kind::ip: out += "ipaddr"; return;
    case Type::Kind::datetime: out += "datetime"; return;
    case Type::Kind::duration: out += "duration"; return;
    case Type::Kind::entity: out += type.entity->name; return;
    case Type::Kind::set:
      out += "Set<";
      append(out, *type.element);
      out += '>';
      return;
    case Type::Kind::record: append_record(out, type); return;
  }
}

}  // namespace

const AttributeType* Type::find(std::string_view name) const {
  const auto found = std::lower_bound(attributes.begin(), attributes.end(), name,
                                      [](const AttributeType& attribute, std::string_view text) { return attribute.name < text; });
  return found != attributes.end() && found->name == name ? &*found : nullptr;
}

const Type* TypePool::simple(Type::Kind kind) {
  static const auto kTypes = [] {
    std::array<Type, static_cast<std::size_t>(Type::Kind::duration) + 1> types;
    for (std::size_t k = 0; k < types.size(); ++k) types[k].kind = static_cast<Type::Kind>(k);
    return types;
  }();
  return &kTypes[static_cast<std::size_t>(kind)];
}

const Type* TypePool::entity(const EntityType* entity) {
  return intern({.kind = Type::Kind::entity, .entity = entity}, mix(1, address(entity)));
}

const Type* TypePool::set(const Type* element) {
  return intern({.kind = Type::Kind::set, .depth = element->depth + 1, .element = element}, mix(2, address(element)));
}

const Type* TypePool::record(std::vector<AttributeType> attributes) {
  std::sort(attributes.begin(), attributes.end(), [](const AttributeType& a, const AttributeType& b) { return a.name < b.name; });
  Type type{.kind = Type::Kind::record, .attributes = attributes};
  std::uint64_t hash = 3;
  for (const AttributeType& attribute : attributes) {
    type.depth = std::max(type.depth, attribute.type->depth + 1);
    hash = mix(mix(mix(hash, hash_text(attribute.name)), address(attribute.type)), attribute.is_required ? 1 : 0);
  }
  return intern(type, hash);
}

const Type* TypePool::intern(const Type& type, std::uint64_t hash) {
  const auto [begin, end] = made_.equal_range(hash);
  for (auto at = begin; at != end; ++at)
    if (is_same_shallow(*at->second, type)) return at->second;
  std::vector<AttributeType> attributes(type.attributes.begin(), type.attributes.end());
  for (AttributeType& attribute : attributes) attribute.name = arena_.copy(attribute.name);
  Type* made = arena_.make<Type>(type);
  made->attributes = arena_.copy(attributes);
  made_.emplace(hash, made);
  return made;
}

std::string to_string(const Type& type) {
  std::string out;
  append(out, type);
  return out;
}

}  // namespace writ::cedar
