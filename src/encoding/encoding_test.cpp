#include <gtest/gtest.h>

#include "encoding/base64url.h"
#include "encoding/json.h"

namespace writ {
namespace {

TEST(Json, ObjectsAreWrittenAsLiterals) {
  const json::Value value{{"iss", "https://idp.example"}, {"exp", 17}, {"cnf", {{"jkt", "x"}}}, {"list", json::Array{1, "two", true}}};
  EXPECT_EQ(json::write(value), R"({"iss":"https://idp.example","exp":17,"cnf":{"jkt":"x"},"list":[1,"two",true]})");
  const auto parsed = json::parse(json::write(value));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, value);
}

TEST(Base64Url, RoundTrip) { EXPECT_EQ(base64url::decode(base64url::encode("any bytes")), "any bytes"); }

}  // namespace
}  // namespace writ
