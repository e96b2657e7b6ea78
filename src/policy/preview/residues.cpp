#include "policy/preview/residues.h"

#include <algorithm>

#include "policy/preview/mentions.h"
#include "policy/vocabulary.h"

namespace writ::policy::preview {

Residues::Residues(const AccessState& before, const AccessState& after, const UserClasses& classes, AccessValues& values)
    : states_{&before, &after}, classes_(classes), values_(values) {
  for (int side = 0; side < 2; ++side) {
    for (const auto& policy : states_[side]->policy.policies().policies()) {
      if (policy.reads(cedar::ast::Variable::context, "args")) readers_[side].push_back(&policy);
    }
  }
}

PersonTest Residues::test_of(const cedar::ast::ScopeConstraint& constraint) const {
  using Form = cedar::ast::ScopeConstraint::Form;
  PersonTest test;
  // The type was tested: everybody is a user.
  if (constraint.form == Form::any || constraint.form == Form::is) return test;
  test.form = PersonTest::Form::nobody;
  if (constraint.entity->type() == kUserType) {
    test.form = PersonTest::Form::one_user;
    test.user = constraint.entity->id();
  } else if (constraint.entity->type() == kGroupType && constraint.form != Form::equal) {
    test.form = PersonTest::Form::in_group;
    test.group = static_cast<std::uint32_t>(*classes_.number_of_group(constraint.entity->id()));
  }
  return test;
}

ThingResidues Residues::of(int side, const std::string& user, const std::string& agent, const std::string& server, const Thing& thing) {
  ThingResidues result;
  const AccessState& state = *states_[side];
  auto question = question_of(state, user, agent, server, thing);
  if (!question) return result;
  PartialQuestion partial(state.policy, std::move(*question), thing, Open::circumstances_and_person);
  if (!partial.can_be_asked()) return result;
  result.can_be_asked = true;
  const cedar::PartialAnswer answer = cedar::authorize_partially(state.policy.policies(), partial.entities(), partial.request(), partial.arena());
  for (const cedar::ResidualPolicy& residual : answer.policies) {
    Residue residue{test_of(residual.residual.principal), contribution_of(residual, partial.question().action, values_), -1};
    const bool is_personal = std::ranges::any_of(residual.residual.clauses, [](const auto& clause) { return mentions_principal(*clause.body); });
    if (is_personal) {
      const PersonTest& who = residue.who;
      // A context without arguments is another one than a context whose arguments are open.
      std::string key = std::string(partial.question().action == Action::call ? "call " : "") + std::to_string(static_cast<int>(who.form)) + " " + std::to_string(who.group) + " " + std::string(cedar::ast::to_string(residue.contribution.effect));
      (key += " " + std::to_string(residue.contribution.condition) + " ") += who.user;
      const auto [at, is_new] = numbers_.emplace(std::move(key), static_cast<std::int32_t>(personal_.size()));
      if (is_new) personal_.push_back({side, residual.policy, partial.question(), thing, {}});
      residue.personal = at->second;
    }
    result.residues.push_back(std::move(residue));
  }
  if (partial.question().action == Action::call) {
    for (const cedar::CompiledPolicy* reader : readers_[side]) {
      if (!partial.matches_scope(*reader)) continue;
      PersonTest test = test_of(reader->tree().principal);
      if (std::find(result.readers.begin(), result.readers.end(), test) == result.readers.end()) result.readers.push_back(std::move(test));
    }
  }
  // So that the same policies in another order are seen to be the same.
  const auto key = [](const Residue& residue) {
    return std::tuple(residue.contribution.effect, residue.who.form, residue.who.group, std::string_view(residue.who.user), residue.personal, residue.contribution.condition);
  };
  std::sort(result.residues.begin(), result.residues.end(), [&](const Residue& a, const Residue& b) { return key(a) < key(b); });
  result.residues.erase(std::unique(result.residues.begin(), result.residues.end()), result.residues.end());
  std::sort(result.readers.begin(), result.readers.end(), [](const auto& a, const auto& b) { return std::tie(a.form, a.group, a.user) < std::tie(b.form, b.group, b.user); });
  return result;
}

const Contribution& Residues::personal(std::int32_t number, int side, const UserClass& person, std::size_t class_number) {
  Personal& condition = personal_[static_cast<std::size_t>(number)];
  const auto [at, is_new] = condition.known.emplace(class_number * 2 + static_cast<std::size_t>(side), Contribution{});
  if (!is_new) return at->second;
  // The question of the first occurrence, on its side, with this person as of the side that is asked for.
  const registry::Snapshot& objects = states_[side]->objects;
  Question question = condition.question;
  question.principal = principal_facts(*objects.user(person.representative), objects, "");
  PartialQuestion partial(states_[condition.side]->policy, std::move(question), condition.thing, Open::circumstances);
  const auto residual = cedar::evaluate_partially(*condition.policy, partial.entities(), partial.request(), partial.arena());
  at->second = contribution_of(residual, partial.question().action, values_);
  return at->second;
}

ValueId Residues::decide(const ThingResidues& thing, int side, const UserClass& person, std::size_t class_number) {
  if (!thing.can_be_asked || !person.is_active[side]) return kNever;
  contributions_.clear();
  for (const Residue& residue : thing.residues) {
    if (!residue.who.matches(person, side)) continue;
    contributions_.push_back(residue.personal < 0 ? residue.contribution : personal(residue.personal, side, person, class_number));
  }
  const bool reads_arguments = std::ranges::any_of(thing.readers, [&](const PersonTest& test) { return test.matches(person, side); });
  return values_.decide(contributions_, reads_arguments);
}

}  // namespace writ::policy::preview
