#include "cedar/policy_json.h"

#include <gtest/gtest.h>

#include "cedar/parser.h"
#include "cedar/print.h"

namespace writ::cedar {
namespace {

json::Value json_of(const char* text) {
  auto parsed = json::parse(text, {.depth_max = 2000});
  if (!parsed) ADD_FAILURE() << json::to_string(parsed.error());
  return std::move(parsed).value();
}

TEST(PolicyJson, HoldsEveryForm) {
  const char* texts[] = {
      "@a(\"b\") @c permit(principal == A::\"x\", action in [Action::\"y\", N::Action::\"z\"], resource is B in C::\"w\") when { true } unless { -(1) == --5 };",
      "forbid(principal in ?principal, action == Action::\"y\", resource is B in ?resource);",
      "permit(principal, action in Action::\"y\", resource) when { principal has a.b.c && principal has \"a b\" && context.x like \"a*\\*\\u{e4}\" };",
      "permit(principal, action, resource) when { if context.a != 1 then context.b >= 2 else !(context.c > 3) };",
      "permit(principal, action, resource) when { principal is T in [A::\"a\", action] || {\"k l\": ip(\"1.1.1.1\").isInRange(ip(\"1.1.1.0/24\"))}[\"k l\"] };",
      "permit(principal, action, resource) when { [1, 2].containsAny([]) && [].isEmpty() && principal.hasTag(\"t\") && principal.getTag(\"t\") == 1 + 2 * 3 - 4 };"};
  for (const char* text : texts) {
    const auto parsed = parse_policies(text);
    ASSERT_TRUE(parsed) << parsed.error().render();
    const json::Value json = to_json(parsed->policies[0]);
    const auto read = read_policy(json::parse(json::write(json), {.depth_max = 200}).value());
    ASSERT_TRUE(read) << read.error().text << "\n" << json::write(json);
    EXPECT_EQ(print(read->policies[0]), print(parsed->policies[0]));
    EXPECT_EQ(to_json(read->policies[0]), json);
  }
}

TEST(PolicyJson, IsWrittenAsCedarWritesIt) {
  const auto parsed = parse_policies("permit(principal == A::\"x\", action in [Action::\"y\"], resource) when { context has a.b && \"ab\" like \"a*\" };");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(json::write(to_json(parsed->policies[0])),
            R"({"effect":"permit","principal":{"op":"==","entity":{"type":"A","id":"x"}},"action":{"op":"in","entity":{"type":"Action","id":"y"}},"resource":{"op":"All"},)"
            R"("conditions":[{"kind":"when","body":{"&&":{"left":{"has":{"left":{"Var":"context"},"attr":["a","b"]}},)"
            R"("right":{"like":{"left":{"Value":"ab"},"pattern":[{"Literal":"a"},"Wildcard"]}}}}}]})");
}

struct Case {
  const char* name;
  const char* conditions;
  const char* reason;   // part of the message, or null when it is read
};
class PolicyJsonConditions : public testing::TestWithParam<Case> {};

TEST_P(PolicyJsonConditions, AreReadStrictly) {
  const std::string text = R"({"effect": "permit", "principal": {"op": "All"}, "action": {"op": "all"}, "resource": {"op": "All"}, "conditions": [{"kind": "when", "body": )" + std::string(GetParam().conditions) + "}]}";
  const auto read = read_policy(json_of(text.c_str()));
  ASSERT_EQ(read.has_value(), GetParam().reason == nullptr) << (read ? print(read->policies[0]) : read.error().text);
  if (read) return;
  EXPECT_NE(read.error().text.find(GetParam().reason), std::string::npos) << read.error().text;
}

INSTANTIATE_TEST_SUITE_P(
    Cedar, PolicyJsonConditions,
    testing::Values(Case{"a_value", R"({"Value": [1, {"a": {"__extn": {"fn": "ip", "arg": "::1"}}}]})", nullptr}, Case{"a_value_that_fails", R"({"Value": {"__extn": {"fn": "ip", "arg": "x"}}})", "ip"},
                    Case{"null", R"({"Value": null})", "no Cedar value"}, Case{"a_slot", R"({"Slot": "?principal"})", "slot"}, Case{"an_unknown_operator", R"({"+=": {"left": {"Value": 1}, "right": {"Value": 1}}})", "unknown operator"},
                    Case{"two_keys", R"({"Value": 1, "Var": "context"})", "one key"}, Case{"an_unknown_field", R"({"!": {"arg": {"Value": true}, "x": 1}})", "unknown field"}, Case{"a_missing_field", R"({"&&": {"left": {"Value": true}}})", "has no `right`"},
                    Case{"an_unknown_variable", R"({"Var": "user"})", "`Var` must be"}, Case{"has_an_odd_path", R"({"has": {"left": {"Var": "context"}, "attr": ["a", "if"]}})", "may not stand in the path"},
                    Case{"has_a_list_of_one", R"({"has": {"left": {"Var": "context"}, "attr": ["a b"]}})", nullptr}, Case{"a_call_without_receiver", R"({"isIpv4": []})", "needs a receiver"}, Case{"a_constructor_without_argument", R"({"ip": []})", nullptr},
                    Case{"a_star_is_a_star", R"({"like": {"left": {"Value": "a"}, "pattern": [{"Literal": "*"}]}})", nullptr}, Case{"an_odd_pattern", R"({"like": {"left": {"Value": "a"}, "pattern": ["*"]}})", "a piece of `pattern`"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PolicyJson, DeepNestingIsAnError) {
  std::string body = R"({"Value": true})";
  for (int i = 0; i < 600; ++i) body = R"({"!": {"arg": )" + body + "}}";
  const auto read = read_policy(json_of((R"({"effect": "permit", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"}, "conditions": [{"kind": "when", "body": )" + body + "}]}").c_str()));
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().text.find("nested too deeply"), std::string::npos);
}

TEST(PolicySetJson, HoldsTemplatesAndLinks) {
  const auto set = read_policy_set(json_of(R"({
    "staticPolicies": {"s": {"effect": "forbid", "principal": {"op": "All"}, "action": {"op": "All"}, "resource": {"op": "All"}, "conditions": []}},
    "templates": {"t": {"effect": "permit", "principal": {"op": "==", "slot": "?principal"}, "action": {"op": "All"}, "resource": {"op": "All"}, "conditions": []}},
    "templateLinks": [{"templateId": "t", "newId": "l", "values": {"?principal": {"type": "User", "id": "alice"}}}]})"));
  ASSERT_TRUE(set) << set.error().text;
  ASSERT_NE(set->find("l"), nullptr);
  EXPECT_EQ(set->find("l")->tree().principal.entity->to_string(), "User::\"alice\"");
  const auto again = read_policy_set(to_json(*set));
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(to_json(*again), to_json(*set));
}

}  // namespace
}  // namespace writ::cedar
