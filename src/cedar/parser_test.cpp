#include "cedar/parser.h"

#include <gtest/gtest.h>

#include "cedar/print.h"

namespace writ::cedar {
namespace {

std::string in_condition(std::string_view expression) { return "permit(principal, action, resource) when { " + std::string(expression) + " };"; }

// ---- what parses, and as what (the canonical print shows the tree)

struct Accepted {
  const char* name;
  const char* expression;
  const char* printed;
};
class AcceptedExpressions : public testing::TestWithParam<Accepted> {};

TEST_P(AcceptedExpressions, PrintAsTheirTree) {
  const auto parsed = parse_expression(GetParam().expression);
  ASSERT_TRUE(parsed) << parsed.error().render();
  const std::string printed = print(*parsed->expression);
  EXPECT_EQ(printed, GetParam().printed);
  const auto again = parse_expression(printed);
  ASSERT_TRUE(again) << again.error().render();
  EXPECT_TRUE(ast::is_same(*again->expression, *parsed->expression));
}

INSTANTIATE_TEST_SUITE_P(
    Cedar, AcceptedExpressions,
    testing::Values(
        Accepted{"precedence", "1 + 2 * 3 < 4 && true || false", "1 + 2 * 3 < 4 && true || false"},
        Accepted{"parentheses_that_mean_nothing_go", "((1) + (2))", "1 + 2"},
        Accepted{"parentheses_that_mean_something_stay", "1 - (2 - 3)", "1 - (2 - 3)"},
        Accepted{"a_left_nested_chain_is_flat", "(true && false) && true", "true && false && true"},
        Accepted{"a_right_nested_chain_is_not", "true && (false && true)", "true && (false && true)"},
        Accepted{"else_takes_all_that_follows", "if true then 1 else 2 + 3 == 5", "if true then 1 else 2 + 3 == 5"},
        Accepted{"if_as_an_operand", "(if true then 1 else 2) + 3", "(if true then 1 else 2) + 3"},
        Accepted{"four_bangs", "!!!!true", "!(!(!(!true)))"},
        Accepted{"the_smallest_long", "-9223372036854775808", "-9223372036854775808"},
        Accepted{"space_after_the_minus", "- 9223372036854775808", "-9223372036854775808"},
        Accepted{"negation_of_the_smallest_long", "--9223372036854775808", "-(-9223372036854775808)"},
        Accepted{"negation_of_a_parenthesised_literal", "-(1)", "-(1)"},
        Accepted{"minus_before_an_access", "-5.x", "-5.x"},
        Accepted{"subtraction_of_a_negative", "1 - -2", "1 - -2"},
        Accepted{"leading_zeros", "007", "7"},
        Accepted{"index_is_attribute", "context[\"a\"]", "context.a"},
        Accepted{"a_reserved_word_as_an_index", "context[\"if\"]", "context[\"if\"]"},
        Accepted{"contextual_words_are_names", "context.permit.principal.when", "context.permit.principal.when"},
        Accepted{"a_type_called_principal", "principal is principal", "principal is principal"},
        Accepted{"spaces_and_comments_around_colons", "A :: // x\n B::\"c\" == principal", "A::B::\"c\" == principal"},
        Accepted{"has_a_path", "context has a.b.c", "context has a.b.c"},
        Accepted{"has_a_string_with_a_dot", "context has \"a.b\"", "context has \"a.b\""},
        Accepted{"is_in", "principal is A::B in C::\"d\"", "principal is A::B in C::\"d\""},
        Accepted{"a_literal_star", "\"a\" like \"\\**\"", "\"a\" like \"\\**\""},
        Accepted{"an_escaped_wildcard", "\"a\" like \"\\u{2a}\\x2a\"", "\"a\" like \"**\""},
        Accepted{"contains_without_a_call", "context.contains", "context.contains"},
        Accepted{"trailing_commas", "[1, 2,].contains(1,)", "[1, 2].contains(1)"},
        Accepted{"a_record", "{a: 1, \"b c\": {}, \"if\": 2,}", "{ a: 1, \"b c\": {}, \"if\": 2 }"},
        Accepted{"methods_on_literals", "1.foo == \"s\".foo", "1.foo == \"s\".foo"},
        Accepted{"arity_of_extensions_is_not_checked", "ip() == ip(\"a\", \"b\").isInRange()", "ip() == ip(\"a\", \"b\").isInRange()"},
        Accepted{"escapes", R"("\n\r\t\\\0\'\"\x41\u{1F600}\u{4_1}")", "\"\\n\\r\\t\\\\\\0'\\\"A\xF0\x9F\x98\x80" "A\""},
        Accepted{"unicode_spaces", "1\xC2\xA0+\xE2\x80\x89\x0C" "2\xC2\x85", "1 + 2"},
        Accepted{"a_raw_line_end_in_a_string", "\"a\nb\"", "\"a\\nb\""}),
    [](const auto& row) { return std::string(row.param.name); });

// ---- what does not parse, and what is said

struct Refused {
  const char* name;
  const char* text;
  const char* reason;   // part of the message
};
class RefusedExpressions : public testing::TestWithParam<Refused> {};

TEST_P(RefusedExpressions, SayWhy) {
  const auto parsed = parse_policies(in_condition(GetParam().text));
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().summary().find(GetParam().reason), std::string::npos) << parsed.error().render();
}

INSTANTIATE_TEST_SUITE_P(
    Cedar, RefusedExpressions,
    testing::Values(
        Refused{"five_bangs", "!!!!!true", "at most four"}, Refused{"five_minuses", "-----1", "at most four"},
        Refused{"bang_then_minus", "!-5 == 1", "cannot be mixed"}, Refused{"minus_then_bang", "-!true", "cannot be mixed"},
        Refused{"a_literal_beyond_long", "9223372036854775808", "larger than the largest Long"},
        Refused{"a_parenthesised_smallest_long", "-(9223372036854775808)", "larger than the largest Long"},
        Refused{"below_the_smallest_long", "-9223372036854775809", "smaller than the smallest Long"},
        Refused{"equals_twice", "1 == 2 == 3", "cannot follow another comparison"}, Refused{"less_then_equals", "1 < 2 == true", "cannot follow"},
        Refused{"in_twice", "principal in principal in principal", "cannot follow"}, Refused{"like_after_has", "context has a like \"b\"", "cannot follow"},
        Refused{"if_as_a_bare_operand", "true && if true then true else true", "must stand in parentheses"},
        Refused{"division", "4 / 2", "no operator of Cedar"}, Refused{"modulo", "4 % 2", "no operator of Cedar"},
        Refused{"a_single_equals", "1 = 1", "did you mean `==`?"}, Refused{"a_fraction", "1.5", "decimal"},
        Refused{"a_reserved_attribute", "context.if", "reserved word"}, Refused{"a_reserved_key", "{if: 1}", "reserved word"},
        Refused{"a_reserved_word_after_has", "context has in", "reserved word"}, Refused{"cedar_as_an_attribute", "context.__cedar", "reserved word"},
        Refused{"cedar_in_a_type", "principal is __cedar::T", "reserved word"},
        Refused{"a_repeated_key", "{a: 1, \"a\": 2}", "stands twice"}, Refused{"an_unknown_function", "decimel(\"1.0\")", "did you mean `decimal`?"},
        Refused{"a_qualified_function", "a::ip(\"1.1.1.1\")", "unknown function"}, Refused{"a_method_as_a_function", "isIpv4(ip(\"1.1.1.1\"))", "is a method"},
        Refused{"a_function_as_a_method", "\"1.1.1.1\".ip()", "is a function"}, Refused{"an_unknown_method", "[1].containsall([1])", "did you mean `containsAll`?"},
        Refused{"contains_of_two", "[1].contains(1, 2)", "takes one argument"}, Refused{"is_empty_of_one", "[1].isEmpty(1)", "takes no argument"},
        Refused{"a_lone_comma", "[,]", "expected an expression"}, Refused{"a_bare_name", "princpal == 1", "did you mean `principal`?"},
        Refused{"a_parenthesised_pattern", "\"a\" like (\"a\")", "a pattern in quotes"}, Refused{"a_parenthesised_type", "principal is (User)", "expected a name"},
        Refused{"a_parenthesised_attribute", "context has (a)", "after `has`"}, Refused{"a_parenthesised_index", "context[(\"a\")]", "in quotes"},
        Refused{"a_parenthesised_function", "(ip)(\"a\")", "is no variable"}, Refused{"a_computed_index", "context[\"a\" + \"b\"]", "expected `]`"},
        Refused{"an_entity_after_is", "principal is User::\"a\"", "found an entity"}, Refused{"a_slot", "principal == ?principal", "only in the scope"},
        Refused{"an_entity_record", "User::{id: 1} == principal", "expected a name"}, Refused{"has_then_index", "context has a[\"b\"]", "expected `}`"},
        Refused{"unknown", "unknown(\"a\")", "unknown function"}, Refused{"an_empty_body", "", "may not be empty"},
        Refused{"a_star_escape_outside_like", "\"\\*\" == \"a\"", "only on the right of `like`"},
        Refused{"x_above_7f", "\"\\x80\" == \"a\"", "up to"}, Refused{"a_surrogate", "\"\\u{D800}\" == \"a\"", "no Unicode character"},
        Refused{"seven_digits", "\"\\u{0000041}\" == \"a\"", "at most six"}, Refused{"empty_braces", "\"\\u{}\" == \"a\"", "hex digits"},
        Refused{"underscore_first", "\"\\u{_41}\" == \"a\"", "hex digits"}, Refused{"an_unknown_escape", "\"\\a\" == \"a\"", "unknown escape"},
        Refused{"a_raw_carriage_return", "\"a\rb\" == \"a\"", "carriage return"}, Refused{"a_backslash_at_the_line_end", "\"a\\\nb\" == \"a\"", "may not end a line"},
        Refused{"a_byte_order_mark", "\xEF\xBB\xBF 1 == 1", "byte-order mark"}, Refused{"a_zero_width_space", "1\xE2\x80\x8B == 1", "unexpected character"},
        Refused{"invalid_utf8", "\"\xFF\" == \"a\"", "not valid UTF-8"}, Refused{"an_open_string", "\"abc", "no closing quote"},
        Refused{"one_pipe", "true | false", "`||` is"}),
    [](const auto& row) { return std::string(row.param.name); });

class RefusedPolicies : public testing::TestWithParam<Refused> {};

TEST_P(RefusedPolicies, SayWhy) {
  const auto parsed = parse_policies(GetParam().text);
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().summary().find(GetParam().reason), std::string::npos) << parsed.error().render();
}

