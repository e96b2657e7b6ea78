#include "signals/receiver/subscription.h"

#include <gtest/gtest.h>

#include "signals/signals_fixture.h"
#include "signals/transmitter/endpoints.h"

namespace writ::signals {
namespace {

using namespace test;

std::string metadata(const std::function<void(json::Value&)>& change = [](json::Value&) {}) {
  json::Value document = transmitter_metadata(kIdp);
  change(document);
  return json::write(document);
}

TEST(TransmitterMetadata, IsReadOrRefused) {
  const auto outcome = [](const std::string& body, const std::string& issuer = kIdp) {
    const auto read = parse_transmitter_metadata(body, issuer);
    return read ? "read" : std::string(to_string(read.error()));
  };
  EXPECT_EQ(outcome(metadata()), "read");
  EXPECT_EQ(outcome("[]"), "transmitter_metadata_malformed");
  EXPECT_EQ(outcome(metadata(), "https://other.example"), "transmitter_metadata_wrong_issuer");
  EXPECT_EQ(outcome(metadata(), std::string(kIdp) + "/"), "transmitter_metadata_wrong_issuer");
  EXPECT_EQ(outcome(metadata([](json::Value& d) { d.erase("jwks_uri"); })), "transmitter_metadata_malformed");
  for (const char* name : {"jwks_uri", "configuration_endpoint", "status_endpoint", "verification_endpoint"}) {
    EXPECT_EQ(outcome(metadata([&](json::Value& d) { d.set(name, "http://127.0.0.1/x"); })), "transmitter_endpoint_insecure") << name;
    EXPECT_EQ(outcome(metadata([&](json::Value& d) { d.set(name, 7); })), "transmitter_metadata_malformed") << name;
  }
  EXPECT_EQ(outcome(metadata([](json::Value& d) { d.set("critical_subject_members", "user"); })), "transmitter_metadata_malformed");
  const auto elsewhere = parse_transmitter_metadata(metadata([](json::Value& d) { d.set("jwks_uri", "https://keys.example/jwks"), d.set("critical_subject_members", json::Array{"tenant"}); }), kIdp);
  ASSERT_TRUE(elsewhere);
  EXPECT_TRUE(elsewhere->keys_elsewhere);
  EXPECT_EQ(elsewhere->critical_subject_members, std::vector<std::string>{"tenant"});
  EXPECT_FALSE(parse_transmitter_metadata(metadata(), kIdp)->keys_elsewhere);
}

// A whole transmitter on the other side of the wire.
struct Subscribing : testing::Test {
  StandingClock clock;
  memory::MemoryDocuments documents, our_documents;
  memory::MemoryDecisionsLog log;
  registry::Current registry{std::make_shared<registry::Snapshot>(objects(), 1)};
  Wire wire, its_wire;
  std::unique_ptr<Streams> streams = std::move(*Streams::open(documents));
  std::unique_ptr<Outbox> outbox = std::move(*Outbox::open(documents));
  std::shared_ptr<Transmitter> transmitter = std::make_shared<Transmitter>(
      TransmitterParts{kIdp, clock, registry, log, its_wire, *streams, *outbox, crypto::SealingKey(Secret(std::string(32, 'k'))), [](const json::Value& claims) { return sign(claims, key()); },
                       [](const registry::ResourceAs&, const registry::User& user) { return std::optional<std::string>(user.id); }});
  http::Router router = transmitter_routes(*transmitter, [] { return std::string("{}"); });
  TransmitterDirectory directory{wire};
  std::unique_ptr<SeenTokens> seen = std::move(*SeenTokens::open(our_documents));
  std::vector<std::string> ended, warnings;
  bool can_keep = true;
  std::unique_ptr<EventReceiver> receiver;
  std::shared_ptr<Subscription> subscription;
  std::string token = kToken;
  QueueExecutor executor;

