#include "client/scope_selection.h"

#include <gtest/gtest.h>

namespace writ::client {
namespace {

struct Row {
  const char* name;
  const char* challenged;
  std::vector<std::string> supported;
  const char* configured;
  const char* before;
  const char* asked;
};
class ScopesToRequest : public testing::TestWithParam<Row> {};

TEST_P(ScopesToRequest, FollowTheOrderOfTheSpecification) {
  const Row& row = GetParam();
  Challenge challenge;
  if (*row.challenged) challenge.parameters.emplace("scope", row.challenged);
  EXPECT_EQ(scope_to_request(challenge, row.supported, row.configured, row.before), row.asked);
}
INSTANTIATE_TEST_SUITE_P(Mcpa120, ScopesToRequest,
                         testing::Values(Row{"of_the_challenge", "c", {"s"}, "k", "", "c"}, Row{"configured", "", {"s"}, "k", "", "k"}, Row{"all_supported", "", {"s", "t"}, "", "", "s t"},
                                         Row{"none", "", {}, "", "", ""}, Row{"union_with_those_before", "c", {"s"}, "k", "b", "b c"}, Row{"each_once", "b c", {}, "", "b", "b c"},
                                         Row{"as_before_without_a_challenge", "", {"s"}, "k", "b", "b"}, Row{"malformed_challenge", "a\tb", {"s"}, "k", "", ""},
                                         Row{"malformed_challenge_takes_nothing_away", "a  b", {}, "", "b", "b"}, Row{"quote_in_a_scope", "a\"b", {}, "", "", ""}),
                         [](const auto& row) { return row.param.name; });

TEST(StepUpOf, IsAboutTheSignInAlone) {
  EXPECT_FALSE(step_up_of({"bearer", {{"error", "invalid_token"}, {"acr_values", "mfa"}}}, "https://mcp.example"));
  EXPECT_FALSE(step_up_of({}, "https://mcp.example"));
  const auto needed = step_up_of({"bearer", {{"error", "insufficient_user_authentication"}, {"acr_values", "mfa pin"}, {"max_age", "300"}}}, "https://mcp.example");
  ASSERT_TRUE(needed);
  EXPECT_EQ(needed->kind, FailureKind::step_up_needed);
  EXPECT_EQ(needed->acr_values, "mfa pin");
  EXPECT_EQ(needed->max_age_seconds, 300);
}

}  // namespace
}  // namespace writ::client
