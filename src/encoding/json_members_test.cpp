#include "encoding/json_members.h"

#include <gtest/gtest.h>

#include <string>

namespace writ::json {
namespace {

TEST(MemberReader, GivesTheNamedMembersWhateverTheirOrder) {
  MemberReader reader({"time", "user", "count", "arguments"});
  for (const char* text : {R"({"time":"t","other":[1,{"user":"x"}],"user":"alice","count":7,"arguments":{"a":{"value":1}}})",
                           R"({"arguments":{"a":{"value":1}},"count":7,"user":"alice","other":{"user":"x"},"time":"t"})"}) {
    ASSERT_TRUE(reader.read(text)) << text;
    EXPECT_EQ(reader.text(0), "t");
    EXPECT_EQ(reader.text(1), "alice");
    EXPECT_EQ(reader.integer(2), 7);
    EXPECT_EQ(reader.json(3), R"({"a":{"value":1}})");
  }
}

TEST(MemberReader, ForgetsTheObjectBefore) {
  MemberReader reader({"user", "count", "arguments"});
  ASSERT_TRUE(reader.read(R"({"user":"alice","count":7,"arguments":{}})"));
  ASSERT_TRUE(reader.read(R"({"count":"seven","user":3})"));
  EXPECT_EQ(reader.text(0), "");
  EXPECT_EQ(reader.integer(1), std::nullopt);
  EXPECT_EQ(reader.text(1), "seven");
  EXPECT_EQ(reader.json(2), "");
}

TEST(MemberReader, UndoesEscapes) {
  MemberReader reader({"user"});
  ASSERT_TRUE(reader.read(R"({"user":"a\"\u00e9\n"})"));
  EXPECT_EQ(reader.text(0), "a\"\xC3\xA9\n");
}

TEST(MemberReader, RefusesEveryCutText) {
  MemberReader reader({"user", "count", "arguments"});
  const std::string whole = R"({"user":"alice","count":7,"arguments":{"a":[1]},"more":"x"})";
  for (std::size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(reader.read(whole.substr(0, length))) << length;
  EXPECT_FALSE(reader.read(whole + "}"));
  EXPECT_FALSE(reader.read("[1]"));
  EXPECT_TRUE(reader.read(whole));
}

}  // namespace
}  // namespace writ::json
