#include "jose/remote_key_set.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <functional>
#include <thread>

namespace writ::jose {
namespace {

using crypto::Algorithm;
using namespace std::chrono_literals;
using Answer = Result<http::OutgoingResponse, http::OutgoingFailure>;

constexpr Instant kStart{std::chrono::hours(480'000)};
const std::string kIssuer = "https://idp.example/tenant";
const std::string kMetadataUrl = "https://idp.example/.well-known/oauth-authorization-server/tenant";
const std::string kKeysUrl = "https://keys.example/jwks";

Answer ok(std::string body) { return http::OutgoingResponse{200, {}, std::move(body)}; }
Answer status(int code, http::Headers headers = {}) { return http::OutgoingResponse{code, std::move(headers), "{}"}; }
Answer failed(http::OutgoingFailure::Kind kind) { return unexpected(http::OutgoingFailure{kind, ""}); }

// The network: an answer for each URL, everything else is 404. It can hold its answers back, and remembers what was asked.
class FakeOutgoing final : public http::Outgoing {
 public:
  std::map<std::string, std::function<Answer()>> answers;
  std::vector<http::OutgoingRequest> requests;
  bool holds_back = false;

  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest request) override {
    requests.push_back(request);
    if (holds_back) {
      auto hold = [this](std::function<void(bool)> resume) { held_.push_back(std::move(resume)); };
      co_await suspend_until<bool>(std::move(hold));
    }
    const auto found = answers.find(request.url);
    if (found == answers.end()) co_return status(404);
    co_return found->second();
  }
  void release() {
    holds_back = false;
    std::deque<std::function<void(bool)>> held;
    held.swap(held_);
    for (const auto& resume : held) resume(true);
  }
  std::size_t count(const std::string& url) const {
    return static_cast<std::size_t>(std::count_if(requests.begin(), requests.end(), [&url](const auto& request) { return request.url == url; }));
  }

 private:
  std::deque<std::function<void(bool)>> held_;
};

const crypto::PublicKey& a_key() {
  static const crypto::PublicKey key = crypto::PrivateKey::generate(Algorithm::es256).public_key();
  return key;
}
std::string set_of(const std::vector<std::string>& kids) {
  std::vector<Jwk> keys;
  for (const std::string& kid : kids) keys.push_back(Jwk{kid, Algorithm::es256, a_key()});
  return json::write(to_json(KeySet(std::move(keys))));
}
std::string metadata(const std::string& issuer, const std::string& jwks_uri) { return json::write(json::Value{{"issuer", issuer}, {"jwks_uri", jwks_uri}}); }

class RemoteKeys : public testing::Test {
 protected:
  FakeOutgoing outgoing_;
  RemoteKeySets sets_{outgoing_};
  QueueExecutor executor_;
  const KeySource source_{kIssuer, kKeysUrl, false};
  Instant now_ = kStart;

  void publish(const std::vector<std::string>& kids) {
    outgoing_.answers[kKeysUrl] = [body = set_of(kids)] { return ok(body); };
  }
  // The kids that a request for `kid` gets to see, or "unavailable".
  std::string ask(const std::string& kid, const KeySource& source) {
    auto keys = run(executor_, sets_.find(source, kid, now_));
    if (!keys) return "unavailable";
    std::string kids;
    for (const Jwk& jwk : (*keys)->keys()) kids += jwk.kid + " ";
    return kids;
  }
  std::string ask(const std::string& kid) { return ask(kid, source_); }
  std::size_t refresh() {
    std::size_t started = 0;
    bool done = false;
    executor_.post([&] { started = sets_.refresh_due(now_), done = true; });
    executor_.run_until([&] { return done; });
    return started;
  }
  std::string problem() {
    const auto all = sets_.status();
    return all.empty() || !all[0].problem ? "none" : std::string(to_string(*all[0].problem));
  }
};

TEST_F(RemoteKeys, AKnownKidIsAnsweredFromMemory) {
  publish({"a"});
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(ask("a"), "a ");
  EXPECT_EQ(outgoing_.requests.size(), 1U);
  EXPECT_EQ(outgoing_.requests[0].response_bytes_max, 256U * 1024);
  EXPECT_FALSE(outgoing_.requests[0].public_addresses_only);
}

TEST_F(RemoteKeys, AChangeThatIsKnownOfIsFetchedAtOnce) {
  publish({"a"});
  EXPECT_EQ(ask("a"), "a ");
  publish({"b"});
  EXPECT_EQ(ask("b"), "a ") << "within the cool-down";
  sets_.expect_change("https://somebody.else.example");
  EXPECT_EQ(ask("a"), "a ");
  sets_.expect_change(kIssuer);
  EXPECT_EQ(ask("a"), "b ") << "the withdrawn key, too";
  EXPECT_EQ(outgoing_.requests.size(), 2U);
}

TEST_F(RemoteKeys, WithoutKidTheKnownSetAnswers) {
  publish({"a"});
  EXPECT_TRUE(run(executor_, sets_.find(source_, std::nullopt, now_)));
  EXPECT_TRUE(run(executor_, sets_.find(source_, std::nullopt, now_)));
  EXPECT_EQ(outgoing_.requests.size(), 1U);
}

TEST_F(RemoteKeys, SourcesAreNeverPooled) {
  publish({"a"});
  outgoing_.answers["https://other.example/jwks"] = [] { return ok(set_of({"b"})); };
  EXPECT_EQ(ask("a"), "a ");
  EXPECT_EQ(ask("a", {"https://other.example", "https://other.example/jwks", false}), "b ");
  EXPECT_EQ(ask("b"), "a ");
}

TEST_F(RemoteKeys, SourcesOfStrangersAreFetchedFromPublicAddressesOnly) {
  const KeySource strange{"", "https://client.example/jwks", true};
  outgoing_.answers["https://client.example/jwks"] = [] { return ok(set_of({"c"})); };
  EXPECT_EQ(ask("c", strange), "c ");
  EXPECT_TRUE(outgoing_.requests[0].public_addresses_only);
  EXPECT_EQ(ask("c", {"", "http://127.0.0.1:1/jwks", true}), "unavailable");
  EXPECT_EQ(outgoing_.requests.size(), 1U) << "a stranger's loopback URL is not even tried";
}

TEST_F(RemoteKeys, AClientsKeyUriIsASourceOfItsOwn) {
  publish({"a"});
  const auto keys = run(executor_, sets_.find_at(kKeysUrl, true, "a", now_));
  ASSERT_NE(keys, nullptr);
  EXPECT_EQ(keys->keys().size(), 1U);
  EXPECT_EQ(run(executor_, sets_.find_at("https://absent.example/jwks", true, "a", now_)), nullptr);
}

// ---- discovery

class KeyDiscovery : public RemoteKeys {
 protected:
  const KeySource by_metadata_{kIssuer, "", false};
};

TEST_F(KeyDiscovery, FollowsTheMetadataOfTheIssuer) {
  publish({"a"});
  outgoing_.answers[kMetadataUrl] = [] { return ok(metadata(kIssuer, kKeysUrl)); };
  EXPECT_EQ(ask("a", by_metadata_), "a ");
  EXPECT_EQ(outgoing_.requests.size(), 2U);
}

TEST_F(KeyDiscovery, TriesTheFormsInOrder) {
  EXPECT_EQ(metadata_urls(kIssuer), (std::vector<std::string>{kMetadataUrl, "https://idp.example/.well-known/openid-configuration/tenant",
                                                              "https://idp.example/tenant/.well-known/openid-configuration"}));
  EXPECT_EQ(metadata_urls("https://idp.example"), (std::vector<std::string>{"https://idp.example/.well-known/oauth-authorization-server",
                                                                            "https://idp.example/.well-known/openid-configuration"}));
  EXPECT_EQ(metadata_urls("https://idp.example/?q"), std::vector<std::string>{});
  publish({"a"});
  outgoing_.answers["https://idp.example/tenant/.well-known/openid-configuration"] = [] { return ok(metadata(kIssuer, kKeysUrl)); };
  EXPECT_EQ(ask("a", by_metadata_), "a ");
  EXPECT_EQ(outgoing_.requests.size(), 4U);
}

struct BadMetadata {
  std::string name, body, problem;
};
void PrintTo(const BadMetadata& row, std::ostream* out) { *out << row.name; }
class N6_MixUp : public KeyDiscovery, public testing::WithParamInterface<BadMetadata> {};
TEST_P(N6_MixUp, TheDocumentIsRefused) {
  publish({"a"});
  for (const std::string& url : metadata_urls(kIssuer)) outgoing_.answers[url] = [] { return ok(GetParam().body); };
  EXPECT_EQ(ask("a", by_metadata_), "unavailable");
  EXPECT_EQ(problem(), GetParam().problem);
  EXPECT_EQ(outgoing_.count(kKeysUrl), 0U) << "its keys are not even fetched";
}
INSTANTIATE_TEST_SUITE_P(Documents, N6_MixUp, testing::Values(
    BadMetadata{"another_issuer", metadata("https://evil.example", kKeysUrl), "wrong_issuer"},
    BadMetadata{"a_slash_more", metadata(kIssuer + "/", kKeysUrl), "wrong_issuer"},
    BadMetadata{"other_case", metadata("https://IDP.example/tenant", kKeysUrl), "wrong_issuer"},
    BadMetadata{"a_port_more", metadata("https://idp.example:443/tenant", kKeysUrl), "wrong_issuer"},
    BadMetadata{"no_issuer", R"({"jwks_uri":"https://keys.example/jwks"})", "wrong_issuer"},
    BadMetadata{"issuer_in_an_array", R"({"issuer":["https://idp.example/tenant"],"jwks_uri":"https://keys.example/jwks"})", "wrong_issuer"},
    BadMetadata{"issuer_twice", R"({"issuer":"https://evil.example","issuer":"https://idp.example/tenant","jwks_uri":"https://keys.example/jwks"})", "bad_metadata"},
    BadMetadata{"no_keys", R"({"issuer":"https://idp.example/tenant"})", "bad_metadata"},
    BadMetadata{"keys_no_string", R"({"issuer":"https://idp.example/tenant","jwks_uri":7})", "bad_metadata"},
    BadMetadata{"no_json", "<html>", "bad_metadata"},
    BadMetadata{"keys_over_plain_http", metadata(kIssuer, "http://keys.example/jwks"), "insecure_uri"},
    BadMetadata{"keys_on_our_own_machine", metadata(kIssuer, "http://127.0.0.1:8421/jwks"), "insecure_uri"},
    BadMetadata{"keys_in_a_file", metadata(kIssuer, "file:///etc/passwd"), "insecure_uri"},
    BadMetadata{"keys_with_user_information", metadata(kIssuer, "https://u:p@keys.example/jwks"), "insecure_uri"}), [](const auto& row) { return row.param.name; });

TEST_F(KeyDiscovery, AnIssuerOnLoopbackMayHaveItsKeysThere) {
  const std::string issuer = "http://127.0.0.1:8420";
  outgoing_.answers["http://127.0.0.1:8420/.well-known/oauth-authorization-server"] = [&] { return ok(metadata(issuer, issuer + "/jwks")); };
  outgoing_.answers["http://127.0.0.1:8420/jwks"] = [] { return ok(set_of({"a"})); };
  EXPECT_EQ(ask("a", {issuer, "", false}), "a ");
}

TEST_F(KeyDiscovery, WhatIsNoIssuerIsNotAskedAtAll) {
  EXPECT_EQ(ask("a", {"http://idp.example", "", false}), "unavailable");
  EXPECT_EQ(ask("a", {"", "", false}), "unavailable");
  EXPECT_TRUE(outgoing_.requests.empty());
}

// ---- N2

class N2_Redirects : public KeyDiscovery, public testing::WithParamInterface<int> {};
TEST_P(N2_Redirects, AreNotFollowed) {
  outgoing_.answers[kKeysUrl] = [] { return status(GetParam(), {{"Location", "https://trap.example/"}}); };
  EXPECT_EQ(ask("a"), "unavailable");
  EXPECT_EQ(problem(), "bad_status");
  EXPECT_EQ(outgoing_.count("https://trap.example/"), 0U);
}
INSTANTIATE_TEST_SUITE_P(Statuses, N2_Redirects, testing::Values(301, 302, 303, 307, 308));

// ---- N3

TEST_F(RemoteKeys, N3_AFloodOfUnknownKidsIsOneFetchInThirtySeconds) {
  publish({"a"});
  EXPECT_EQ(ask("a"), "a ");
  now_ += 30s;
  for (int i = 0; i < 200; ++i) EXPECT_EQ(ask("unknown" + std::to_string(i)), "a ");
  EXPECT_EQ(outgoing_.requests.size(), 2U);
  now_ += 29'999ms;
  EXPECT_EQ(ask("unknown"), "a ");
  EXPECT_EQ(outgoing_.requests.size(), 2U);
  now_ += 1ms;
  EXPECT_EQ(ask("unknown"), "a ");
  EXPECT_EQ(outgoing_.requests.size(), 3U);
}

TEST_F(RemoteKeys, N3_TheCooldownHoldsAlsoWhenThereAreNoKeys) {
  outgoing_.answers[kKeysUrl] = [] { return ok(R"({"keys":[]})"); };
  for (int i = 0; i < 200; ++i) EXPECT_EQ(ask("a"), "unavailable");
  EXPECT_EQ(outgoing_.requests.size(), 1U);
  EXPECT_EQ(problem(), "no_usable_key");
}

TEST_F(RemoteKeys, N3_RequestsAtTheSameTimeShareOneFetch) {
  publish({"a"});
  outgoing_.holds_back = true;
  int answered = 0;
  executor_.post([&] {
    for (int i = 0; i < 200; ++i)
      spawn(sets_.find(source_, "a", now_), [&](std::exception_ptr, std::optional<Result<RemoteKeySets::Keys, Unavailable>> keys) { answered += *keys ? 1 : 0; });
    executor_.post([&] { outgoing_.release(); });
  });
  executor_.run_until([&] { return answered == 200; });
  EXPECT_EQ(outgoing_.requests.size(), 1U);
}

// ---- N4: eight ways for a key server to fail

struct Mode {
  std::string name;
  std::function<Answer()> answer;
  std::string problem;
};
void PrintTo(const Mode& row, std::ostream* out) { *out << row.name; }
class N4_KeyServerFails : public RemoteKeys, public testing::WithParamInterface<Mode> {};

TEST_P(N4_KeyServerFails, TheLastGoodKeysStayForADayAndNoLonger) {
  publish({"a"});
  EXPECT_EQ(ask("a"), "a ");
  outgoing_.answers[kKeysUrl] = GetParam().answer;
  for (now_ += 6min; now_ < kStart + 24h; now_ += 1h) {
    EXPECT_EQ(ask("a"), "a ") << "a known key";
    EXPECT_EQ(ask("b"), "a ") << "an unknown key stays unknown";
    EXPECT_EQ(problem(), GetParam().problem);
  }
  now_ = kStart + 24h;
  EXPECT_EQ(ask("a"), "a ");
  now_ += 1ms;
  EXPECT_EQ(ask("a"), "unavailable");
  publish({"b"});
  now_ += 30s;
  EXPECT_EQ(ask("b"), "b ") << "and it comes back";
  EXPECT_EQ(problem(), "none");
}

TEST_P(N4_KeyServerFails, WithoutKeysTheAnswerIsUnavailableAndTheServerIsLeftAlone) {
  outgoing_.answers[kKeysUrl] = GetParam().answer;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(ask("a"), "unavailable");
  EXPECT_EQ(problem(), GetParam().problem);
  EXPECT_EQ(outgoing_.requests.size(), 1U);
}

using Kind = http::OutgoingFailure::Kind;
INSTANTIATE_TEST_SUITE_P(Modes, N4_KeyServerFails, testing::Values(
    Mode{"is_down", [] { return failed(Kind::connect); }, "unreachable"},
    Mode{"has_a_bad_certificate", [] { return failed(Kind::tls); }, "unreachable"},
    Mode{"answers_500", [] { return status(500); }, "bad_status"},
    Mode{"answers_html", [] { return ok("<html><body>maintenance</body></html>"); }, "no_key_set"},
    Mode{"hangs", [] { return failed(Kind::timeout); }, "unreachable"},
    Mode{"drips_and_breaks_off", [] { return failed(Kind::broken); }, "unreachable"},
    Mode{"sends_200_megabytes", [] { return failed(Kind::too_large); }, "unreachable"},
    Mode{"sends_more_than_was_asked_for", [] { return ok("{\"keys\":[" + std::string(300'000, ' ') + "]}"); }, "no_key_set"},
    Mode{"sends_200000_levels", [] { return ok(std::string(100'000, '[') + std::string(100'000, ']')); }, "no_key_set"},
    Mode{"sends_an_empty_set", [] { return ok(R"({"keys":[]})"); }, "no_usable_key"},
    Mode{"sends_symmetric_keys_only", [] { return ok(R"({"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"a"}]})"); }, "no_usable_key"}), [](const auto& row) { return row.param.name; });

TEST_F(RemoteKeys, N4_WaitingEndsWithinSixSeconds) {
  EXPECT_EQ(ask("a"), "unavailable");
  ASSERT_EQ(outgoing_.requests.size(), 1U);
  EXPECT_LE(outgoing_.requests[0].timeout_ms, 6'000);
}

TEST_F(KeyDiscovery, N4_WaitingEndsWithinSixSecondsAlsoForAChainOfRequests) {
  outgoing_.answers["https://idp.example/tenant/.well-known/openid-configuration"] = [] { return ok(metadata(kIssuer, kKeysUrl)); };
  EXPECT_EQ(ask("a", by_metadata_), "unavailable");
  ASSERT_EQ(outgoing_.requests.size(), 4U) << "the longest chain";
  int total_ms = 0;
  for (const auto& request : outgoing_.requests) total_ms += request.timeout_ms;
  EXPECT_LE(total_ms, 6'000);
}

TEST_F(KeyDiscovery, N4_AHangingHostIsAskedForOneDocumentOnly) {
  outgoing_.answers[kMetadataUrl] = [] { return failed(Kind::timeout); };
  EXPECT_EQ(ask("a", by_metadata_), "unavailable");
  EXPECT_EQ(outgoing_.requests.size(), 1U);
}

TEST_F(RemoteKeys, N4_WhileTheServerIsKnownToBeDownKnownKeysDoNotWaitForTheNextAttempt) {
  publish({"a"});
  EXPECT_EQ(ask("a"), "a ");
  outgoing_.answers[kKeysUrl] = [] { return failed(Kind::timeout); };
  now_ += 6min;
  EXPECT_EQ(refresh(), 1U);
  now_ += 31s;
  outgoing_.holds_back = true;   // the next attempt hangs
  EXPECT_EQ(refresh(), 1U);
  EXPECT_EQ(ask("a"), "a ") << "would never return if it waited";
  executor_.post([&] { outgoing_.release(); });
  bool done = false;
  executor_.post([&] { done = true; });
  executor_.run_until([&] { return done; });
}

// ---- N5

TEST_F(RemoteKeys, N5_ANewKeyIsUsedWithinTheCooldown) {
  publish({"a"});
  EXPECT_EQ(ask("a"), "a ");
  publish({"a", "b"});
  now_ += 29s;
  EXPECT_EQ(ask("b"), "a ");
  now_ += 1s;
  EXPECT_EQ(ask("b"), "a b ");
}

TEST_F(RemoteKeys, N5_AWithdrawnKeyIsGoneWithinFiveMinutes) {
  publish({"a", "b"});
  EXPECT_EQ(ask("a"), "a b ");
  publish({"b"});
  std::size_t started = 0;
  for (; now_ < kStart + 5min; now_ += 10s) started += refresh();
  EXPECT_EQ(started, 1U) << "one refresh is enough";
  EXPECT_EQ(ask("a"), "b ");
}

TEST_F(RemoteKeys, N5_AWithdrawnKeyIsGoneAlsoWhenNobodyRefreshes) {
  publish({"a", "b"});
  EXPECT_EQ(ask("a"), "a b ");
  publish({"b"});
  now_ += 5min;
  EXPECT_EQ(ask("a"), "a b ");
  now_ += 1ms;
  EXPECT_EQ(ask("a"), "b ");
}

TEST_F(RemoteKeys, N5_AKeyThatLeftTheSetDoesNotComeBackWithAnOutage) {
  publish({"a"});
  EXPECT_EQ(ask("a"), "a ");
  publish({"b"});
  now_ += 6min;
  EXPECT_EQ(ask("a"), "b ");
  outgoing_.answers[kKeysUrl] = [] { return status(500); };
  now_ += 6min;
  EXPECT_EQ(ask("a"), "b ");
}

// ---- background

TEST_F(RemoteKeys, WatchedSourcesAreFetchedBeforeAnybodyAsks) {
  publish({"a"});
  sets_.watch(source_, now_);
  EXPECT_EQ(refresh(), 1U);
  EXPECT_EQ(refresh(), 0U);
  EXPECT_EQ(ask("a"), "a ");
  EXPECT_EQ(outgoing_.requests.size(), 1U);
}

TEST_F(RemoteKeys, FailedRefreshesAreRepeatedAfterTheCooldown) {
  sets_.watch(source_, now_);
  EXPECT_EQ(refresh(), 1U);
  now_ += 29s;
  EXPECT_EQ(refresh(), 0U);
  now_ += 1s;
  EXPECT_EQ(refresh(), 1U);
}

TEST_F(RemoteKeys, SourcesThatNobodyAsksForAreForgottenWatchedOnesAreNot) {
  const KeySource watched{"https://b.example", "https://b.example/jwks", false};
  publish({"a"});
  sets_.watch(watched, now_);
  EXPECT_EQ(ask("a"), "a ");
  now_ += 24h;
  refresh();
  EXPECT_EQ(sets_.status().size(), 2U);
  now_ += 1ms;
  refresh();
  ASSERT_EQ(sets_.status().size(), 1U);
  EXPECT_EQ(sets_.status()[0].source, watched);
}

TEST_F(RemoteKeys, TheNumberOfSourcesIsBounded) {
  RemoteKeySets few(outgoing_, {.sources_max = 3});
  few.watch({"https://w.example", "", false}, now_);
  for (int i = 0; i < 10; ++i) {
    now_ += 1s;
    EXPECT_FALSE(run(executor_, few.find({"", "https://c" + std::to_string(i) + ".example/jwks", true}, "k", now_)));
  }
  const auto all = few.status();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].source.jwks_uri, "https://c8.example/jwks");
  EXPECT_EQ(all[1].source.jwks_uri, "https://c9.example/jwks");
  EXPECT_EQ(all[2].source.issuer, "https://w.example");
}

TEST_F(RemoteKeys, AClockSetBackMakesEverythingDue) {
  publish({"a"});
  EXPECT_EQ(ask("a"), "a ");
  now_ -= 500ms;
  EXPECT_EQ(ask("a"), "a ");
  EXPECT_EQ(outgoing_.requests.size(), 1U) << "threads read the clock at slightly different moments";
  now_ -= 1h;
  publish({"b"});
  EXPECT_EQ(ask("a"), "b ");
}

// ---- threads

class CountingOutgoing final : public http::Outgoing {
 public:
  std::atomic<int> requests{0};
  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest) override {
    ++requests;
    co_return ok(body_);
  }

 private:
  const std::string body_ = set_of({"a"});
};

TEST(RemoteKeysThreads, ManyLoopsShareOneSet) {
  CountingOutgoing outgoing;
  RemoteKeySets sets(outgoing);
  std::atomic<int> answered{0};
  std::atomic<int> moments{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      QueueExecutor executor;
      for (int i = 0; i < 200; ++i) {
        const Instant now = kStart + ++moments * 50ms;
        const auto keys = run(executor, sets.find({kIssuer, kKeysUrl, false}, i % 10 == 0 ? "unknown" : "a", now));
        answered += keys ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 800);
  EXPECT_LE(outgoing.requests, 2) << "forty seconds hold two attempts";
}

}  // namespace
}  // namespace writ::jose
