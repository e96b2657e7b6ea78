#include "policy/policy_parts.h"

#include <algorithm>

#include "cedar/compile.h"
#include "cedar/print.h"
#include "encoding/utf8.h"

namespace writ::policy {
namespace {

using cedar::Value;
using cedar::ast::Expression;
namespace ast = cedar::ast;

constexpr std::size_t kValueBytesMax = 160;
constexpr std::size_t kLookedAtMax = 8;

// Cut on a character's edge.
std::string clipped(std::string text) {
  if (text.size() <= kValueBytesMax) return text;
  std::size_t end = 0;
  while (end < text.size()) {
    const std::size_t length = std::max<std::size_t>(1, utf8::length_of_first(std::string_view(text).substr(end)));
    if (end + length > kValueBytesMax) break;
    end += length;
  }
  return text.substr(0, end) + "…";
}

class Parts {
 public:
  Parts(const cedar::CompiledPolicy& policy, const PutToCedar& put)
      : policy_(policy), put_(put), stored_(cedar::find_request_entities(put.asked.entities, put.request)), evaluator_(put_.request, put.asked.entities, put.arena) {}

  std::vector<PolicyPart> take() {
    const ast::Policy& tree = policy_.tree();
    add_scope("principal", PolicyPart::Of::principal, tree.principal, [](ast::Policy& alone, const ast::ScopeConstraint& constraint) { alone.principal = constraint; });
    add_action(tree.action);
    add_scope("resource", PolicyPart::Of::resource, tree.resource, [](ast::Policy& alone, const ast::ScopeConstraint& constraint) { alone.resource = constraint; });
    for (const ast::Clause& clause : tree.clauses) add_clause(clause);
    return std::move(parts_);
  }

 private:
  void place(PolicyPart& part, cedar::Span span) const {
    if (policy_.source().text.empty()) return;
    const auto position = cedar::locate(policy_.source().text, span.begin);
    part.line = position.line;
    part.column = position.column;
  }

  template <class Keep>
  void add_scope(const std::string& name, PolicyPart::Of of, const ast::ScopeConstraint& constraint, Keep keep) {
    using Form = ast::ScopeConstraint::Form;
    if (constraint.form == Form::any) return;
    PolicyPart part;
    part.of = of;
    part.text = name;
    if (constraint.form == Form::is || constraint.form == Form::is_in) part.text += " is " + std::string(constraint.type->text);
    if (constraint.form == Form::equal) part.text += " == " + constraint.entity->to_string();
    if (constraint.form == Form::in || constraint.form == Form::is_in) part.text += " in " + constraint.entity->to_string();
    ast::Policy alone;
    keep(alone, constraint);
    part.outcome = cedar::matches_scope(alone, stored_, put_.request) ? PartOutcome::satisfied : PartOutcome::failed;
    const cedar::EntityUid& asked = of == PolicyPart::Of::principal ? put_.request.principal : put_.request.resource;
    part.looked_at.push_back({name, describe(Value::entity(&asked), constraint.form != Form::equal)});
    place(part, constraint.entity ? constraint.entity_span : policy_.tree().span);
    parts_.push_back(std::move(part));
  }

  void add_action(const ast::ActionConstraint& constraint) {
    if (constraint.form == ast::ActionConstraint::Form::any) return;
    PolicyPart part;
    part.of = PolicyPart::Of::action;
    std::string named;
    for (const auto& listed : constraint.entities) named += (named.empty() ? "" : ", ") + listed.entity->to_string();
    part.text = std::string("action ") + (constraint.form == ast::ActionConstraint::Form::equal ? "== " : "in ") + (constraint.is_list ? "[" + named + "]" : named);
    ast::Policy alone;
    alone.action = constraint;
    part.outcome = cedar::matches_scope(alone, stored_, put_.request) ? PartOutcome::satisfied : PartOutcome::failed;
    part.looked_at.push_back({"action", put_.request.action.to_string()});
    place(part, constraint.entities.empty() ? policy_.tree().span : constraint.entities[0].span);
    parts_.push_back(std::move(part));
  }

  // `when { a && b }` is two parts; `unless { a || b }` is two as well: neither may hold.
  void add_clause(const ast::Clause& clause) {
    const bool is_when = clause.kind == ast::Clause::Kind::when;
    if (const auto* both = clause.body->as<ast::And>(); both && is_when) {
      for (const Expression* operand : both->operands) add_condition(*operand, is_when);
    } else if (const auto* either = clause.body->as<ast::Or>(); either && !is_when) {
      for (const Expression* operand : either->operands) add_condition(*operand, is_when);
    } else {
      add_condition(*clause.body, is_when);
    }
  }

