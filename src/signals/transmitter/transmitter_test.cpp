#include "signals/transmitter/transmitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "signals/delivery.h"
#include "signals/security_event_token.h"
#include "signals/signals_fixture.h"
#include "signals/transmitter/endpoints.h"

namespace writ::signals {
namespace {

using namespace test;
using testing::HasSubstr;

constexpr const char* kPushTo = R"({"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"https://as.quillnotes.example/ssf/events","authorization_header":"Bearer show-me"}})";

struct Transmitting : testing::Test {
  StandingClock clock;
  memory::MemoryDocuments documents;
  memory::MemoryDecisionsLog log;
  Wire wire;
  registry::Current registry{std::make_shared<registry::Snapshot>(objects(), 1)};
  std::unique_ptr<Streams> streams;
  std::unique_ptr<Outbox> outbox;
  std::shared_ptr<Transmitter> transmitter;
  http::Router router;
  QueueExecutor executor;

  void SetUp() override { start(); }
  // As after a restart: only what is in the documents is left.
  void start() {
    router = http::Router();
    transmitter.reset();
    streams = std::move(*Streams::open(documents));
    outbox = std::move(*Outbox::open(documents));
    TransmitterParts parts{kIdp, clock, registry, log, wire, *streams, *outbox, crypto::SealingKey(Secret(std::string(32, 'k'))), [](const json::Value& claims) { return sign(claims, key()); },
                           [](const registry::ResourceAs& ras, const registry::User& user) {
                             return user.id == "usr_nameless" ? std::optional<std::string>() : user.id + (ras.issuer == kRas ? "-quill" : "-other");
                           }};
    transmitter = std::make_shared<Transmitter>(std::move(parts));
    router = transmitter_routes(*transmitter, [] { return std::string("{\"keys\":[]}"); });
  }
  void change(const std::function<void(registry::Objects&)>& change) {
    auto all = registry.get()->objects();
    change(all);
    registry.set(std::make_shared<registry::Snapshot>(std::move(all), registry.get()->sequence() + 1));
  }

  http::Response call(const std::string& method, const std::string& path, const std::string& body = "", const std::string& token = kToken) {
    const auto made = request(method, path.starts_with("/") ? path : "/idp/ssf/" + path, body, token);
    return run(executor, router.handle(made));
  }
  json::Value body_of(const http::Response& response) { return *json::parse(response.body); }
  std::string stream(const std::string& body = kPushTo, const std::string& token = kToken) {
    const auto made = call("POST", "streams", body, token);
    EXPECT_EQ(made.status, 201) << made.body;
    return *body_of(made).find_string("stream_id");
  }
  Event revoked() { return session_revoked(Cause{to_unix_seconds(clock.time), "admin", "the account was disabled"}); }
  void tell(const std::string& user = "usr_alice") {
    std::vector<Event> events{revoked()};
    ASSERT_TRUE(run(executor, transmitter->tell(person(user), std::move(events))));
  }
  void pump() {
    bool done = false;
    executor.post([&] { transmitter->pump(); });
    executor.post([&] { done = true; });
    executor.run_until([&] { return done; });
  }
  // The tokens that were pushed, read.
  std::vector<json::Value> pushed() {
    std::vector<json::Value> all;
    for (const auto& sent : wire.requests) all.push_back(jose::UnverifiedJwt::parse(sent.body)->claimed());
    return all;
  }
  std::string last_reason() { return log.records().back().reason; }
};

// ---- what a receiver may do

TEST_F(Transmitting, PublishesWhatItIs) {
  const auto response = call("GET", "/.well-known/ssf-configuration/idp", "", "");
  EXPECT_EQ(response.status, 200);
  const json::Value document = body_of(response);
  EXPECT_EQ(*document.find_string("spec_version"), "1_0");
  EXPECT_EQ(*document.find_string("issuer"), kIdp);
  EXPECT_EQ(*document.find_string("jwks_uri"), std::string(kIdp) + "/ssf/jwks");
  EXPECT_EQ(*document.find_string("default_subjects"), "ALL");
  EXPECT_EQ(json::write(*document.find("delivery_methods_supported")), R"(["urn:ietf:rfc:8935","urn:ietf:rfc:8936"])");
  for (const char* name : {"configuration_endpoint", "status_endpoint", "add_subject_endpoint", "remove_subject_endpoint", "verification_endpoint"})
    EXPECT_TRUE(document.find_string(name)->starts_with(std::string(kIdp) + "/ssf/")) << name;
  EXPECT_EQ(call("GET", "jwks", "", "").status, 200);
}

