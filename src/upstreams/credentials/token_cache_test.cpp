#include "upstreams/credentials/token_cache.h"

#include <gtest/gtest.h>

namespace writ::upstreams {
namespace {

const Instant kNow = from_unix_seconds(1'795'000'000);

class TokenCacheTest : public testing::Test {
 public:
  // A fetch that ends when the test says so.
  TokenCache::Fetch fetch() {
    return [this] { return fetching(this); };
  }
  static Task<TokenCache::Fetched> fetching(TokenCacheTest* test) {
    const int number = ++test->begun;
    auto wait = [test](std::function<void(bool)> resume) { test->waiting.push_back(std::move(resume)); };
    if (test->holds) co_await suspend_until<bool>(std::move(wait));
    if (test->fails) co_return unexpected(Failure{Failure::Kind::credential, "no", "", std::nullopt});
    co_return AccessToken{Secret("t" + std::to_string(number)), kNow + test->life, "ses"};
  }
  std::string find(std::string basis = "b", Instant now = kNow) {
    std::string found;
    bool done = false;
    start(std::move(basis), now, [&](std::string token) { found = std::move(token), done = true; });
    executor.run_until([&] { return done; });
    return found;
  }
  void start(std::string basis, Instant now, std::function<void(std::string)> then) {
    executor.post([this, basis = std::move(basis), now, then = std::move(then)] {
      spawn(cache.find("key", basis, now, fetch()), [this, then](std::exception_ptr, std::optional<Result<Token, Failure>> token) {
        if (*token) last = **token;
        then(*token ? std::string((**token)->value.reveal()) : "failed");
      });
    });
  }
  void let_go() {
    bool done = false;
    executor.post([&] {
      for (auto& resume : std::exchange(waiting, {})) resume(true);
      done = true;
    });
    executor.run_until([&] { return done; });
  }

  QueueExecutor executor;
  Executor::Scope scope{executor};
  TokenCache cache{10};
  Token last;
  int begun = 0;
  bool holds = false, fails = false;
  Seconds life{300};
  std::vector<std::function<void(bool)>> waiting;
};

TEST_F(TokenCacheTest, KeepsATokenUntilALittleBeforeItsEnd) {
  EXPECT_EQ(find(), "t1");
  EXPECT_EQ(find("b", kNow + Seconds{269}), "t1");
  EXPECT_EQ(find("b", kNow + Seconds{270}), "t2");
}

TEST_F(TokenCacheTest, ShortLivedTokensAreRenewedAtFourFifths) {
  life = Seconds{50};
  EXPECT_EQ(find(), "t1");
  EXPECT_EQ(find("b", kNow + Seconds{39}), "t1");
  EXPECT_EQ(find("b", kNow + Seconds{40}), "t2");
}

TEST_F(TokenCacheTest, ATokenWithoutAnyLifeServesTheOneWhoAsked) {
  life = Seconds{0};
  EXPECT_EQ(find(), "t1");
  EXPECT_EQ(find(), "t2");
}

TEST_F(TokenCacheTest, ManyWhoWaitMakeOneFetch) {
  holds = true;
  std::vector<std::string> found;
  for (int i = 0; i < 50; ++i) start("b", kNow, [&](std::string token) { found.push_back(std::move(token)); });
  let_go();
  executor.run_until([&] { return found.size() == 50; });
  EXPECT_EQ(begun, 1);
  for (const auto& token : found) EXPECT_EQ(token, "t1");
}

TEST_F(TokenCacheTest, WhatWasDecidedOnSomethingElseIsFetchedAgain) {
  EXPECT_EQ(find("policy v1"), "t1");
  EXPECT_EQ(find("policy v2"), "t2");
  EXPECT_EQ(find("policy v2"), "t2");
}

TEST_F(TokenCacheTest, WhoComesDuringAFetchOfAnEarlierDecisionGetsOneOfHisOwn) {
  holds = true;
  std::string first, second;
  start("v1", kNow, [&](std::string token) { first = std::move(token); });
  start("v2", kNow, [&](std::string token) { second = std::move(token); });
  let_go();
  executor.run_until([&] { return begun == 2; });
  let_go();
  executor.run_until([&] { return !first.empty() && !second.empty(); });
  EXPECT_EQ(second, "t2");
}

TEST_F(TokenCacheTest, AFailureIsRememberedForAMoment) {
  fails = true;
  EXPECT_EQ(find(), "failed");
  EXPECT_EQ(find("b", kNow + Seconds{1}), "failed");
  EXPECT_EQ(begun, 1);
  fails = false;
  EXPECT_EQ(find("b", kNow + Seconds{2}), "t2");
}

TEST_F(TokenCacheTest, DropsOnlyTheTokenThatWasRefused) {
  EXPECT_EQ(find(), "t1");
  const Token refused = last;
  cache.drop("key", refused);
  EXPECT_EQ(find(), "t2");
  cache.drop("key", refused);   // a slower request heard of the first one only now
  EXPECT_EQ(find(), "t2");
}

TEST_F(TokenCacheTest, ForgetsWhatRestsOnWhatHasEnded) {
  find();
  EXPECT_EQ(cache.size(), 1u);
  cache.drop_of([](const AccessToken& token) { return token.session == "ses"; });
  EXPECT_EQ(cache.size(), 0u);
}

TEST_F(TokenCacheTest, StaysWithinItsBound) {
  for (int i = 0; i < 100; ++i) {
    auto task = cache.find("key " + std::to_string(i), "b", kNow + Seconds{i}, fetch());
    ASSERT_TRUE(run(executor, std::move(task)));
    EXPECT_LE(cache.size(), 10u);
  }
}

}  // namespace
}  // namespace writ::upstreams
