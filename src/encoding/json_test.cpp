#include "encoding/json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <set>

#include "encoding/shared_files_fixture.h"
#include "encoding/utf8.h"

namespace writ::json {
namespace {

std::string outcome(std::string_view text, const Limits& limits = {}) {
  const auto parsed = parse(text, limits);
  return parsed ? "accepted" : std::string(to_string(parsed.error()));
}

std::string repeated(std::string_view piece, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += piece;
  return text;
}

std::string nested(std::size_t levels) { return repeated("[", levels) + repeated("]", levels); }

// `count` members, the last one named like the one at `twin`.
std::string object_with_duplicate(std::size_t count, std::size_t twin) {
  std::string text = "{";
  for (std::size_t i = 0; i + 1 < count; ++i) text += "\"m" + std::to_string(i) + "\":0,";
  return text + "\"m" + std::to_string(twin) + "\":0}";
}

struct Case {
  std::string name, text, outcome;
};
std::string name_of(const testing::TestParamInfo<Case>& row) { return row.param.name; }
void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

class JsonReader : public testing::TestWithParam<Case> {};
TEST_P(JsonReader, SaysWhy) { EXPECT_EQ(outcome(GetParam().text), GetParam().outcome); }

INSTANTIATE_TEST_SUITE_P(DuplicateMembers, JsonReader, testing::Values(
    Case{"side_by_side", R"({"a":1,"a":1})", "duplicate_member"},
    Case{"spelled_with_an_escape", R"({"alg":1,"\u0061lg":2})", "duplicate_member"},
    Case{"escaped_first", R"({"\u0061lg":1,"alg":2})", "duplicate_member"},
    Case{"deep_inside", R"({"a":[{"b":{"c":1,"d":2,"c":3}}]})", "duplicate_member"},
    Case{"the_empty_name", R"({"":1,"":2})", "duplicate_member"},
    Case{"with_nul_and_without_are_two_names", R"({"a":1,"a\u0000":2})", "accepted"},
    Case{"case_makes_another_name", R"({"a":1,"A":2})", "accepted"},
    Case{"the_same_name_at_two_depths", R"({"a":{"a":1}})", "accepted"},
    Case{"first_and_last_of_fifteen", object_with_duplicate(15, 0), "duplicate_member"},
    Case{"first_and_last_of_sixteen", object_with_duplicate(16, 0), "duplicate_member"},
    Case{"neighbours_in_a_thousand", object_with_duplicate(1000, 998), "duplicate_member"},
    Case{"none_in_a_thousand", object_with_duplicate(1000, 999), "accepted"}), name_of);

INSTANTIATE_TEST_SUITE_P(Encoding, JsonReader, testing::Values(
    Case{"byte_order_mark", "\xEF\xBB\xBF{}", "syntax"},
    Case{"utf16_little_endian", std::string("{\0}\0", 4), "syntax"},
    Case{"utf16_with_mark", std::string("\xFF\xFE{\0}\0", 6), "invalid_utf8"},
    Case{"overlong_slash", "\"\xC0\xAF\"", "invalid_utf8"},
    Case{"surrogate_in_utf8", "\"\xED\xA0\x80\"", "invalid_utf8"},
    Case{"cut_character", "\"\xE2\x82\"", "invalid_utf8"},
    Case{"latin1", "\"\xE9\"", "invalid_utf8"},
    Case{"above_unicode", "\"\xF4\x90\x80\x80\"", "invalid_utf8"},
    Case{"nul_in_a_string", std::string("\"a\0b\"", 5), "syntax"},
    Case{"nul_behind", std::string("{}\0", 3), "trailing_bytes"},
    Case{"escaped_nul", R"("a\u0000b")", "accepted"},
    Case{"surrogate_pair", R"("\uD83D\uDE00")", "accepted"},
    Case{"emoji", "\"\xF0\x9F\x98\x80\"", "accepted"}), name_of);

// simdjson of Debian 12 refuses some of these itself and leaves others to us; neither may pass.
class JsonLoneSurrogate : public testing::TestWithParam<Case> {};
TEST_P(JsonLoneSurrogate, IsRefused) { EXPECT_FALSE(parse(GetParam().text)); }
INSTANTIATE_TEST_SUITE_P(Encoding, JsonLoneSurrogate, testing::Values(
    Case{"high", R"("\uD83D")", ""}, Case{"low", R"("\uDE00")", ""}, Case{"swapped", R"("\uDE00\uD83D")", ""},
    Case{"high_then_letter", R"("\uD83Dx")", ""}, Case{"high_then_escape", R"("\uD83D\n")", ""}, Case{"high_then_high", R"("\uD83D\uD83D")", ""},
    Case{"in_a_name", R"({"\uDE00":1})", ""}, Case{"upper_case_u", R"("\U0041")", ""}), name_of);

INSTANTIATE_TEST_SUITE_P(Ends, JsonReader, testing::Values(
    Case{"nothing", "", "syntax"},
    Case{"only_space", "  \n", "syntax"},
    Case{"white_space_round_it", " \t\r\n{} \t\r\n", "accepted"},
    Case{"form_feed_behind", "{}\f", "trailing_bytes"},
    Case{"a_second_object", R"({"a":1}{"a":2})", "trailing_bytes"},
    Case{"a_second_line", "{}\n{}", "trailing_bytes"},
    Case{"a_comma_behind", "{},", "trailing_bytes"},
    Case{"a_bracket_too_many", "[1]]", "trailing_bytes"},
    Case{"a_number_behind_a_number", "1 2", "trailing_bytes"},
    Case{"cut_object", R"({"a":1)", "syntax"},
    Case{"cut_string", R"({"a)", "syntax"},
    Case{"comment", "{}/* */", "trailing_bytes"},
    Case{"comment_inside", "{/* */}", "syntax"},
    Case{"trailing_comma", "[1,]", "syntax"},
    Case{"single_quotes", "{'a':1}", "syntax"},
    Case{"bare_name", "{a:1}", "syntax"}), name_of);

INSTANTIATE_TEST_SUITE_P(Numbers, JsonReader, testing::Values(
    Case{"largest_integer", "9223372036854775807", "accepted"},
    Case{"one_more", "9223372036854775808", "number_out_of_range"},
    Case{"smallest_integer", "-9223372036854775808", "accepted"},
    Case{"one_less", "-9223372036854775809", "number_out_of_range"},
    Case{"two_to_the_64", R"({"exp":18446744073709551616})", "number_out_of_range"},
    Case{"many_digits", "1" + std::string(400, '0'), "number_out_of_range"},
    Case{"overflowing_exponent", R"({"exp":1e400})", "number_out_of_range"},
    Case{"vanishing_exponent", "1e-400", "accepted"},
    Case{"nan", "[NaN]", "syntax"},
    Case{"infinity", "[Infinity]", "syntax"},
    Case{"leading_zero", "[017]", "syntax"},
    Case{"plus", "[+1]", "syntax"},
    Case{"bare_point", "[1.]", "syntax"},
    Case{"hexadecimal", "[0x10]", "syntax"}), name_of);

INSTANTIATE_TEST_SUITE_P(Limits, JsonReader, testing::Values(
    Case{"as_deep_as_allowed", nested(32), "accepted"},
    Case{"a_level_too_deep", nested(33), "too_deep"},
    Case{"a_level_too_deep_with_something_in_it", repeated("[", 33) + "1" + repeated("]", 33), "too_deep"},
    Case{"as_deep_as_allowed_with_something_in_it", repeated("[", 32) + "1" + repeated("]", 32), "accepted"},
    Case{"objects_as_deep_as_allowed", repeated("{\"a\":", 32) + "1" + repeated("}", 32), "accepted"},
    Case{"objects_too_deep", repeated("{\"a\":", 33) + "1" + repeated("}", 33), "too_deep"},
    Case{"sixty_thousand_levels_left_open", repeated("[", 60'000), "syntax"},
    Case{"sixty_thousand_levels", nested(60'000), "too_deep"},
    Case{"as_many_elements_as_allowed", "[" + repeated("1,", 1'999) + "1]", "accepted"},
    Case{"an_element_too_many", "[" + repeated("1,", 2'000) + "1]", "too_many_members"},
    Case{"the_count_is_of_the_whole_text", "[[" + repeated("1,", 999) + "1],[" + repeated("1,", 999) + "1]]", "too_many_members"},
    Case{"twenty_thousand_members", object_with_duplicate(20'000, 19'999), "too_many_members"},
    Case{"a_mebibyte", "\"" + std::string((1 << 20) - 2, 'x') + "\"", "accepted"},
    Case{"a_byte_more", "\"" + std::string((1 << 20) - 1, 'x') + "\"", "too_large"}), name_of);

TEST(JsonReader, LimitsOfOneCallDoNotLeakIntoTheNext) {
  EXPECT_EQ(outcome(nested(5), {.depth_max = 4}), "too_deep");
  EXPECT_EQ(outcome(nested(32)), "accepted");
  EXPECT_EQ(outcome(nested(100), {.depth_max = 100}), "accepted");
  EXPECT_EQ(outcome(nested(33)), "too_deep");
}

TEST(JsonReader, ALargeTextDoesNotSpoilTheBufferForLaterOnes) {
  const std::string large = "\"" + std::string(8 << 20, 'x') + "\"";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(outcome(large, {.bytes_max = 16 << 20}), "accepted");
    EXPECT_EQ(outcome("{\"a\":1}"), "accepted");
  }
}

TEST(JsonReader, BombsAreRefusedQuickly) {
  const auto start = std::chrono::steady_clock::now();
  std::string collisions = "{";
  for (int i = 0; i < 20'000; ++i) collisions += "\"" + std::string(static_cast<std::size_t>(i % 40), 'a') + std::to_string(i) + "\":0,";
  collisions += "\"z\":0}";
  EXPECT_EQ(outcome(collisions, {.members_max = 100'000}), "accepted");
  EXPECT_EQ(outcome(nested(1 << 19)), "too_deep");
  EXPECT_EQ(outcome(repeated("{\"a\":", 200'000)), "syntax");
  EXPECT_EQ(outcome("[" + repeated("1,", 500'000) + "1]"), "too_many_members");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST(JsonReader, EveryCutOfAMessageIsRefused) {
  const std::string text = R"({"a":[1,-2.5e3,true,null,"\u00e9\n"],"b":{"c":false}})";
  for (std::size_t length = 0; length < text.size(); ++length) EXPECT_FALSE(parse(text.substr(0, length))) << length;
  EXPECT_TRUE(parse(text));
}

// ---- values

TEST(JsonValue, ObjectsAreWrittenAsLiterals) {
  const Value value{{"iss", "https://idp.example"}, {"exp", 17}, {"cnf", {{"jkt", "x"}}}, {"list", Array{1, "two", true}}};
  EXPECT_EQ(write(value), R"({"iss":"https://idp.example","exp":17,"cnf":{"jkt":"x"},"list":[1,"two",true]})");
  const auto parsed = parse(write(value));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, value);
}

TEST(JsonValue, OnlyMeantConversionsExist) {
  static_assert(std::is_constructible_v<Value, std::size_t>);
  static_assert(std::is_constructible_v<Value, std::uint32_t>);
  static_assert(std::is_constructible_v<Value, const char*>);
  static_assert(!std::is_constructible_v<Value, const int*>);
  static_assert(!std::is_constructible_v<Value, void*>);
  static_assert(!std::is_constructible_v<Value, std::string*>);
  static_assert(!std::is_constructible_v<Value, char>);
  EXPECT_TRUE(Value(true).is_bool());
  EXPECT_TRUE(Value(1).is_int());
  EXPECT_TRUE(Value(1U).is_int());
  EXPECT_TRUE(Value(1.0F).is_double());
  EXPECT_TRUE(Value("true").is_string());
  EXPECT_TRUE(Value().is_null());
  EXPECT_TRUE(Value(Object{}).is_object());
}

TEST(JsonValue, MembersAreFoundByTypeOrNotAtAll) {
  const auto value = parse(R"({"s":"x","i":7,"d":7.0,"b":true,"a":["p","q"],"o":{},"n":null})");
  ASSERT_TRUE(value);
  EXPECT_EQ(*value->find_string("s"), "x");
  EXPECT_EQ(*value->find_int("i"), 7);
  EXPECT_EQ(*value->find_bool("b"), true);
  EXPECT_EQ(value->find_array("a")->size(), 2U);
  EXPECT_NE(value->find_object("o"), nullptr);
  EXPECT_TRUE(value->find("n")->is_null());
  EXPECT_EQ(value->find_int("d"), nullptr) << "a number written with a point is no integer";
  EXPECT_EQ(value->find_string("i"), nullptr);
  EXPECT_EQ(value->find_int("s"), nullptr);
  EXPECT_EQ(value->find("S"), nullptr);
  EXPECT_EQ(Value("no object").find("s"), nullptr);
  EXPECT_EQ(to_strings(*value->find("a")), (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(to_strings(Array{"p", 1}), std::nullopt);
  EXPECT_EQ(to_strings(Value("p")), std::nullopt);
  EXPECT_EQ(from_strings({"p", "q"}), *value->find("a"));
}

TEST(JsonValue, SetReplacesOrAddsAndEraseRemoves) {
  Value value;
  value.set("a", 1).set("b", 2).set("a", "three");
  EXPECT_EQ(write(value), R"({"a":"three","b":2})");
  value.erase("a");
  value.erase("absent");
  EXPECT_EQ(write(value), R"({"b":2})");
}

// ---- writing

TEST(JsonWriter, WhatIsWrittenReadsBackTheSame) {
  for (const Value& value : {Value(0), Value(-1), Value(std::numeric_limits<std::int64_t>::min()), Value(0.1), Value(1.0), Value(-0.0), Value(1e300),
                             Value(5e-324), Value(123456789012.5), Value("\x01\x1F\x7F\"\\/\b\f\n\r\t"), Value("\xE2\x80\xA8 \xF0\x9F\x98\x80"),
                             Value(std::string("a\0b", 3)), Value(Array{}), Value(Object{}), Value(nullptr), Value(false)}) {
    const auto read = parse(write(value));
    ASSERT_TRUE(read) << write(value);
    EXPECT_EQ(*read, value) << write(value);
  }
  EXPECT_EQ(write(1.0), "1.0");
  EXPECT_EQ(write("\x01\"\n"), R"("\u0001\"\n")");
}

TEST(JsonWriter, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(write("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(write("\xE2\x82"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonWriter, CanonicalFormSortsMembersAtEveryDepth) {
  const auto value = parse(R"({"b":{"z":1,"a":[{"y":1,"x":2}]},"a":1,"":0,"\u00e9":2,"B":3})");
  ASSERT_TRUE(value);
  EXPECT_EQ(write_canonical(*value), "{\"\":0,\"B\":3,\"a\":1,\"b\":{\"a\":[{\"x\":2,\"y\":1}],\"z\":1},\"\xC3\xA9\":2}");
}

TEST(Utf8, CountsCharactersAsRfc3629Does) {
  EXPECT_EQ(utf8::length_of_first("a"), 1U);
  EXPECT_EQ(utf8::length_of_first("\xC2\x80"), 2U);
  EXPECT_EQ(utf8::length_of_first("\xED\x9F\xBF"), 3U);
  EXPECT_EQ(utf8::length_of_first("\xF4\x8F\xBF\xBF"), 4U);
  for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC2"})
    EXPECT_EQ(utf8::length_of_first(bad), 0U);
}

// ---- JSONTestSuite (J13). What it leaves open is decided in docs/decisions/0007-strict-json.md.

TEST(JsonTestSuite, EveryFileIsAnsweredAsDecided) {
  const auto folder = test::shared_folder("security/json");
  WRIT_SKIP_WITHOUT(folder);
  // Valid JSON, but two readers would disagree about it.
  const std::set<std::string> refused_although_valid = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"};
  const std::set<std::string> accepted_although_open = {"i_number_double_huge_neg_exp.json", "i_number_real_underflow.json"};
  std::map<char, int> seen;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".json")) continue;
    const bool expected = name[0] == 'y' ? !refused_although_valid.contains(name) : name[0] == 'i' && accepted_although_open.contains(name);
    EXPECT_EQ(parse(test::read_file(entry.path())).has_value(), expected) << name;
    ++seen[name[0]];
  }
  EXPECT_EQ(seen['y'], 95);
  EXPECT_EQ(seen['n'], 188);
  EXPECT_EQ(seen['i'], 35);
}

}  // namespace
}  // namespace writ::json
