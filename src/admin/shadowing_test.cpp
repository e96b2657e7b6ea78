#include "admin/admin_fixture.h"
#include "admin/shadow_log.h"
#include "policy/shadow.h"

namespace writ::admin {
namespace {

constexpr const char* kNothing = R"({"files":{"grants.yaml":"grants: []\n"},"reason":"lock down"})";

class Shadowing : public AdminWorld {
 protected:
  Shadowing() { fill(); }
  policy::Decision decision() {
    policy::Question question;
    question.principal.groups = {"eng"};
    question.agent.id = "cursor";
    question.server.id = "files";
    return policy.get()->decide(question);
  }
  std::size_t disagreements() { return decision().shadows.size(); }
  std::string last_reason() const { return log.records().back().reason; }
  http::Response start(const char* body = kNothing) { return call("POST", "/admin/v1/policy/shadow", kAdminToken, body); }
  std::string candidate_version() { return std::string(*body_of(call("GET", "/admin/v1/policy/shadow")).find("candidate")->find_string("version")); }
};

TEST_F(Shadowing, ACandidateIsAskedAndNotEnforced) {
  EXPECT_EQ(disagreements(), 0u);
  EXPECT_EQ(start().status, 200);
  EXPECT_EQ(last_reason(), "shadow_started");
  EXPECT_EQ(more_of(log.records().back(), "comment"), "lock down");
  EXPECT_TRUE(may_connect("eng"));
  EXPECT_EQ(disagreements(), 1u);
  const json::Value status = body_of(call("GET", "/admin/v1/policy/shadow", kAuditorToken));
  EXPECT_EQ(*status.find("candidate")->find_string("reason"), "lock down");
  EXPECT_EQ(*status.find("candidate")->find_string("author"), "token:ci");
}

TEST_F(Shadowing, ItSurvivesARestart) {
  ASSERT_EQ(start().status, 200);
  open();
  EXPECT_TRUE(administration->tries_something_out());
  EXPECT_EQ(disagreements(), 1u);
  EXPECT_EQ(call("DELETE", "/admin/v1/policy/shadow").status, 200);
  EXPECT_EQ(last_reason(), "shadow_stopped");
  EXPECT_EQ(disagreements(), 0u);
  open();
  EXPECT_EQ(disagreements(), 0u);
  EXPECT_EQ(call("DELETE", "/admin/v1/policy/shadow").status, 404);
}

TEST_F(Shadowing, ItStaysBesideANewActiveVersion) {
  ASSERT_EQ(start().status, 200);
  EXPECT_EQ(call("PUT", "/admin/v1/policy", kAdminToken, R"({"files":{"grants.yaml":"grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: all, tools: []}\n"}})").status, 200);
  EXPECT_TRUE(may_connect("eng"));
  EXPECT_EQ(disagreements(), 1u);
}

struct Row {
  const char* name;
  const char* body;
  int status;
  const char* says;
};
class WhatIsNoCandidate : public Shadowing, public testing::WithParamInterface<Row> {};
TEST_P(WhatIsNoCandidate, IsRefused) {
  const http::Response response = start(GetParam().body);
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_NE(response.body.find(GetParam().says), std::string::npos) << response.body;
  EXPECT_EQ(disagreements(), 0u);
  EXPECT_FALSE(administration->candidate());
}
INSTANTIATE_TEST_SUITE_P(Rules, WhatIsNoCandidate,
                         testing::Values(Row{"broken_text", R"({"files":{"policies/a.cedar":"permit(principle, action, resource);"}})", 422, "policies/a.cedar"},
                                         Row{"unknown_group", R"({"files":{"grants.yaml":"grants:\n  - {group: engg, agents: [cursor], servers: [files], scopes: all, tools: all}\n"}})", 422, "did you mean `eng`"},
                                         Row{"the_active_version", R"({"files":{"grants.yaml":"grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: all, tools: all}\n"}})", 422, "this is the active version"},
                                         Row{"no_files", R"({"reason":"x"})", 422, "needs `files`"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(Shadowing, AnAuditorLooksAndDoesNotStart) {
  EXPECT_EQ(call("POST", "/admin/v1/policy/shadow", kAuditorToken, kNothing).status, 403);
  EXPECT_EQ(call("DELETE", "/admin/v1/policy/shadow", kAuditorToken).status, 403);
  EXPECT_EQ(call("POST", "/admin/v1/policy/promote", kAuditorToken, "{}").status, 403);
  EXPECT_EQ(call("GET", "/admin/v1/policy/shadow", kAuditorToken).status, 200);
}

TEST_F(Shadowing, ACandidateThatNoLongerFitsTheObjectsStops) {
  ASSERT_EQ(start(R"({"files":{"grants.yaml":"grants:\n  - {group: sales, agents: [cursor], servers: [files], scopes: all, tools: all}\n"}})").status, 200);
  ASSERT_EQ(disagreements(), 1u);
  ASSERT_EQ(call("DELETE", "/admin/v1/groups/sales").status, 200);
  EXPECT_FALSE(administration->candidate());
  EXPECT_EQ(disagreements(), 0u);
  EXPECT_EQ(last_reason(), "shadow_stopped");
  EXPECT_NE(more_of(log.records().back(), "comment").find("there is no group `sales`"), std::string::npos);
}

TEST_F(Shadowing, PromotingActivatesTheCandidate) {
  ASSERT_EQ(start().status, 200);
  const std::string version = candidate_version();
  EXPECT_EQ(call("POST", "/admin/v1/policy/promote", kAdminToken, R"({"version":"0000000000"})").status, 412);
  EXPECT_TRUE(may_connect("eng"));
  const auto promoted = call("POST", "/admin/v1/policy/promote", kAdminToken, json::write(json::Value{{"version", version.substr(0, 12)}}));
  EXPECT_EQ(promoted.status, 200) << promoted.body;
  EXPECT_FALSE(may_connect("eng"));
  EXPECT_EQ(policy.get()->version(), version);
  EXPECT_FALSE(administration->candidate());
  EXPECT_EQ(last_reason(), "shadow_promoted");
  EXPECT_EQ(*body_of(call("GET", "/admin/v1/policy")).find_string("reason"), "lock down");
  open();
  EXPECT_FALSE(administration->candidate());
  EXPECT_EQ(call("POST", "/admin/v1/policy/promote", kAdminToken, "{}").status, 404);
}

TEST_F(Shadowing, PromotingAPolicyMakesAVersionWithoutItsAnnotation) {
  const char* with_shadow =
      R"({"files":{"grants.yaml":"grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: all, tools: all}\n","policies/a.cedar":"// closed\n@id(\"closed\")\n@shadow\nforbid(principal, action, resource);\n"}})";
  ASSERT_EQ(call("PUT", "/admin/v1/policy", kAdminToken, with_shadow).status, 200);
  EXPECT_TRUE(may_connect("eng"));
  EXPECT_EQ(decision().shadows.at(0).policies, std::vector<std::string>{"closed"});
  EXPECT_EQ(call("POST", "/admin/v1/policy/promote", kAdminToken, R"({"policy":"open"})").status, 404);
  EXPECT_EQ(call("POST", "/admin/v1/policy/promote", kAdminToken, R"({"policy":"closed"})").status, 200);
  EXPECT_FALSE(may_connect("eng"));
  EXPECT_EQ(disagreements(), 0u);
  const json::Value active = body_of(call("GET", "/admin/v1/policy"));
  EXPECT_EQ(*active.find("files")->find_string("policies/a.cedar"), "// closed\n@id(\"closed\")\nforbid(principal, action, resource);\n");
}

TEST_F(Shadowing, ALogCountsOnTheWayAndAfterAStart) {
  const auto commit_one = [&](audit::DecisionsLog& to, const char* would) {
    audit::Commit commit;
    commit.record.event = audit::Event::call;
    commit.record.effect = audit::Effect::allow;
    commit.record.reason = "allowed";
    commit.record.user = "usr_alice";
    commit.record.time = clock.now();
    if (would) commit.record.more = {{"candidate_effect", would}, {"candidate_policy", "x"}, {"candidate_version", "v2"}};
    return run<Result<audit::Committed, Unavailable>>(to.commit(std::move(commit))).has_value();
  };
  ShadowLog counting(log);
  EXPECT_TRUE(commit_one(counting, "deny"));
  EXPECT_TRUE(commit_one(counting, nullptr));
  EXPECT_EQ(counting.counts().summary(clock.now(), {}, "v2").would_block.calls, 1u);
  for (int i = 0; i < 2500; ++i) commit_one(log, i % 2 == 0 ? "deny" : nullptr);   // more than a page
  log.fail_from_now_on(true);
  EXPECT_FALSE(commit_one(counting, "deny"));   // what is not recorded is not counted
  ShadowLog after(log);
  EXPECT_FALSE((run<Result<void, Unavailable>>(after.count_again(log, clock.now()))));
  log.fail_from_now_on(false);
  EXPECT_TRUE((run<Result<void, Unavailable>>(after.count_again(log, clock.now()))));
  const auto summary = after.counts().summary(clock.now(), {}, "v2");
  EXPECT_EQ(summary.would_block.calls, 1251u);
  EXPECT_EQ(summary.would_block.people, 1u);
}

// ---- held calls

class HeldForAdministrators : public AdminWorld {
 protected:
  HeldForAdministrators() {
    fill();
    approvals::HeldCall held{"usr_bob", "bob", "cursor", "files", "delete", R"({"path":"/"})", "", ""};
    id = run<approvals::Requests::Holding>(approvals->hold(std::move(held), {{"look", "eng"}}, "", clock.now()))->request.id;
  }
  http::Response say(const std::string& who, const std::string& word, const std::string& reason = "") {
    return call("POST", "/admin/v1/approvals/" + id, who, json::write(json::Value{{"decision", word}, {"reason", reason}}));
  }
  std::string id;
};

TEST_F(HeldForAdministrators, AreShownWithTheirArguments) {
  const json::Value listed = body_of(call("GET", "/admin/v1/approvals?state=pending"));
  ASSERT_EQ(listed.find_array("items")->size(), 1u);
  EXPECT_EQ(*(*listed.find_array("items"))[0].find_string("arguments_text"), R"({"path":"/"})");
  EXPECT_TRUE(body_of(call("GET", "/admin/v1/approvals?state=approved")).find_array("items")->empty());
  EXPECT_EQ(call("GET", "/admin/v1/approvals/" + id, kAuditorToken).status, 403);   // arguments are not for auditors
  EXPECT_EQ(call("GET", "/admin/v1/approvals/apr_none").status, 404);
}

TEST_F(HeldForAdministrators, ATokenOnlyRejects) {
  EXPECT_EQ(say(kAdminToken, "approve", "please").status, 403);
  EXPECT_EQ(approvals->find(id)->state(clock.now()), approvals::State::pending);
  EXPECT_EQ(say(kAdminToken, "maybe").status, 422);
  EXPECT_EQ(say(kAdminToken, "reject", "no").status, 200);
  EXPECT_EQ(more_of(log.records().back(), "actor"), "token:ci");
  EXPECT_EQ(say(kAdminToken, "reject", "no").status, 409);
}

TEST_F(HeldForAdministrators, TheLocalSocketApprovesAsBreakGlass) {
  EXPECT_EQ(say("socket", "approve").status, 422);   // why?
  EXPECT_EQ(say("socket", "approve", "nobody of eng is awake").status, 200);
  const audit::Record record = log.records().back();
  EXPECT_EQ(record.reason, "approved");
  EXPECT_EQ(more_of(record, "break_glass"), "true");
  EXPECT_EQ(more_of(record, "comment"), "nobody of eng is awake");
}

}  // namespace
}  // namespace writ::admin