TEST_F(Transmitting, KnowsItsReceiversByTheirToken) {
  change([](registry::Objects& all) {
    for (const auto& [id, role, value] : {std::tuple{"adm", "admin", "administrators-own-token"}, std::tuple{"eva", "evaluator", "evaluators-own-token-x"}}) {
      registry::ApiToken token;
      token.id = id, token.role = role, token.sha256_hex = registry::sha256_hex(Secret(value));
      all.api_tokens.push_back(token);
    }
  });
  const struct {
    const char* token;
    int status;
    const char* reason;
  } rows[] = {{"", 401, "signals_no_token"},
              {"somebody-elses-token-01", 401, "signals_unknown_token"},
              {"administrators-own-token", 403, "signals_token_of_another_use"},
              {"evaluators-own-token-x", 403, "signals_token_of_another_use"}};
  for (const auto& row : rows) {
    for (const char* path : {"streams", "status", "subjects/add", "subjects/remove", "verification", "poll/stm_1"}) {
      const auto response = call("POST", path, "{}", row.token);
      EXPECT_EQ(response.status, row.status) << path << row.token;
      EXPECT_EQ(last_reason(), row.reason);
      EXPECT_EQ(log.records().back().effect, audit::Effect::deny);
    }
  }
  EXPECT_NE(call("GET", "streams", "", "").headers.find("WWW-Authenticate"), nullptr);
  change([](registry::Objects& all) { all.api_tokens[0].active = false; });
  EXPECT_EQ(call("GET", "streams").status, 401);
  EXPECT_EQ(last_reason(), "signals_inactive_token");
  change([](registry::Objects& all) { all.api_tokens[0].active = true, all.resource_authorization_servers[0].active = false; });
  EXPECT_EQ(call("GET", "streams").status, 403);
  EXPECT_EQ(last_reason(), "signals_receiver_disabled");
  auto twice = request("GET", "/idp/ssf/streams");
  twice.headers.add("Authorization", "Bearer x");
  EXPECT_EQ(run(executor, router.handle(twice)).status, 401);
  EXPECT_EQ(last_reason(), "signals_several_tokens");
  EXPECT_TRUE(streams->all().empty());
}

TEST_F(Transmitting, MakesAStreamAndManagesIt) {
  const auto made = call("POST", "streams", kPushTo);
  ASSERT_EQ(made.status, 201);
  const json::Value stream = body_of(made);
  const std::string id = *stream.find_string("stream_id");
  EXPECT_EQ(*stream.find_string("iss"), kIdp);
  EXPECT_EQ(*stream.find_string("aud"), kRas);
  EXPECT_EQ(stream.find_array("events_supported")->size(), 5u);
  EXPECT_EQ(*stream.find("events_delivered"), *stream.find("events_supported"));
  EXPECT_EQ(made.body.find("show-me"), std::string::npos) << "what the receiver wants to see is shown to nobody";
  EXPECT_EQ(call("POST", "streams", kPushTo).status, 409);

  EXPECT_EQ(call("GET", "streams?stream_id=" + id).status, 200);
  EXPECT_EQ(body_of(call("GET", "streams")).as_array()->size(), 1u);
  const auto patched = call("PATCH", "streams", R"({"stream_id":")" + id + R"(","events_requested":["urn:none",")" + std::string(kSessionRevoked) + R"("]})");
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(json::write(*body_of(patched).find("events_delivered")), "[\"" + std::string(kSessionRevoked) + "\"]");
  EXPECT_EQ(*body_of(patched).find("delivery")->find_string("endpoint_url"), "https://as.quillnotes.example/ssf/events") << "what is left out stays";
  const auto put = call("PUT", "streams", R"({"stream_id":")" + id + R"("})");
  ASSERT_EQ(put.status, 200);
  EXPECT_EQ(*body_of(put).find("delivery")->find_string("method"), kPoll) << "what is left out is as in a new one";
  EXPECT_EQ(body_of(put).find_array("events_delivered")->size(), 5u);

  start();
  EXPECT_EQ(*body_of(call("GET", "streams?stream_id=" + id)).find("delivery")->find_string("endpoint_url"), std::string(kIdp) + "/ssf/poll/" + id);
  EXPECT_EQ(call("DELETE", "streams?stream_id=" + id).status, 204);
  EXPECT_EQ(call("GET", "streams?stream_id=" + id).status, 404);
  EXPECT_EQ(call("DELETE", "streams?stream_id=" + id).status, 404);
  start();
  EXPECT_TRUE(streams->all().empty());
  EXPECT_EQ(call("POST", "streams", "{}").status, 201) << "absent `delivery` is poll";
}