  void SetUp() override {
    wire.answer = [this](const http::OutgoingRequest& sent) { return ask(sent); };
    ReceiverParts parts{clock, registry, log, *seen, 30,
                        [](const registry::Snapshot&, std::string_view issuer) { return issuer == kIdp ? std::optional<Sender>(Sender{kIdp, "", {kRas}, {crypto::Algorithm::rs256}}) : std::nullopt; },
                        [this](Sender, std::optional<std::string>) { return published(); },
                        [this](SecurityEventToken set, std::int64_t, std::string) { return end(std::move(set)); },
                        [this](std::string_view, const std::string& state) { return subscription->expects_state(state); }};
    receiver = std::make_unique<EventReceiver>(std::move(parts));
  }
  Task<Result<ReceiverParts::Published, Unavailable>> published() {
    ReceiverParts::Published all{std::make_shared<const jose::KeySet>(std::vector<jose::Jwk>{key().public_jwk()}), {}};
    co_return all;
  }
  Task<Result<Obeyed, Unavailable>> end(SecurityEventToken set) {
    if (!can_keep) co_return unexpected(Unavailable{"store"});
    ended.push_back(set.subject.user.subject);
    Obeyed obeyed;
    obeyed.reason = "access_ended";
    co_return obeyed;
  }
  // The wire leads to the transmitter's routes.
  Wire::Answer ask(const http::OutgoingRequest& sent) {
    http::Request asked = request(sent.method, sent.url.substr(std::string("https://id.larkspur.example").size()), sent.body, "");
    asked.headers = sent.headers;
    QueueExecutor inner;
    const auto response = run(inner, router.handle(asked));
    return Wire::status(response.status, response.body);
  }
  void subscribe(bool push) {
    SubscriptionSettings settings;
    settings.issuer = kIdp, settings.push = push, settings.push_endpoint = "https://as.quillnotes.example/ssf/events";
    settings.token = [this] { return Result<Secret, std::string>(Secret(token)); };
    subscription = std::make_shared<Subscription>(std::move(settings), Subscription::Parts{clock, wire, directory, *receiver, [this](const std::string& sentence) { warnings.push_back(sentence); }});
  }
  void tick(Milliseconds after = Milliseconds{2'000}) {
    clock.time += after;
    bool done = false;
    executor.post([&] { subscription->tick(); });
    executor.post([&] { done = true; });
    executor.run_until([&] { return done; });
  }
  void tell(const char* user) {
    std::vector<Event> events{session_revoked(Cause{kNow, "admin", "x"})};
    ASSERT_TRUE(run(executor, transmitter->tell(person(user), std::move(events))));
  }
};

TEST_F(Subscribing, MakesAStreamAndHasItVerified) {
  subscribe(true);
  tick();
  ASSERT_EQ(streams->all().size(), 1u) << subscription->summary().last_problem;
  const Stream stream = streams->all()[0];
  EXPECT_TRUE(stream.push);
  EXPECT_EQ(stream.endpoint_url, "https://as.quillnotes.example/ssf/events");
  EXPECT_TRUE(stream.wants(kSessionRevoked) && stream.wants(kAccountDisabled) && stream.wants(kCredentialChange));
  const auto verifying = outbox->next(stream.id, 10);
  ASSERT_EQ(verifying.size(), 1u);
  EXPECT_EQ(verifying[0].event.type, kVerification);
  EXPECT_TRUE(subscription->expects_state(*verifying[0].event.members.find_string("state")));
  EXPECT_FALSE(subscription->expects_state("another"));
  EXPECT_FALSE(subscription->expects_state(""));
  EXPECT_EQ(subscription->summary().stream_id, stream.id);
  EXPECT_TRUE(warnings.empty());
  const std::size_t asked = wire.requests.size();
  tick();
  EXPECT_EQ(wire.requests.size(), asked) << "nothing is missing";
  clock.time += Seconds{700};
  EXPECT_FALSE(subscription->expects_state(*verifying[0].event.members.find_string("state"))) << "no longer";
}

TEST_F(Subscribing, ChangesAStreamThatIsThereAndDoesNotFit) {
  subscribe(false);
  tick();
  const std::string id = streams->all().at(0).id;
  EXPECT_FALSE(streams->all()[0].push);
  subscribe(true);
  tick();
  ASSERT_EQ(streams->all().size(), 1u);
  EXPECT_EQ(streams->all()[0].id, id);
  EXPECT_TRUE(streams->all()[0].push) << subscription->summary().last_problem;
}

TEST_F(Subscribing, MakesItAgainWhenItIsGone) {
  subscribe(true);
  tick();
  ASSERT_TRUE(*run(executor, transmitter->remove(streams->all().at(0).id, "token:ci", "local")));
  tick(Seconds{301});
  EXPECT_EQ(streams->all().size(), 1u);
}

TEST_F(Subscribing, PollsAndAcknowledgesWhatWasTaken) {
  subscribe(false);
  tick();
  const std::string id = streams->all().at(0).id;
  tell("usr_alice");
  tell("usr_bob");
  for (int i = 0; i < 3; ++i) tick();
  EXPECT_EQ(ended, (std::vector<std::string>{"usr_alice", "usr_bob"})) << subscription->summary().last_problem;
  EXPECT_EQ(outbox->waiting(id), 0u);
}

TEST_F(Subscribing, AsksAgainForWhatCouldNotBeKept) {
  subscribe(false);
  tick();
  const std::string id = streams->all().at(0).id;
  tick();
  can_keep = false;
  tell("usr_alice");
  tick();
  EXPECT_TRUE(ended.empty());
  EXPECT_EQ(outbox->waiting(id), 1u);
  ASSERT_EQ(warnings.size(), 1u);
  can_keep = true;
  tick(Seconds{60});
  tick();
  EXPECT_EQ(ended, std::vector<std::string>{"usr_alice"});
  EXPECT_EQ(outbox->waiting(id), 0u);
}

TEST_F(Subscribing, TellsTheTransmitterWhatItRefuses) {
  subscribe(false);
  tick();
  const std::string id = streams->all().at(0).id;
  tick();
  QueuedEvent forged;   // verification with a state that nobody asked for
  forged.jti = "f-1", forged.issued_at = kNow, forged.subject = opaque(id), forged.event = verification("nobody's"), forged.queued = clock.time;
  ASSERT_TRUE(*run(executor, outbox->add(id, std::move(forged))));
  for (int i = 0; i < 3; ++i) tick();
  EXPECT_EQ(outbox->waiting(id), 0u);
  bool told = false;
  for (const auto& record : log.records()) told = told || record.detail == "invalid_state: this state was not asked for";
  EXPECT_TRUE(told);
}

TEST_F(Subscribing, TriesAgainAndWarnsOnce) {
  token = "a-token-of-nobody-0000";
  subscribe(true);
  for (int i = 0; i < 3; ++i) tick(Seconds{60});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0], "events of https://id.larkspur.example/idp do not arrive: the transmitter answered 401");
  const std::size_t asked = wire.requests.size();
  tick(Milliseconds{100});
  EXPECT_EQ(wire.requests.size(), asked) << "it rests";
  token = kToken;
  tick(Seconds{60});
  EXPECT_EQ(streams->all().size(), 1u);
  EXPECT_EQ(subscription->summary().last_problem, "");
}

TEST_F(Subscribing, IsNotLedElsewhereByAStreamOfAnother) {
  subscribe(true);
  const auto there = [&](const char* text) {
    SubscriptionSettings settings;
    settings.issuer = kIdp, settings.push = false;
    return find_stream(*json::parse(text), settings);
  };
  EXPECT_FALSE(there("[]"));
  EXPECT_FALSE(there(R"([{"stream_id":"x","iss":"https://other.example"}])"));
  EXPECT_FALSE(there(R"({"iss":"https://id.larkspur.example/idp"})"));
  EXPECT_FALSE(there("7"));
  const auto poll = there(R"({"stream_id":"x","iss":"https://id.larkspur.example/idp","delivery":{"method":"urn:ietf:rfc:8936","endpoint_url":"https://id.larkspur.example/p"}})");
  ASSERT_TRUE(poll);
  EXPECT_EQ(poll->poll_url, "https://id.larkspur.example/p");
  EXPECT_FALSE(poll->fits) << "its events are not those that we obey";
}

}  // namespace
}  // namespace writ::signals
