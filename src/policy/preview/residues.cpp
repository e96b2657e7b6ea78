#include "policy/preview/residues.h"

#include <algorithm>

#include "policy/preview/mentions.h"
#include "policy/vocabulary.h"

namespace writ::policy::preview {

namespace {

Circumstances read_by(const cedar::CompiledPolicy& policy) {
  using cedar::ast::Variable;
  return {policy.reads(Variable::context, "auth"), policy.reads(Variable::context, "issuer") || policy.reads(Variable::principal, "issuer"), policy.reads(Variable::context, "ip"),
          policy.reads(Variable::context, "now"), policy.reads(Variable::context, "args")};
}

}  // namespace

Circumstances& Circumstances::operator|=(const Circumstances& other) {
  authentication |= other.authentication;
  issuer |= other.issuer;
  address |= other.address;
  time |= other.time;
  arguments |= other.arguments;
  return *this;
}

PersonTest Residues::test_of(const cedar::ast::ScopeConstraint& constraint) const {
  using Form = cedar::ast::ScopeConstraint::Form;
  PersonTest test;
  // The type was tested: everybody is a user.
  if (constraint.form == Form::any || constraint.form == Form::is) return test;
  test.form = PersonTest::Form::nobody;
  if (constraint.entity->type() == kUserType) {
    test.form = PersonTest::Form::one_user;
    test.number = groups_.number_of_user(constraint.entity->id());
  } else if (constraint.entity->type() == kGroupType && constraint.form != Form::equal) {
    test.form = PersonTest::Form::in_group;
    test.number = static_cast<std::uint32_t>(*groups_.find(constraint.entity->id()));
  }
  return test;
}

ThingResidues Residues::of(const CedarPolicy& policy, Question question, const Thing& thing) {
  ThingResidues result;
  PartialQuestion partial(policy, std::move(question), thing, Open::circumstances_and_person);
  if (!partial.can_be_asked()) return result;
  result.can_be_asked = true;
  const cedar::PartialAnswer answer = cedar::authorize_partially(policy.policies(), partial.entities(), partial.request(), partial.arena());
  for (const cedar::ResidualPolicy& residual : answer.policies) {
    Residue residue{test_of(residual.residual.principal), contribution_of(residual, partial.question().action, values_), -1, {}};
    if (!residual.residual.clauses.empty()) residue.reads = read_by(*residual.policy);
    const bool is_personal = std::ranges::any_of(residual.residual.clauses, [](const auto& clause) { return mentions_principal(*clause.body); });
    if (is_personal) {
      const PersonTest& who = residue.who;
      // A context without arguments is another one than a context whose arguments are open.
      std::string key = std::string(partial.question().action == Action::call ? "call " : "") + std::to_string(static_cast<int>(who.form)) + " " + std::to_string(who.number) + " " + std::string(cedar::ast::to_string(residue.contribution.effect));
      key += " " + std::to_string(residue.contribution.condition);
      const auto [at, is_new] = numbers_.emplace(std::move(key), static_cast<std::int32_t>(personal_.size()));
      if (is_new) personal_.push_back({&policy, residual.policy, partial.question(), thing, {}});
      residue.personal = at->second;
    }
    result.residues.push_back(std::move(residue));
  }
  if (partial.question().action == Action::call) {
    for (const cedar::CompiledPolicy& reader : policy.policies().policies()) {
      if (!reader.reads(cedar::ast::Variable::context, "args") || !partial.matches_scope(reader)) continue;
      PersonTest test = test_of(reader.tree().principal);
      if (std::find(result.readers.begin(), result.readers.end(), test) == result.readers.end()) result.readers.push_back(std::move(test));
    }
  }
  // So that the same policies in another order are seen to be the same.
  const auto key = [](const Residue& residue) {
    return std::tuple(residue.contribution.effect, residue.who, residue.personal, residue.contribution.condition);
  };
  std::sort(result.residues.begin(), result.residues.end(), [&](const Residue& a, const Residue& b) { return key(a) < key(b); });
  result.residues.erase(std::unique(result.residues.begin(), result.residues.end()), result.residues.end());
  std::sort(result.readers.begin(), result.readers.end());
  return result;
}

const Contribution& Residues::personal(std::int32_t number, const Person& person) {
  Personal& condition = personal_[static_cast<std::size_t>(number)];
  if (person.key >= condition.known.size()) condition.known.resize(person.key + 1 + condition.known.size() / 2);
  auto& known = condition.known[person.key];
  if (known) return *known;
  // The question of the first occurrence, with this person.
  Question question = condition.question;
  question.principal = principal_facts(*person.user, *person.objects, "");
  PartialQuestion partial(*condition.bundle, std::move(question), condition.thing, Open::circumstances);
  const auto residual = cedar::evaluate_partially(*condition.policy, partial.entities(), partial.request(), partial.arena());
  return known.emplace(contribution_of(residual, partial.question().action, values_));
}

ValueId Residues::decide(const ThingResidues& thing, const Person& person) {
  if (!thing.can_be_asked) return kNever;
  contributions_.clear();
  for (const Residue& residue : thing.residues) {
    if (residue.who.matches(person)) contributions_.push_back(residue.personal < 0 ? residue.contribution : personal(residue.personal, person));
  }
  const bool reads_arguments = std::ranges::any_of(thing.readers, [&](const PersonTest& test) { return test.matches(person); });
  return values_.decide(contributions_, reads_arguments);
}

}  // namespace writ::policy::preview
