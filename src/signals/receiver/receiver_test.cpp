#include "signals/receiver/receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "jose/forge_fixture.h"
#include "signals/receiver/global_token_revocation.h"
#include "signals/receiver/subject_access.h"
#include "signals/signals_fixture.h"
#include "signals/subject_session.h"

namespace writ::signals {
namespace {

using namespace test;
using testing::HasSubstr;

registry::TrustedIssuer trusted() {
  registry::TrustedIssuer issuer;
  issuer.issuer = kIdp, issuer.signals = true, issuer.algorithms = {crypto::Algorithm::rs256};
  issuer.tenants = {"t-1"}, issuer.email_domains = {"larkspur.example"};
  return issuer;
}

registry::Objects receiving() {
  registry::Objects all = objects();
  all.users[0].links = {{kIdp, "", "u-alice"}};
  all.users[1].links = {{"https://other.example", "", "u-bob"}};
  all.trusted_issuers = {trusted()};
  return all;
}

struct Receiving : testing::Test {
  StandingClock clock;
  memory::MemoryDocuments documents;
  memory::MemoryDecisionsLog log;
  registry::Current registry{std::make_shared<registry::Snapshot>(receiving(), 1)};
  std::unique_ptr<registry::StoredRevocations> revocations;
  std::unique_ptr<SeenTokens> seen;
  std::unique_ptr<SubjectAccess> access;
  std::unique_ptr<EventReceiver> receiver;
  std::unique_ptr<GlobalTokenRevocation> revocation;
  std::vector<std::string> critical;
  bool keys_there = true;
  std::string expected_state = "the state";
  QueueExecutor executor;

  void SetUp() override { start(); }
  void start() {
    revocations = std::move(*registry::StoredRevocations::open(documents));
    seen = std::move(*SeenTokens::open(documents));
    access = std::make_unique<SubjectAccess>(*revocations);
    const auto find_sender = [](const registry::Snapshot& snapshot, std::string_view issuer) -> std::optional<Sender> {
      const auto* found = snapshot.trusted_issuer(issuer);
      if (!found || !found->active || !found->signals) return std::nullopt;
      return Sender{found->issuer, "", {kRas}, found->algorithms};
    };
    ReceiverParts parts{clock, registry, log, *seen, 30, find_sender, [this](Sender, std::optional<std::string>) { return published(); },
                        [this](SecurityEventToken set, std::int64_t until, std::string) { return end(std::move(set), until); },
                        [this](std::string_view issuer, const std::string& state) { return issuer == kIdp && state == expected_state; }};
    receiver = std::make_unique<EventReceiver>(std::move(parts));
    GlobalTokenRevocationParts gtr{clock, registry, log, *seen, *access, std::string(kRas) + "/global-token-revocation", 30, find_sender,
                                   [this](Sender, std::optional<std::string>) { return keys(); }};
    revocation = std::make_unique<GlobalTokenRevocation>(std::move(gtr));
  }
  std::shared_ptr<const jose::KeySet> key_set() { return std::make_shared<const jose::KeySet>(std::vector<jose::Jwk>{key().public_jwk()}); }
  Task<Result<ReceiverParts::Published, Unavailable>> published() {
    if (!keys_there) co_return unexpected(Unavailable{"keys"});
    ReceiverParts::Published all{key_set(), critical};
    co_return all;
  }
  Task<Result<std::shared_ptr<const jose::KeySet>, Unavailable>> keys() {
    if (!keys_there) co_return unexpected(Unavailable{"keys"});
    co_return key_set();
  }
  Task<Result<Obeyed, Unavailable>> end(SecurityEventToken set, std::int64_t until) {
    const auto snapshot = registry.get();
    auto named = name_subject(set.subject, *snapshot->trusted_issuer(set.issuer), *snapshot);
    Obeyed obeyed;
    obeyed.reason = named ? "access_ended" : std::string(to_string(named.error()));
    if (!named) co_return obeyed;
    obeyed.user_id = named->user_id;
    const auto ended = co_await access->end(set.issuer, std::move(named->names), until, clock.time);
    if (!ended) co_return unexpected(ended.error());
    co_return obeyed;
  }

