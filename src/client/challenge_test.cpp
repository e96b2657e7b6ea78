#include "client/challenge.h"

#include <gtest/gtest.h>

namespace writ::client {
namespace {

http::Headers with(std::initializer_list<const char*> lines) {
  http::Headers headers;
  for (const char* line : lines) headers.add("www-authenticate", line);
  return headers;
}

struct Row {
  const char* name;
  std::vector<const char*> lines;
  const char* parameter;
  const char* expected;
};
class BearerChallenge : public testing::TestWithParam<Row> {};

// MCPA-32: several challenges, several lines, quoted strings with escapes, any parameter order.
TEST_P(BearerChallenge, ParameterIsFound) {
  http::Headers headers;
  for (const char* line : GetParam().lines) headers.add("www-authenticate", line);
  EXPECT_EQ(bearer_challenge(headers).parameter(GetParam().parameter), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, BearerChallenge,
    testing::Values(Row{"plain", {R"(Bearer resource_metadata="https://h/m", scope="a b")"}, "resource_metadata", "https://h/m"},
                    Row{"second_parameter", {R"(Bearer resource_metadata="https://h/m", scope="a b")"}, "scope", "a b"},
                    Row{"other_order", {R"(Bearer scope="a b", resource_metadata="https://h/m")"}, "resource_metadata", "https://h/m"},
                    Row{"scheme_in_capitals", {R"(BEARER scope="x")"}, "scope", "x"},
                    Row{"parameter_in_capitals", {R"(Bearer SCOPE="x")"}, "scope", "x"},
                    Row{"unquoted", {"Bearer error=invalid_token"}, "error", "invalid_token"},
                    Row{"spaces_round_equals", {R"(Bearer scope = "x")"}, "scope", "x"},
                    Row{"escaped_quote", {R"(Bearer error_description="say \"no\"")"}, "error_description", R"(say "no")"},
                    Row{"comma_in_quotes", {R"(Bearer error_description="a, Basic b=c", scope="x")"}, "scope", "x"},
                    Row{"after_another_scheme", {R"(DPoP algs="ES256", Bearer scope="x")"}, "scope", "x"},
                    Row{"before_another_scheme", {R"(Bearer scope="x", DPoP algs="ES256", scope="y")"}, "scope", "x"},
                    Row{"on_a_second_line", {R"(Basic realm="r")", R"(Bearer scope="x")"}, "scope", "x"},
                    Row{"scheme_alone", {"Bearer"}, "scope", ""}, Row{"nothing_for_us", {R"(Basic realm="Bearer")"}, "realm", ""},
                    Row{"first_of_repeated_counts", {R"(Bearer scope="x", scope="y")"}, "scope", "x"},
                    Row{"quote_never_closed", {R"(Bearer scope="x)"}, "scope", ""}),
    [](const auto& row) { return row.param.name; });

TEST(Challenges, EveryPrefixOfALineIsReadWithoutHarm) {
  const std::string line = R"(DPoP algs="ES256 \" x", nonce=a, Bearer resource_metadata="https://h/m", scope="a b", Basic realm=r)";
  for (std::size_t length = 0; length <= line.size(); ++length) {
    EXPECT_LE(parse_challenges(with({line.substr(0, length).c_str()})).size(), 4U);   // a name that is cut off reads as a fourth scheme
  }
}

}  // namespace
}  // namespace writ::client
