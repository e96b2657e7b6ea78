#include "http/message.h"

#include <gtest/gtest.h>

#include "http/router.h"
#include "http/write.h"

namespace writ::http {
namespace {

TEST(Headers, find_single_refuses_what_stands_twice) {
  Headers headers{{"A", "1"}, {"a", "2"}, {"B", "3"}};
  EXPECT_EQ(headers.find_single("A"), nullptr);
  EXPECT_EQ(headers.count("a"), 2U);
  ASSERT_NE(headers.find_single("b"), nullptr);
  EXPECT_EQ(*headers.find_single("b"), "3");
  EXPECT_EQ(headers.find_single("c"), nullptr);
  headers.set("a", "4");
  EXPECT_EQ(*headers.find_single("A"), "4");
  headers.erase("A");
  EXPECT_EQ(headers.find("a"), nullptr);
}

Task<Response> named(std::string name) { co_return text(200, std::move(name)); }
Handler answers(std::string name) {
  return [name = std::move(name)](const Request&) { return named(name); };
}

struct RouterRow {
  const char* name;
  const char* method;
  const char* path;
  int status;
  const char* body;
};
std::ostream& operator<<(std::ostream& out, const RouterRow& row) { return out << row.name; }
class RouterRules : public ::testing::TestWithParam<RouterRow> {};

TEST_P(RouterRules, hold) {
  Router router;
  router.add("GET", "/a", answers("a"));
  router.add("POST", "/a", answers("post a"));
  router.add("GET", "/*", answers("any"));
  router.add("GET", "/a/*", answers("under a"));
  router.add("POST", "/a/b", answers("b"));
  Request request;
  request.method = GetParam().method;
  request.path = GetParam().path;
  const Response response = run(router.handle(request));
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(response.status == 405 ? *response.headers.find_single("Allow") : response.body, GetParam().body);
  EXPECT_EQ(response.headers.find("Access-Control-Allow-Origin"), nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    Router, RouterRules,
    testing::Values(RouterRow{"exact", "GET", "/a", 200, "a"}, RouterRow{"other_method", "POST", "/a", 200, "post a"},
                    RouterRow{"longer_wildcard", "GET", "/a/c", 200, "under a"}, RouterRow{"shorter_wildcard", "GET", "/c", 200, "any"},
                    RouterRow{"exact_path_decides_before_the_method", "GET", "/a/b", 405, "POST"}, RouterRow{"options_is_no_exception", "OPTIONS", "/a", 405, "GET, POST"},
                    RouterRow{"head_is_no_exception", "HEAD", "/a", 405, "GET, POST"}, RouterRow{"method_is_case_sensitive", "get", "/a", 405, "GET, POST"},
                    RouterRow{"path_is_case_sensitive", "POST", "/A", 405, "GET"}, RouterRow{"wildcard_needs_a_rest", "GET", "/a/", 200, "any"}));

TEST(Router, tells_which_route_answers) {
  Router role, all;
  role.add("GET", "/a", answers("a"));
  role.add("POST", "/a/*", answers("under a"));
  all.add("GET", "/*", answers("any"));
  all.add_all(role, "role");
  struct Row {
    const char *path, *role, *written;
  };
  for (const Row& row : {Row{"/a", "role", "/a"}, {"/a/secret", "role", "/a/*"}, {"/b", "", "/*"}, {"/", "", ""}}) {
    EXPECT_EQ(all.place_of(row.path).path, row.written) << row.path;
    EXPECT_EQ(all.place_of(row.path).role, row.role) << row.path;
  }
}

TEST(Router, answers_404_to_an_unknown_path) {
  Router router;
  router.add("GET", "/a/*", answers("a"));
  Request request;
  request.method = "GET";
  request.path = "/a/";
  EXPECT_EQ(run(router.handle(request)).status, 404);
}

TEST(ResponseHead, refuses_to_be_split) {
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"X", "a\r\nSet-Cookie: b"}, {"X", "a\nb"}, {"X", std::string(1, '\0')},
                                    {"X\r\nY", "a"}, {"X Y", "a"}, {"", "a"}, {"X", "\x7F"}}) {
    std::string out = "before";
    EXPECT_FALSE(append_response_head(out, 200, {{name, value}}, {}));
    EXPECT_EQ(out, "before");
  }
}

TEST(ResponseHead, has_the_connections_framing_and_no_other) {
  std::string out;
  ASSERT_TRUE(append_response_head(out, 200, {{"Content-Length", "99"}, {"Transfer-Encoding", "gzip"}, {"Connection", "upgrade"}, {"X", "y"}},
                                   {.content_length = 3, .keep_alive = false, .date = "D"}));
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nX: y\r\nDate: D\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
}

TEST(RequestHeadOut, has_one_host_and_one_length) {
  std::string out;
  ASSERT_TRUE(append_request_head(out, "POST", "/a?b", "h:1", {{"host", "evil"}, {"Content-Length", "99"}, {"X", "y"}}, 3));
  EXPECT_EQ(out, "POST /a?b HTTP/1.1\r\nHost: h:1\r\nX: y\r\nContent-Length: 3\r\n\r\n");
  EXPECT_FALSE(append_request_head(out, "GET", "/a b", "h", {}, 0));
  EXPECT_FALSE(append_request_head(out, "GET", "/a\r\nX: y", "h", {}, 0));
  EXPECT_FALSE(append_request_head(out, "GET", "/", "h", {{"X", "a\r\nb"}}, 0));
  EXPECT_FALSE(append_request_head(out, "G T", "/", "h", {}, 0));
}

TEST(Date, is_an_imf_fixdate) {
  EXPECT_EQ(format_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");   // the example of RFC 9110 §5.6.7
  EXPECT_EQ(format_date(1709210096), "Thu, 29 Feb 2024 12:34:56 GMT");
}

TEST(Cancellation, reaches_a_hook_that_comes_late_and_one_that_was_there) {
  Cancellation early;
  int calls = 0;
  early.on_request([&] { ++calls; });
  early.request();
  early.request();
  EXPECT_EQ(calls, 1);
  early.on_request([&] { ++calls; });
  EXPECT_EQ(calls, 2);
  Cancellation none;
  none.on_request([&] { ++calls; });
  none.on_request(nullptr);
  none.request();
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace writ::http