TEST_F(Transmitting, RefusesAStreamThatDoesNotFit) {
  const struct {
    const char* body;
    const char* expected;
  } rows[] = {
      {"", "application/json"},
      {"[]", "one JSON object"},
      {R"({"stream_id":"stm_mine"})", "`stream_id` is ours to say"},
      {R"({"delivery":"push"})", "`delivery` must be an object"},
      {R"({"delivery":{"method":"urn:ietf:rfc:9999"}})", "`delivery.method` must be"},
      {R"({"delivery":{"method":"urn:ietf:rfc:8935"}})", "must be the URL that events are pushed to"},
      {R"({"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":7}})", "must be text"},
      {R"({"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"http://as.quillnotes.example/x"}})", "must be an https URL"},
      {R"({"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"http://127.0.0.1:22/"}})", "must be an https URL"},
      {R"({"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"file:///etc/passwd"}})", "must be the URL"},
      {R"({"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"https://a:b@as.quillnotes.example/x"}})", "must be the URL"},
      {R"({"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"https://as.quillnotes.example/x","authorization_header":"a\nHost: b"}})", "must be the value of an Authorization field"},
      {R"({"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"https://as.quillnotes.example/x","authorization_header":""}})", "must be the value of an Authorization field"},
      {R"({"delivery":{"method":"urn:ietf:rfc:8936","endpoint_url":"https://as.quillnotes.example/x"}})", "of a poll stream is ours to say"},
      {R"({"events_requested":"all"})", "`events_requested` must be a list"},
      {R"({"events_requested":[1]})", "`events_requested` must be a list"},
      {R"({"description":1})", "`description` must be text"},
  };
  for (const auto& row : rows) {
    const auto response = call("POST", "streams", row.body);
    EXPECT_EQ(response.status, 400) << row.body;
    EXPECT_THAT(response.body, HasSubstr(row.expected)) << row.body;
  }
  EXPECT_TRUE(streams->all().empty());
  const std::string id = stream();
  for (const char* supplied : {R"("iss":"https://other.example")", R"("aud":"https://other.example")", R"("events_supported":[])"}) {
    EXPECT_EQ(call("PATCH", "streams", R"({"stream_id":")" + id + "\"," + supplied + "}").status, 400) << supplied;
  }
  EXPECT_EQ(call("PATCH", "streams", json::write(body_of(call("GET", "streams?stream_id=" + id)))).status, 200) << "what was read may be sent back";
}

TEST_F(Transmitting, SeesItsOwnStreamAlone) {
  const std::string id = stream();
  const std::string named = R"({"stream_id":")" + id + R"(","status":"disabled","subject":{"format":"opaque","id":"x"}})";
  EXPECT_EQ(call("GET", "streams?stream_id=" + id, "", kOtherToken).status, 404);
  EXPECT_EQ(body_of(call("GET", "streams", "", kOtherToken)).as_array()->size(), 0u);
  EXPECT_EQ(call("PATCH", "streams", named, kOtherToken).status, 404);
  EXPECT_EQ(call("DELETE", "streams?stream_id=" + id, "", kOtherToken).status, 404);
  EXPECT_EQ(call("GET", "status?stream_id=" + id, "", kOtherToken).status, 404);
  for (const char* path : {"status", "subjects/add", "subjects/remove", "verification"}) EXPECT_EQ(call("POST", path, named, kOtherToken).status, 404) << path;
  EXPECT_EQ(call("POST", "poll/" + id, "{}", kOtherToken).status, 404);
  EXPECT_EQ(streams->find(id)->status, Status::enabled);
}

