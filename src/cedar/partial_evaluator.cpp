#include "cedar/partial_evaluator.h"

#include <algorithm>

namespace writ::cedar {

namespace {

using Kind = PartialValue::Kind;
using ast::BinaryOperator;

constexpr Possible kTrue = Possible::true_(), kFalse = Possible::false_(), kOther = Possible::other(), kError = Possible::error();

bool is_entity(const PartialValue& value) {
  return value.kind() == Kind::entity || (value.is_known() && value.value().is(Value::Kind::entity));
}

// The type of an entity, empty when it is not known. Precondition: is_entity.
std::string_view type_of(const PartialValue& value) { return value.is_known() ? value.value().as_entity().type() : value.entity_type(); }

bool is_entity_or_set_of_entities(const PartialValue& value) {
  if (is_entity(value)) return true;
  if (!value.is_known() || !value.value().is(Value::Kind::set)) return false;
  return std::ranges::all_of(value.value().elements(), [](const Value& element) { return element.is(Value::Kind::entity); });
}

// Whether the two can never be equal.
bool always_differ(const PartialValue& a, const PartialValue& b) {
  if (is_entity(a) && is_entity(b)) return !type_of(a).empty() && !type_of(b).empty() && type_of(a) != type_of(b);
  const auto is_other_kind = [](const PartialValue& partial, const PartialValue& known) {
    if (!known.is_known()) return (partial.kind() == Kind::entity && known.kind() == Kind::record);
    if (partial.kind() == Kind::entity) return !known.value().is(Value::Kind::entity);
    return partial.kind() == Kind::record && !known.value().is(Value::Kind::record);
  };
  return is_other_kind(a, b) || is_other_kind(b, a);
}

}  // namespace

Possible Possible::of(const Value& value) {
  if (!value.is(Value::Kind::boolean)) return kOther;
  return value.as_bool() ? kTrue : kFalse;
}

Possible Possible::of(const PartialValue& value) {
  switch (value.kind()) {
    case Kind::known: return of(value.value());
    case Kind::unknown: return any_value();
    case Kind::entity:
    case Kind::record: break;
  }
  return kOther;
}

Possible Possible::as_condition() const { return has(kOther) ? only(boolean()) | kError : *this; }

PartialResult PartialEvaluator::certain(const Value& value, const Expression& at) {
  return {Possible::of(value), PartialValue::known(value), make(ast::Constant{arena_.make<Value>(value)}, at)};
}

PartialResult PartialEvaluator::open(Possible possible, ast::Expression::Node remaining, const Expression& at) {
  // A boolean that can be only one thing is known.
  if (possible == kTrue || possible == kFalse) return certain(Value::boolean(possible == kTrue), at);
  return {possible, PartialValue::unknown(), make(remaining, at)};
}

PartialResult PartialEvaluator::from_value(Possible possible, const PartialValue& value, ast::Expression::Node remaining, const Expression& at) {
  if (value.is_known() && !possible.has(kError)) return certain(value.value(), at);
  return {possible, value, make(remaining, at)};
}

PartialResult PartialEvaluator::computed(const Evaluated& result, Possible operands, ast::Expression::Node remaining, const Expression& at) {
  // What fails stays, so that it fails again in every completion.
  if (!result) return {kError, PartialValue::unknown(), make(remaining, at)};
  return from_value(Possible::of(*result) | operands.only(kError), PartialValue::known(*result), remaining, at);
}

PartialResult PartialEvaluator::evaluate(const Expression& expression) {
  return std::visit([&](const auto& node) { return on(node, expression); }, expression.node);
}

PartialResult PartialEvaluator::on(const ast::Bool& node, const Expression& at) { return certain(Value::boolean(node.value), at); }
PartialResult PartialEvaluator::on(const ast::Long& node, const Expression& at) { return certain(Value::integer(node.value), at); }
PartialResult PartialEvaluator::on(const ast::String& node, const Expression& at) { return certain(Value::string(node.value), at); }
PartialResult PartialEvaluator::on(const ast::Entity& node, const Expression& at) { return certain(Value::entity(node.uid), at); }
PartialResult PartialEvaluator::on(const ast::Constant& node, const Expression& at) { return certain(*node.value, at); }

PartialResult PartialEvaluator::variable(const PartialEntity& entity, const Expression& at) {
  if (entity.uid) return certain(Value::entity(&*entity.uid), at);
  return {kOther, PartialValue::entity_of_type(entity.type), &at};
}

PartialResult PartialEvaluator::on(const ast::VariableReference& node, const Expression& at) {
  switch (node.variable) {
    case ast::Variable::principal: return variable(request_.principal, at);
    case ast::Variable::action: return certain(Value::entity(&request_.action), at);
    case ast::Variable::resource: return variable(request_.resource, at);
    case ast::Variable::context: break;
  }
  if (request_.context.is_known()) return certain(request_.context.value(), at);
  // A context is always a record; of an unknown one any member may exist.
  const bool is_record = request_.context.kind() == Kind::record;
  return {kOther, is_record ? request_.context : PartialValue::record(arena_, {}, PartialValue::Others::possible), &at};
}

// `&&`: false absorbs what follows, true is neutral. `||`: the other way round.
PartialResult PartialEvaluator::chain(ast::Operands operands, Possible absorbing, Possible neutral, const Expression& at) {
  const bool is_conjunction = absorbing == kFalse;
  std::vector<const Expression*> remaining;
  Possible total;
  bool continues = true;
  bool is_single_boolean = true;
  for (const Expression* operand : operands) {
    const PartialResult result = evaluate(*operand);
    const Possible condition = result.possible.as_condition();
    continues = condition.has(neutral);
    total = total | condition.only(absorbing | kError);
    if (condition == neutral) continue;
    is_single_boolean = is_single_boolean && !result.possible.has(kOther);
    remaining.push_back(result.residual);
    if (!continues) break;
  }
  if (continues) total = total | neutral;
  if (total == kTrue || total == kFalse) return certain(Value::boolean(total == kTrue), at);
  if (remaining.size() == 1) {
    if (is_single_boolean) return {total, PartialValue::unknown(), remaining[0]};
    // Alone, a value that is no boolean would not be an error.
    remaining.insert(remaining.begin(), make(ast::Bool{is_conjunction}, at));
  }
  const ast::Operands rest = arena_.copy(remaining);
  return {total, PartialValue::unknown(), is_conjunction ? make(ast::And{rest}, at) : make(ast::Or{rest}, at)};
}

PartialResult PartialEvaluator::on(const ast::And& node, const Expression& at) { return chain(node.operands, kFalse, kTrue, at); }
PartialResult PartialEvaluator::on(const ast::Or& node, const Expression& at) { return chain(node.operands, kTrue, kFalse, at); }

PartialResult PartialEvaluator::on(const ast::If& node, const Expression& at) {
  const PartialResult condition = evaluate(*node.condition);
  const Possible possible = condition.possible.as_condition();
  if (possible == kTrue) return evaluate(*node.then);
  if (possible == kFalse) return evaluate(*node.otherwise);
  if (possible == kError) return {kError, PartialValue::unknown(), make(ast::If{condition.residual, node.then, node.otherwise}, at)};
  // A branch that cannot be taken stays as it is and adds nothing.
  PartialResult then{{}, {}, node.then}, otherwise{{}, {}, node.otherwise};
  if (possible.has(kTrue)) then = evaluate(*node.then);
  if (possible.has(kFalse)) otherwise = evaluate(*node.otherwise);
  const Possible total = possible.only(kError) | then.possible | otherwise.possible;
  return open(total, ast::If{condition.residual, then.residual, otherwise.residual}, at);
}

PartialResult PartialEvaluator::on(const ast::Unary& node, const Expression& at) {
  const PartialResult operand = evaluate(*node.operand);
  const ast::Unary remaining{node.op, operand.residual};
  if (operand.fails_certainly()) return open(kError, remaining, at);
  if (operand.value.is_known()) return computed(apply_unary(node, operand.value.value()), operand.possible, remaining, at);
  switch (node.op) {
    case ast::UnaryOperator::not_: {
      const Possible condition = operand.possible.as_condition();
      Possible negated = condition.only(kError);
      if (condition.has(kTrue)) negated = negated | kFalse;
      if (condition.has(kFalse)) negated = negated | kTrue;
      return open(negated, remaining, at);
    }
    case ast::UnaryOperator::negate: return open(kOther | kError, remaining, at);
    case ast::UnaryOperator::is_empty: break;
  }
  return open(Possible::boolean() | kError, remaining, at);
}

Possible PartialEvaluator::possible_of(const ast::Binary& node, const PartialValue& left, const PartialValue& right) const {
  switch (node.op) {
    case BinaryOperator::equal: return always_differ(left, right) ? kFalse : Possible::boolean();
    case BinaryOperator::not_equal: return always_differ(left, right) ? kTrue : Possible::boolean();
    case BinaryOperator::in: return is_entity(left) && is_entity_or_set_of_entities(right) ? Possible::boolean() : Possible::boolean() | kError;
    case BinaryOperator::contains: return left.is_known() && left.value().is(Value::Kind::set) ? Possible::boolean() : Possible::boolean() | kError;
    case BinaryOperator::has_tag:
      return is_entity(left) && right.is_known() && right.value().is(Value::Kind::string) ? Possible::boolean() : Possible::boolean() | kError;
    case BinaryOperator::less:
    case BinaryOperator::less_equal:
    case BinaryOperator::greater:
    case BinaryOperator::greater_equal:
    case BinaryOperator::contains_all:
    case BinaryOperator::contains_any: return Possible::boolean() | kError;
    case BinaryOperator::add:
    case BinaryOperator::subtract:
    case BinaryOperator::multiply: return kOther | kError;
    case BinaryOperator::get_tag: break;
  }
  return Possible::any_value() | kError;
}

PartialResult PartialEvaluator::binary(const ast::Binary& node, const PartialResult& left, const PartialResult& right, const Expression& at) {
  const ast::Binary remaining{node.op, left.residual, right.residual};
  if (left.fails_certainly() || right.fails_certainly()) return open(kError, remaining, at);
  const Possible operands = left.possible | right.possible;
  const bool reads_tags = node.op == BinaryOperator::has_tag || node.op == BinaryOperator::get_tag;
  const bool are_tags_unknown = reads_tags && has_unknown_tags(left.value);
  if (left.value.is_known() && right.value.is_known() && !are_tags_unknown)
    return computed(apply_binary(node, left.value.value(), right.value.value(), entities_), operands, remaining, at);
  return open(possible_of(node, left.value, right.value) | operands.only(kError), remaining, at);
}

PartialResult PartialEvaluator::on(const ast::Binary& node, const Expression& at) {
  return binary(node, evaluate(*node.left), evaluate(*node.right), at);
}

const PartialValue* PartialEvaluator::partial_attributes(const PartialValue& object) const {
  if (!object.is_known() || !object.value().is(Value::Kind::entity)) return nullptr;
  for (const PartialAttributes& given : request_.attributes)
    if (given.entity == object.value().as_entity()) return &given.attributes;
  return nullptr;
}

bool PartialEvaluator::has_unknown_tags(const PartialValue& object) const {
  if (!object.is_known() || !object.value().is(Value::Kind::entity)) return false;
  return std::ranges::any_of(request_.attributes, [&](const PartialAttributes& given) { return given.entity == object.value().as_entity() && !given.are_tags_known; });
}

PartialResult PartialEvaluator::attribute(const PartialValue& object, Possible object_possible, const ast::Attribute& remaining, const Expression& at) {
  const PartialValue* given = partial_attributes(object);
  if (object.is_known() && given == nullptr) return computed(get_attribute(object.value(), remaining, entities_), object_possible, remaining, at);
  const PartialValue& record = given == nullptr ? object : *given;
  if (record.is_known()) {
    const Value* found = record.value().is(Value::Kind::record) ? record.value().find(remaining.name.text) : nullptr;
    if (found == nullptr) return open(kError, remaining, at);
    return from_value(Possible::of(*found) | object_possible.only(kError), PartialValue::known(*found), remaining, at);
  }
  if (record.kind() != Kind::record) return open(Possible::any_value() | kError, remaining, at);
  const PartialMember* member = record.find(remaining.name.text);
  if (member == nullptr) return open(record.may_have_others() ? Possible::any_value() | kError : kError, remaining, at);
  const Possible possible = Possible::of(member->value) | object_possible.only(kError) | (member->may_be_absent ? kError : Possible());
  return from_value(possible, member->value, remaining, at);
}

PartialResult PartialEvaluator::on(const ast::Attribute& node, const Expression& at) {
  const PartialResult object = evaluate(*node.object);
  const ast::Attribute remaining{object.residual, node.name};
  if (object.fails_certainly()) return open(kError, remaining, at);
  return attribute(object.value, object.possible, remaining, at);
}

Possible PartialEvaluator::has(const PartialValue& object, std::string_view name, const ast::Has& node) {
  const PartialValue* given = partial_attributes(object);
  if (object.is_known() && given == nullptr) {
    const auto result = has_attribute(object.value(), name, *node.object, entities_);
    return result ? Possible::of(*result) : kError;
  }
  const PartialValue& record = given == nullptr ? object : *given;
  if (record.is_known()) return record.value().is(Value::Kind::record) && record.value().find(name) != nullptr ? kTrue : kFalse;
  if (record.kind() == Kind::entity) return Possible::boolean();
  if (record.kind() != Kind::record) return given == nullptr ? Possible::boolean() | kError : Possible::boolean();
  const PartialMember* member = record.find(name);
  if (member == nullptr) return record.may_have_others() ? Possible::boolean() : kFalse;
  return member->may_be_absent ? Possible::boolean() : kTrue;
}

PartialResult PartialEvaluator::on(const ast::Has& node, const Expression& at) {
  const PartialResult object = evaluate(*node.object);
  const ast::Has remaining{object.residual, node.path};
  if (object.fails_certainly()) return open(kError, remaining, at);
  Possible total = object.possible.only(kError);
  PartialValue reached = object.value;
  for (std::size_t i = 0; i < node.path.size(); ++i) {
    const Possible here = has(reached, node.path[i].text, node);
    total = total | here.only(kFalse | kError);
    if (!here.has(kTrue)) break;
    if (i + 1 == node.path.size()) {
      total = total | kTrue;
    } else {
      // Where it is present; that it may be absent has been counted.
      reached = attribute(reached, Possible(), ast::Attribute{object.residual, node.path[i]}, at).value;
    }
  }
  return open(total, remaining, at);
}

PartialResult PartialEvaluator::on(const ast::Like& node, const Expression& at) {
  const PartialResult operand = evaluate(*node.operand);
  const ast::Like remaining{operand.residual, node.pattern};
  if (operand.fails_certainly()) return open(kError, remaining, at);
  if (operand.value.is_known()) return computed(matches(node, operand.value.value()), operand.possible, remaining, at);
  return open(Possible::boolean() | kError, remaining, at);
}

PartialResult PartialEvaluator::on(const ast::Is& node, const Expression& at) {
  const PartialResult operand = evaluate(*node.operand);
  const PartialValue& value = operand.value;
  if (operand.fails_certainly() || (!is_entity(value) && value.kind() != Kind::unknown))
    return open(kError, ast::Is{operand.residual, node.type, node.in}, at);
  Possible is_type = Possible::boolean();
  if (is_entity(value) && !type_of(value).empty()) is_type = type_of(value) == node.type->text ? kTrue : kFalse;
  if (!is_entity(value)) is_type = is_type | kError;
  Possible total = is_type | operand.possible.only(kError);
  if (node.in == nullptr || !is_type.has(kTrue)) return open(total, ast::Is{operand.residual, node.type, node.in}, at);
  const PartialResult in = evaluate(*node.in);
  const ast::Binary test{BinaryOperator::in, node.operand, node.in};
  total = total.only(kFalse | kError) | binary(test, operand, in, at).possible;
  return open(total, ast::Is{operand.residual, node.type, in.residual}, at);
}

PartialResult PartialEvaluator::on(const ast::Set& node, const Expression& at) {
  std::vector<const Expression*> remaining;
  std::vector<Value> values;
  Possible errors;
  bool fails = false;
  for (const Expression* element : node.elements) {
    const PartialResult result = evaluate(*element);
    fails = fails || result.fails_certainly();
    errors = errors | result.possible.only(kError);
    remaining.push_back(result.residual);
    if (result.value.is_known()) values.push_back(result.value.value());
  }
  const ast::Set rest{arena_.copy(remaining)};
  if (fails) return open(kError, rest, at);
  if (values.size() == node.elements.size()) return from_value(kOther | errors, PartialValue::known(Value::set(arena_, std::move(values))), rest, at);
  return open(kOther | errors, rest, at);
}

PartialResult PartialEvaluator::on(const ast::Record& node, const Expression& at) {
  std::vector<ast::Field> remaining;
  std::vector<PartialMember> members;
  Possible errors;
  bool fails = false, is_all_known = true;
  for (const ast::Field& field : node.fields) {
    const PartialResult result = evaluate(*field.value);
    fails = fails || result.fails_certainly();
    is_all_known = is_all_known && result.value.is_known();
    errors = errors | result.possible.only(kError);
    remaining.push_back({field.key, result.residual});
    members.push_back({field.key.text, result.value, false});
  }
  const ast::Record rest{arena_.copy(remaining)};
  if (fails) return open(kError, rest, at);
  if (!is_all_known) return from_value(kOther | errors, PartialValue::record(arena_, std::move(members)), rest, at);
  std::vector<Member> known;
  for (const PartialMember& member : members) known.push_back({member.key, member.value.value()});
  return from_value(kOther | errors, PartialValue::known(Value::record(arena_, std::move(known))), rest, at);
}

PartialResult PartialEvaluator::on(const ast::Call& node, const Expression& at) {
  std::vector<const Expression*> remaining;
  std::vector<Value> values;
  Possible errors;
  bool fails = false;
  for (const Expression* argument : node.arguments) {
    const PartialResult result = evaluate(*argument);
    fails = fails || result.fails_certainly();
    errors = errors | result.possible.only(kError);
    remaining.push_back(result.residual);
    if (result.value.is_known()) values.push_back(result.value.value());
  }
  const ast::Call rest{node.function, arena_.copy(remaining)};
  if (fails) return open(kError, rest, at);
  if (values.size() == node.arguments.size()) return computed(apply_call(node, arena_.copy(values), at, arena_), errors, rest, at);
  const bool is_test = node.function >= ast::Function::less_than && node.function <= ast::Function::is_in_range;
  return open((is_test ? Possible::boolean() : kOther) | kError, rest, at);
}

}  // namespace writ::cedar
