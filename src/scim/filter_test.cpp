#include "scim/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace writ::scim {
namespace {

using testing::HasSubstr;

constexpr const char* kPerson = R"({"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"usr_1","externalId":"E-1","userName":"Alice@corp.example","displayName":"Alice \"A\" Example",
"name":{"familyName":"Example","givenName":"Alice"},"active":true,"title":"",
"emails":[{"value":"alice@home.example","type":"home"},{"value":"alice@corp.example","type":"work","primary":true}],
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Sales","manager":{"value":"usr_9"}},
"meta":{"resourceType":"User","created":"2026-01-01T00:00:00Z","lastModified":"2026-06-01T12:00:00Z"}})";

struct Row {
  const char* name;
  const char* filter;
  bool matches;
};
class Filters : public testing::TestWithParam<Row> {};
TEST_P(Filters, FindWhatTheySay) {
  const auto filter = parse_filter(GetParam().filter, user_type());
  ASSERT_TRUE(filter) << filter.error().detail;
  EXPECT_EQ(matches(*filter, *json::parse(kPerson)), GetParam().matches);
}
INSTANTIATE_TEST_SUITE_P(
    Rfc7644, Filters,
    testing::Values(
        Row{"user_name_has_no_case", R"(userName eq "aLICE@CORP.example")", true}, Row{"attribute_names_have_no_case", R"(USERNAME Eq "alice@corp.example")", true},
        Row{"id_has_case", R"(id eq "USR_1")", false}, Row{"id", R"(id eq "usr_1")", true}, Row{"another_external_id", R"(externalId eq "E-2")", false},
        Row{"external_id", R"(externalId eq "E-1")", true}, Row{"escapes", R"(displayName eq "Alice \"A\" Example")", true}, Row{"not_equal", R"(userName ne "bob")", true},
        Row{"not_equal_of_none", R"(nickName ne "bob")", true}, Row{"contains", R"(userName co "@CORP")", true}, Row{"starts_with", R"(userName sw "alice")", true},
        Row{"ends_with", R"(userName ew ".example")", true}, Row{"does_not_end_with", R"(userName ew "alice")", false}, Row{"present", "displayName pr", true},
        Row{"absent", "nickName pr", false}, Row{"empty_is_absent", "title pr", false}, Row{"boolean", "active eq true", true}, Row{"boolean_as_entra_writes_it", R"(active eq "True")", true},
        Row{"boolean_without_quotes", "active eq False", false}, Row{"null", "nickName eq null", true}, Row{"not_null", "userName ne null", true}, Row{"greater", R"(userName gt "alice")", true},
        Row{"less", R"(userName lt "alice")", false}, Row{"at_least", R"(name.givenName ge "alice")", true}, Row{"at_most", R"(name.givenName le "alice")", true},
        Row{"time_after", R"(meta.lastModified gt "2026-05-31T23:59:59.5Z")", true}, Row{"time_before", R"(meta.lastModified lt "2026-06-01T12:00:00.000Z")", false},
        Row{"time_equal_in_another_spelling", R"(meta.lastModified eq "2026-06-01T12:00:00.000Z")", true}, Row{"part", R"(name.familyName eq "example")", true},
        Row{"any_element", R"(emails.value eq "alice@home.example")", true}, Row{"complex_means_its_value", R"(emails eq "alice@corp.example")", true},
        Row{"element_by_type", R"(emails[type eq "work"].value eq "alice@corp.example")", true}, Row{"other_element", R"(emails[type eq "home"].value eq "alice@corp.example")", false},
        Row{"both_in_one_element", R"(emails[type eq "home" and value co "corp"])", false}, Row{"one_element", R"(emails[type eq "work" and value co "corp"])", true},
        Row{"element_with_a_truth", "emails[primary eq true]", true}, Row{"no_such_element", R"(emails[type eq "other"])", false},
        Row{"urn_of_the_extension", R"(urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "sales")", true},
        Row{"urn_of_the_core", R"(urn:ietf:params:scim:schemas:core:2.0:User:userName sw "alice")", true},
        Row{"manager", R"(urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "usr_9")", true}, Row{"and", R"(active eq true and userName sw "alice")", true},
        Row{"and_fails", R"(active eq true and userName sw "bob")", false}, Row{"or", R"(userName eq "bob" or id eq "usr_1")", true},
        Row{"and_binds_closer", R"(id eq "usr_1" or active eq false and userName eq "bob")", true}, Row{"parentheses", R"((id eq "usr_1" or active eq false) and userName eq "bob")", false},
        Row{"not", R"(not (userName eq "bob"))", true}, Row{"not_not", R"(not (not (id eq "usr_1")))", true}, Row{"more_spaces", R"(userName  eq  "alice@corp.example"  or  active eq false)", true}),
    [](const auto& row) { return row.param.name; });