// ---- status

TEST_F(Transmitting, HoldsBackWhilePausedAndForgetsWhileDisabled) {
  wire.answer = [](const auto&) { return Wire::status(202); };
  const std::string id = stream();
  const auto set = [&](const char* status) { return call("POST", "status", R"({"stream_id":")" + id + R"(","status":")" + status + "\"}").status; };
  EXPECT_EQ(set("paused"), 200);
  tell();
  pump();
  EXPECT_TRUE(wire.requests.empty());
  EXPECT_EQ(*body_of(call("GET", "status?stream_id=" + id)).find_string("status"), "paused");
  EXPECT_EQ(set("enabled"), 200);
  pump();
  EXPECT_EQ(wire.requests.size(), 1u) << "what was held back arrives";
  EXPECT_EQ(set("disabled"), 200);
  tell();
  EXPECT_EQ(outbox->waiting(id), 0u);
  EXPECT_EQ(set("enabled"), 200);
  pump();
  EXPECT_EQ(wire.requests.size(), 1u);
  EXPECT_EQ(set("broken"), 400);
  EXPECT_EQ(call("POST", "status", "{}").status, 400);
}

TEST_F(Transmitting, AReceiverCannotEnableWhatAnAdministratorDisabled) {
  wire.answer = [](const auto&) { return Wire::status(202); };
  const std::string id = stream();
  tell();
  ASSERT_TRUE(*run(executor, transmitter->hold(id, Status::disabled, "incident 7", "token:ci", "local")));
  EXPECT_EQ(call("POST", "status", R"({"stream_id":")" + id + R"(","status":"enabled"})").status, 403);
  EXPECT_EQ(last_reason(), "stream_held_by_administrator");
  EXPECT_EQ(call("DELETE", "streams?stream_id=" + id).status, 403) << "nor by making it anew";
  EXPECT_EQ(call("POST", "streams", kPushTo).status, 409);
  EXPECT_EQ(call("PATCH", "streams", R"({"stream_id":")" + id + R"(","status":"enabled"})").status, 200);
  EXPECT_EQ(call("PUT", "streams", R"({"stream_id":")" + id + R"(","delivery":)" + std::string(kPushTo).substr(12)).status, 200);
  EXPECT_EQ(streams->find(id)->status, Status::disabled);
  start();
  EXPECT_EQ(streams->find(id)->status, Status::disabled);
  pump();
  ASSERT_EQ(pushed().size(), 1u) << "the events of people are gone; the receiver hears that";
  EXPECT_EQ(json::write(*pushed()[0].find("events")), R"({"https://schemas.openid.net/secevent/ssf/event-type/stream-updated":{"status":"disabled","reason":"incident 7"}})");
  EXPECT_EQ(json::write(*pushed()[0].find("sub_id")), R"({"format":"opaque","id":")" + id + "\"}");
  ASSERT_TRUE(*run(executor, transmitter->hold(id, Status::enabled, "", "token:ci", "local")));
  EXPECT_EQ(call("POST", "status", R"({"stream_id":")" + id + R"(","status":"paused"})").status, 200);
  EXPECT_FALSE(*run(executor, transmitter->hold("stm_none", Status::disabled, "", "token:ci", "local")));
}

// ---- push

