#include "encoding/hidden_text.h"

#include <gtest/gtest.h>

#include "encoding/json.h"

namespace writ::text {
namespace {

TEST(HiddenText, IsWhatNobodySees) {
  for (const char32_t point : {0x00u, 0x0Au, 0x7Fu, 0x85u, 0xA0u, 0xADu, 0x200Bu, 0x200Du, 0x202Eu, 0x2028u, 0x2066u, 0x2069u, 0x3164u, 0xFE0Fu, 0xFEFFu, 0xE0041u, 0xE0100u}) {
    EXPECT_TRUE(is_hidden(point)) << std::hex << static_cast<unsigned>(point);
  }
  for (const char32_t point : {0x20u, 0x41u, 0x7Eu, 0xA1u, 0xE9u, 0x4E2Du, 0x2026u, 0x2190u, 0xFFFDu, 0x1F600u}) {
    EXPECT_FALSE(is_hidden(point)) << std::hex << static_cast<unsigned>(point);
  }
}

TEST(HiddenText, IsLeftOut) {
  EXPECT_EQ(without_hidden("a\xE2\x80\xAE" "b\n\xF3\xA0\x81\x81 c\xC3\xA9"), "ab c\xC3\xA9");
  EXPECT_EQ(without_hidden("a\xFF"), "a\xEF\xBF\xBD");
}

TEST(HiddenText, EscapedInJsonIsTheSameValue) {
  const json::Value value{{"to\xE2\x80\xAE", "x\xE2\x80\x8B" "y\xF3\xA0\x81\x81 plain \xE4\xB8\xAD"}};
  const std::string shown = with_hidden_escaped(json::write(value));
  EXPECT_EQ(shown, "{\"to\\u202e\":\"x\\u200by\\udb40\\udc41 plain \xE4\xB8\xAD\"}");
  const auto read = json::parse(shown);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, value);
}

}  // namespace
}  // namespace writ::text
