#include "gateway/held_call.h"

#include <atomic>
#include <thread>

#include "approvals/decide.h"
#include "gateway/gateway_fixture.h"
#include "policy/cedar_policy.h"

namespace writ::gateway {
namespace {

constexpr const char* kPermit = "@id(\"all\") permit(principal, action, resource);\n";
constexpr const char* kOps = "@id(\"ops-look\") @require_approval(\"ops\") @message(\"Ops look at searches\") forbid(principal, action in Writ::Action::\"call\", resource);\n";
constexpr const char* kSecurity = "@id(\"sec-look\") @require_approval(\"security\") forbid(principal, action in Writ::Action::\"call\", resource);\n";

class HeldCalls : public GatewayTest {
 public:
  HeldCalls() {
    set_people();
    set_policy(std::string(kPermit) + kOps);
  }
  void set_people(const std::function<void(registry::Objects&)>& change = [](registry::Objects&) {}) {
    set_objects([&](registry::Objects& all) {
      for (const char* name : {"olga", "lead"}) {
        registry::User user;
        user.id = std::string("usr_") + name, user.name = name, user.groups = {"ops"};
        all.users.push_back(user);
      }
      all.users[1].groups = {"security"};   // bob
      for (const char* id : {"ops", "security"}) {
        registry::Group group;
        group.id = id;
        all.groups.push_back(group);
      }
      change(all);
    });
  }
  void set_policy(const std::string& text) {
    const std::string version = "v" + std::to_string(++versions);
    auto compiled = policy::CedarPolicy::compile({{}, {{"policies/test.cedar", text}}, version});
    ASSERT_TRUE(compiled) << compiled.error().front().message;
    policy.set(*compiled);
  }
  json::Value call(const std::string& body) { return parsed(post(body).body); }
  static const json::Value& decision_of(const json::Value& answer) {
    static const json::Value none;
    const json::Value* result = answer.find("result");
    const json::Value* meta = result ? result->find("_meta") : nullptr;
    const json::Value* decision = meta ? meta->find("writ/decision") : nullptr;
    return decision ? *decision : none;
  }
  static std::string kind_of(const json::Value& answer) {
    const auto* kind = decision_of(answer).find_string("kind");
    return kind ? *kind : "passed";
  }
  static std::string approval_of(const json::Value& answer) {
    const auto* id = decision_of(answer).find_string("approval");
    return id ? *id : "";
  }
  bool say(const std::string& id, const std::string& user, approvals::Requests::Word word = approvals::Requests::Word::approve, std::string reason = "") {
    approvals::Decision decision;
    decision.id = id, decision.word = word, decision.user = user, decision.reason = std::move(reason);
    const auto done = run<Result<approvals::Request, std::variant<approvals::Refused, Unavailable>>>(approvals::decide(*approvals, log, objects.get(), std::move(decision), clock.now()));
    return done.has_value();
  }
  std::string more_of(const audit::Record& record, std::string_view name) const {
    for (const auto& [key, value] : record.more) {
      if (key == name) return value;
    }
    return "";
  }
  const std::string search = call_text("search_notes", R"({"query":"a"})");
};

TEST_F(HeldCalls, TellTheAgentThatTheyWaitAndHowToAskAgain) {
  settings.approvals_url = "https://writ.example/approvals";
  settings.organisation = "ACME";
  const json::Value answer = call(search);
  const json::Value& result = *answer.find("result");
  EXPECT_TRUE(*result.find_bool("isError"));
  const json::Value& decision = decision_of(answer);
  const std::string id = approval_of(answer);
  EXPECT_EQ(*decision.find_string("kind"), "approval_pending");
  EXPECT_TRUE(*decision.find_bool("retryable"));
  EXPECT_EQ(*decision.find_int("retry_after_seconds"), 30);
  EXPECT_EQ(*decision.find_string("request_url"), "https://writ.example/approvals/" + id);
  EXPECT_EQ(*decision.find_string("expires"), audit::to_iso8601(from_unix_seconds(kNow + 900)));
  EXPECT_EQ(*decision.find_string("policy"), "ops-look");
  const std::string& text = *(*result.find_array("content"))[0].find_string("text");
  EXPECT_EQ(text, "Held for approval by ACME. The call was not made yet: a member of `ops` has to approve it first. Ops look at searches. Tell your user that it waits as " + id +
                      "; an approver finds it at https://writ.example/approvals/" + id +
                      ". To make it once it is approved, call the same tool again with exactly the same arguments, at the earliest in 30 seconds; with other arguments it is another call and needs "
                      "another approval. The request ends at 2027-01-15T08:15:00.000Z. Reference: " + *decision.find_string("code") + ".");
  EXPECT_TRUE(upstream.requests.empty());
}

TEST_F(HeldCalls, GoOnceAfterApproval) {
  const std::string id = approval_of(call(search));
  EXPECT_EQ(approval_of(call(search)), id);       // the same digest, the same request
  ASSERT_TRUE(say(id, "usr_olga"));
  EXPECT_EQ(kind_of(call(call_text("search_notes", R"({ "query" : "a" })", "77"))), "passed");   // canonical arguments
  ASSERT_EQ(upstream.requests.size(), 1u);
  // Used twice: it waits again, as another request.
  const json::Value again = call(search);
  EXPECT_EQ(kind_of(again), "approval_pending");
  EXPECT_NE(approval_of(again), id);
  EXPECT_EQ(upstream.requests.size(), 1u);

  std::vector<std::string> reasons;
  for (const auto& record : log.records()) {
    if (record.event == audit::Event::approval || record.event == audit::Event::call) reasons.push_back(std::string(audit::to_string(record.event)) + ":" + record.reason);
  }
  EXPECT_EQ(reasons, (std::vector<std::string>{"approval:requested", "call:approval_pending", "call:approval_pending", "approval:approved", "call:approved", "approval:requested", "call:approval_pending"}));
  const audit::Record used = records(audit::Event::call)[2];
  EXPECT_EQ(used.effect, audit::Effect::allow);
  EXPECT_EQ(more_of(used, "approval"), id);
  EXPECT_EQ(more_of(used, "approved_by"), "olga");
  EXPECT_EQ(more_of(used, "digest").size(), 64u);
}

struct Row {
  const char* name;
  std::function<std::string(HeldCalls&)> call;    // after approval: what comes of it
  const char* kind;
};
class AnApproval : public HeldCalls, public testing::WithParamInterface<Row> {};
TEST_P(AnApproval, IsForOneCallOfOnePersonByOneAgent) {
  ASSERT_TRUE(say(approval_of(call(search)), "usr_olga"));
  EXPECT_EQ(GetParam().call(*this), GetParam().kind);
  EXPECT_TRUE(upstream.requests.empty());
}
std::string kind_with(HeldCalls& test, const std::string& body, const std::function<void(json::Value&)>& claims) {
  return HeldCalls::kind_of(GatewayTest::parsed(test.send(test.request("POST", body, test.token(claims))).body));
}
INSTANTIATE_TEST_SUITE_P(
    Rules, AnApproval,
    testing::Values(Row{"expired", [](HeldCalls& held) { held.clock.seconds += 15 * 60; return kind_with(held, held.search, [](json::Value& c) { c.set("exp", kNow + 9999); }); }, "approval_pending"},
                    Row{"other_arguments", [](HeldCalls& held) { return HeldCalls::kind_of(held.call(call_text("search_notes", R"({"query":"b"})"))); }, "approval_pending"},
                    Row{"more_arguments", [](HeldCalls& held) { return HeldCalls::kind_of(held.call(call_text("search_notes", R"({"query":"a","all":true})"))); }, "approval_pending"},
                    Row{"another_tool", [](HeldCalls& held) { return HeldCalls::kind_of(held.call(call_text("read_note", R"({"query":"a"})"))); }, "approval_pending"},
                    Row{"another_agent", [](HeldCalls& held) { return kind_with(held, held.search, [](json::Value& c) { c.set("client_id", "other-at-ras"), c.set("jti", "at-2"); }); }, "approval_pending"},
                    Row{"another_user", [](HeldCalls& held) { return kind_with(held, held.search, [](json::Value& c) { c.set("sub", "usr_bob"), c.set("jti", "at-3"); }); }, "approval_pending"},
                    Row{"another_server",
                        [](HeldCalls& held) {
                          const auto made = held.request("POST", held.search, held.token([](json::Value& c) { c.set("aud", "https://writ.example/mcp/wiki"), c.set("jti", "at-4"); }));
                          return HeldCalls::kind_of(GatewayTest::parsed(held.send(made, "wiki").body));
                        },
                        "approval_pending"},
                    Row{"another_parameter_beside_the_arguments",
                        [](HeldCalls& held) { return HeldCalls::kind_of(held.call(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_notes","arguments":{"query":"a"},"task":{"ttl":1}}})")); },
                        "approval_pending"},
                    Row{"a_definition_that_waits_for_review",
                        [](HeldCalls& held) {
                          const auto answer = held.upstream.respond;
                          held.upstream.respond = [&held](const http::UpstreamRequest&) {
                            return held.upstream.json(R"({"jsonrpc":"2.0","id":9,"result":{"tools":[{"name":"search_notes","description":"now sends everything away","inputSchema":{"type":"object"}}]}})");
                          };
                          held.post(R"({"jsonrpc":"2.0","id":9,"method":"tools/list"})");
                          held.upstream.respond = answer;
                          held.upstream.requests.clear();
                          return HeldCalls::kind_of(held.call(held.search));
                        },
                        "no_permit"},
                    Row{"a_changed_definition",
                        [](HeldCalls& held) {
                          held.approve("notes", GatewayTest::parsed(R"({"name":"search_notes","description":"now sends everything away","inputSchema":{"type":"object"}})"));
                          held.set_people();
                          return HeldCalls::kind_of(held.call(held.search));
                        },
                        "approval_pending"},
                    Row{"approver_left_the_group", [](HeldCalls& held) { held.set_people([](registry::Objects& all) { all.users[2].groups = {}; }); return HeldCalls::kind_of(held.call(held.search)); }, "approval_pending"},
                    Row{"approver_disabled", [](HeldCalls& held) { held.set_people([](registry::Objects& all) { all.users[2].active = false; }); return HeldCalls::kind_of(held.call(held.search)); }, "approval_pending"},
                    Row{"a_forbid_without_approval_since", [](HeldCalls& held) { held.set_policy(std::string(kPermit) + kOps + "forbid(principal, action in Writ::Action::\"call\", resource);"); return HeldCalls::kind_of(held.call(held.search)); }, "forbidden"},
                    Row{"another_forbid_with_another_group_since", [](HeldCalls& held) { held.set_policy(std::string(kPermit) + kOps + kSecurity); return HeldCalls::kind_of(held.call(held.search)); }, "approval_pending"},
                    Row{"nothing_permits_any_more", [](HeldCalls& held) { held.set_policy(kOps); return HeldCalls::kind_of(held.call(held.search)); }, "no_permit"}),
    [](const auto& row) { return row.param.name; });

TEST_F(HeldCalls, WaitForEveryGroup) {
  set_policy(std::string(kPermit) + kOps + kSecurity);
  const json::Value held = call(search);
  EXPECT_EQ(*json::to_strings(*decision_of(held).find("approvers")), (std::vector<std::string>{"ops", "security"}));
  ASSERT_TRUE(say(approval_of(held), "usr_olga"));
  EXPECT_EQ(kind_of(call(search)), "approval_pending");
  ASSERT_TRUE(say(approval_of(held), "usr_bob"));
  EXPECT_EQ(kind_of(call(search)), "passed");
}

TEST_F(HeldCalls, ANoIsFinalForAWhileAndSaysWhy) {
  const std::string id = approval_of(call(search));
  ASSERT_TRUE(say(id, "usr_olga", approvals::Requests::Word::reject, "not on a Friday"));
  const json::Value answer = call(search);
  EXPECT_EQ(kind_of(answer), "approval_rejected");
  EXPECT_FALSE(*decision_of(answer).find_bool("retryable"));
  const std::string& text = *(*answer.find("result")->find_array("content"))[0].find_string("text");
  EXPECT_NE(text.find("not on a Friday. An approver looked at this call and declined it: do not retry it."), std::string::npos) << text;
}

// A call that lacks its scope is told so: nobody approves what could not be made.
TEST_F(HeldCalls, ScopeComesFirst) {
  const http::Response response = post(call_text("add_note", R"({"text":"x"})"));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(last_reason(), "insufficient_scope");
  EXPECT_TRUE(approvals->list().empty());
}

TEST_F(HeldCalls, SurviveARestart) {
  const std::string id = approval_of(call(search));
  ASSERT_TRUE(say(id, "usr_olga"));
  approvals = std::move(*approvals::Requests::open(documents));
  Dependencies dependencies{settings, clock, objects, policy, *revocations, log, keys, *with_credential, approvals.get(), &tools, &reviews};
  gateway = std::make_unique<Gateway>(std::move(dependencies));
  EXPECT_EQ(kind_of(call(search)), "passed");
  EXPECT_EQ(kind_of(call(search)), "approval_pending");
}

// What the claim says counts, also when the request's document was not marked in time.
TEST_F(HeldCalls, AUseThatTheStoreForgotIsStillUsed) {
  const std::string id = approval_of(call(search));
  ASSERT_TRUE(say(id, "usr_olga"));
  documents.fail_from_now_on(true);
  EXPECT_EQ(kind_of(call(search)), "passed");
  documents.fail_from_now_on(false);
  approvals = std::move(*approvals::Requests::open(documents));
  Dependencies dependencies{settings, clock, objects, policy, *revocations, log, keys, *with_credential, approvals.get(), &tools, &reviews};
  gateway = std::make_unique<Gateway>(std::move(dependencies));
  EXPECT_EQ(kind_of(call(search)), "approval_used");
  EXPECT_EQ(upstream.requests.size(), 1u);
  EXPECT_EQ(kind_of(call(search)), "approval_pending");
}

TEST_F(HeldCalls, WithoutTheStoreNothingIsHeldAndNothingGoes) {
  documents.fail_from_now_on(true);
  EXPECT_EQ(post(search).status, 503);
  documents.fail_from_now_on(false);
  log.fail_from_now_on(true);
  EXPECT_EQ(post(search).status, 503);
  EXPECT_TRUE(upstream.requests.empty());
}

TEST_F(HeldCalls, NoPlaceToWaitDenies) {
  Dependencies dependencies{settings, clock, objects, policy, *revocations, log, keys, *with_credential};
  gateway = std::make_unique<Gateway>(std::move(dependencies));
  EXPECT_EQ(kind_of(call(search)), "approvals_not_available");
}

TEST_F(HeldCalls, WorkInTheModernEra) {
  const auto ask = [&] { return parsed(send(modern("tools/call", json::Value{{"name", "search_notes"}, {"arguments", json::Value{{"query", "a"}}}})).body); };
  const json::Value held = ask();
  EXPECT_EQ(kind_of(held), "approval_pending");
  EXPECT_EQ(*held.find("result")->find_string("resultType"), "complete");
  ASSERT_TRUE(say(approval_of(held), "usr_olga"));
  EXPECT_EQ(kind_of(ask()), "passed");
  EXPECT_EQ(kind_of(ask()), "approval_pending");
  EXPECT_EQ(upstream.requests.size(), 1u);
}

TEST_F(HeldCalls, SayLittleWhenTheSettingSaysSo) {
  settings.denials = Settings::Denials::code_only;
  const json::Value held = call(search);
  EXPECT_EQ(kind_of(held), "approval_pending");
  for (const char* member : {"policy", "approvers", "alternatives"}) EXPECT_EQ(decision_of(held).find(member), nullptr) << member;
  EXPECT_EQ(json::write(held).find("`ops`"), std::string::npos);
  set_policy("@id(\"secret-rule\") @message(\"secret\") @alternative(\"x\") forbid(principal, action in Writ::Action::\"call\", resource); permit(principal, action, resource);");
  const json::Value denied = call(search);
  set_policy("permit(principal, action == Writ::Action::\"connect\", resource);");
  const json::Value unknown = call(call_text("search_notes", R"({"query":"a"})"));
  for (const json::Value* answer : {&denied, &unknown}) {
    EXPECT_EQ(kind_of(*answer), "denied");
    EXPECT_EQ(json::write(*answer).find("secret"), std::string::npos);
    EXPECT_EQ(decision_of(*answer).as_object()->size(), 5u) << json::write(*answer);
  }
}

// An answer under way was approved; it ends when something else comes to forbid it.
TEST_F(HeldCalls, AnAnswerUnderWayStaysAllowed) {
  ASSERT_TRUE(say(approval_of(call(search)), "usr_olga"));
  upstream.respond = [this](const http::UpstreamRequest&) { return upstream.events({"data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,\"progress\":1}}\n\n"}, std::nullopt); };
  const http::Response response = post(search);
  ASSERT_TRUE(response.stream);
  set_policy(std::string(kPermit) + kOps + "// the same\n");
  gateway->check_streams(clock.now());
  settle();
  EXPECT_FALSE(upstream.body->cancelled);
  set_policy(std::string(kPermit) + kOps + kSecurity);
  gateway->check_streams(clock.now());
  settle();
  EXPECT_TRUE(upstream.body->cancelled);
}

class CountingUpstream final : public http::Upstream {
 public:
  Task<Result<http::UpstreamResponse, http::UpstreamFailure>> send(http::UpstreamRequest) override {
    ++sent;
    http::UpstreamResponse answer;
    answer.status = 200;
    answer.headers = {{"Content-Type", "application/json"}};
    auto state = std::make_shared<ScriptedBody::State>();
    state->pieces = {R"({"jsonrpc":"2.0","id":1,"result":{"ok":true}})"};
    state->end = http::StreamEnd::complete;
    answer.body = std::make_unique<ScriptedBody>(std::move(state));
    co_return answer;
  }
  std::atomic<int> sent{0};
};

TEST_F(HeldCalls, OfAHundredRetriesAtOnceExactlyOneGoes) {
  CountingUpstream counting;
  upstreams::StreamableHttp direct_to_counting{counting};
  Dependencies dependencies{settings, clock, objects, policy, *revocations, log, keys, direct_to_counting, approvals.get()};
  gateway = std::make_unique<Gateway>(std::move(dependencies));
  ASSERT_TRUE(say(approval_of(call(search)), "usr_olga"));   // this also verified the token
  const http::Request made = request("POST", search, token());
  send(request("POST", call_text("read_note"), made.headers.find_single("Authorization")->substr(7)));
  std::atomic<int> passed{0}, refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 100; ++i) {
    threads.emplace_back([&] {
      QueueExecutor own;
      const Executor::Scope scope(own);
      http::Response response = run(own, gateway->handle(made, "notes"));
      std::string body = response.body;
      const std::string kind = kind_of(*json::parse(body));
      ++(kind == "passed" ? passed : refused);
      EXPECT_TRUE(kind == "passed" || kind == "approval_used" || kind == "approval_pending") << kind;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(passed, 1);
  EXPECT_EQ(refused, 99);
  EXPECT_EQ(counting.sent, 1);
}

}  // namespace
}  // namespace writ::gateway
