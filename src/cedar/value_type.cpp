#include "cedar/value_type.h"

namespace writ::cedar {

namespace {

using Kind = Type::Kind;

bool is_of_simple_type(const Value& value, Kind kind) {
  switch (kind) {
    case Kind::boolean: return value.is(Value::Kind::boolean);
    case Kind::integer: return value.is(Value::Kind::integer);
    case Kind::string: return value.is(Value::Kind::string);
    case Kind::decimal: return value.is(Value::Kind::decimal);
    case Kind::ip: return value.is(Value::Kind::ip);
    case Kind::datetime: return value.is(Value::Kind::datetime);
    case Kind::duration: return value.is(Value::Kind::duration);
    default: return false;
  }
}

ValueMismatch wrong_type(const Value& value) { return {ValueProblem::wrong_type, {}, std::string(describe(value.kind()))}; }

std::optional<ValueMismatch> below(std::optional<ValueMismatch> mismatch, std::string_view step) {
  if (mismatch) mismatch->path.insert(0, step);
  return mismatch;
}

std::optional<ValueMismatch> find_in_record(const Value& value, const Type& type, const Schema& schema) {
  // Both are sorted by name, so one walk finds what either lacks.
  const std::span<const Member> members = value.members();
  std::size_t next = 0;
  for (const AttributeType& attribute : type.attributes) {
    if (next < members.size() && members[next].key < attribute.name)
      return ValueMismatch{ValueProblem::undeclared_attribute, {}, std::string(members[next].key)};
    if (next >= members.size() || members[next].key != attribute.name) {
      if (attribute.is_required) return ValueMismatch{ValueProblem::missing_attribute, {}, std::string(attribute.name)};
      continue;
    }
    if (auto mismatch = find_mismatch(members[next].value, *attribute.type, schema)) return below(std::move(mismatch), "." + std::string(attribute.name));
    ++next;
  }
  if (next == members.size()) return std::nullopt;
  return ValueMismatch{ValueProblem::undeclared_attribute, {}, std::string(members[next].key)};
}

}  // namespace

std::optional<ValueProblem> check_exists(const EntityUid& uid, const Schema& schema) {
  if (uid.is_action()) return schema.find_action(uid) == nullptr ? std::optional(ValueProblem::unknown_action) : std::nullopt;
  const EntityType* type = schema.find_type(uid.type());
  if (type == nullptr || type->has_id(uid.id())) return std::nullopt;
  return ValueProblem::unknown_enumerated_id;
}

std::optional<ValueMismatch> find_mismatch(const Value& value, const Type& type, const Schema& schema) {
  if (type.is(Kind::entity)) {
    if (!value.is(Value::Kind::entity)) return wrong_type(value);
    const EntityUid& uid = value.as_entity();
    if (uid.type() != type.entity->name) return ValueMismatch{ValueProblem::wrong_type, {}, uid.to_string()};
    if (const auto problem = check_exists(uid, schema)) return ValueMismatch{*problem, {}, uid.to_string()};
    return std::nullopt;
  }
  if (type.is(Kind::set)) {
    if (!value.is(Value::Kind::set)) return wrong_type(value);
    for (const Value& element : value.elements())
      if (auto mismatch = find_mismatch(element, *type.element, schema)) return below(std::move(mismatch), "[]");
    return std::nullopt;
  }
  if (type.is(Kind::record)) return value.is(Value::Kind::record) ? find_in_record(value, type, schema) : wrong_type(value);
  if (is_of_simple_type(value, type.kind)) return std::nullopt;
  return wrong_type(value);
}

std::string describe(const ValueMismatch& mismatch, std::string_view what) {
  const std::string place = "`" + std::string(what) + mismatch.path + "`";
  const std::string found = "`" + mismatch.found + "`";
  switch (mismatch.problem) {
    case ValueProblem::wrong_type: return place + " is of another type than the schema declares, found " + mismatch.found;
    case ValueProblem::missing_attribute: return place + " lacks the attribute " + found;
    case ValueProblem::undeclared_attribute: return place + " has the attribute " + found + ", which the schema does not declare";
    case ValueProblem::unknown_enumerated_id: return place + " is " + found + ", which its enumerated type does not list";
    case ValueProblem::unknown_action: break;
  }
  return place + " is the action " + found + ", which the schema does not declare";
}

}  // namespace writ::cedar
