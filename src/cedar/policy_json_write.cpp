#include <algorithm>

#include "base/overloaded.h"
#include "cedar/policy_json.h"
#include "cedar/value_json.h"
#include "encoding/utf8.h"

namespace writ::cedar {

namespace {

using ast::Expression;

json::Value one(std::string_view key, json::Value body) { return json::Object{{std::string(key), std::move(body)}}; }

json::Value list(ast::Operands operands) {
  json::Array array;
  for (const Expression* operand : operands) array.push_back(to_json(*operand));
  return array;
}

json::Value pair(std::string_view op, json::Value left, json::Value right) {
  json::Object sides;   // not a braced list: that would copy what may be a deep tree
  sides.push_back({"left", std::move(left)});
  sides.push_back({"right", std::move(right)});
  json::Object outer;
  outer.push_back({std::string(op), std::move(sides)});
  return outer;
}

// Chains are written as the left-nested pairs that they mean. Beyond that many operands they are nested evenly, which means the same (operands
// are still evaluated from left to right): what is written stays below the depth that readers accept, ours included.
constexpr std::size_t kLeftNestedMax = 128;
json::Value chain(std::string_view op, ast::Operands operands) {
  if (operands.size() > kLeftNestedMax) {
    const std::size_t half = operands.size() / 2;
    return pair(op, chain(op, operands.first(half)), chain(op, operands.subspan(half)));
  }
  json::Value left = to_json(*operands[0]);
  for (const Expression* operand : operands.subspan(1)) left = pair(op, std::move(left), to_json(*operand));
  return left;
}

json::Value pattern(std::span<const PatternPiece> pieces) {
  json::Array array;
  for (const PatternPiece& piece : pieces) {
    if (piece.is_wildcard) array.push_back("Wildcard");
    // One element per character, as Cedar writes it.
    for (std::string_view rest = piece.literal; !rest.empty();) {
      const std::size_t length = std::max<std::size_t>(utf8::length_of_first(rest), 1);
      array.push_back(one("Literal", rest.substr(0, length)));
      rest.remove_prefix(length);
    }
  }
  return array;
}

json::Value write(const ast::Has& node) {
  json::Value object = to_json(*node.object);
  if (node.path.size() == 1) return {{"left", std::move(object)}, {"attr", node.path[0].text}};
  json::Array path;
  for (const ast::Name& name : node.path) path.push_back(name.text);
  return {{"left", std::move(object)}, {"attr", std::move(path)}};
}

json::Value write(const ast::Is& node) {
  json::Value body{{"left", to_json(*node.operand)}, {"entity_type", node.type->text}};
  if (node.in != nullptr) body.set("in", to_json(*node.in));
  return body;
}

json::Value write(const ast::Record& node) {
  json::Object fields;
  for (const ast::Field& field : node.fields) fields.push_back({std::string(field.key.text), to_json(*field.value)});
  return fields;
}

std::string_view key_of(ast::UnaryOperator op) {
  switch (op) {
    case ast::UnaryOperator::not_: return "!";
    case ast::UnaryOperator::negate: return "neg";
    case ast::UnaryOperator::is_empty: break;
  }
  return "isEmpty";
}

json::Value write_target(const ast::ScopeConstraint& constraint, std::string_view slot) {
  if (constraint.has_slot) return {{"slot", slot}};
  return {{"entity", to_json(*constraint.entity)}};
}

json::Value write_scope(const ast::ScopeConstraint& constraint, std::string_view slot) {
  using Form = ast::ScopeConstraint::Form;
  json::Object out;
  const auto op = [&out](std::string_view name) { out.push_back({"op", name}); };
  const auto target = [&] { out.push_back(write_target(constraint, slot).as_object()->front()); };
  switch (constraint.form) {
    case Form::any: op("All"); break;
    case Form::equal: op("=="), target(); break;
    case Form::in: op("in"), target(); break;
    case Form::is:
    case Form::is_in:
      op("is");
      out.push_back({"entity_type", constraint.type->text});
      if (constraint.form == Form::is_in) out.push_back({"in", write_target(constraint, slot)});
  }
  return out;
}

json::Value write_action(const ast::ActionConstraint& constraint) {
  using Form = ast::ActionConstraint::Form;
  if (constraint.form == Form::any) return {{"op", "All"}};
  const char* op = constraint.form == Form::equal ? "==" : "in";
  // A list of one is written like the entity alone, as Cedar does.
  if (constraint.entities.size() == 1) return {{"op", op}, {"entity", to_json(*constraint.entities[0].entity)}};
  json::Array entities;
  for (const auto& listed : constraint.entities) entities.push_back(to_json(*listed.entity));
  return {{"op", op}, {"entities", std::move(entities)}};
}

}  // namespace

json::Value to_json(const Expression& expression) {
  return std::visit(Overloaded{
                        [](const ast::Bool& node) { return one("Value", node.value); },
                        [](const ast::Long& node) { return one("Value", node.value); },
                        [](const ast::String& node) { return one("Value", node.value); },
                        [](const ast::Entity& node) { return one("Value", {{"__entity", to_json(*node.uid)}}); },
                        [](const ast::Constant& node) { return one("Value", to_json(*node.value)); },
                        [](const ast::VariableReference& node) { return one("Var", to_string(node.variable)); },
                        [](const ast::And& node) { return chain("&&", node.operands); },
                        [](const ast::Or& node) { return chain("||", node.operands); },
                        [](const ast::If& node) {
                          return one("if-then-else", {{"if", to_json(*node.condition)}, {"then", to_json(*node.then)}, {"else", to_json(*node.otherwise)}});
                        },
                        [](const ast::Unary& node) { return one(key_of(node.op), {{"arg", to_json(*node.operand)}}); },
                        [](const ast::Binary& node) { return one(to_string(node.op), {{"left", to_json(*node.left)}, {"right", to_json(*node.right)}}); },
                        [](const ast::Attribute& node) { return one(".", {{"left", to_json(*node.object)}, {"attr", node.name.text}}); },
                        [](const ast::Has& node) { return one("has", write(node)); },
                        [](const ast::Like& node) { return one("like", {{"left", to_json(*node.operand)}, {"pattern", pattern(node.pattern)}}); },
                        [](const ast::Is& node) { return one("is", write(node)); },
                        [](const ast::Set& node) { return one("Set", list(node.elements)); },
                        [](const ast::Record& node) { return one("Record", write(node)); },
                        [](const ast::Call& node) { return one(to_string(node.function), list(node.arguments)); },
                    },
                    expression.node);
}

json::Value to_json(const ast::Policy& policy) {
  json::Array conditions;
  for (const ast::Clause& clause : policy.clauses)
    conditions.push_back({{"kind", clause.kind == ast::Clause::Kind::when ? "when" : "unless"}, {"body", to_json(*clause.body)}});
  json::Value out{{"effect", to_string(policy.effect)},
                  {"principal", write_scope(policy.principal, "?principal")},
                  {"action", write_action(policy.action)},
                  {"resource", write_scope(policy.resource, "?resource")},
                  {"conditions", std::move(conditions)}};
  if (policy.annotations.empty()) return out;
  json::Object annotations;
  for (const ast::Annotation& annotation : policy.annotations)
    annotations.push_back({std::string(annotation.key.text), annotation.value ? json::Value(*annotation.value) : json::Value()});
  out.set("annotations", std::move(annotations));
  return out;
}

json::Value to_json(const PolicySet& policies) {
  json::Object fixed, templates;
  json::Array links;
  for (const CompiledPolicy& policy : policies.policies()) {
    if (!policy.template_id()) {
      fixed.push_back({std::string(policy.id()), to_json(policy.tree())});
      continue;
    }
    const auto is_linked = [&policy](const Template& candidate) { return candidate.id == *policy.template_id(); };
    const auto linked = std::find_if(policies.templates().begin(), policies.templates().end(), is_linked);
    json::Object values;
    if (linked->tree.principal.has_slot) values.push_back({"?principal", to_json(*policy.tree().principal.entity)});
    if (linked->tree.resource.has_slot) values.push_back({"?resource", to_json(*policy.tree().resource.entity)});
    links.push_back({{"templateId", *policy.template_id()}, {"newId", policy.id()}, {"values", std::move(values)}});
  }
  for (const Template& each : policies.templates()) templates.push_back({std::string(each.id), to_json(each.tree)});
  return {{"staticPolicies", std::move(fixed)}, {"templates", std::move(templates)}, {"templateLinks", std::move(links)}};
}

}  // namespace writ::cedar
