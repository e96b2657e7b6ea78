#include "policy/preview/canonical_condition.h"

#include <gtest/gtest.h>

#include "cedar/parser.h"

namespace writ::policy::preview {
namespace {

std::string canonical(const std::string& effect, const std::string& clauses) {
  auto parsed = cedar::parse_policies(effect + "(principal, action, resource) " + clauses + ";");
  if (!parsed) return ADD_FAILURE() << parsed.error().render(), clauses;
  const auto& policy = parsed->policies.front();
  return canonical_condition(policy.clauses, policy.effect == cedar::ast::Effect::permit ? Matters::whether_true : Matters::whether_false, true);
}

struct Pair {
  const char* name;
  const char* effect;
  const char* one;
  const char* other;
};
std::ostream& operator<<(std::ostream& out, const Pair& pair) { return out << pair.name; }

class SameCondition : public testing::TestWithParam<Pair> {};
TEST_P(SameCondition, HasOneSpelling) { EXPECT_EQ(canonical(GetParam().effect, GetParam().one), canonical(GetParam().effect, GetParam().other)); }

INSTANTIATE_TEST_SUITE_P(
    CanonicalCondition, SameCondition,
    testing::Values(
        Pair{"no_clause_is_true", "permit", "", "when { true }"},
        Pair{"conjunction_of_a_permit_in_another_order", "permit", "when { context.args.a == 1 && context.args.b == 2 }", "when { context.args.b == 2 && context.args.a == 1 }"},
        Pair{"two_clauses_are_a_conjunction", "permit", "when { context.args.a == 1 && context.args.b == 2 }", "when { context.args.b == 2 } when { context.args.a == 1 }"},
        Pair{"unless_is_a_negated_when", "permit", "unless { context.args.a == 1 }", "when { context.args.a != 1 }"},
        Pair{"equality_in_another_order", "forbid", "when { context.args.a == 1 }", "when { 1 == context.args.a }"},
        Pair{"greater_is_less_turned_round", "forbid", "when { context.args.a > 1 }", "when { 1 < context.args.a }"},
        Pair{"not_less_is_greater_or_equal", "forbid", "when { !(context.args.a < 1) }", "when { context.args.a >= 1 }"},
        Pair{"negation_of_a_disjunction", "forbid", "unless { context.args.a == 1 || context.args.b == 2 }", "when { context.args.a != 1 && context.args.b != 2 }"},
        Pair{"disjunction_of_a_forbid_in_another_order", "forbid", "when { context.args.a == 1 || context.args.b == 2 }", "when { context.args.b == 2 || context.args.a == 1 }"},
        Pair{"parentheses_of_a_chain", "permit", "when { context.args.a && (context.args.b && context.args.c) }", "when { context.args.a && context.args.b && context.args.c }"},
        Pair{"what_cannot_fail_changes_places_anywhere", "forbid", "when { context.auth.acr == \"x\" && context.args has force }", "when { context.args has force && context.auth.acr == \"x\" }"},
        Pair{"double_negation", "permit", "when { !(!(context.args.a)) }", "when { context.args.a }"},
        Pair{"said_twice", "permit", "when { context.args.a == 1 && context.args.a == 1 }", "when { context.args.a == 1 }"},
        Pair{"choice_with_a_known_branch", "permit", "when { if context.args has a then context.args.a == 1 else false }", "when { context.args has a && context.args.a == 1 }"},
        Pair{"set_in_another_order", "permit", "when { [context.args.a, context.args.b].contains(1) }", "when { [context.args.b, context.args.a].contains(1) }"},
        Pair{"is_in_is_two_tests", "permit", "when { principal is Writ::User in Writ::Group::\"eng\" }", "when { principal in Writ::Group::\"eng\" && principal is Writ::User }"}),
    [](const auto& test) { return test.param.name; });

class OtherCondition : public testing::TestWithParam<Pair> {};
TEST_P(OtherCondition, HasAnotherSpelling) { EXPECT_NE(canonical(GetParam().effect, GetParam().one), canonical(GetParam().effect, GetParam().other)); }

INSTANTIATE_TEST_SUITE_P(
    CanonicalCondition, OtherCondition,
    testing::Values(
        // With `args.a` false and `args.b` absent only one of them fails, and a forbid that fails denies.
        Pair{"conjunction_of_a_forbid_that_may_fail", "forbid", "when { context.args.a == 1 && context.args.b == 2 }", "when { context.args.b == 2 && context.args.a == 1 }"},
        // With `args.a` absent the first does not permit.
        Pair{"disjunction_of_a_permit_that_may_fail", "permit", "when { context.args.a == 1 || context.args.b == 2 }", "when { context.args.b == 2 || context.args.a == 1 }"},
        Pair{"guard_of_a_forbid", "forbid", "when { context.args has a && context.args.a == 1 }", "when { context.args.a == 1 && context.args has a }"},
        Pair{"another_value", "permit", "when { context.args.a == 1 }", "when { context.args.a == 2 }"},
        Pair{"text_is_no_number", "permit", "when { context.args.a == 1 }", "when { context.args.a == \"1\" }"},
        Pair{"negation", "permit", "when { context.args.a == 1 }", "unless { context.args.a == 1 }"},
        Pair{"conjunction_is_no_disjunction", "permit", "when { context.args.a && context.args.b }", "when { context.args.a || context.args.b }"},
        Pair{"subtraction_has_an_order", "permit", "when { context.args.a - context.args.b == 1 }", "when { context.args.b - context.args.a == 1 }"},
        Pair{"subset_has_an_order", "permit", "when { context.args.a.containsAll(context.args.b) }", "when { context.args.b.containsAll(context.args.a) }"},
        Pair{"name_with_a_dot", "permit", "when { context.args[\"a.b\"] == 1 }", "when { context.args.a.b == 1 }"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace writ::policy::preview
