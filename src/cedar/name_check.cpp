#include "cedar/name_check.h"

namespace writ::cedar {

namespace {

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

class NameCheck {
 public:
  NameCheck(const Schema& schema, Findings& findings) : schema_(schema), findings_(findings) {}

  void entity(const EntityUid& uid, Span span) {
    if (uid.is_action()) {
      if (schema_.find_action(uid) != nullptr) return;
      findings_.add(ValidationProblem::unknown_action, span, [&] {
        return std::pair("there is no action " + quoted(uid.to_string()), did_you_mean(uid.id(), schema_.action_ids(uid.type())));
      });
      return;
    }
    check_type_name(uid.type(), span, schema_, findings_);
    const EntityType* type = schema_.find_type(uid.type());
    if (type == nullptr || type->has_id(uid.id())) return;
    findings_.add(ValidationProblem::unknown_enumerated_id, span, [&] {
      return std::pair(quoted(uid.type()) + " lists no " + quoted(uid.id()),
                       did_you_mean(uid.id(), std::vector<std::string_view>(type->ids.begin(), type->ids.end())));
    });
  }

  void scope(const ast::ScopeConstraint& constraint) {
    if (constraint.type != nullptr) check_type_name(constraint.type->text, constraint.type->span, schema_, findings_);
    if (constraint.entity != nullptr) entity(*constraint.entity, constraint.entity_span);
  }

  void expression(const ast::Expression& at) {
    if (const auto* literal = at.as<ast::Entity>()) entity(*literal->uid, at.span);
    if (const auto* test = at.as<ast::Is>()) check_type_name(test->type->text, test->type->span, schema_, findings_);
    ast::for_each_child(at, [this](const ast::Expression& child) { expression(child); });
  }

 private:
  const Schema& schema_;
  Findings& findings_;
};

}  // namespace

void check_type_name(std::string_view type, Span span, const Schema& schema, Findings& findings) {
  // Types of actions are judged by the actions that are named.
  if (is_action_type(type) || schema.find_type(type) != nullptr) return;
  findings.add(ValidationProblem::unknown_entity_type, span, [&] {
    return std::pair("there is no entity type " + quoted(type), did_you_mean(type, schema.type_names()));
  });
}

void check_names(const ast::Policy& policy, const Schema& schema, Findings& findings) {
  NameCheck check(schema, findings);
  check.scope(policy.principal);
  for (const ast::ActionConstraint::Listed& listed : policy.action.entities) check.entity(*listed.entity, listed.span);
  check.scope(policy.resource);
  for (const ast::Clause& clause : policy.clauses) check.expression(*clause.body);
}

}  // namespace writ::cedar
