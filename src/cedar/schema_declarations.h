#pragma once

// A schema as written, in the human syntax or in JSON: names are not looked up yet. `entity A, B …` is two declarations.
// Comparing ignores where things stand.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cedar/position.h"

namespace writ::cedar::declared {

// A place in the text; it says nothing about what is declared.
struct Place : Span {
  Place() = default;
  Place(Span span) : Span(span) {}   // NOLINT: implicit by design
  friend bool operator==(const Place&, const Place&) { return true; }
};

struct Annotation {
  std::string key;
  std::optional<std::string> value;   // absent: `@key` alone
  friend bool operator==(const Annotation&, const Annotation&) = default;
};
using Annotations = std::vector<Annotation>;

// The name of a type.
struct TypeName {
  std::string name;
  Place place;
  friend bool operator==(const TypeName&, const TypeName&) = default;
};

struct Attribute;

struct Type {
  // The human syntax has only `name`, `set` and `record`. JSON says more: that a name is that of an entity type or of a common
  // type, or a built-in type whatever else bears its name.
  enum class Form : std::uint8_t { name, entity, common, built_in, set, record };
  Form form = Form::record;
  std::string name;                       // of the first four
  std::vector<Type> element;              // of set: one
  std::vector<Attribute> attributes;      // of record: names unique
  Place place;
  friend bool operator==(const Type&, const Type&);
};

struct Attribute {
  std::string name;
  bool is_required = true;
  Type type;
  Annotations annotations;
  Place place;
  friend bool operator==(const Attribute&, const Attribute&) = default;
};

inline bool operator==(const Type& a, const Type& b) {
  return a.form == b.form && a.name == b.name && a.element == b.element && a.attributes == b.attributes;
}

struct EntityType {
  std::string name;
  std::vector<TypeName> parents;
  Type shape;                                      // a record, in JSON also the name of one
  std::optional<Type> tags;
  std::optional<std::vector<std::string>> ids;     // present: `enum`
  Annotations annotations;
  Place place;
  friend bool operator==(const EntityType&, const EntityType&) = default;
};

struct CommonType {
  std::string name;
  Type type;
  Annotations annotations;
  Place place;
  friend bool operator==(const CommonType&, const CommonType&) = default;
};

struct ActionName {
  std::string type;   // empty: `Action`
  std::string id;
  Place place;
  friend bool operator==(const ActionName&, const ActionName&) = default;
};

struct AppliesTo {
  std::vector<TypeName> principals;
  std::vector<TypeName> resources;
  Type context;   // a record or the name of one
  friend bool operator==(const AppliesTo&, const AppliesTo&) = default;
};

struct Action {
  std::string id;
  std::vector<ActionName> parents;
  std::optional<AppliesTo> applies_to;
  Annotations annotations;
  Place place;
  friend bool operator==(const Action&, const Action&) = default;
};

struct Namespace {
  std::string name;   // empty: declarations outside any namespace
  std::vector<EntityType> entity_types;
  std::vector<CommonType> common_types;
  std::vector<Action> actions;
  Annotations annotations;
  Place place;
  friend bool operator==(const Namespace&, const Namespace&) = default;
};

struct Schema {
  std::string text;   // that places refer to; empty when it came from JSON
  std::vector<Namespace> namespaces;
  friend bool operator==(const Schema& a, const Schema& b) { return a.namespaces == b.namespaces; }
};

}  // namespace writ::cedar::declared