TEST_F(Transmitting, PushesATokenForEachReceiverByTheNameThatItKnows) {
  wire.answer = [](const auto&) { return Wire::status(202); };
  stream();
  stream(R"({"delivery":{"method":"urn:ietf:rfc:8935","endpoint_url":"https://events.elsewhere.example/in"}})", kOtherToken);
  tell();
  pump();
  ASSERT_EQ(wire.requests.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& sent = wire.requests[i];
    const bool is_quill = sent.url == "https://as.quillnotes.example/ssf/events";
    EXPECT_EQ(sent.method, "POST");
    EXPECT_EQ(*sent.headers.find("Content-Type"), "application/secevent+jwt");
    EXPECT_EQ(*sent.headers.find("Accept"), "application/json");
    EXPECT_EQ(sent.headers.find("Authorization") ? *sent.headers.find("Authorization") : "", is_quill ? "Bearer show-me" : "");
    EXPECT_EQ(sent.public_addresses_only, !is_quill) << "a host that the receiver chose must not be one inside our network";
    const jose::KeySet keys({key().public_jwk()});
    const std::vector<std::string> audience{is_quill ? kRas : kOtherRas};
    static constexpr std::array kAlgorithms{crypto::Algorithm::rs256};
    const auto set = verify(std::move(*parse(sent.body)), keys, Expectations{kIdp, audience, kAlgorithms, kNow});
    ASSERT_TRUE(set) << to_string(set.error());
    EXPECT_EQ(set->subject.user, iss_sub(kIdp, is_quill ? "usr_alice-quill" : "usr_alice-other"));
    EXPECT_FALSE(set->txn.empty());
  }
  EXPECT_EQ(*pushed()[0].find_string("txn"), *pushed()[1].find_string("txn"));
  EXPECT_NE(*pushed()[0].find_string("jti"), *pushed()[1].find_string("jti"));
  EXPECT_EQ(last_reason(), "delivered");
  EXPECT_EQ(log.records().back().user, "usr_alice");
  pump();
  EXPECT_EQ(wire.requests.size(), 2u) << "what was accepted is not sent again";
}

TEST_F(Transmitting, SendsOnlyWhatWasAskedForAndOfWhomThereIsAName) {
  wire.answer = [](const auto&) { return Wire::status(202); };
  const std::string id = stream();
  call("PATCH", "streams", R"({"stream_id":")" + id + R"(","events_requested":[")" + std::string(kAccountDisabled) + "\"]}");
  tell();
  EXPECT_EQ(outbox->waiting(id), 0u);
  call("PATCH", "streams", R"({"stream_id":")" + id + R"(","events_requested":[")" + std::string(kSessionRevoked) + "\"]}");
  tell("usr_nameless");
  EXPECT_EQ(outbox->waiting(id), 0u);
  const std::string alice = R"({"stream_id":")" + id + R"(","subject":{"format":"iss_sub","iss":")" + kIdp + R"(","sub":"usr_alice-quill"}})";
  EXPECT_EQ(call("POST", "subjects/remove", alice).status, 204);
  tell("usr_alice");
  tell("usr_bob");
  EXPECT_EQ(outbox->waiting(id), 1u) << "bob's";
  EXPECT_EQ(call("POST", "subjects/add", alice).status, 200);
  tell("usr_alice");
  EXPECT_EQ(outbox->waiting(id), 2u);
  EXPECT_EQ(call("POST", "subjects/remove", R"({"stream_id":")" + id + R"("})").status, 400);
  change([](registry::Objects& all) { all.resource_authorization_servers.erase(all.resource_authorization_servers.begin()); });
  tell("usr_alice");
  EXPECT_EQ(outbox->waiting(id), 2u) << "nobody knows how a receiver that is gone names people";
}

TEST_F(Transmitting, TriesAgainUntilItIsTaken) {
  int status = 0;
  wire.answer = [&](const auto&) { return status == 0 ? Wire::Answer(unexpected(http::OutgoingFailure{http::OutgoingFailure::Kind::timeout, "5 s"})) : Wire::status(status); };
  const std::string id = stream();
  tell();
  const auto jti = [&] { return *pushed().back().find_string("jti"); };
  pump();
  ASSERT_EQ(wire.requests.size(), 1u);
  const std::string first = jti();
  pump();
  EXPECT_EQ(wire.requests.size(), 1u) << "it rests";
  for (const int answer : {0, 429, 503, 401, 404}) {
    status = answer;
    clock.time += Seconds{61};
    const std::size_t before = wire.requests.size();
    pump();
    EXPECT_EQ(wire.requests.size(), before + 1) << answer;
    EXPECT_EQ(jti(), first);
    EXPECT_EQ(outbox->waiting(id), 1u) << answer;
  }
  EXPECT_EQ(transmitter->summaries()[0].failures, 6);
  EXPECT_EQ(transmitter->summaries()[0].last_problem, "the receiver answered 404");
  start();
  EXPECT_EQ(outbox->waiting(id), 1u) << "over a restart too";
  status = 202;
  pump();
  EXPECT_EQ(jti(), first);
  EXPECT_EQ(outbox->waiting(id), 0u);
  start();
  EXPECT_EQ(outbox->waiting(id), 0u);
  EXPECT_EQ(transmitter->summaries()[0].failures, 0);
}

