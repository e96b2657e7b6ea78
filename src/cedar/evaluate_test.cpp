#include "cedar/evaluate.h"

#include <gtest/gtest.h>

#include "cedar/compile.h"
#include "cedar/parser.h"

namespace writ::cedar {
namespace {

// alice is in eng, which is in all (not stored); her tags: color; her attributes: level, name, nick (absent).
// The context: { n: 1, big: largest long, s: "abc", set: [1, 2], rec: { x: 1 } }.
class World {
 public:
  World() {
    EntitiesBuilder builder;
    EXPECT_TRUE(builder.add(EntityUid("User", "alice"), {{"level", Value::integer(3)}, {"name", Value::string("Alice")}}, {EntityUid("Group", "eng")}, {{"color", Value::string("red")}}));
    EXPECT_TRUE(builder.add(EntityUid("Group", "eng"), {}, {EntityUid("Group", "all")}));
    EXPECT_TRUE(builder.add(EntityUid("Action", "view"), {}, {EntityUid("Action", "read")}));
    entities_ = std::move(builder.build()).value();
    request_.principal = EntityUid("User", "alice");
    request_.action = EntityUid("Action", "view");
    request_.resource = EntityUid("Photo", "not stored");
    request_.context = Value::record(arena_, {{"n", Value::integer(1)},
                                              {"big", Value::integer(INT64_MAX)},
                                              {"s", Value::string("abc")},
                                              {"set", Value::set(arena_, {Value::integer(1), Value::integer(2)})},
                                              {"rec", Value::record(arena_, {{"x", Value::integer(1)}})}});
  }
  // The value as text, or the reason of the error.
  std::string evaluate(const ast::Expression& expression) {
    const auto value = Evaluator(request_, entities_, arena_).evaluate(expression);
    return value ? value->to_string() : std::string(to_string(value.error().reason));
  }
  Arena& arena() { return arena_; }