struct Wrong {
  const char* name;
  std::string filter;
  const char* expected;
};
class WrongFilters : public testing::TestWithParam<Wrong> {};
TEST_P(WrongFilters, AreRefused) {
  const auto filter = parse_filter(GetParam().filter, user_type());
  ASSERT_FALSE(filter);
  EXPECT_EQ(filter.error().type, ScimType::invalid_filter);
  EXPECT_EQ(filter.error().status, 400);
  EXPECT_THAT(filter.error().detail, HasSubstr(GetParam().expected));
}
std::string nested(int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += "(";
  text += "active eq true";
  for (int i = 0; i < times; ++i) text += ")";
  return text;
}
std::string many(int times) {
  std::string text = "active eq true";
  for (int i = 1; i < times; ++i) text += " or active eq true";
  return text;
}
INSTANTIATE_TEST_SUITE_P(
    Rfc7644, WrongFilters,
    testing::Values(Wrong{"empty", "", "there is no attribute"}, Wrong{"unknown_attribute", R"(password eq "x")", "there is no attribute `password`"},
                    Wrong{"unknown_part", R"(name.firstName eq "x")", "`name.firstName`"}, Wrong{"attribute_of_groups", R"(members eq "x")", "`members`"},
                    Wrong{"unknown_operator", R"(userName is "x")", "an operator: eq"}, Wrong{"no_operator", "userName", "a space and an operator"}, Wrong{"no_value", "userName eq", "a space and a value"},
                    Wrong{"value_without_quotes", "userName eq alice", "a value"}, Wrong{"text_without_end", R"(userName eq "alice)", "at the end of the text"},
                    Wrong{"text_that_ends_in_an_escape", R"(userName eq "alice\)", "at the end of the text"}, Wrong{"bad_escape", R"(userName eq "\x")", "a value"},
                    Wrong{"number_for_text", "userName eq 7", "is text"}, Wrong{"text_for_truth", R"(active eq "yes")", "true or false"}, Wrong{"truth_is_not_greater", "active gt true", "eq and ne"},
                    Wrong{"null_is_not_greater", "userName gt null", "eq and ne"}, Wrong{"no_time", R"(meta.created gt "yesterday")", "a time in UTC"},
                    Wrong{"complex_without_value", R"(name eq "x")", "one of its sub-attributes"}, Wrong{"trailing", R"(active eq true extra)", "`and` or `or`"},
                    Wrong{"second_value", R"(id eq "a" "b")", "`and` or `or`"}, Wrong{"unclosed", R"((active eq true)", "`)`"}, Wrong{"unopened", "active eq true)", "`and` or `or`"},
                    Wrong{"dangling_and", "active eq true and", "`and` or `or`"}, Wrong{"not_without_parentheses", "not active eq true", "`(` after `not`"},
                    Wrong{"unclosed_bracket", R"(emails[type eq "work")", "`]`"}, Wrong{"bracket_of_one_value", R"(userName[type eq "x"])", "no elements"},
                    Wrong{"bracket_with_another_attribute", R"(emails[userName eq "x"])", "`userName`"}, Wrong{"nested_brackets", R"(emails[emails[type eq "x"]])", "`emails`"},
                    Wrong{"unknown_urn", R"(urn:example:User:x eq "y")", "there is no attribute"}, Wrong{"urn_alone", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr", "there is no attribute"},
                    Wrong{"too_deep", nested(17), "nested more than 16"}, Wrong{"too_many", many(65), "more than 64"}, Wrong{"too_long", "userName eq \"" + std::string(4096, 'x') + "\"", "longer than 4096"}),
    [](const auto& row) { return row.param.name; });

TEST(FilterLimits, JustInside) {
  EXPECT_TRUE(parse_filter(nested(16), user_type()));
  EXPECT_TRUE(parse_filter(many(64), user_type()));
}

// Every cut and every damaged byte of filters, and random words of the language: an answer, never a crash; what parses can be asked.
TEST(FilterParser, HoldsOutAgainstAnything) {
  const json::Value person = *json::parse(kPerson);
  std::mt19937 random(7);
  const auto try_out = [&](const std::string& text) {
    const auto filter = parse_filter(text, user_type());
    if (filter) static_cast<void>(matches(*filter, person));
    else EXPECT_FALSE(filter.error().detail.empty());
    static_cast<void>(parse_path(text, user_type()));
  };
  const std::string seed = R"(not (emails[type eq "work" and primary eq true].value co "a\"b") or urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr and id ne null)";
  ASSERT_TRUE(parse_filter(seed, user_type()));
  for (std::size_t i = 0; i < seed.size(); ++i) {
    try_out(seed.substr(0, i));
    try_out(seed.substr(i));
    std::string damaged = seed;
    damaged[i] = static_cast<char>(random());
    try_out(damaged);
  }
  const char* const words[] = {"userName", "emails", "[", "]", "(", ")", " ", "eq", "and", "or", "not", "pr", "\"x\"", ".value", "type", "true", "null", "urn:", ":", "\\", "\"", "members", "1e5", "\xff"};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (std::size_t length = random() % 14; length > 0; --length) text += std::string(words[random() % std::size(words)]) + (random() % 2 ? " " : "");
    try_out(text);
  }
}

// What lets people be passed over must never hide one who matches.
TEST(RequiredValue, IsSaidOnlyWhereEveryMatchHasIt) {
  const auto said = [](const char* text) { return required_value(*parse_filter(text, user_type()), "userName").value_or("(nothing)"); };
  EXPECT_EQ(said(R"(userName eq "a")"), "a");
  EXPECT_EQ(said(R"(active eq true and userName eq "a")"), "a");
  EXPECT_EQ(said(R"(active eq true and (userName eq "a" and id eq "b"))"), "a");
  for (const char* other : {R"(userName eq "a" or id eq "b")", R"(not (userName eq "a"))", R"(userName ne "a")", R"(userName sw "a")", R"(externalId eq "a")", "userName pr", "userName eq null"}) {
    EXPECT_EQ(said(other), "(nothing)") << other;
  }
}

}  // namespace
}  // namespace writ::scim