TEST_F(Transmitting, DoesNotRepeatWhatWasRefused) {
  wire.answer = [](const auto&) { return Wire::status(400, R"({"err":"invalid_key","description":"no such key"})"); };
  const std::string id = stream();
  tell();
  tell("usr_bob");
  pump();
  EXPECT_EQ(wire.requests.size(), 2u) << "the next one is not kept from its way";
  EXPECT_EQ(outbox->waiting(id), 0u);
  EXPECT_EQ(last_reason(), "refused_by_receiver");
  EXPECT_EQ(log.records().back().detail, "invalid_key: no such key");
  EXPECT_EQ(log.records().back().effect, audit::Effect::deny);
}

TEST_F(Transmitting, StopsWhenTheReceiverIsNoReceiverAnyMore) {
  wire.answer = [](const auto&) { return Wire::status(202); };
  const std::string id = stream();
  tell();
  change([](registry::Objects& all) { all.api_tokens[0].active = false; });
  pump();
  EXPECT_TRUE(wire.requests.empty());
  EXPECT_EQ(outbox->waiting(id), 1u);
  change([](registry::Objects& all) { all.api_tokens[0].active = true; });
  pump();
  EXPECT_EQ(wire.requests.size(), 1u);
}

TEST_F(Transmitting, GivesUpOnRecordWhenTooMuchWaits) {
  const std::string id = stream();
  for (std::size_t i = 0; i < Outbox::kWaitingMax; ++i) {
    QueuedEvent event;
    event.jti = "e-" + std::to_string(i), event.user_id = "usr_bob", event.subject = iss_sub(kIdp, "usr_bob-quill"), event.event = revoked(), event.queued = clock.time;
    ASSERT_TRUE(*run(executor, outbox->add(id, std::move(event))));
  }
  tell();
  EXPECT_EQ(streams->find(id)->status, Status::disabled);
  EXPECT_FALSE(streams->find(id)->held_by_administrator) << "its receiver may enable it again";
  EXPECT_EQ(last_reason(), "stream_disabled");
  ASSERT_EQ(outbox->waiting(id), 1u);
  EXPECT_EQ(outbox->next(id, 1)[0].event.type, kStreamUpdated) << "EN-43: the receiver hears of it";
}

TEST_F(Transmitting, ForgetsOnRecordWhatIsAWeekOld) {
  const std::string id = stream();
  tell();
  clock.time += Outbox::kKept;
  pump();
  EXPECT_EQ(outbox->waiting(id), 1u);
  clock.time += Seconds{61};
  pump();
  EXPECT_EQ(outbox->waiting(id), 0u);
  EXPECT_EQ(last_reason(), "not_delivered_in_time");
}

