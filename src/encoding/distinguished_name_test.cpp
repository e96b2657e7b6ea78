#include "encoding/distinguished_name.h"

#include <gtest/gtest.h>

namespace writ::distinguished_name {
namespace {

struct SameRow {
  const char* name;
  const char* one;
  const char* other;
};
class SameName : public testing::TestWithParam<SameRow> {};
TEST_P(SameName, IsOneNameHoweverItIsWritten) {
  const auto one = parse(GetParam().one), other = parse(GetParam().other);
  ASSERT_TRUE(one && other);
  EXPECT_EQ(*one, *other);
}
INSTANTIATE_TEST_SUITE_P(All, SameName,
                         testing::Values(SameRow{"spaces_around", "CN=desk,O=Acme", " CN = desk , O = Acme "}, SameRow{"case_of_the_type", "CN=desk", "cn=desk"},
                                         SameRow{"escaped_comma", R"(CN=a\,b)", R"(CN=a\2cb)"}, SameRow{"escaped_blank_at_the_end", R"(CN=a\ )", R"(CN=a\20)"},
                                         SameRow{"order_of_what_plus_joins", "CN=a+OU=b,O=c", "OU=b+CN=a,O=c"}, SameRow{"utf_8", "CN=Bj\xC3\xB6rk", R"(CN=Bj\C3\B6rk)"},
                                         SameRow{"hexadecimal", "1.2.3=#0403AB", "1.2.3=#0403ab"}, SameRow{"equals_in_a_value", "CN=a=b", R"(CN=a\=b)"},
                                         SameRow{"empty_value", "CN=", "CN= "}),
                         [](const auto& row) { return row.param.name; });

class OtherName : public testing::TestWithParam<SameRow> {};
TEST_P(OtherName, IsAnother) {
  const auto one = parse(GetParam().one), other = parse(GetParam().other);
  ASSERT_TRUE(one && other);
  EXPECT_NE(*one, *other);
}
INSTANTIATE_TEST_SUITE_P(All, OtherName,
                         testing::Values(SameRow{"case_of_the_value", "CN=desk", "CN=Desk"}, SameRow{"order", "CN=desk,O=Acme", "O=Acme,CN=desk"},
                                         SameRow{"one_more", "CN=desk,O=Acme", "CN=desk,O=Acme,C=DE"}, SameRow{"joined_or_in_a_row", "CN=a+OU=b", "CN=a,OU=b"},
                                         SameRow{"comma_inside_or_between", R"(CN=a\,O=b)", "CN=a,O=b"}, SameRow{"hexadecimal_or_text", "CN=#0403", R"(CN=\#0403)"},
                                         SameRow{"blank_that_belongs_to_it", R"(CN=a\ )", "CN=a"}, SameRow{"nul_inside", R"(CN=a\00b)", "CN=a"}),
                         [](const auto& row) { return row.param.name; });

struct WrongRow {
  const char* name;
  std::string text;
};
class NoName : public testing::TestWithParam<WrongRow> {};
TEST_P(NoName, IsRefused) { EXPECT_FALSE(parse(GetParam().text)); }
INSTANTIATE_TEST_SUITE_P(All, NoName,
                         testing::Values(WrongRow{"a_word", "desk"}, WrongRow{"no_type", "=desk"}, WrongRow{"comma_at_the_end", "CN=desk,"}, WrongRow{"two_commas", "CN=a,,O=b"},
                                         WrongRow{"plus_at_the_end", "CN=a+"}, WrongRow{"backslash_at_the_end", "CN=a\\"}, WrongRow{"half_an_escape", "CN=a\\4"},
                                         WrongRow{"escape_of_a_letter", "CN=a\\zz"}, WrongRow{"quote", "CN=\"a\""}, WrongRow{"semicolon", "CN=a;O=b"}, WrongRow{"slashes", "/O=Acme/CN=desk"},
                                         WrongRow{"newline", "CN=a\nb"}, WrongRow{"nul", std::string("CN=a\0b", 6)}, WrongRow{"not_utf_8", R"(CN=\FF)"}, WrongRow{"odd_hexadecimal", "CN=#040"},
                                         WrongRow{"hexadecimal_and_more", "CN=#04 x"}, WrongRow{"empty_hexadecimal", "CN=#"}, WrongRow{"type_of_dots", "1..2=a"}, WrongRow{"type_with_a_letter", "1.a=b"}),
                         [](const auto& row) { return row.param.name; });

TEST(DistinguishedName, OfNothingIsEmpty) {
  const auto none = parse("");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST(DistinguishedName, CutAnywhereIsAnotherNameOrNone) {
  const std::string whole = R"(CN=a\,b\C3\B6+OU=c,1.2.3=#0403AB,O=Acme)";
  const auto name = parse(whole);
  ASSERT_TRUE(name);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = parse(whole.substr(0, size));
    EXPECT_TRUE(!cut || *cut != *name) << size;
  }
}

}  // namespace
}  // namespace writ::distinguished_name
