// The client: what it asks, and that every way of not answering is a no.
#include "authzen/external_decision_points.h"

#include "authzen/authzen_fixture.h"
#include "authzen/evaluation.h"

namespace writ::authzen {
namespace {

struct Client {
  HandPdp pdp;
  HandClock clock;
  registry::Snapshot objects{good_objects(), 1};
  json::Value arguments{{"repo", "writ"}};
  policy::Question question = call_question(arguments);
  bool has_secret = true;
  ExternalDecisionPoints points{{pdp, clock, [this](const std::string& file) -> Result<Secret, Unavailable> {
                                   EXPECT_EQ(file, "/etc/pdp.key");
                                   if (!has_secret) return unexpected(Unavailable{"gone"});
                                   return Secret("pdp-secret");
                                 }}};
  std::vector<policy::Opinion> ask(std::size_t count = 1) {
    std::vector<const policy::Question*> questions(count, &question);
    return run(points.ask(questions, objects));
  }
};

TEST(AuthzenClient, AsksInTheWordsOfTheSpecification) {
  Client client;
  client.pdp.respond = [](const auto&) { return HandPdp::json(R"({"decision":true})"); };
  const auto opinions = client.ask();
  ASSERT_EQ(opinions.size(), 1u);
  EXPECT_TRUE(opinions[0].allowed);
  EXPECT_TRUE(opinions[0].was_asked);
  EXPECT_EQ(opinions[0].decision_point, "pdp");
  const auto& sent = client.pdp.requests.at(0);
  EXPECT_EQ(sent.url, "https://pdp.example/v/access/v1/evaluation");
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(*sent.headers.find_single("Content-Type"), "application/json");
  EXPECT_EQ(*sent.headers.find_single("X-Key"), "pdp-secret");
  EXPECT_EQ(sent.timeout_ms, 250);
  EXPECT_EQ(sent.body,
            R"({"subject":{"type":"user","id":"usr_alice","properties":{"issuer":"https://idp.example","groups":["eng"],"email":"alice@acme.example"}},)"
            R"("action":{"name":"tools/call","properties":{"arguments":{"repo":"writ"}}},)"
            R"("resource":{"type":"tool","id":"delete_repo","properties":{"server":"github","environment":"production","readOnly":false,"destructive":true,"idempotent":false,"openWorld":true,"scopes":["repo"]}},)"
            R"("context":{"agent":"cursor","acr":"urn:mfa","amr":["pwd","mfa"],"auth_age_seconds":12,"agent_vendor":"Anysphere","agent_authentication":"private_key_jwt","ip":"192.0.2.7","time":1795000000}})");
}

struct Row {
  const char* name;
  std::function<HandPdp::Answer()> answer;
  const char* reason;
  const char* detail = "";
};
class AuthzenAnswers : public testing::TestWithParam<Row> {};

TEST_P(AuthzenAnswers, ThatAreNoYesAreANo) {
  Client client;
  client.pdp.respond = [](const auto&) { return GetParam().answer(); };
  const auto opinions = client.ask();
  ASSERT_EQ(opinions.size(), 1u);
  EXPECT_FALSE(opinions[0].allowed);
  EXPECT_EQ(opinions[0].reason, GetParam().reason);
  EXPECT_EQ(opinions[0].detail, GetParam().detail);
  EXPECT_EQ(opinions[0].decision_point, "pdp");
}

auto body(const char* text, int status = 200) {
  return [text, status] { return HandPdp::json(text, status); };
}
auto failure(http::OutgoingFailure::Kind kind) {
  return [kind]() -> HandPdp::Answer { return unexpected(http::OutgoingFailure{kind, "why"}); };
}
INSTANTIATE_TEST_SUITE_P(
    Rows, AuthzenAnswers,
    testing::Values(Row{"no", body(R"({"decision":false})"), "external_denied"}, Row{"no_with_a_reason", body(R"({"decision":false,"context":{"reason_user":"no"}})"), "external_denied"},
                    Row{"missing", body("{}"), "external_unavailable", "no_decision"}, Row{"text", body(R"({"decision":"true"})"), "external_unavailable", "no_decision"},
                    Row{"number", body(R"({"decision":1})"), "external_unavailable", "no_decision"}, Row{"null", body(R"({"decision":null})"), "external_unavailable", "no_decision"},
                    Row{"twice", body(R"({"decision":false,"decision":true})"), "external_unavailable", "not_json"}, Row{"list", body(R"([{"decision":true}])"), "external_unavailable", "no_decision"},
                    Row{"no_json", body("yes"), "external_unavailable", "not_json"}, Row{"empty", body(""), "external_unavailable", "not_json"},
                    Row{"yes_with_500", body(R"({"decision":true})", 500), "external_unavailable", "status_500"}, Row{"yes_with_201", body(R"({"decision":true})", 201), "external_unavailable", "status_201"},
                    Row{"redirect", body("", 302), "external_unavailable", "status_302"}, Row{"unauthorized", body("{}", 401), "external_unavailable", "status_401"},
                    Row{"timeout", failure(http::OutgoingFailure::Kind::timeout), "external_unavailable", "timeout"}, Row{"nobody", failure(http::OutgoingFailure::Kind::connect), "external_unavailable", "connect"},
                    Row{"bad_certificate", failure(http::OutgoingFailure::Kind::tls), "external_unavailable", "tls"}, Row{"huge", failure(http::OutgoingFailure::Kind::too_large), "external_unavailable", "answer_too_large"}),
    [](const auto& row) { return row.param.name; });

TEST(AuthzenClient, AsksSeveralAtOnceAndTakesAnswersInOrder) {
  Client client;
  client.pdp.respond = [](const auto&) { return HandPdp::json(R"({"evaluations":[{"decision":true},{"decision":false},{"decision":true}]})"); };
  const auto opinions = client.ask(3);
  EXPECT_EQ(client.pdp.requests.at(0).url, "https://pdp.example/v/access/v1/evaluations");
  EXPECT_EQ(json::parse(client.pdp.requests.at(0).body)->find_array("evaluations")->size(), 3u);
  EXPECT_TRUE(opinions[0].allowed);
  EXPECT_FALSE(opinions[1].allowed);
  EXPECT_EQ(opinions[1].reason, "external_denied");
  EXPECT_TRUE(opinions[2].allowed);
  for (const char* wrong : {R"({"evaluations":[{"decision":true},{"decision":true}]})", R"({"evaluations":[{"decision":true},{"decision":true},{"decision":true},{"decision":true}]})",
                            R"({"evaluations":[{"decision":true},{},{"decision":true}]})", R"({"decision":true})", R"({"evaluations":{}})"}) {
    client.pdp.respond = [wrong](const auto&) { return HandPdp::json(wrong); };
    for (const auto& opinion : client.ask(3)) EXPECT_EQ(opinion.reason, "external_unavailable") << wrong;
    client.pdp.respond = [](const auto&) { return HandPdp::json(R"({"evaluations":[{"decision":true},{"decision":true},{"decision":true}]})"); };
    client.ask(3);   // closes the breaker
  }
}

TEST(AuthzenClient, AsksFiftyAtATime) {
  Client client;
  client.pdp.respond = [](const http::OutgoingRequest& request) {
    std::string answer = R"({"evaluations":[)";
    const auto body = json::parse(request.body, {1 << 20, 32, 20'000});
    for (std::size_t i = 0; i < body->find_array("evaluations")->size(); ++i) answer += i == 0 ? R"({"decision":true})" : R"(,{"decision":true})";
    return HandPdp::json(answer + "]}");
  };
  const auto opinions = client.ask(51);
  EXPECT_EQ(client.pdp.requests.size(), 2u);
  EXPECT_EQ(opinions.size(), 51u);
  for (const auto& opinion : opinions) EXPECT_TRUE(opinion.allowed);
}

TEST(AuthzenClient, AllThatAreConfiguredMustAgreeAndNobodyElseIsAsked) {
  Client client;
  client.pdp.respond = [](const http::OutgoingRequest& request) { return HandPdp::json(request.url.starts_with("https://second") ? R"({"decision":false})" : R"({"decision":true})"); };
  auto objects = good_objects();
  objects.decision_points.push_back(objects.decision_points.front());
  objects.decision_points[1].id = "second", objects.decision_points[1].url = "https://second.example";
  std::vector<const policy::Question*> questions{&client.question};
  const registry::Snapshot both(objects, 1);
  const auto refused = run(client.points.ask(questions, both));
  EXPECT_EQ(refused[0].decision_point, "second");
  EXPECT_EQ(refused[0].reason, "external_denied");
  objects.decision_points.clear();
  const registry::Snapshot none(objects, 1);
  client.pdp.requests.clear();
  const auto alone = run(client.points.ask(questions, none));
  EXPECT_TRUE(alone[0].allowed);
  EXPECT_FALSE(alone[0].was_asked);
  EXPECT_TRUE(client.pdp.requests.empty());
}

TEST(AuthzenClient, WithoutItsCredentialNobodyIsAsked) {
  Client client;
  client.has_secret = false;
  client.pdp.respond = [](const auto&) { return HandPdp::json(R"({"decision":true})"); };
  EXPECT_EQ(client.ask()[0].detail, "secret_file");
  EXPECT_TRUE(client.pdp.requests.empty());
}

TEST(AuthzenClient, ADeadDecisionPointCostsLittleAndStillDenies) {
  Client client;
  client.pdp.respond = [](const auto&) -> HandPdp::Answer { return unexpected(http::OutgoingFailure{http::OutgoingFailure::Kind::timeout, ""}); };
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(client.ask()[0].allowed);
  EXPECT_EQ(client.pdp.requests.size(), 5u);
  EXPECT_EQ(client.ask()[0].detail, "circuit_open");
  // After a while one tries; while it fails the others are refused at once.
  client.clock.time += Seconds{5};
  EXPECT_EQ(client.ask()[0].detail, "timeout");
  EXPECT_EQ(client.ask()[0].detail, "circuit_open");
  EXPECT_EQ(client.pdp.requests.size(), 6u);
  client.clock.time += Seconds{5};
  client.pdp.respond = [](const auto&) { return HandPdp::json(R"({"decision":true})"); };
  EXPECT_TRUE(client.ask()[0].allowed);
  EXPECT_TRUE(client.ask()[0].allowed);
  // A no is an answer: it opens nothing.
  client.pdp.respond = [](const auto&) { return HandPdp::json(R"({"decision":false})"); };
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client.ask()[0].reason, "external_denied");
}

TEST(CircuitBreaker, BoundsHowManyWait) {
  CircuitBreaker breaker;
  for (int i = 0; i < CircuitBreaker::kPendingMax; ++i) EXPECT_TRUE(breaker.may_ask(kNow));
  EXPECT_FALSE(breaker.may_ask(kNow));
  breaker.answered();
  EXPECT_TRUE(breaker.may_ask(kNow));
}

// What the client asks, the server of another Writ understands.
TEST(AuthzenMapping, IsTheSameInBothDirections) {
  const registry::Snapshot objects(good_objects(), 1);
  const json::Value arguments{{"repo", "writ"}};
  for (const auto action : {policy::Action::connect, policy::Action::grant_scope, policy::Action::call, policy::Action::read_resource, policy::Action::subscribe,
                            policy::Action::get_prompt, policy::Action::complete}) {
    policy::Question question = call_question(arguments);
    question.action = action;
    question.scope = policy::ScopeFacts{"repo", true};
    question.uri_or_prompt = action == policy::Action::get_prompt ? "greet" : "file:///a";
    const auto inquiry = to_inquiry(to_evaluation(question), objects, kNow);
    ASSERT_TRUE(inquiry) << policy::to_string(action);
    EXPECT_EQ(inquiry->action, action);
    EXPECT_EQ(inquiry->user, "usr_alice");
    EXPECT_EQ(inquiry->agent, "cursor");
    EXPECT_EQ(inquiry->server, "github");
    EXPECT_EQ(inquiry->scope, action == policy::Action::grant_scope ? "repo" : "");
    EXPECT_EQ(inquiry->tool, action == policy::Action::call ? "delete_repo" : "");
    EXPECT_EQ(inquiry->arguments.has_value(), action == policy::Action::call);
    EXPECT_EQ(inquiry->authentication.acr, "urn:mfa");
    EXPECT_EQ(inquiry->authentication.age, Seconds{12});
    EXPECT_EQ(inquiry->ip, "192.0.2.7");
  }
}

}  // namespace
}  // namespace writ::authzen