  void add_condition(const Expression& condition, bool is_when) {
    PolicyPart part;
    part.text = (is_when ? "" : "unless ") + cedar::print(condition);
    place(part, condition.span);
    if (reads_unknown_argument(condition)) {
      part.outcome = PartOutcome::unknown;
    } else {
      const auto held = evaluator_.evaluate_bool(condition);
      if (held) {
        part.outcome = *held == is_when ? PartOutcome::satisfied : PartOutcome::failed;
      } else {
        part.outcome = has_stopped_ ? PartOutcome::not_reached : PartOutcome::error;
        part.error = held.error().to_string();
      }
      look(condition, false, part.looked_at);
    }
    if (part.outcome != PartOutcome::satisfied) has_stopped_ = true;
    parts_.push_back(std::move(part));
  }

  bool reads_unknown_argument(const Expression& condition) const {
    if (!put_.known_arguments) return false;
    std::vector<cedar::AttributePath> paths;
    cedar::collect_reads(condition, put_.arena, paths);
    return std::any_of(paths.begin(), paths.end(), [&](const cedar::AttributePath& path) {
      if (path.variable != ast::Variable::context || (!path.names.empty() && path.names[0] != "args")) return false;
      return path.names.size() < 2 || !put_.known_arguments->contains(std::string(path.names[1]));
    });
  }

  // What a condition looked at: each longest path that begins at a variable, and each tag that was read.
  void look(const Expression& at, bool is_left_of_in, std::vector<LookedAt>& looked) {
    if (const auto* has = at.as<ast::Has>()) {
      std::string what = cedar::print(*has->object);
      for (const ast::Name& name : has->path) what += "." + std::string(name.text);
      const auto held = evaluator_.evaluate_bool(at);
      if (!held) return;
      return note(std::move(what), *held ? "present" : "absent", looked);
    }
    const auto* binary = at.as<ast::Binary>();
    const bool is_tag = binary && (binary->op == ast::BinaryOperator::get_tag || binary->op == ast::BinaryOperator::has_tag);
    if (is_tag || is_path(at)) {
      const auto* variable = at.as<ast::VariableReference>();
      if (variable && variable->variable == ast::Variable::context) return;
      const auto value = evaluator_.evaluate(at);
      return note(cedar::print(at), value ? describe(*value, is_left_of_in) : value.error().to_string(), looked);
    }
    if (binary) {
      look(*binary->left, binary->op == ast::BinaryOperator::in, looked);
      return look(*binary->right, false, looked);
    }
    ast::for_each_child(at, [&](const Expression& child) { look(child, at.as<ast::Is>() != nullptr, looked); });
  }

  static bool is_path(const Expression& at) {
    if (at.as<ast::VariableReference>()) return true;
    const auto* attribute = at.as<ast::Attribute>();
    return attribute && is_path(*attribute->object);
  }

  static void note(std::string what, std::string value, std::vector<LookedAt>& looked) {
    const bool is_known = std::any_of(looked.begin(), looked.end(), [&](const LookedAt& one) { return one.what == what; });
    if (!is_known && looked.size() < kLookedAtMax) looked.push_back({clipped(std::move(what)), clipped(std::move(value))});
  }

  // An entity with what it is in, where that was the question.
  std::string describe(const Value& value, bool with_parents) const {
    if (!value.is(Value::Kind::entity) || !with_parents) return clipped(value.to_string());
    const cedar::StoredEntity* stored = put_.asked.entities.find(value.as_entity());
    std::vector<std::string> parents;
    if (stored) {
      for (const cedar::EntityUid& ancestor : stored->ancestors) parents.push_back(ancestor.to_string());
    }
    std::sort(parents.begin(), parents.end());
    std::string text = value.to_string() + (parents.empty() ? ", in nothing" : ", in ");
    for (std::size_t i = 0; i < parents.size(); ++i) text += (i == 0 ? "" : ", ") + parents[i];
    return clipped(std::move(text));
  }

  const cedar::CompiledPolicy& policy_;
  const PutToCedar& put_;
  cedar::RequestEntities stored_;
  cedar::Evaluator evaluator_;
  bool has_stopped_ = false;
  std::vector<PolicyPart> parts_;
};

}  // namespace

std::vector<PolicyPart> parts_of(const cedar::CompiledPolicy& policy, const PutToCedar& put) { return Parts(policy, put).take(); }

}  // namespace writ::policy
