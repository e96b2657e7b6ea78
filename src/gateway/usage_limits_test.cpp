#include "gateway/gateway_fixture.h"

namespace writ::gateway {
namespace {

using registry::Limit;

class UsageLimit : public GatewayTest {
 protected:
  void limit(const std::function<void(Limit&)>& change) {
    Limit limit;
    limit.id = "l";
    change(limit);
    set_objects([&](registry::Objects& all) { all.limits = {limit}; });
  }
  // The kind of the denial, "" when it was not denied.
  std::string kind(const http::Response& response) {
    if (response.status == 429) return "429";
    const json::Value body = parsed(response.body);
    const json::Value* result = body.find("result");
    const json::Value* meta = result ? result->find("_meta") : nullptr;
    const json::Value* decision = meta ? meta->find("writ/decision") : nullptr;
    return decision ? *decision->find_string("kind") : "";
  }
  std::string called(const std::string& tool = "search_notes") { return kind(post(call_text(tool))); }
};

TEST_F(UsageLimit, RatesAreBuckets) {
  limit([](Limit& l) { l.requests_per_minute = 60, l.burst = 3; });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(called(), "") << i;
  const http::Response refused = post(call_text("search_notes"));
  EXPECT_EQ(kind(refused), "rate_limited");
  const json::Value body = parsed(refused.body);
  EXPECT_EQ(*body.find("result")->find("_meta")->find("writ/decision")->find_int("retry_after_seconds"), 1);
  EXPECT_EQ(last_reason(), "rate_limited");
  clock.seconds += 1;
  EXPECT_EQ(called(), "");
  EXPECT_EQ(called(), "rate_limited");
}

TEST_F(UsageLimit, OtherRequestsGetHttp429) {
  limit([](Limit& l) { l.requests_per_minute = 6, l.burst = 1; });
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})").status, 200);
  const http::Response refused = post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(*refused.headers.find_single("Retry-After"), "10");
}

TEST_F(UsageLimit, ConcernsWhomItNames) {
  const struct {
    const char* what;
    std::function<void(Limit&)> change;
    bool concerns;
  } rows[] = {
      {"everything", [](Limit&) {}, true},
      {"her group", [](Limit& l) { l.groups = {"eng"}; }, true},
      {"another group", [](Limit& l) { l.groups = {"sales"}; }, false},
      {"this agent", [](Limit& l) { l.agents = {"cursor"}; }, true},
      {"another agent", [](Limit& l) { l.agents = {"other"}; }, false},
      {"another server", [](Limit& l) { l.servers = {"wiki"}; }, false},
      {"this tool", [](Limit& l) { l.tools = {"search_*"}; }, true},
      {"another tool", [](Limit& l) { l.tools = {"read_*"}; }, false},
      {"nothing while it is not active", [](Limit& l) { l.active = false; }, false},
  };
  int number = 0;
  for (const auto& row : rows) {
    limit([&](Limit& l) { l.calls_per_day = 1, l.id = "l" + std::to_string(++number), row.change(l); });
    EXPECT_EQ(called(), "") << row.what;
    EXPECT_EQ(called() == "rate_limited", row.concerns) << row.what;
  }
}

TEST_F(UsageLimit, CountsApartWhatItSays) {
  limit([](Limit& l) { l.calls_per_day = 1, l.per = {Limit::Per::tool}; });
  EXPECT_EQ(called("search_notes"), "");
  EXPECT_EQ(called("search_notes"), "rate_limited");
  EXPECT_EQ(called("read_note"), "");
}

TEST_F(UsageLimit, ConcurrentCallsAreGivenBack) {
  limit([](Limit& l) { l.concurrent_calls = 1; });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(called(), "") << "one after the other";
  upstream.respond = [&](const http::UpstreamRequest&) { return upstream.events({}, std::nullopt); };
  http::Response open = post(call_text("search_notes"));
  EXPECT_EQ(called(), "rate_limited");
  open = http::Response();
  upstream.body->finish(http::StreamEnd::complete);
  settle();
  upstream.respond = [this](const http::UpstreamRequest& request) { return default_answer(request); };
  EXPECT_EQ(called(), "");
}

TEST_F(UsageLimit, BytesOfADay) {
  limit([](Limit& l) { l.bytes_per_day = 50; });
  EXPECT_EQ(called(), "");
  EXPECT_EQ(called(), "rate_limited") << "the first had more than 50 bytes";
}

TEST(UsageLimitCounters, ARefusalUsesNothingUp) {
  registry::Objects objects;
  Limit first, second;
  first.id = "a", first.calls_per_day = 2;
  second.id = "b", second.calls_per_day = 1;
  objects.limits = {first, second};
  const registry::Snapshot snapshot(objects, 1);
  registry::User user;
  registry::Agent agent;
  const Caller caller{&user, &agent, nullptr};
  UsageLimits limits;
  const Instant now = from_unix_seconds(kNow);
  EXPECT_TRUE(limits.take(snapshot, {caller, "notes", "x", 0}, now));
  for (int i = 0; i < 5; ++i) {
    const auto refused = limits.take(snapshot, {caller, "notes", "x", 0}, now);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().limit, "b") << "`a` has one left, for nothing was taken of it";
  }
  EXPECT_TRUE(limits.take(snapshot, {caller, "notes", "x", 0}, now + Seconds{86'400}));
}

}  // namespace
}  // namespace writ::gateway
