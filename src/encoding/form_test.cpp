#include "encoding/form.h"

#include <gtest/gtest.h>

namespace writ::form {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Case {
  std::string name, text;
  Pairs pairs;
};
struct BadCase {
  std::string name, text;
  Problem problem;
};
void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }
void PrintTo(const BadCase& row, std::ostream* out) { *out << row.name; }

class FormReader : public testing::TestWithParam<Case> {};
TEST_P(FormReader, Reads) {
  const auto parsed = parse(GetParam().text);
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(parsed->pairs(), GetParam().pairs);
}
INSTANTIATE_TEST_SUITE_P(Bodies, FormReader, testing::Values(
    Case{"nothing", "", {}},
    Case{"two_parameters", "a=1&b=2", {{"a", "1"}, {"b", "2"}}},
    Case{"plus_is_a_space", "scope=a+b%2Bc", {{"scope", "a b+c"}}},
    Case{"the_name_is_decoded_too", "%61=1", {{"a", "1"}}},
    Case{"an_equals_sign_in_the_value", "a=b=c", {{"a", "b=c"}}},
    Case{"an_empty_value_counts_as_omitted", "a=&b=2&c", {{"b", "2"}}},
    Case{"stray_ampersands", "&&a=1&&", {{"a", "1"}}},
    Case{"text_in_utf8", "a=%C3%A9", {{"a", "\xC3\xA9"}}},
    Case{"names_keep_their_case", "A=1&a=2", {{"A", "1"}, {"a", "2"}}}), [](const auto& row) { return row.param.name; });

class FormReaderRefuses : public testing::TestWithParam<BadCase> {};
TEST_P(FormReaderRefuses, WithItsReason) {
  const auto parsed = parse(GetParam().text);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(to_string(parsed.error()), to_string(GetParam().problem));
}
std::string many(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "p" + std::to_string(i) + "=1&";
  return text;
}
INSTANTIATE_TEST_SUITE_P(Bodies, FormReaderRefuses, testing::Values(
    BadCase{"cut_escape", "a=%4", Problem::bad_escape},
    BadCase{"lonely_percent", "a=%", Problem::bad_escape},
    BadCase{"no_hexadecimal", "a=%zz", Problem::bad_escape},
    BadCase{"half_hexadecimal", "a=%4g", Problem::bad_escape},
    BadCase{"unicode_escape", "a=%u0041", Problem::bad_escape},
    BadCase{"bad_escape_in_the_name", "%=1", Problem::bad_escape},
    BadCase{"latin1", "a=%E9", Problem::invalid_utf8},
    BadCase{"overlong", "a=%C0%AF", Problem::invalid_utf8},
    BadCase{"nul", "a=%00", Problem::control_character},
    BadCase{"line_feed", "a=x%0Ay", Problem::control_character},
    BadCase{"raw_tab", "a=x\ty", Problem::control_character},
    BadCase{"delete", "a=%7F", Problem::control_character},
    BadCase{"nul_in_the_name", "a%00=1", Problem::control_character},
    BadCase{"a_parameter_too_many", many(101), Problem::too_many_parameters},
    BadCase{"omitted_ones_count_too", "a=&" + many(100), Problem::too_many_parameters},
    BadCase{"a_byte_too_many", "a=" + std::string(256 * 1024 - 1, 'x'), Problem::too_large}), [](const auto& row) { return row.param.name; });

TEST(FormReader, AcceptsWhatIsJustInsideTheLimits) {
  EXPECT_TRUE(parse(many(100)));
  EXPECT_TRUE(parse("a=" + std::string(256 * 1024 - 2, 'x')));
}

TEST(FormParameters, RepeatedOnesAreNamed) {
  const auto parameters = parse("resource=a&scope=x&resource=b&scope=y");
  ASSERT_TRUE(parameters);
  EXPECT_EQ(parameters->first_repeated({}), "resource");
  EXPECT_EQ(parameters->first_repeated({"resource"}), "scope");
  EXPECT_EQ(parameters->first_repeated({"resource", "scope"}), std::nullopt);
  EXPECT_EQ(parameters->find_all("resource"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(*parameters->find("scope"), "x");
  EXPECT_EQ(parameters->find("absent"), nullptr);
}

TEST(FormParameters, ATwinSpelledWithEscapesIsARepetition) {
  EXPECT_EQ(parse("client_id=a&client%5Fid=b")->first_repeated({}), "client_id");
}

TEST(FormWriter, WhatIsWrittenReadsBack) {
  const Pairs pairs = {{"a b", "1+1=2&3"}, {"\xC3\xA9", "100%"}, {"plain-._*", "~"}};
  const auto parsed = parse(write(pairs));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->pairs(), pairs);
  EXPECT_EQ(encode("a b~"), "a+b%7E");
}

}  // namespace
}  // namespace writ::form