INSTANTIATE_TEST_SUITE_P(
    Cedar, RefusedPolicies,
    testing::Values(Refused{"a_stray_semicolon", "permit(principal, action, resource);;", "expected `permit` or `forbid`"},
                    Refused{"a_misspelt_effect", "premit(principal, action, resource);", "did you mean `permit`?"},
                    Refused{"an_upper_case_effect", "Permit(principal, action, resource);", "did you mean `permit`?"},
                    Refused{"another_order", "permit(action, principal, resource);", "in this order"},
                    Refused{"two_variables", "permit(principal, action);", "expected `,`"},
                    Refused{"a_list_for_the_principal", "permit(principal in [User::\"a\"], action, resource);", "expected an entity"},
                    Refused{"is_for_the_action", "permit(principal, action is Action, resource);", "not allowed for `action`"},
                    Refused{"an_action_that_is_none", "permit(principal, action == User::\"a\", resource);", "is no action"},
                    Refused{"an_action_list_with_one_that_is_none", "permit(principal, action in [Action::\"a\", Actions::\"b\"], resource);", "is no action"},
                    Refused{"not_equal_in_the_scope", "permit(principal != User::\"a\", action, resource);", "may be followed by"},
                    Refused{"is_after_in", "permit(principal in Group::\"g\" is User, action, resource);", "expected `,`"},
                    Refused{"the_slot_of_another", "permit(principal == ?resource, action, resource);", "did you mean `?principal`?"},
                    Refused{"a_slot_for_the_action", "permit(principal, action == ?principal, resource);", "may not stand here"},
                    Refused{"another_slot", "permit(principal == ?user, action, resource);", "may not stand here"},
                    Refused{"a_repeated_annotation", "@a @a(\"b\") permit(principal, action, resource);", "stands twice"},
                    Refused{"an_annotation_without_value_in_parentheses", "@a() permit(principal, action, resource);", "value in quotes"},
                    Refused{"no_semicolon", "permit(principal, action, resource)", "or `;`"}, Refused{"no_braces", "permit(principal, action, resource) when true;", "expected `{`"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Parser, TakesEveryFormOfTheScope) {
  const auto parsed = parse_policies(R"(
      @id("x") @if @__cedar("") permit (principal == User::"a", action == Action::"x", resource in Album::"b",);
      forbid (principal is N::User in ?principal, action in (N::Action::"g"), resource == ?resource);
      permit (principal in ((Group::"g")), action in ([Action::"a", (Action::"b"),]), resource is Photo);
      permit (principal, action in [], resource) when { true } unless { false };)");
  ASSERT_TRUE(parsed) << parsed.error().render();
  ASSERT_EQ(parsed->policies.size(), 4u);
  EXPECT_EQ(parsed->policies[0].annotation("if"), "");
  EXPECT_EQ(parsed->policies[0].annotation("id"), "x");
  EXPECT_EQ(parsed->policies[0].annotation("other"), std::nullopt);
  EXPECT_FALSE(parsed->policies[0].is_template());
  EXPECT_TRUE(parsed->policies[1].is_template());
  EXPECT_FALSE(parsed->policies[1].action.is_list);
  EXPECT_EQ(parsed->policies[2].action.entities.size(), 2u);
  EXPECT_EQ(parsed->policies[3].clauses.size(), 2u);
}

TEST(Parser, PointsAtThePlace) {
  const auto parsed = parse_policies("permit(principal, action, resource)\nwhen {\n  \"\xC3\xA4\" == contxt.x\n};\n");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().position, (Position{3, 10}));
  EXPECT_EQ(parsed.error().render(),
            "3:10: `contxt` is no variable; did you mean `context`?\n  \"\xC3\xA4\" == contxt.x\n         ^^^^^^");
}

TEST(Parser, EmptyTextIsAnEmptySet) {
  for (const char* text : {"", " \n", "// nothing", "// nothing\r"}) {
    const auto parsed = parse_policies(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_TRUE(parsed->policies.empty());
  }
}

// Nesting is bounded and an error; long chains are not nested.
TEST(Parser, DeepNestingIsAnErrorNotAStackOverflow) {
  const auto repeat = [](std::string_view text, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
  };
  for (const std::string& deep : {repeat("(", 100'000) + "1", repeat("[", 100'000), repeat("{a:", 100'000), repeat("if ", 100'000), repeat("!(", 100'000),
                                  "context" + repeat(".a", 100'000), "1" + repeat(" + 1", 100'000), repeat("ip(", 100'000), "context has a" + repeat(".a", 100'000)}) {
    const auto parsed = parse_policies(in_condition(deep));
    ASSERT_FALSE(parsed);
    EXPECT_NE(parsed.error().text.find("nested too deeply"), std::string::npos) << parsed.error().text;
  }
  EXPECT_TRUE(parse_policies(in_condition("true" + repeat(" && true", 10'000) + " || false")));
  EXPECT_TRUE(parse_policies(in_condition(repeat("(", 200) + "1" + repeat(")", 200) + " == 1")));
}

TEST(Parser, CutAtEveryByteItRefusesAndPointsInside) {
  const std::string text = "@id(\"a\\u{e4}\") permit(principal is A::B in ?principal, action in [Action::\"x\"], resource) when { context has a.b && \"x\" like \"a\\*\" };";
  ASSERT_TRUE(parse_policies(text));
  for (std::size_t length = 1; length < text.size(); ++length) {
    const auto parsed = parse_policies(text.substr(0, length));
    ASSERT_FALSE(parsed) << length;
    EXPECT_LE(parsed.error().span.begin, length);
    EXPECT_FALSE(parsed.error().text.empty());
  }
}

TEST(SameTrees, DesugaringDoesNotCount) {
  const auto same = [](const char* a, const char* b) {
    const auto x = parse_expression(a), y = parse_expression(b);
    return x && y && ast::is_same(*x->expression, *y->expression);
  };
  EXPECT_TRUE(same("1 != 2", "!(1 == 2)"));
  EXPECT_TRUE(same("1 > 2", "!(1 <= 2)"));
  EXPECT_TRUE(same("1 >= 2", "!(1 < 2)"));
  EXPECT_TRUE(same("principal is A in B::\"c\"", "principal is A && principal in B::\"c\""));
  EXPECT_TRUE(same("context has a.b && true", "context has a && context.a has b && true"));
  EXPECT_TRUE(same("context[\"a\"]", "context . a"));
  EXPECT_TRUE(same("{a: 1, b: 2}", "{b: 2, a: 1}"));
  EXPECT_FALSE(same("true && (false && true)", "true && false && true"));
  EXPECT_FALSE(same("1 > 2", "2 > 1"));
  EXPECT_FALSE(same("[1, 2]", "[2, 1]"));
}

}  // namespace
}  // namespace writ::cedar
