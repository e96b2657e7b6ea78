#include "cedar/validation.h"

#include <gtest/gtest.h>

#include <string>

#include "cedar/parser.h"

namespace writ::cedar {
namespace {

constexpr const char* kSchema = R"(
  entity Group in [Group];
  entity Color enum ["red", "green"];
  entity User in [Group] = { name: String, age?: Long, boss?: User, address: { street: String, zip?: String }, admin: Bool } tags String;
  entity Doc in [Folder] = { owner: User, public: Bool };
  entity Folder;
  action all;
  action view, edit in [all] appliesTo { principal: [User, Group], resource: Doc, context: { ip?: ipaddr, mfa: Bool, at: datetime } };
  action paint appliesTo { principal: User, resource: Color };
  namespace N { action odd appliesTo { principal: User, resource: Folder }; })";

Validation check(const std::string& policy) {
  static const Schema kParsed = [] {
    auto schema = Schema::parse(kSchema);
    EXPECT_TRUE(schema) << (schema ? "" : schema.error().render());
    return std::move(*schema);
  }();
  const auto policies = parse_policies(policy);
  EXPECT_TRUE(policies) << policy << (policies ? "" : policies.error().render());
  return validate(kParsed, *policies);
}

// "ok", or the problems found.
std::string problems(const Validation& validation) {
  std::string all;
  for (const Finding& finding : validation.findings) all += (all.empty() ? "" : " ") + std::string(to_string(finding.problem));
  return all.empty() ? "ok" : all;
}

struct Case {
  const char* name;
  const char* text;
  const char* found;
};
std::string name_of(const testing::TestParamInfo<Case>& row) { return row.param.name; }

// A condition in the environment (User, view, Doc).
class ConditionTypes : public testing::TestWithParam<Case> {};
TEST_P(ConditionTypes, AreFound) {
  const std::string policy = std::string("permit(principal is User, action == Action::\"view\", resource) when { ") + GetParam().text + " };";
  EXPECT_EQ(problems(check(policy)), GetParam().found) << policy;
}

INSTANTIATE_TEST_SUITE_P(
    Attributes, ConditionTypes,
    testing::Values(Case{"required", "principal.name == \"a\"", "ok"}, Case{"unknown", "principal.nam == \"a\"", "unknown_attribute"}, Case{"optional_unguarded", "principal.age > 1", "unguarded_attribute"},
                    Case{"guarded", "principal has age && principal.age > 1", "ok"}, Case{"guarded_by_brackets", "principal has \"age\" && principal[\"age\"] > 1", "ok"},
                    Case{"guard_on_the_right", "principal.age > 1 && principal has age", "unguarded_attribute"}, Case{"guard_of_another", "principal has boss && principal.age > 1", "unguarded_attribute"},
                    Case{"guard_by_or_of_both", "(principal has age || principal has age) && principal.age > 1", "ok"},
                    Case{"guard_by_or_of_one", "(principal has age || principal.admin) && principal.age > 1", "unguarded_attribute"},
                    Case{"guard_by_or_with_false", "(principal has age || false) && principal.age > 1", "ok"}, Case{"guard_lost_by_or_with_true", "(principal has age || true) && principal.age > 1", "unguarded_attribute"},
                    Case{"guard_lost_by_if", "(if principal has age then true else false) && principal.age > 1", "unguarded_attribute"},
                    Case{"guard_in_then", "if principal has age then principal.age > 1 else false", "ok"}, Case{"guard_not_in_else", "if principal has age then true else principal.age > 1", "unguarded_attribute"},
                    Case{"guard_lost_by_not", "!(principal has age) && principal.age > 1", "unguarded_attribute"}, Case{"nested_guard", "principal has boss && principal.boss has age && principal.boss.age > 1", "ok"},
                    Case{"path_guard", "principal has boss.age && principal.boss.age > 1", "ok"}, Case{"path_through_required", "principal has address.zip && principal.address.zip == \"1\"", "ok"},
                    Case{"path_through_no_record", "principal has name.first", "unexpected_type"}, Case{"on_a_long", "1.foo == 1", "unexpected_type"},
                    Case{"has_undeclared_is_false", "principal has foo && principal.foo == 1", "impossible_policy"}, Case{"has_required_of_record_is_true", "if principal.address has street then true else 1", "ok"},
                    Case{"has_required_of_entity_is_bool", "if principal has name then true else 1", "incompatible_types"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Tags, ConditionTypes,
    testing::Values(Case{"unguarded", "principal.getTag(\"a\") == \"b\"", "unguarded_tag"}, Case{"guarded", "principal.hasTag(\"a\") && principal.getTag(\"a\") == \"b\"", "ok"},
                    Case{"guarded_by_another", "principal.hasTag(\"a\") && principal.getTag(\"b\") == \"b\"", "unguarded_tag"},
                    Case{"by_expression", "principal.hasTag(principal.name) && principal.getTag(principal.name) == \"b\"", "ok"}, Case{"key_of_no_string", "principal.hasTag(1)", "unexpected_type"},
                    Case{"type_without_tags", "resource.hasTag(\"a\") && resource.getTag(\"a\") == \"b\"", "impossible_policy"}, Case{"of_a_record", "principal.address.hasTag(\"a\")", "unexpected_type"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Equality, ConditionTypes,
    testing::Values(Case{"literals_of_two_types", "1 == \"a\" || true", "ok"}, Case{"types_without_bound", "principal.name == 1", "incompatible_types"}, Case{"entities_of_two_types", "principal == resource || true", "ok"},
                    Case{"same_literal", "if 1 == 1 then true else 1", "ok"}, Case{"negative_literal", "if -5 == -5 then true else 1", "ok"}, Case{"action_is_a_literal", "if action == Action::\"view\" then true else 1", "ok"},
                    Case{"not_equal", "if 1 != 2 then true else 1", "ok"}, Case{"records_with_other_names", "{a: 1} == {b: 1}", "incompatible_types"}, Case{"sets_of_two_types", "[1] == [\"a\"]", "incompatible_types"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Operators, ConditionTypes,
    testing::Values(Case{"order_of_longs", "1 < 2", "ok"}, Case{"order_of_datetimes", "context.at < datetime(\"2024-01-01\")", "ok"}, Case{"order_of_strings", "\"a\" < \"b\"", "unexpected_type"},
                    Case{"order_of_two_types", "1 < duration(\"1h\")", "unexpected_type"}, Case{"order_of_decimals", "decimal(\"1.0\") < decimal(\"2.0\")", "unexpected_type"}, Case{"sum", "1 + 2 * 3 - 4 > -(5)", "ok"},
                    Case{"sum_of_strings", "\"a\" + \"b\" == \"c\"", "unexpected_type unexpected_type"}, Case{"and_of_long", "1 && true", "unexpected_type"}, Case{"not_of_long", "!1", "unexpected_type"}, Case{"condition_of_long", "1", "unexpected_type"},
                    Case{"branches_of_two_types", "(if principal.admin then 1 else \"a\") == 1", "incompatible_types"}, Case{"like", "principal.name like \"a*\"", "ok"}, Case{"like_of_long", "1 like \"a*\"", "unexpected_type"},
                    Case{"contains", "[1, 2].contains(principal.name)", "incompatible_types"}, Case{"contains_all", "[1].containsAll([\"a\"])", "incompatible_types"}, Case{"is_empty", "[1].isEmpty()", "ok"},
                    Case{"is_empty_of_string", "\"a\".isEmpty()", "unexpected_type"}, Case{"empty_set", "[].isEmpty()", "empty_set"}, Case{"mixed_set", "[1, \"a\"].isEmpty()", "incompatible_types"},
                    Case{"set_of_two_entity_types", "[principal, resource].isEmpty()", "incompatible_types"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Extensions, ConditionTypes,
    testing::Values(Case{"constructor", "ip(\"10.0.0.1\").isLoopback()", "ok"}, Case{"malformed", "ip(\"10.0.0.300\").isLoopback()", "malformed_text"}, Case{"malformed_in_dead_code", "false && ip(\"x\").isLoopback()", "impossible_policy"},
                    Case{"computed_text", "ip(principal.name).isLoopback()", "not_a_literal"}, Case{"no_arguments", "ip().isLoopback()", "wrong_argument_count"}, Case{"argument_of_another_type", "ip(1).isLoopback()", "unexpected_type"},
                    Case{"receiver_of_another_type", "\"10.0.0.1\".isLoopback()", "unexpected_type"}, Case{"times", "context.at.offset(duration(\"1h\")).toTime().toHours() == 1", "ok"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Membership, ConditionTypes,
    testing::Values(Case{"possible", "principal in Group::\"a\"", "ok"}, Case{"impossible_by_hierarchy", "principal in Folder::\"a\" || true", "ok"}, Case{"impossible_alone", "principal in Folder::\"a\"", "impossible_policy"},
                    Case{"in_itself", "if principal in principal then 1 == 1 else 1", "incompatible_types"}, Case{"action_known", "if action in Action::\"all\" then true else 1", "ok"},
                    Case{"action_known_not", "if action in [Action::\"edit\", Action::\"paint\"] then 1 else true", "ok"}, Case{"in_a_long", "principal in 1", "unexpected_type"}, Case{"of_a_long", "1 in principal", "unexpected_type"},
                    Case{"is", "if principal is User then true else 1", "ok"}, Case{"is_not", "if principal is Group then 1 else true", "ok"}, Case{"is_in", "principal is User in Group::\"a\"", "ok"},
                    Case{"is_in_of_another_type", "principal is Group in 1", "impossible_policy"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Names, ConditionTypes,
    testing::Values(Case{"type_in_dead_code", "false && principal == Usr::\"a\"", "unknown_entity_type impossible_policy"}, Case{"type_after_is", "principal is Usr || true", "unknown_entity_type"},
                    Case{"enumerated_id", "resource.owner == User::\"x\" || Color::\"blue\" == Color::\"red\"", "unknown_enumerated_id"}, Case{"action", "action == Action::\"viw\" || true", "unknown_action"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    DeadCode, ConditionTypes,
    testing::Values(Case{"right_of_false", "false && principal.nope == 1", "impossible_policy"}, Case{"left_of_false", "principal.nope == 1 && false", "unknown_attribute"}, Case{"right_of_true", "true || principal.nope == 1", "ok"},
                    Case{"branch_not_taken", "if true then true else principal.nope", "ok"}),
    name_of);

class Scopes : public testing::TestWithParam<Case> {};
TEST_P(Scopes, AreChecked) { EXPECT_EQ(problems(check(GetParam().text)), GetParam().found); }

INSTANTIATE_TEST_SUITE_P(
    Policies, Scopes,
    testing::Values(
        Case{"all", "permit(principal, action, resource);", "ok"}, Case{"group_of_actions", "permit(principal, action in Action::\"all\", resource);", "ok"},
        Case{"group_with_equals", "permit(principal, action == Action::\"all\", resource);", "no_applicable_action impossible_policy"},
        Case{"resource_of_another_action", "permit(principal, action == Action::\"view\", resource is Color);", "no_applicable_action impossible_policy"},
        Case{"in_a_possible_group", "permit(principal in Group::\"g\", action, resource in Folder::\"f\");", "ok"}, Case{"in_an_impossible_group", "permit(principal in Folder::\"f\", action, resource);", "no_applicable_action impossible_policy"},
        Case{"is_in_impossible", "permit(principal is User in Folder::\"f\", action, resource);", "no_applicable_action impossible_policy"},
        Case{"unknown_type", "permit(principal is Usr, action, resource);", "unknown_entity_type no_applicable_action impossible_policy"},
        Case{"unknown_action", "permit(principal, action in [Action::\"view\", Action::\"nope\"], resource);", "unknown_action no_applicable_action impossible_policy"},
        Case{"no_actions", "permit(principal, action in [], resource);", "empty_set no_applicable_action impossible_policy"},
        Case{"actions_of_two_types", "permit(principal, action in [Action::\"view\", N::Action::\"odd\"], resource);", "incompatible_types"}, Case{"enumerated_id", "permit(principal, action, resource == Color::\"blue\");", "unknown_enumerated_id"},
        // Each environment is checked by itself: a Group has no name.
        Case{"attribute_of_one_principal_type", "permit(principal, action == Action::\"view\", resource) when { principal.name == \"a\" };", "unknown_attribute"},
        Case{"narrowed_by_is", "permit(principal, action == Action::\"view\", resource) when { principal is User && principal.name == \"a\" };", "ok"},
        Case{"guard_of_an_earlier_clause", "permit(principal is User, action == Action::\"view\", resource) when { principal has age } when { principal.age > 1 };", "ok"},
        Case{"guard_of_a_later_clause", "permit(principal is User, action == Action::\"view\", resource) when { principal.age > 1 } when { principal has age };", "unguarded_attribute"},
        Case{"unless_guarantees_nothing", "permit(principal is User, action == Action::\"view\", resource) unless { !(principal has age) } when { principal.age > 1 };", "unguarded_attribute"},
        Case{"unless_true_is_impossible", "permit(principal, action, resource) unless { true };", "impossible_policy"}, Case{"forbid_that_never_applies", "forbid(principal, action, resource) when { false };", "impossible_policy"},
        Case{"context_of_each_action", "permit(principal is User, action, resource) when { context.mfa };", "unknown_attribute"}, Case{"template", "permit(principal == ?principal, action, resource in ?resource);", "ok"},
        Case{"template_with_error", "permit(principal == ?principal, action, resource) when { 1 };", "unexpected_type"}),
    name_of);

TEST(ValidationMessages, SayWhereAndWhatWouldBeRight) {
  const Validation validation = check("permit(principal is User,\n  action == Action::\"viw\", resource) when {\n  principal.nam == \"a\" };");
  ASSERT_FALSE(validation.findings.empty());
  EXPECT_EQ(validation.findings[0].message.summary(), "2:13: there is no action `Action::\"viw\"`; did you mean `view`?");
  const Validation attribute = check("permit(principal is User, action, resource is Doc) when {\n  principal.nam == \"a\" };");
  ASSERT_EQ(attribute.findings.size(), 1u);
  EXPECT_EQ(attribute.findings[0].message.summary(), "2:13: `User` has no attribute `nam`; did you mean `name`?");
  EXPECT_EQ(attribute.findings[0].policy_id, "policy0");
}

TEST(ValidationOfPolicySets, JudgesWhatFillsTheSlots) {
  const auto schema = Schema::parse(kSchema);
  ASSERT_TRUE(schema);
  const auto policies = parse_policies("permit(principal in ?principal, action == Action::\"view\", resource);");
  ASSERT_TRUE(policies);
  const auto found = [&](const EntityUid& principal) {
    PolicySetBuilder builder;
    EXPECT_TRUE(builder.add(*policies));
    EXPECT_TRUE(builder.link("policy0", "linked", {principal, std::nullopt}));
    return problems(validate(*schema, builder.build()));
  };
  EXPECT_EQ(found(EntityUid("Group", "g")), "ok");
  EXPECT_EQ(found(EntityUid("Folder", "f")), "no_applicable_action");
  EXPECT_EQ(found(EntityUid("Grp", "g")), "unknown_entity_type no_applicable_action");
}

// A policy may look at as many tools as there are: those that look alike to it are checked once.
TEST(ValidationOfManyActions, TellsContextsApartOnlyWhereThePolicyLooks) {
  std::string text = "entity User; entity Tool; action use;";
  for (int i = 0; i < 300; ++i)
    text += "action \"t" + std::to_string(i) + "\" in [use] appliesTo { principal: User, resource: Tool, context: { mfa: Bool, args: { a" + std::to_string(i) + ": Long, all?: " +
            (i == 299 ? "String" : "Long") + " } } };";
  const auto schema = Schema::parse(text);
  ASSERT_TRUE(schema) << schema.error().summary();
  const auto found = [&](const char* policy) { return problems(validate(*schema, *parse_policies(policy))); };
  EXPECT_EQ(found("permit(principal, action in Action::\"use\", resource) when { context.mfa };"), "ok");
  // The one action whose argument is a text is not overlooked.
  EXPECT_EQ(found("permit(principal, action, resource) when { context.args has all && context.args.all == 1 };"), "incompatible_types");
  EXPECT_EQ(found("permit(principal, action == Action::\"t1\", resource) when { context.args.a1 == 1 };"), "ok");
  EXPECT_EQ(found("permit(principal, action in [Action::\"t1\", Action::\"t2\"], resource) when { context.args.a1 == 1 };"), "unknown_attribute");
  EXPECT_EQ(found("permit(principal, action, resource) when { action == Action::\"t7\" && context.args.a7 == 1 };"), "ok");
}

}  // namespace
}  // namespace writ::cedar
