#include "policy/recorded_arguments.h"

#include <gtest/gtest.h>

namespace writ::policy {
namespace {

json::Value parsed(const std::string& text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : json::Value();
}

TEST(RecordedArguments, KeepOnlyWhatAPolicyReads) {
  const std::string text = record_arguments(parsed(R"({"repo":"prod","token":"hunter2"})"), {"force", "repo"});
  EXPECT_EQ(text, R"({"force":{"absent":true},"repo":{"value":"prod"}})");
}

TEST(RecordedArguments, KeepNothingWhenNoPolicyReadsArguments) { EXPECT_EQ(record_arguments(parsed(R"({"repo":"prod"})"), std::set<std::string>()), ""); }

TEST(RecordedArguments, ComeBackAsKnownUnknownAndAbsent) {
  const json::Value arguments = parsed(R"({"repo":"prod","body":")" + std::string(300, 'x') + R"("})");
  const auto back = read_recorded_arguments(parsed(record_arguments(arguments, {"body", "force", "repo"})));
  ASSERT_TRUE(back);
  EXPECT_EQ(json::write(back->known), R"({"repo":"prod"})");
  EXPECT_EQ(back->unknown, std::set<std::string>{"body"});
  EXPECT_EQ(back->recorded, (std::set<std::string>{"body", "force", "repo"}));
}

TEST(RecordedArguments, LongValuesAreEqualByDigestOnly) {
  const auto with = [](char filler) { return record_arguments(parsed(R"({"body":")" + std::string(300, filler) + R"("})"), {"body"}); };
  EXPECT_EQ(with('x'), with('x'));
  EXPECT_NE(with('x'), with('y'));
  EXPECT_EQ(with('x').find("xxx"), std::string::npos);
}

TEST(RecordedArguments, RefuseWhatTheyDidNotWrite) {
  for (const char* text : {R"([])", R"({"a":1})", R"({"a":{}})", R"({"a":{"absent":false}})", R"({"a":{"digest":1}})"}) EXPECT_FALSE(read_recorded_arguments(parsed(text))) << text;
}

}  // namespace
}  // namespace writ::policy
