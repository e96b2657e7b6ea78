#include "adapters/net/server.h"

#include <gtest/gtest.h>

#include <atomic>

#include "adapters/net/raw_client_fixture.h"

namespace writ::net {
namespace {

using std::chrono::milliseconds;

Task<http::Response> echo(std::atomic<int>* calls, const http::Request& request) {
  ++*calls;
  co_return http::text(200, request.method + " " + request.path + " " + request.query + " " + request.body);
}

struct Serving {
  EventLoops loops{2};
  Server server;
  std::atomic<int> calls{0};
  std::uint16_t port = 0;

  explicit Serving(ServerLimits limits = {}) : server(loops, {limits, [](std::string_view) {}}) {
    Listener listener;
    listener.handler = [this](const http::Request& request) { return echo(&calls, request); };
    const auto started = server.listen(std::move(listener));
    port = started.value_or(std::uint16_t{0});
  }
};

TEST(Server, answers_one_request_after_the_other) {
  Serving serving;
  ASSERT_NE(serving.port, 0);
  RawClient client(serving.port);
  client.send("GET /a?b=c HTTP/1.1\r\nHost: localhost:" + std::to_string(serving.port) + "\r\n\r\n");
  const std::string first = client.receive_response();
  EXPECT_EQ(status_of(first), 200) << first;
  EXPECT_TRUE(first.ends_with("GET /a b=c ")) << first;
  client.send("POST /d HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(serving.port) + "\r\nContent-Length: 5\r\n\r\nhello");
  const std::string second = client.receive_response();
  EXPECT_TRUE(second.ends_with("POST /d  hello")) << second;
  EXPECT_EQ(serving.calls, 2);
}

}  // namespace
}  // namespace writ::net
