// Slow, many and stuck clients (T8, G3, G16), and who may connect.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "adapters/net/server.h"
#include "adapters/net/raw_client_fixture.h"

namespace writ::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

const std::string kRequest = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

Task<http::Response> answer(std::atomic<int>* calls, const http::Request& request) {
  ++*calls;
  co_return http::text(200, request.peer.local_socket ? "local" : request.peer.address);
}
Task<http::Response> large(std::size_t bytes) { co_return http::text(200, std::string(bytes, 'x')); }

struct Serving {
  EventLoops loops{2};
  std::atomic<int> calls{0};
  Server server;
  std::uint16_t port = 0;

  explicit Serving(ServerLimits limits, std::size_t large_bytes = 0) : server(loops, {limits, [](std::string_view) {}}) {
    Listener listener;
    listener.hosts = {"h"};
    listener.handler = [this, large_bytes](const http::Request& request) { return large_bytes > 0 ? large(large_bytes) : answer(&calls, request); };
    port = server.listen(std::move(listener)).value_or(std::uint16_t{0});
  }
  bool connections_become(std::size_t count, milliseconds limit = milliseconds(3'000)) {
    const auto until = steady_clock::now() + limit;
    while (server.connections() != count && steady_clock::now() < until) std::this_thread::sleep_for(milliseconds(5));
    return server.connections() == count;
  }
};

ServerLimits quick() {
  ServerLimits limits;
  limits.head_deadline = limits.body_deadline = limits.idle_deadline = limits.write_deadline = milliseconds(300);
  return limits;
}

TEST(SlowClients, get_408_when_the_head_does_not_end) {
  Serving serving(quick());
  RawClient client(serving.port);
  const auto start = steady_clock::now();
  bool closed = false;
  std::thread dripping([&] {
    for (int i = 0; i < 100 && client.send("G"); ++i) std::this_thread::sleep_for(milliseconds(20));   // each byte in time, the whole never
  });
  const std::string answer = client.receive_all(milliseconds(5'000), &closed);
  EXPECT_EQ(status_of(answer), 408) << answer;
  EXPECT_LT(steady_clock::now() - start, milliseconds(4'000));
  dripping.join();
  EXPECT_EQ(serving.calls, 0);
}

TEST(SlowClients, get_408_when_the_body_does_not_end) {
  Serving serving(quick());
  for (const std::string& start : {std::string("Content-Length: 10\r\n\r\nhello"), std::string("Transfer-Encoding: chunked\r\n\r\n5\r\nhel")}) {
    RawClient client(serving.port);
    client.send("POST /a HTTP/1.1\r\nHost: h\r\n" + start);
    EXPECT_EQ(status_of(client.receive_all(milliseconds(5'000))), 408);
  }
  EXPECT_EQ(serving.calls, 0);
}

TEST(SlowClients, are_cut_off_silently_when_they_say_nothing) {
  Serving serving(quick());
  RawClient fresh(serving.port);
  RawClient used(serving.port);
  used.send(kRequest);
  EXPECT_EQ(status_of(used.receive_response()), 200);
  bool fresh_closed = false;
  bool used_closed = false;
  EXPECT_EQ(fresh.receive_all(milliseconds(5'000), &fresh_closed), "");
  EXPECT_EQ(used.receive_all(milliseconds(5'000), &used_closed), "");
  EXPECT_TRUE(fresh_closed);
  EXPECT_TRUE(used_closed);
  EXPECT_TRUE(serving.connections_become(0));
}

TEST(SlowClients, do_not_slow_honest_ones) {   // T8: 80 slow connections; G3: 100 slow, 400 idle
  Serving serving({});
  std::vector<RawClient> slow;
  for (int i = 0; i < 180; ++i) {
    slow.emplace_back(serving.port);
    slow.back().send(i % 2 ? "POST /token HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\na=" : "GET /a HTT");
  }
  std::vector<RawClient> idle;
  for (int i = 0; i < 400; ++i) idle.emplace_back(serving.port);
  const auto start = steady_clock::now();
  for (int i = 0; i < 50; ++i) {
    RawClient honest(serving.port);
    honest.send(kRequest);
    ASSERT_EQ(status_of(honest.receive_response(milliseconds(2'000))), 200);
  }
  EXPECT_LT(steady_clock::now() - start, milliseconds(2'000));
}

TEST(ConnectionLimits, hold_for_one_source_and_for_all) {
  ServerLimits limits;
  limits.connections_per_source_max = 3;
  Serving serving(limits);
  std::vector<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(serving.port);
    clients.back().send(kRequest);
    ASSERT_EQ(status_of(clients.back().receive_response()), 200);
  }
  RawClient fourth(serving.port);
  fourth.send(kRequest);
  EXPECT_EQ(fourth.receive_all(milliseconds(3'000)), "");
  clients.pop_back();
  ASSERT_TRUE(serving.connections_become(2));
  RawClient fifth(serving.port);
  fifth.send(kRequest);
  EXPECT_EQ(status_of(fifth.receive_response()), 200);

  limits = {};
  limits.connections_max = 1;
  Serving small(limits);
  RawClient first(small.port);
  first.send(kRequest);
  EXPECT_EQ(status_of(first.receive_response()), 200);
  RawClient second(small.port);
  second.send(kRequest);
  EXPECT_EQ(second.receive_all(milliseconds(3'000)), "");
}

TEST(StuckReaders, are_dropped_and_others_are_served_meanwhile) {   // G16
  Serving serving(quick(), 64 * 1024 * 1024);
  std::vector<RawClient> stuck;
  for (int i = 0; i < 5; ++i) {
    stuck.emplace_back(serving.port);
    stuck.back().send(kRequest);
  }
  EXPECT_TRUE(serving.connections_become(5));
  EXPECT_TRUE(serving.connections_become(0, milliseconds(10'000)));
}

TEST(Connections, go_away_when_the_client_resets_them) {
  Serving serving({});
  {
    std::vector<RawClient> clients;
    for (int i = 0; i < 20; ++i) {
      clients.emplace_back(serving.port);
      clients.back().send(kRequest);
      clients.back().receive_response();
      clients.back().send("GET /half");
      const linger reset{1, 0};
      ::setsockopt(clients.back().descriptor(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    }
    EXPECT_TRUE(serving.connections_become(20));
  }
  EXPECT_TRUE(serving.connections_become(0));
}

TEST(Pipelining, checks_each_request_on_its_own) {   // G14
  Serving serving({});
  RawClient client(serving.port);
  std::string all;
  for (int i = 0; i < 100; ++i) all += kRequest;
  client.send(all + "GET /b HTTP/1.1\r\nHost: evil\r\n\r\n" + kRequest);
  const std::string answers = client.receive_all();
  std::size_t good = 0;
  for (std::size_t at = answers.find("HTTP/1.1 200"); at != std::string::npos; at = answers.find("HTTP/1.1 200", at + 1)) ++good;
  EXPECT_EQ(good, 100U);
  EXPECT_NE(answers.find("HTTP/1.1 421"), std::string::npos);
  EXPECT_EQ(serving.calls, 100);
}

TEST(Listening, needs_host_names_where_strangers_can_reach_it) {
  EventLoops loops(1);
  Server server(loops, {});
  Listener listener;
  listener.address = "0.0.0.0";
  listener.handler = [](const http::Request&) { return large(1); };
  const auto refused = server.listen(std::move(listener));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "a listener that others can reach needs the host names it answers to");
}

TEST(Listening, says_why_it_cannot) {
  EventLoops loops(1);
  Server server(loops, {});
  const auto attempt = [&](auto change) {
    Listener listener;
    change(listener);
    const auto result = server.listen(std::move(listener));
    return result ? std::string() : result.error();
  };
  EXPECT_NE(attempt([](Listener& l) { l.address = "example.com"; }).find("no numeric address"), std::string::npos);
  EXPECT_NE(attempt([](Listener& l) { l.hosts = {"https://h"}; }).find("no host name"), std::string::npos);
  EXPECT_NE(attempt([](Listener& l) { l.trusted_proxies = {"10.0.0.0/33"}; }).find("no network"), std::string::npos);
  EXPECT_NE(attempt([](Listener& l) { l.proxy_protocol = true; }).find("needs trusted_proxies"), std::string::npos);
  Listener first;
  const auto port = server.listen(std::move(first));
  ASSERT_TRUE(port);
  EXPECT_NE(attempt([&](Listener& l) { l.port = *port; }).find("cannot listen"), std::string::npos);
}

TEST(LocalSocket, is_private_and_counts_as_local) {
  const std::string path = ::testing::TempDir() + "writ-net-" + std::to_string(::getpid()) + ".sock";
  EventLoops loops(1);
  std::atomic<int> calls{0};
  {
    Server server(loops, {});
    Listener listener;
    listener.unix_path = path;
    listener.handler = [&](const http::Request& request) { return answer(&calls, request); };
    ASSERT_TRUE(server.listen(std::move(listener)));
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    RawClient client(path);
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_TRUE(client.receive_response().ends_with("\r\n\r\nlocal"));

    Listener again;
    again.unix_path = path;
    const auto refused = server.listen(std::move(again));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find("another server listens"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(path));   // a stopped server leaves nothing behind
}

TEST(LocalSocket, is_served_when_there_is_room_for_nobody_else) {
  const std::string path = ::testing::TempDir() + "writ-net-full-" + std::to_string(::getpid()) + ".sock";
  ServerLimits limits;
  limits.connections_max = 1;
  Serving serving(limits);
  Listener local;
  local.unix_path = path;
  local.handler = [&](const http::Request& request) { return answer(&serving.calls, request); };
  ASSERT_TRUE(serving.server.listen(std::move(local)));
  RawClient first(serving.port);
  first.send(kRequest);
  EXPECT_EQ(status_of(first.receive_response()), 200);
  RawClient second(serving.port);
  second.send(kRequest);
  EXPECT_EQ(second.receive_all(milliseconds(3'000)), "");
  RawClient administrator(path);
  administrator.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(administrator.receive_response().ends_with("\r\n\r\nlocal"));
}

TEST(LocalSocket, replaces_a_left_over_one_and_nothing_else) {
  const std::string path = ::testing::TempDir() + "writ-net-old-" + std::to_string(::getpid()) + ".sock";
  EventLoops loops(1);
  Server server(loops, {});
  {
    const int old = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path.c_str(), sizeof(name.sun_path) - 1);
    ASSERT_EQ(::bind(old, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
    ::close(old);
  }
  Listener listener;
  listener.unix_path = path;
  EXPECT_TRUE(server.listen(std::move(listener)));

  const std::string file = path + ".txt";
  std::FILE* made = std::fopen(file.c_str(), "w");
  std::fclose(made);
  Listener other;
  other.unix_path = file;
  const auto refused = server.listen(std::move(other));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("is no socket"), std::string::npos);
  EXPECT_TRUE(std::filesystem::remove(file));
}

}  // namespace
}  // namespace writ::net
