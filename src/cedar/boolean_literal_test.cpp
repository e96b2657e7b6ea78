#include <gtest/gtest.h>

#include "cedar/parser.h"
#include "cedar/schema.h"
#include "cedar/validation.h"

namespace writ::cedar {
namespace {

bool is_valid(const std::string& condition) {
  const auto schema = Schema::parse("entity User; action view appliesTo { principal: User, resource: User, context: { flag: Bool } };");
  const auto policies = parse_policies("permit(principal, action, resource) when { " + condition + " };");
  EXPECT_TRUE(schema && policies) << condition;
  return schema && policies && validate(*schema, *policies).is_valid();
}

// Found by the comparison with the official engine: `&&` and `||` of literals are a literal, so comparing one with a text is merely false.
TEST(CedarBooleanLiterals, AreComparedAsLiterals) {
  EXPECT_TRUE(is_valid(R"("" == true)"));
  EXPECT_TRUE(is_valid(R"("" == (true && true))"));
  EXPECT_TRUE(is_valid(R"("" == (false || (true && false)))"));
  EXPECT_FALSE(is_valid(R"("" == context.flag)"));
  EXPECT_FALSE(is_valid(R"("" == (true && context.flag))"));
}

}  // namespace
}  // namespace writ::cedar