 private:
  Arena arena_;
  Entities entities_;
  Request request_;
};

struct Case {
  const char* expression;
  const char* result;
};
class Evaluation : public testing::TestWithParam<Case> {};

TEST_P(Evaluation, GivesCedarsValueOrError) {
  const auto parsed = parse_expression(GetParam().expression);
  ASSERT_TRUE(parsed) << parsed.error().render();
  World world;
  EXPECT_EQ(world.evaluate(*parsed->expression), GetParam().result) << GetParam().expression;
  const ast::Expression* folded = fold_constants(*parsed->expression, world.arena());
  EXPECT_EQ(world.evaluate(*folded), GetParam().result) << GetParam().expression << ", constants computed";
}

INSTANTIATE_TEST_SUITE_P(
    ShortCircuits, Evaluation,
    testing::Values(Case{"false && 1", "false"}, Case{"true && 1", "wrong_type"}, Case{"1 || true", "wrong_type"}, Case{"true || 1", "true"}, Case{"false || 1", "wrong_type"},
                    Case{"context.missing || true", "no_such_attribute"}, Case{"false && context.missing", "false"}, Case{"true || context.missing", "true"},
                    Case{"if true then 1 else context.missing", "1"}, Case{"if 1 then 1 else 2", "wrong_type"}, Case{"!1 == 2", "wrong_type"}, Case{"{a: context.missing} has b", "no_such_attribute"},
                    Case{"[1, context.missing].contains(1)", "no_such_attribute"}));
INSTANTIATE_TEST_SUITE_P(
    Arithmetic, Evaluation,
    testing::Values(Case{"1 + 2 * 3 - 4", "3"}, Case{"context.big + 1", "overflow"}, Case{"0 - context.big - 2", "overflow"}, Case{"context.big * 2", "overflow"},
                    Case{"--9223372036854775808", "overflow"}, Case{"-9223372036854775808 * -1", "overflow"}, Case{"1 + \"a\"", "wrong_type"}, Case{"\"a\" + \"b\"", "wrong_type"}, Case{"-context.s == 1", "wrong_type"}));
INSTANTIATE_TEST_SUITE_P(
    Comparisons, Evaluation,
    testing::Values(Case{"1 < 2", "true"}, Case{"2 <= 2", "true"}, Case{"2 > 2", "false"}, Case{"2 >= 2", "true"}, Case{"\"a\" < \"b\"", "wrong_type"}, Case{"true < false", "wrong_type"},
                    Case{"1 == \"1\"", "false"}, Case{"1 != \"1\"", "true"}, Case{"[1, 2, 2] == [2, 1]", "true"}, Case{"[[1], []] == [[], [1]]", "true"}, Case{"{a: 1, b: 2} == {b: 2, a: 1}", "true"}, Case{"{a: 1} == {a: 1, b: 2}", "false"},
                    Case{"User::\"a\" == Users::\"a\"", "false"}, Case{"decimal(\"1.0\") == decimal(\"1.00\")", "true"}, Case{"datetime(\"1970-01-01\") == duration(\"0ms\")", "false"},
                    Case{"datetime(\"1970-01-01\") < datetime(\"1970-01-02\")", "true"}, Case{"duration(\"1s\") >= duration(\"1000ms\")", "true"}, Case{"datetime(\"1970-01-01\") < duration(\"1s\")", "wrong_type"},
                    Case{"decimal(\"1.0\") < decimal(\"2.0\")", "wrong_type"}, Case{"ip(\"1.1.1.1\") < ip(\"1.1.1.2\")", "wrong_type"}, Case{"1 < datetime(\"1970-01-01\")", "wrong_type"}));
INSTANTIATE_TEST_SUITE_P(
    Hierarchy, Evaluation,
    testing::Values(Case{"principal in Group::\"eng\"", "true"}, Case{"principal in Group::\"all\"", "true"}, Case{"principal in Group::\"other\"", "false"}, Case{"principal in principal", "true"}, Case{"resource in resource", "true"},
                    Case{"principal in []", "false"}, Case{"1 in []", "wrong_type"}, Case{"principal in [principal, 1]", "wrong_type"}, Case{"principal in [Group::\"x\", Group::\"all\"]", "true"}, Case{"principal in [[principal]]", "wrong_type"},
                    Case{"principal in 1", "wrong_type"}, Case{"action in Action::\"read\"", "true"}, Case{"principal is User", "true"}, Case{"principal is N::User", "false"}, Case{"1 is User", "wrong_type"}, Case{"principal is User in Group::\"all\"", "true"},
                    Case{"principal is Other in context.missing", "false"}, Case{"principal is User in 1", "wrong_type"}));
INSTANTIATE_TEST_SUITE_P(
    AttributesAndTags, Evaluation,
    testing::Values(Case{"principal.level", "3"}, Case{"principal.nick", "no_such_attribute"}, Case{"principal has level", "true"}, Case{"principal has nick", "false"}, Case{"principal has color", "false"}, Case{"resource.x", "no_such_entity"}, Case{"resource has x", "false"},
                    Case{"1 has x", "wrong_type"}, Case{"\"s\".x", "wrong_type"}, Case{"context.rec.x", "1"}, Case{"context has rec.x", "true"}, Case{"context has rec.y", "false"}, Case{"context has missing.x", "false"}, Case{"context has n.x", "wrong_type"},
                    Case{"principal.hasTag(\"color\")", "true"}, Case{"principal.getTag(\"color\")", "\"red\""}, Case{"principal.getTag(\"level\")", "no_such_tag"}, Case{"principal.hasTag(\"level\")", "false"}, Case{"resource.hasTag(\"x\")", "false"}, Case{"resource.getTag(\"x\")", "no_such_entity"},
                    Case{"context.hasTag(\"x\")", "wrong_type"}, Case{"principal.hasTag(1)", "wrong_type"}, Case{"action has x", "false"}, Case{"action.x", "no_such_attribute"}));
INSTANTIATE_TEST_SUITE_P(
    Sets, Evaluation,
    testing::Values(Case{"context.set.contains(1)", "true"}, Case{"context.set.contains(\"1\")", "false"}, Case{"[1].containsAll([])", "true"}, Case{"[1].containsAny([])", "false"}, Case{"[1, 2].containsAll([2, 1, 1])", "true"}, Case{"[1, 2].containsAny([3, 2])", "true"},
                    Case{"[].isEmpty()", "true"}, Case{"\"\".isEmpty()", "wrong_type"}, Case{"{}.isEmpty()", "wrong_type"}, Case{"1.contains(1)", "wrong_type"}, Case{"[1].containsAll(1)", "wrong_type"}, Case{"[1, true, \"a\", [1]].contains([1, 1])", "true"}));
INSTANTIATE_TEST_SUITE_P(
    Patterns, Evaluation,
    testing::Values(Case{"\"\" like \"\"", "true"}, Case{"\"a\" like \"\"", "false"}, Case{"\"\" like \"*\"", "true"}, Case{"\"abc\" like \"a*c\"", "true"}, Case{"\"abc\" like \"a*b\"", "false"}, Case{"\"aXbXc\" like \"a*b*c\"", "true"}, Case{"\"ab\" like \"ab*b\"", "false"},
                    Case{"\"a\\nb\" like \"a*b\"", "true"}, Case{"\"a*b\" like \"a\\*b\"", "true"}, Case{"\"axb\" like \"a\\*b\"", "false"}, Case{"\"axb\" like \"a\\u{2a}b\"", "true"}, Case{"\"aaab\" like \"*aab\"", "true"}, Case{"\"mississippi\" like \"*iss*ip*\"", "true"}, Case{"1 like \"*\"", "wrong_type"}));
INSTANTIATE_TEST_SUITE_P(
    Extensions, Evaluation,
    testing::Values(Case{"decimal(\"1.1\").lessThan(decimal(\"1.2\"))", "true"}, Case{"decimal(\"1\").lessThan(decimal(\"1.2\"))", "malformed_text"}, Case{"decimal(context.s)", "malformed_text"}, Case{"decimal(1)", "wrong_type"}, Case{"ip()", "wrong_argument_count"}, Case{"ip(\"a\", \"b\")", "wrong_argument_count"},
                    Case{"ip(\"127.0.0.1\").isLoopback(1)", "wrong_argument_count"}, Case{"\"127.0.0.1\".isLoopback()", "wrong_type"}, Case{"ip(\"10.0.0.1\").isInRange(ip(\"10.0.0.0/8\"))", "true"}, Case{"ip(\"::1\").isInRange(ip(\"10.0.0.0/8\"))", "false"}, Case{"ip(\"::ffff:0102:0304\").isIpv6()", "true"},
                    Case{"duration(\"-1999ms\").toSeconds()", "-1"}, Case{"duration(\"-1ms\").toDays()", "0"}, Case{"datetime(\"1969-12-31T23:59:59Z\").toTime()", "duration(\"23h59m59s\")"}, Case{"datetime(\"2024-01-02T03:04:05Z\").toDate() == datetime(\"2024-01-02\")", "true"},
                    Case{"datetime(\"1970-01-01\").offset(duration(\"9223372036854775807ms\")).offset(duration(\"1ms\"))", "overflow"}, Case{"datetime(\"1970-01-01\").offset(duration(\"-9223372036854775808ms\")).toDate()", "overflow"},
                    Case{"datetime(\"1970-01-02\").durationSince(datetime(\"1970-01-01\")) == duration(\"1d\")", "true"}));

TEST(EvaluationErrors, SayWhatAndWhere) {
  const auto parsed = parse_expression("context.n + principal.name");
  ASSERT_TRUE(parsed);
  EntitiesBuilder builder;
  ASSERT_TRUE(builder.add(EntityUid("User", "alice"), {{"name", Value::string("Alice")}}, {}));
  const Entities entities = std::move(builder.build()).value();
  Arena arena;
  Request request{EntityUid("User", "alice"), EntityUid("Action", "a"), EntityUid("R", "r"), Value::record(arena, {{"n", Value::integer(1)}})};
  const auto value = Evaluator(request, entities, arena).evaluate(*parsed->expression);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().to_string(), "expected a long, found a string");
  ASSERT_NE(value.error().at, nullptr);
  EXPECT_EQ(value.error().at->span.begin, 12u);
}

}  // namespace
}  // namespace writ::cedar
