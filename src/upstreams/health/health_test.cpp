#include "upstreams/health/health.h"

#include <gtest/gtest.h>

#include <deque>

namespace writ::upstreams::health {
namespace {

class HandClock final : public Clock {
 public:
  Instant now() const override { return from_unix_seconds(1'800'000'000) + passed; }
  Milliseconds passed{0};
};

// Answers what a test says, at once or when it is told to.
class Below final : public Upstream {
 public:
  Task<Result<http::UpstreamResponse, Failure>> send(Request request) override {
    ++sent;
    clock->passed += takes;
    const auto found = failing.find(request.server->id);
    if (waits) {
      auto begin = [this](std::function<void(bool)> resume) { waiters.push_back(std::move(resume)); };
      auto wait = suspend_until<bool>(begin);
      co_await wait;
    }
    if (found != failing.end()) co_return unexpected(Failure{found->second, "why", "", std::nullopt});
    http::UpstreamResponse response;
    response.status = status;
    co_return response;
  }
  HandClock* clock = nullptr;
  std::map<std::string, Failure::Kind> failing;
  int status = 200, sent = 0;
  Milliseconds takes{0};
  bool waits = false;
  std::deque<std::function<void(bool)>> waiters;
};

class HealthTest : public testing::Test {
 public:
  HealthTest() {
    below.clock = &clock;
    registry::Objects objects;
    for (const char* id : {"notes", "wiki", "elsewhere"}) {
      registry::Server server;
      server.id = id;
      if (id != std::string("elsewhere")) server.upstream.emplace().url = std::string("https://") + id + ".example/mcp";
      objects.servers.push_back(server);
    }
    snapshot = std::make_shared<const registry::Snapshot>(std::move(objects), 1);
  }
  Request request(const std::string& server, const std::string& method = "tools/list", const std::string& principal = "alice") const {
    Request made;
    made.snapshot = snapshot;
    made.server = snapshot->server(server);
    made.principal = std::make_shared<const Principal>(Principal{principal, "", "", "", ""});
    made.http.head_timeout_ms = 60'000;
    if (!method.empty()) {
      auto message = mcp::Message::parse(R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"("})", {});
      EXPECT_TRUE(message);
      made.message = std::make_shared<const mcp::Message>(std::move(*message));
    }
    return made;
  }
  using Answer = Result<http::UpstreamResponse, Failure>;
  Answer send(const std::string& server, const std::string& method = "tools/list", const std::string& principal = "alice") {
    return run(health.send(request(server, method, principal)));
  }
  ServerState state(const std::string& server) {
    for (auto& each : health.servers().states(*snapshot, clock.now())) {
      if (each.server == server) return each;
    }
    ADD_FAILURE() << server;
    return {};
  }
  void open(const std::string& server) {
    below.failing[server] = Failure::Kind::connect;
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(send(server));
    ASSERT_EQ(state(server).circuit, Circuit::State::open);
  }

  HandClock clock;
  Below below;
  Settings settings{5, Seconds{10}, Seconds{120}, 4, 2};
  Health health{below, clock, settings};
  std::shared_ptr<const registry::Snapshot> snapshot;
};

TEST_F(HealthTest, ADeadServerIsAnsweredForAtOnceAndHarmsNobodyElse) {
  open("notes");
  const int before = below.sent;
  const auto answer = send("notes");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Failure::Kind::unavailable);
  EXPECT_EQ(answer.error().retry_after, Seconds{10});
  EXPECT_EQ(below.sent, before) << "nothing was sent";
  EXPECT_TRUE(send("wiki"));
  EXPECT_EQ(state("wiki").circuit, Circuit::State::closed);
}

TEST_F(HealthTest, OneRequestTriesAgainAndClosesIt) {
  open("notes");
  below.failing.clear();
  clock.passed += Seconds{10};
  EXPECT_TRUE(send("notes"));
  EXPECT_EQ(state("notes").circuit, Circuit::State::closed);
  EXPECT_TRUE(send("notes"));
}

TEST_F(HealthTest, WhatFailsIsNotSentAgainOnTheCallersBehalf) {
  below.failing["notes"] = Failure::Kind::connect;
  EXPECT_FALSE(send("notes", "tools/call"));
  EXPECT_EQ(below.sent, 1);
}

TEST_F(HealthTest, TheStateIsThereForMetricsAndAdministrators) {
  open("notes");
  EXPECT_FALSE(send("notes"));
  const auto down = state("notes");
  EXPECT_EQ(down.failures, 5);
  EXPECT_EQ(down.last_failure, "connect");
  EXPECT_EQ(down.failing_since, clock.now());
  EXPECT_EQ(down.retry_at, clock.now() + Seconds{10});
  EXPECT_EQ(down.requests, 5u);
  EXPECT_EQ(down.failed, 5u);
  EXPECT_EQ(down.turned_away, 1u);
  EXPECT_EQ(state("wiki").requests, 0u) << "never asked, and there";
  EXPECT_EQ(health.servers().states(*snapshot, clock.now()).size(), 2u) << "not the one that has no upstream";
}

struct Row {
  const char* name;
  Failure::Kind kind;
  const char* method;      // empty: a GET
  int took_ms;
  bool counts;
};
class Failures : public HealthTest, public testing::WithParamInterface<Row> {};

TEST_P(Failures, CountOnlyWhenTheyAreTheServers) {
  below.failing["notes"] = GetParam().kind;
  below.takes = Milliseconds{GetParam().took_ms};
  for (int i = 0; i < 5; ++i) {
    const auto answer = send("notes", GetParam().method);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, GetParam().kind);
  }
  EXPECT_EQ(state("notes").circuit, GetParam().counts ? Circuit::State::open : Circuit::State::closed);
  EXPECT_EQ(state("notes").failures, GetParam().counts ? 5 : 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, Failures,
    testing::Values(Row{"no_connection", Failure::Kind::connect, "tools/call", 0, true}, Row{"no_trust", Failure::Kind::tls, "tools/call", 0, true},
                    Row{"a_list_without_answer", Failure::Kind::timeout, "tools/list", 60'000, true},
                    Row{"initialize_without_answer", Failure::Kind::timeout, "initialize", 60'000, true},
                    Row{"a_stream_without_head", Failure::Kind::timeout, "", 60'000, true},
                    Row{"a_call_that_never_answers", Failure::Kind::timeout, "tools/call", 60'000, false},
                    Row{"a_resource_that_never_answers", Failure::Kind::timeout, "resources/read", 60'000, false},
                    Row{"a_method_that_nobody_knows", Failure::Kind::timeout, "x/y", 60'000, false},
                    Row{"a_call_without_connection_in_time", Failure::Kind::timeout, "tools/call", 5'000, true},
                    Row{"a_connection_that_ends", Failure::Kind::closed, "tools/list", 0, false},
                    Row{"a_bad_answer", Failure::Kind::bad_response, "tools/list", 0, false},
                    Row{"a_credential", Failure::Kind::credential, "tools/list", 0, false},
                    Row{"an_account_to_link", Failure::Kind::needs_account, "tools/list", 0, false},
                    Row{"a_layer_below_that_is_busy", Failure::Kind::unavailable, "tools/list", 0, false},
                    Row{"another_era", Failure::Kind::not_translatable, "tools/list", 0, false}),
    [](const auto& row) { return row.param.name; });

class Statuses : public HealthTest, public testing::WithParamInterface<int> {};

TEST_P(Statuses, AreAnswers) {
  below.failing["notes"] = Failure::Kind::connect;
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(send("notes"));
  below.failing.clear();
  below.status = GetParam();
  const auto answer = send("notes");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, GetParam());
  EXPECT_EQ(state("notes").failures, 0) << "it is there";
}
INSTANTIATE_TEST_SUITE_P(All, Statuses, testing::Values(200, 202, 400, 401, 403, 404, 405, 429, 500));

TEST_F(HealthTest, RequestsThatWaitAreBoundedForEachServerAndEachPrincipal) {
  below.waits = true;
  std::vector<std::optional<Answer>> answers(8);
  std::size_t next = 0;
  const auto start = [&](const std::string& server, const std::string& principal) {
    const std::size_t at = next++;
    spawn(health.send(request(server, "tools/call", principal)), [&answers, at](std::exception_ptr, std::optional<Answer> got) { answers[at].emplace(std::move(*got)); });
    return at;
  };
  start("notes", "alice"), start("notes", "alice");
  const auto third = start("notes", "alice");
  ASSERT_TRUE(answers[third]) << "two for each principal";
  EXPECT_EQ(answers[third]->error().kind, Failure::Kind::unavailable);
  EXPECT_EQ(answers[third]->error().retry_after, Seconds{1});
  start("notes", "bob"), start("notes", "bob");
  const auto fifth = start("notes", "carol");
  ASSERT_TRUE(answers[fifth]) << "four for the server";
  EXPECT_EQ(answers[fifth]->error().kind, Failure::Kind::unavailable);
  EXPECT_FALSE(answers[start("wiki", "alice")]) << "another server has its own";
  EXPECT_EQ(state("notes").waiting, 4u);

  below.waiters.front()(true);
  below.waiters.pop_front();
  EXPECT_FALSE(answers[start("notes", "carol")]) << "there is room again";
  while (!below.waiters.empty()) {
    below.waiters.front()(true);
    below.waiters.pop_front();
  }
  EXPECT_EQ(state("notes").waiting, 0u);
  EXPECT_EQ(state("notes").circuit, Circuit::State::closed) << "busy is not dead";
}

TEST_F(HealthTest, AServerThatMovedStartsAfresh) {
  open("notes");
  registry::Objects objects = snapshot->objects();
  objects.servers[0].upstream->url = "https://new.example/mcp";
  snapshot = std::make_shared<const registry::Snapshot>(std::move(objects), 2);
  EXPECT_EQ(state("notes").circuit, Circuit::State::closed);
  below.failing.clear();
  EXPECT_TRUE(send("notes"));
}

}  // namespace
}  // namespace writ::upstreams::health