TEST_F(Transmitting, RestsLongerAndLongerUpToAMinute) {
  EXPECT_EQ(back_off(1), Milliseconds{1'000});
  EXPECT_EQ(back_off(2), Milliseconds{2'000});
  EXPECT_EQ(back_off(6), Milliseconds{32'000});
  EXPECT_EQ(back_off(7), Milliseconds{60'000});
  EXPECT_EQ(back_off(1'000), Milliseconds{60'000});
}

TEST_F(Transmitting, AcknowledgesOnlyWhatIsKept) {
  const std::string id = stream();
  documents.fail_from_now_on(true);
  std::vector<Event> events{revoked()};
  EXPECT_FALSE(run(executor, transmitter->tell(person("usr_alice"), std::move(events))));
  EXPECT_EQ(outbox->waiting(id), 0u);
}

// ---- verification and poll

TEST_F(Transmitting, VerifiesWithTheStateThatItWasGiven) {
  wire.answer = [](const auto&) { return Wire::status(202); };
  const std::string id = stream();
  EXPECT_EQ(call("POST", "verification", R"({"stream_id":")" + id + R"(","state":"old"})").status, 204);
  EXPECT_EQ(call("POST", "verification", R"({"stream_id":")" + id + R"(","state":"VGhp"})").status, 204);
  EXPECT_EQ(outbox->waiting(id), 1u) << "asking often makes no queue";
  pump();
  ASSERT_EQ(pushed().size(), 1u);
  EXPECT_EQ(json::write(*pushed()[0].find("events")), R"({"https://schemas.openid.net/secevent/ssf/event-type/verification":{"state":"VGhp"}})");
  EXPECT_EQ(json::write(*pushed()[0].find("sub_id")), R"({"format":"opaque","id":")" + id + "\"}");
  EXPECT_EQ(call("POST", "verification", R"({"stream_id":")" + id + R"(","state":7})").status, 400);
}

TEST_F(Transmitting, IsPolledUntilEachEventIsAcknowledged) {
  const std::string id = stream("{}");
  tell("usr_alice");
  tell("usr_bob");
  pump();
  EXPECT_TRUE(wire.requests.empty());
  const auto poll = [&](const std::string& body) { return *parse_poll_response(call("POST", "poll/" + id, body).body); };
  auto first = poll(R"({"maxEvents":1,"returnImmediately":true})");
  ASSERT_EQ(first.sets.size(), 1u);
  EXPECT_TRUE(first.more_available);
  EXPECT_TRUE(parse(first.sets[0].second));
  EXPECT_EQ(poll(R"({"maxEvents":1,"returnImmediately":true})").sets[0].first, first.sets[0].first) << "what is not acknowledged comes again";
  auto second = poll(R"({"returnImmediately":true,"ack":[")" + first.sets[0].first + R"(","unknown"]})");
  ASSERT_EQ(second.sets.size(), 1u);
  EXPECT_FALSE(second.more_available);
  EXPECT_EQ(last_reason(), "delivered");
  start();
  const auto third = poll(R"({"returnImmediately":true,"setErrs":{")" + second.sets[0].first + R"(":{"err":"invalid_key","description":"x"}}})");
  EXPECT_TRUE(third.sets.empty());
  EXPECT_EQ(last_reason(), "refused_by_receiver");
  EXPECT_EQ(outbox->waiting(id), 0u);
  EXPECT_EQ(call("POST", "poll/" + id, "[]").status, 400);
  EXPECT_EQ(call("POST", "poll/" + id, R"({"ack":1})").status, 400);
  EXPECT_EQ(call("POST", "poll/stm_none", "{}").status, 404);
}

TEST_F(Transmitting, IsNotPolledWherePushIsAgreed) {
  const std::string id = stream();
  EXPECT_EQ(call("POST", "poll/" + id, "{}").status, 404);
}

TEST_F(Transmitting, WhatCannotBeRecordedIsNotDone) {
  log.fail_from_now_on(true);
  EXPECT_EQ(call("POST", "streams", kPushTo).status, 503);
  EXPECT_TRUE(streams->all().empty());
  log.fail_from_now_on(false);
  const std::string id = stream();
  log.fail_from_now_on(true);
  EXPECT_EQ(call("DELETE", "streams?stream_id=" + id).status, 503);
  EXPECT_EQ(call("POST", "status", R"({"stream_id":")" + id + R"(","status":"disabled"})").status, 503);
  EXPECT_EQ(streams->find(id)->status, Status::enabled);
}

TEST(StoredStreams, NothingStartsOnADamagedDocument) {
  memory::MemoryDocuments documents;
  const Instant later = from_unix_seconds(kNow + 100);
  ASSERT_TRUE(run(documents.put({"signal_streams", "stm_1", 1, later, "{}"})));
  ASSERT_TRUE(run(documents.put({"signal_outbox", "stm_1/000001795001000/j", 1, later, "{\"jti\":\"j\"}"})));
  EXPECT_FALSE(Streams::open(documents));
  EXPECT_FALSE(Outbox::open(documents));
}

}  // namespace
}  // namespace writ::signals
