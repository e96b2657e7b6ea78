#include "encoding/base64url.h"

#include <gtest/gtest.h>

namespace writ {
namespace {

struct Case {
  std::string name, text;
  std::optional<std::string> bytes;
};
std::string name_of(const testing::TestParamInfo<Case>& row) { return row.param.name; }
void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

class Base64UrlHasOneSpelling : public testing::TestWithParam<Case> {};
TEST_P(Base64UrlHasOneSpelling, Decode) { EXPECT_EQ(base64url::decode(GetParam().text), GetParam().bytes); }
INSTANTIATE_TEST_SUITE_P(Rfc4648, Base64UrlHasOneSpelling, testing::Values(
    Case{"empty", "", ""},
    Case{"one_byte", "Zg", "f"},
    Case{"two_bytes", "Zm8", "fo"},
    Case{"three_bytes", "Zm9v", "foo"},
    Case{"url_alphabet", "-_-_", "\xFB\xFF\xBF"},
    Case{"standard_alphabet", "+/+/", std::nullopt},
    Case{"padded", "Zg==", std::nullopt},
    Case{"padded_once", "Zm8=", std::nullopt},
    Case{"trailing_bits_of_one_byte", "Zh", std::nullopt},
    Case{"trailing_bits_of_two_bytes", "Zm9", std::nullopt},
    Case{"one_letter", "Z", std::nullopt},
    Case{"five_letters", "Zm9vZ", std::nullopt},
    Case{"space", "Zm 9v", std::nullopt},
    Case{"line_end", "Zm9v\n", std::nullopt},
    Case{"nul", std::string("Zm9v\0\0\0\0", 8), std::nullopt},
    Case{"high_bit", "Zm9\xF6", std::nullopt}), name_of);

class Base64HasOneSpelling : public testing::TestWithParam<Case> {};
TEST_P(Base64HasOneSpelling, Decode) { EXPECT_EQ(base64::decode(GetParam().text), GetParam().bytes); }
INSTANTIATE_TEST_SUITE_P(Rfc4648, Base64HasOneSpelling, testing::Values(
    Case{"empty", "", ""},
    Case{"one_byte", "Zg==", "f"},
    Case{"two_bytes", "Zm8=", "fo"},
    Case{"three_bytes", "Zm9v", "foo"},
    Case{"standard_alphabet", "+/+/", "\xFB\xFF\xBF"},
    Case{"url_alphabet", "-_-_", std::nullopt},
    Case{"unpadded", "Zg", std::nullopt},
    Case{"half_padded", "Zg=", std::nullopt},
    Case{"padded_too_much", "Zm9v====", std::nullopt},
    Case{"only_padding", "====", std::nullopt},
    Case{"two_of_padding", "==", std::nullopt},
    Case{"padding_inside", "Zg==Zg==", std::nullopt},
    Case{"trailing_bits", "Zh==", std::nullopt}), name_of);

TEST(Base64, EveryByteAtEveryLengthReadsBack) {
  for (std::size_t length = 0; length < 70; ++length) {
    std::string bytes;
    for (std::size_t i = 0; i < length; ++i) bytes += static_cast<char>(i * 37 + length);
    EXPECT_EQ(base64url::decode(base64url::encode(bytes)), bytes);
    EXPECT_EQ(base64::decode(base64::encode(bytes)), bytes);
  }
}

}  // namespace
}  // namespace writ