  json::Value claims(const std::string& jti = "s-1") {
    return to_claims(kIdp, kRas, jti, kNow, "c-1", iss_sub(kIdp, "u-alice"), session_revoked(Cause{kNow - 10, "admin", "disabled"}));
  }
  http::Response push(const std::string& token) {
    http::Request made = request("POST", "/ssf/events", token, "");
    made.headers.set("Content-Type", "application/secevent+jwt");
    return run(executor, receiver->push(made));
  }
  std::string error_of(const http::Response& response) {
    const auto body = json::parse(response.body);
    const auto* code = body ? body->find_string("err") : nullptr;
    return code ? *code : "";
  }
  bool is_ended(std::int64_t issued_at, const std::string& subject = "u-alice", const std::string& tenant = "") {
    return revocations->is_session_ended(since(subject_session(kIdp, tenant, subject), issued_at));
  }
  const audit::Record last() { return log.records().back(); }
};

TEST_F(Receiving, EndsTheAccessOfBeforeTheEvent) {
  const auto response = push(sign(claims(), key()));
  EXPECT_EQ(response.status, 202) << response.body;
  EXPECT_EQ(response.body, "");
  EXPECT_TRUE(is_ended(kNow - 10));
  EXPECT_FALSE(is_ended(kNow - 9)) << "what its issuer gave after the event stays";
  EXPECT_TRUE(is_ended(kNow - 10, "u-alice", "t-1")) << "it says no tenant, which matches any";
  EXPECT_FALSE(is_ended(kNow - 10, "u-bob"));
  EXPECT_EQ(last().event, audit::Event::signal);
  EXPECT_EQ(last().effect, audit::Effect::allow);
  EXPECT_EQ(last().reason, "access_ended");
  EXPECT_EQ(last().user, "usr_alice");
  start();
  EXPECT_TRUE(is_ended(kNow - 10)) << "also after a restart";
}

TEST_F(Receiving, ObeysEachTokenOnce) {
  const std::string token = sign(claims(), key());
  EXPECT_EQ(push(token).status, 202);
  const auto epoch = revocations->epoch();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(push(token).status, 202) << "it is sent at least once, so the second is no mistake";
    EXPECT_EQ(last().reason, "set_seen_before");
    EXPECT_EQ(last().effect, audit::Effect::none);
    start();
  }
  clock.time += Seconds{3'000};
  EXPECT_EQ(push(token).status, 202);
  EXPECT_EQ(revocations->epoch() <= epoch, true) << "nothing happens";
  EXPECT_FALSE(is_ended(kNow - 9));
  // The same `jti` of another issuer is another token.
  EXPECT_FALSE(seen->contains("https://other.example", "s-1"));
  EXPECT_TRUE(seen->contains(kIdp, "s-1"));
  seen->forget_expired(from_unix_seconds(kNow) + SeenTokens::kKept - Seconds{1});
  EXPECT_TRUE(seen->contains(kIdp, "s-1"));
}

TEST_F(Receiving, RefusesWhatIsNotGenuineByItsCode) {
  json::Value foreign = claims();
  foreign.set("iss", "https://stranger.example");
  json::Value wrong_audience = claims();
  wrong_audience.set("aud", kOtherRas);
  json::Value with_sub = claims();
  with_sub.set("sub", "u-alice");
  const struct {
    const char* what;
    std::string token;
    const char* code;
    const char* reason;
  } rows[] = {
      {"of a stranger", sign(foreign, foreign_key()), "invalid_issuer", "set_issuer_not_trusted"},
      {"of a stranger in our issuer's name", sign(claims(), foreign_key()), "authentication_failed", "set_bad_signature"},
      {"for another", sign(wrong_audience, key()), "invalid_audience", "set_wrong_audience"},
      {"with sub", sign(with_sub, key()), "invalid_request", "set_has_sub"},
      {"an ID-JAG", jose::sign(key(), "oauth-id-jag+jwt", claims()), "invalid_request", "set_wrong_type"},
      {"no token", "hello", "invalid_request", "set_malformed"},
      {"nothing", "", "invalid_request", "set_malformed"},
      {"too large", std::string(16 * 1024 + 1, 'a'), "invalid_request", "set_too_large"},
  };
  for (const auto& row : rows) {
    const auto response = push(row.token);
    EXPECT_EQ(response.status, 400) << row.what;
    EXPECT_EQ(error_of(response), row.code) << row.what;
    EXPECT_EQ(*response.headers.find("Content-Language"), "en");
    EXPECT_EQ(last().reason, row.reason) << row.what;
    EXPECT_EQ(last().effect, audit::Effect::deny);
  }
  auto form = request("POST", "/ssf/events", sign(claims(), key()), "");
  EXPECT_EQ(run(executor, receiver->push(form)).status, 400);
  EXPECT_EQ(last().reason, "set_wrong_media_type");
  EXPECT_FALSE(is_ended(kNow - 10));
}

TEST_F(Receiving, ObeysNobodyWhoIsNotTrustedWithIt) {
  const std::string token = sign(claims(), key());
  const auto with = [&](void (*change)(registry::TrustedIssuer&)) {
    auto all = receiving();
    change(all.trusted_issuers[0]);
    registry.set(std::make_shared<registry::Snapshot>(std::move(all), 2));
    return error_of(push(token));
  };
  EXPECT_EQ(with([](auto& issuer) { issuer.signals = false; }), "invalid_issuer");
  EXPECT_EQ(with([](auto& issuer) { issuer.active = false; }), "invalid_issuer");
  EXPECT_EQ(with([](auto& issuer) { issuer.algorithms = {crypto::Algorithm::es256}; }), "authentication_failed");
  EXPECT_FALSE(is_ended(kNow - 10));
  EXPECT_EQ(with([](auto&) {}), "");
  EXPECT_TRUE(is_ended(kNow - 10));
}

TEST_F(Receiving, AsksAgainLaterWhenItCannotKnowOrKeepIt) {
  const std::string token = sign(claims(), key());
  keys_there = false;
  EXPECT_EQ(push(token).status, 503);
  keys_there = true;
  documents.fail_from_now_on(true);
  EXPECT_EQ(push(token).status, 503);
  documents.fail_from_now_on(false);
  log.fail_from_now_on(true);
  EXPECT_EQ(push(token).status, 503);
  log.fail_from_now_on(false);
  start();
  EXPECT_EQ(push(token).status, 202);
  EXPECT_EQ(last().reason, "access_ended") << "none of the attempts before counts as seen";
  EXPECT_TRUE(is_ended(kNow - 10));
}

TEST_F(Receiving, AnEventOfTheFutureEndsNothingThatIsGivenLater) {
  json::Value future = claims();
  future.set("events", json::Value{{std::string(kSessionRevoked), json::Value{{"event_timestamp", kNow + 86'400}}}});
  EXPECT_EQ(push(sign(future, key())).status, 202);
  EXPECT_TRUE(is_ended(kNow));
  EXPECT_FALSE(is_ended(kNow + 1));
}

TEST_F(Receiving, AnEventThatWaitedForADayHasNothingLeftToEnd) {
  json::Value old = claims();
  old.set("iat", kNow - 86'400);
  old.set("events", json::Value{{std::string(kSessionRevoked), json::Object{}}});
  const auto epoch = revocations->epoch();
  EXPECT_EQ(push(sign(old, key())).status, 202);
  EXPECT_EQ(revocations->epoch(), epoch);
}

TEST_F(Receiving, DoesWhatTheTypeOfTheEventMeans) {
  const auto with = [&](const std::string& jti, const Event& event) {
    json::Value changed = claims(jti);
    json::Object events;
    events.push_back({event.type, event.members});
    changed.set("events", std::move(events));
    EXPECT_EQ(push(sign(changed, key())).status, 202);
    return last().reason;
  };
  const Cause cause{kNow - 10, "admin", "x"};
  EXPECT_EQ(with("e-1", account_enabled(cause)), "event_means_nothing_here");
  EXPECT_EQ(with("e-2", credential_change(cause, "fido2-roaming", "create")), "event_means_nothing_here");
  Event other;
  other.type = "https://schemas.openid.net/secevent/caep/event-type/risk-level-change";
  EXPECT_EQ(with("e-3", other), "event_means_nothing_here");
  EXPECT_EQ(with("e-4", stream_updated("paused", "")), "stream_is_paused");
  EXPECT_FALSE(is_ended(kNow - 10));
  EXPECT_EQ(with("e-5", credential_change(cause, "password", "update")), "access_ended");
  EXPECT_TRUE(is_ended(kNow - 10));
  EXPECT_EQ(with("e-6", account_disabled(cause)), "access_ended");
  EXPECT_EQ(with("e-7", account_purged(cause)), "access_ended");
}

TEST_F(Receiving, ChecksTheStateOfAVerification) {
  const auto verifying = [&](const std::string& jti, const std::string& state) {
    return push(sign(to_claims(kIdp, kRas, jti, kNow, "", opaque("stm_1"), verification(state)), key()));
  };
  const auto wrong = verifying("v-1", "another state");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(error_of(wrong), "invalid_state");
  EXPECT_EQ(last().reason, "verification_state_unknown");
  EXPECT_EQ(verifying("v-2", "the state").status, 202);
  EXPECT_EQ(last().reason, "stream_verified");
  EXPECT_EQ(verifying("v-3", "").status, 202) << "its transmitter may verify on its own";
}

TEST_F(Receiving, DropsWhatItCannotProcessAndItsTransmitterCallsCritical) {
  json::Value narrow = claims();
  narrow.set("sub_id", json::Value{{"format", "complex"}, {"user", to_json(iss_sub(kIdp, "u-alice"))}, {"session", to_json(opaque("s"))}});
  critical = {"session"};
  EXPECT_EQ(push(sign(narrow, key())).status, 202);
  EXPECT_EQ(last().reason, "critical_subject_member_not_understood");
  EXPECT_FALSE(is_ended(kNow - 10));
  critical.clear();
  narrow.set("jti", "s-2");
  EXPECT_EQ(push(sign(narrow, key())).status, 202);
  EXPECT_TRUE(is_ended(kNow - 10)) << "otherwise more ends than was asked for";
}

TEST_F(Receiving, AnIssuerSpeaksForItsOwnPeopleAlone) {
  const auto snapshot = registry.get();
  const auto issuer = trusted();
  const auto outcome = [&](const char* text, const registry::TrustedIssuer& of) {
    const auto named = name_subject(*parse_subject(*json::parse(text)), of, *snapshot);
    if (!named) return std::string(to_string(named.error()));
    std::string all = named->user_id + ":";
    for (const auto& name : named->names) all += " " + name.tenant + "/" + name.subject;
    return all;
  };
  const std::string kAlice = R"({"format":"iss_sub","iss":"https://id.larkspur.example/idp","sub":"u-alice"})";
  const struct {
    std::string text;
    const char* expected;
  } rows[] = {
      {kAlice, "usr_alice: t-1/u-alice /u-alice"},
      {R"({"format":"iss_sub","iss":"https://id.larkspur.example/idp","sub":"u-new"})", ": t-1/u-new /u-new"},
      {R"({"format":"iss_sub","iss":"https://other.example","sub":"u-bob"})", "subject_of_another_issuer"},
      {R"({"format":"email","email":"Alice@Larkspur.example"})", "usr_alice: /u-alice"},
      {R"({"format":"email","email":"bob@larkspur.example"})", "subject_unknown"},
      {R"({"format":"email","email":"alice@quillnotes.example"})", "subject_domain_not_allowed"},
      {R"({"format":"email","email":"alice"})", "subject_domain_not_allowed"},
      {R"({"format":"email","email":"alice@"})", "subject_domain_not_allowed"},
      {R"({"format":"opaque","id":"usr_alice"})", "subject_format_not_known"},
      {R"({"format":"complex","device":{"format":"opaque","id":"d"}})", "subject_names_nobody"},
      {R"({"format":"complex","tenant":{"format":"opaque","id":"t-1"},"user":)" + kAlice + "}", ": t-1/u-alice"},
      {R"({"format":"complex","tenant":{"format":"opaque","id":"t-2"},"user":)" + kAlice + "}", "subject_tenant_not_expected"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(outcome(row.text.c_str(), issuer), row.expected) << row.text;
  }
  registry::TrustedIssuer own = issuer;
  own.subject = registry::TrustedIssuer::Subject::user_id, own.tenants.clear();
  EXPECT_EQ(outcome(R"({"format":"iss_sub","iss":"https://id.larkspur.example/idp","sub":"usr_bob"})", own), "usr_bob: /usr_bob");
  EXPECT_EQ(outcome(R"({"format":"email","email":"bob@larkspur.example"})", own), "usr_bob: /usr_bob");
  own.email_domains.clear();
  EXPECT_EQ(outcome(R"({"format":"email","email":"bob@larkspur.example"})", own), "subject_domain_not_allowed");
}

// ---- global token revocation

constexpr const char* kOrder = R"({"sub_id":{"format":"iss_sub","iss":"https://id.larkspur.example/idp","sub":"u-alice"}})";

struct Ordering : Receiving {
  json::Value caller(const std::string& jti = "g-1") {
    return json::Value{{"iss", kIdp}, {"sub", "okta"}, {"aud", std::string(kRas) + "/global-token-revocation"}, {"iat", kNow}, {"exp", kNow + 300}, {"jti", jti}};
  }
  http::Response order(const std::string& token, const std::string& body = kOrder) {
    return run(executor, revocation->handle(request("POST", "/global-token-revocation", body, token)));
  }
  int status(const json::Value& claims, const std::string& body = kOrder, std::string_view type = kTypGlobalTokenRevocation) {
    return order(jose::sign(key(), type, claims), body).status;
  }
};

TEST_F(Ordering, EndsEverythingUntilThePersonSignsInAnew) {
  EXPECT_EQ(status(caller()), 204);
  EXPECT_EQ(last().reason, "access_ended");
  EXPECT_EQ(last().user, "usr_alice");
  EXPECT_TRUE(is_ended(kNow));
  EXPECT_FALSE(is_ended(kNow + 1));
  const std::string sign_in = sign_in_session(kIdp, "", "u-alice");
  EXPECT_TRUE(revocations->is_session_ended(since(sign_in, kNow))) << "a sign-in of before gives nothing more";
  EXPECT_FALSE(revocations->is_session_ended(since(sign_in, kNow + 1)));
  start();
  revocations->forget_expired(from_unix_seconds(kNow + 30 * 86'400));
  EXPECT_TRUE(revocations->is_session_ended(since(sign_in, kNow)));
}

TEST_F(Ordering, IsOnlyForWhoSignsWithTheIssuersKeyForThisVeryUrl) {
  const struct {
    const char* what;
    void (*change)(json::Value&);
    const char* reason;
  } rows[] = {
      {"of a stranger", [](json::Value& c) { c.set("iss", "https://stranger.example"); }, "gtr_issuer_not_trusted"},
      {"without iss", [](json::Value& c) { c.erase("iss"); }, "gtr_issuer_not_trusted"},
      {"for the issuer identifier", [](json::Value& c) { c.set("aud", kRas); }, "gtr_token_wrong_audience"},
      {"for a list", [](json::Value& c) { c.set("aud", json::Array{std::string(kRas) + "/global-token-revocation"}); }, "gtr_token_wrong_audience"},
      {"expired", [](json::Value& c) { c.set("iat", kNow - 400), c.set("exp", kNow - 31); }, "gtr_token_bad_times"},
      {"without exp", [](json::Value& c) { c.erase("exp"); }, "gtr_token_bad_times"},
      {"for a day", [](json::Value& c) { c.set("exp", kNow + 86'400); }, "gtr_token_bad_times"},
      {"without jti", [](json::Value& c) { c.erase("jti"); }, "gtr_token_bad_jti"},
  };
  for (const auto& row : rows) {
    json::Value claims = caller();
    row.change(claims);
    EXPECT_EQ(status(claims), 401) << row.what;
    EXPECT_EQ(last().reason, row.reason) << row.what;
  }
  for (const char* type : {"secevent+jwt", "oauth-id-jag+jwt", "at+jwt", "logout+jwt"}) {
    EXPECT_EQ(status(caller(), kOrder, type), 401) << type;
    EXPECT_EQ(last().reason, "gtr_token_wrong_type");
  }
  EXPECT_EQ(order(jose::sign(foreign_key(), kTypGlobalTokenRevocation, caller())).status, 401);
  EXPECT_EQ(last().reason, "gtr_token_bad_signature");
  EXPECT_EQ(order("").status, 401);
  EXPECT_EQ(last().reason, "gtr_no_token");
  EXPECT_EQ(order("hello").status, 401);
  EXPECT_EQ(last().reason, "gtr_token_malformed");
  EXPECT_FALSE(is_ended(kNow));
  EXPECT_EQ(status(caller(), kOrder, "JWT"), 204) << "as RFC 7523 callers write it";
  EXPECT_EQ(status(caller(), kOrder, "JWT"), 401);
  EXPECT_EQ(last().reason, "gtr_token_replayed");
}

TEST_F(Ordering, AnswersByWhatItIsAskedFor) {
  const struct {
    const char* what;
    std::string body;
    int status;
  } rows[] = {
      {"by address", R"({"sub_id":{"format":"email","email":"alice@larkspur.example"}})", 204},
      {"nobody", R"({"sub_id":{"format":"iss_sub","iss":"https://id.larkspur.example/idp","sub":"u-nobody"}})", 404},
      {"of another issuer", R"({"sub_id":{"format":"iss_sub","iss":"https://other.example","sub":"u-bob"}})", 404},
      {"by an address that is not its own", R"({"sub_id":{"format":"email","email":"x@quillnotes.example"}})", 404},
      {"of an unknown format", R"({"sub_id":{"format":"starsign","sign":"leo"}})", 400},
      {"opaque", R"({"sub_id":{"format":"opaque","id":"usr_alice"}})", 400},
      {"two members", R"({"sub_id":{"format":"email","email":"alice@larkspur.example"},"reason":"x"})", 400},
      {"another member", R"({"subject":{"format":"email","email":"alice@larkspur.example"}})", 400},
      {"no JSON", "sub_id=alice", 400},
      {"twice", R"({"sub_id":{"format":"opaque","id":"a"},"sub_id":{"format":"opaque","id":"b"}})", 400},
  };
  int number = 0;
  for (const auto& row : rows) EXPECT_EQ(status(caller("n-" + std::to_string(++number)), row.body), row.status) << row.what;
  auto form = request("POST", "/global-token-revocation", kOrder, jose::sign(key(), kTypGlobalTokenRevocation, caller("n-x")));
  form.headers.set("Content-Type", "text/plain");
  EXPECT_EQ(run(executor, revocation->handle(form)).status, 400);
  documents.fail_from_now_on(true);
  EXPECT_EQ(status(caller("n-y")), 503);
}

}  // namespace
}  // namespace writ::signals
