#include "upstreams/http_sse/endpoint.h"

#include <gtest/gtest.h>

namespace writ::upstreams::http_sse {
namespace {

constexpr const char* kStream = "https://files.example/a/sse?k=v";

struct Row {
  const char* name;
  const char* reference;
  const char* url;         // null: refused
  EndpointProblem problem = EndpointProblem::malformed;
};
class Endpoints : public testing::TestWithParam<Row> {};

TEST_P(Endpoints, AreResolvedAndStayAtTheOrigin) {
  const auto resolved = resolve_endpoint(kStream, GetParam().reference);
  if (GetParam().url) {
    ASSERT_TRUE(resolved) << to_string(resolved.error());
    EXPECT_EQ(*resolved, GetParam().url);
  } else {
    ASSERT_FALSE(resolved) << *resolved;
    EXPECT_EQ(resolved.error(), GetParam().problem);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, Endpoints,
    testing::Values(Row{"absolute_path", "/message?sessionId=1", "https://files.example/message?sessionId=1"},
                    Row{"whole_url", "https://files.example/message", "https://files.example/message"},
                    Row{"host_in_other_case", "https://FILES.example/m", "https://FILES.example/m"},
                    Row{"default_port_written", "https://files.example:443/m", "https://files.example:443/m"},
                    Row{"relative_path", "message/1", "https://files.example/a/message/1"},
                    Row{"query_alone", "?s=1", "https://files.example/a/sse?s=1"},
                    Row{"same_host_without_scheme", "//files.example/m", "https://files.example/m"},
                    Row{"colon_in_a_query", "/m?to=a:b", "https://files.example/m?to=a:b"},
                    Row{"other_host", "https://evil.example/m", nullptr, EndpointProblem::other_origin},
                    Row{"other_host_without_scheme", "//evil.example/m", nullptr, EndpointProblem::other_origin},
                    Row{"other_port", "https://files.example:8443/m", nullptr, EndpointProblem::other_origin},
                    Row{"plain_http", "http://files.example/m", nullptr, EndpointProblem::other_origin},
                    Row{"longer_host", "https://files.example.evil.example/m", nullptr, EndpointProblem::other_origin},
                    Row{"user_information", "https://files.example@evil.example/m", nullptr, EndpointProblem::malformed},
                    Row{"backslashes", "\\\\evil.example/m", nullptr, EndpointProblem::malformed},
                    Row{"fragment", "/m#x", nullptr, EndpointProblem::malformed},
                    Row{"other_scheme", "javascript:alert(1)", nullptr, EndpointProblem::malformed},
                    Row{"space", "/m m", nullptr, EndpointProblem::malformed},
                    Row{"line_break", "/m\r\nHost: evil.example", nullptr, EndpointProblem::malformed},
                    Row{"empty", "", nullptr, EndpointProblem::malformed}),
    [](const auto& row) { return row.param.name; });

TEST(EndpointReferences, AreBounded) {
  EXPECT_TRUE(resolve_endpoint(kStream, "/" + std::string(2'000, 'a')));
  EXPECT_FALSE(resolve_endpoint(kStream, "/" + std::string(2'100, 'a')));
}

TEST(EndpointReferences, KeepThePortAndTheBracketsOfTheStream) {
  EXPECT_EQ(resolve_endpoint("http://[::1]:8080/sse", "/m").value_or(""), "http://[::1]:8080/m");
  EXPECT_EQ(resolve_endpoint("http://127.0.0.1:8080", "m").value_or(""), "http://127.0.0.1:8080/m");
}

}  // namespace
}  // namespace writ::upstreams::http_sse
