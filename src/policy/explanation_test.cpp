#include "policy/explanation_fixture.h"

namespace writ::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string ids(const std::vector<ExplainedPolicy>& policies) {
  std::string all;
  for (const auto& policy : policies) all += (all.empty() ? "" : " ") + policy.id;
  return all;
}

// "context.args.repo == "prod" failed (context.args.repo is "dev")"
std::vector<std::string> told(const ExplainedPolicy& policy) {
  std::vector<std::string> parts;
  for (const PolicyPart& part : policy.parts) {
    std::string text = part.text + " " + std::string(to_string(part.outcome));
    for (const LookedAt& one : part.looked_at) text += " | " + one.what + " is " + one.value;
    if (!part.error.empty()) text += " | " + part.error;
    parts.push_back(std::move(text));
  }
  return parts;
}

TEST_F(Explaining, NamesTheRowThatAllows) {
  const Explanation explanation = explained(inquiry("alice", Action::call, "get_issue"), {"alice", std::nullopt});
  EXPECT_TRUE(explanation.decision.allowed);
  EXPECT_EQ(explanation.sentence, "alice may call `get_issue` at `github` through `cursor`: allowed by grants.yaml:2:5");
  ASSERT_EQ(ids(explanation.deciding), "grants.yaml:2");
  EXPECT_EQ(explanation.deciding[0].text, "{group: eng, agents: [cursor], servers: [github], scopes: [read], tools: [get_*]}");
  EXPECT_EQ(explanation.deciding[0].line, 2u);
}

TEST_F(Explaining, SpeaksOfRowsAndPeople) {
  struct Row {
    const char* name;
    Inquiry asked;
    const char* sentence;
  };
  const Row rows[] = {
      {"another group", inquiry("erin"), "grants.yaml:2 is for group `eng`; erin is not in it, but in `sales`"},
      {"no group", inquiry("dave"), "grants.yaml:2 is for group `eng`; dave is not in it, but in nothing"},
      {"another agent", inquiry("alice", Action::connect, "", "desk"), "grants.yaml:2 is for group `eng`; it is for the agents `cursor`, not for `desk`"},
      {"another scope", inquiry("alice", Action::grant_scope, "write"), "grants.yaml:2 is for group `eng`; it gives the scopes `read`, not `write`"},
      {"another tool", inquiry("alice", Action::call, "delete_repo"), "grants.yaml:2 is for group `eng`; it gives the tools `get_*`, not `delete_repo`"},
      {"another server", inquiry("alice", Action::connect, "", "cursor", "jira"), "grants.yaml:2 is for group `eng`; it is for the server `github`, not for `jira`"},
      {"a resource", inquiry("alice", Action::read_resource, "file:///x"), "grants.yaml:2 is for group `eng`; only a row with `tools: all` includes resources and prompts"},
      {"two things", inquiry("erin", Action::call, "delete_repo"), "grants.yaml:2 is for group `eng`; erin is not in it, but in `sales`, and it gives the tools `get_*`, not `delete_repo`"},
  };
  for (const Row& row : rows) {
    const Explanation explanation = explained(row.asked, {row.asked.user, std::nullopt});
    EXPECT_EQ(explanation.decision.kind, Kind::no_permit) << row.name;
    std::vector<std::string> sentences;
    for (const auto& policy : explanation.near) sentences.push_back(policy.sentence);
    EXPECT_THAT(sentences, testing::Contains(row.sentence)) << row.name;
    EXPECT_THAT(explanation.sentence, HasSubstr("nothing allows it")) << row.name;
  }
}

TEST_F(Explaining, PutsTheNearestFirst) {
  const Explanation explanation = explained(inquiry("alice", Action::call, "delete_repo"));
  EXPECT_EQ(ids(explanation.near), "grants.yaml:2 grants.yaml:7") << "alice is in eng, not in ops";
}

TEST_F(Explaining, TakesConditionsApartWithTheirValues) {
  set_policy("grants: []", R"(@id("prod-only") permit(principal in Writ::Group::"eng", action == Writ::Action::"github/delete_repo", resource)
when { context.args.repo == "prod" && context.args has force && context.agent == Writ::Agent::"cursor" }
unless { principal in Writ::Group::"sales" || context has ip };)");
  Inquiry asked = inquiry("alice", Action::call, "delete_repo");
  asked.arguments = json::Value{{"repo", "dev"}};
  const Explanation explanation = explained(asked);
  EXPECT_EQ(explanation.decision.kind, Kind::no_permit);
  ASSERT_EQ(ids(explanation.near), "prod-only");
  EXPECT_THAT(told(explanation.near[0]),
              ElementsAre(R"(principal in Writ::Group::"eng" satisfied | principal is Writ::User::"usr_alice", in Writ::Group::"eng", Writ::Group::"staff")",
                          R"(action == Writ::Action::"github/delete_repo" satisfied | action is Writ::Action::"github/delete_repo")",
                          R"(context.args.repo == "prod" failed | context.args.repo is "dev")",
                          R"(context.args has force failed | context.args.force is absent)",
                          R"(context.agent == Writ::Agent::"cursor" satisfied | context.agent is Writ::Agent::"cursor")",
                          R"(unless principal in Writ::Group::"sales" satisfied | principal is Writ::User::"usr_alice", in Writ::Group::"eng", Writ::Group::"staff")",
                          R"(unless context has ip satisfied | context.ip is absent)"));
  EXPECT_EQ(explanation.near[0].parts[2].line, 2u);
  EXPECT_EQ(explanation.near[0].parts[2].column, 8u);
  EXPECT_THAT(explanation.near[0].sentence, HasSubstr(R"(policies/test.cedar:1:1 `prod-only` would permit this, but `context.args.repo == "prod"` does not hold: context.args.repo is "dev")"));
}

TEST_F(Explaining, DoesNotBlameWhatWasNotReached) {
  set_policy("grants: []", R"(permit(principal, action, resource in Writ::Server::"github") when { context has ip && context.ip.isLoopback() };)");
  const Explanation explanation = explained(inquiry("alice"));
  ASSERT_EQ(explanation.near.size(), 1u);
  EXPECT_EQ(explanation.near[0].parts[1].outcome, PartOutcome::failed);
  EXPECT_EQ(explanation.near[0].parts[2].outcome, PartOutcome::not_reached);
  EXPECT_EQ(explanation.near[0].sentence.find("isLoopback"), std::string::npos) << explanation.near[0].sentence;
}

TEST_F(Explaining, ShowsTheForbidAndItsMessage) {
  set_policy(kGrants, R"(@id("no-prod") @message("production is for the platform team") forbid(principal, action in Writ::Action::"call", resource)
when { context.args has repo && context.args.repo == "prod" };)");
  Inquiry asked = inquiry("bob", Action::call, "delete_repo");
  asked.arguments = json::Value{{"repo", "prod"}};
  const Explanation explanation = explained(asked, {"bob", std::nullopt});
  EXPECT_EQ(explanation.sentence, "bob may not call `delete_repo` at `github` through `cursor`: forbidden by policies/test.cedar:1:1 `no-prod` (production is for the platform team)");
  ASSERT_EQ(ids(explanation.deciding), "no-prod");
  EXPECT_THAT(explanation.deciding[0].text, HasSubstr("forbid(principal"));
  EXPECT_EQ(ids(explanation.near), "grants.yaml:7") << "what would have allowed it";
  EXPECT_EQ(explanation.near[0].sentence, "grants.yaml:7 allows group `ops` to call `delete_repo` at `github`");
  asked.arguments = json::Value{{"repo", "dev"}};
  const Explanation allowed = explained(asked);
  EXPECT_EQ(ids(allowed.deciding), "grants.yaml:7");
  EXPECT_EQ(ids(allowed.near), "no-prod") << "of a yes, the forbid that came near";
}

TEST_F(Explaining, SaysWhatFailed) {
  set_policy(kGrants, R"(@id("broken") forbid(principal, action, resource) when { principal.department == "x" };)");
  const Explanation explanation = explained(inquiry("bob"));
  EXPECT_EQ(explanation.decision.kind, Kind::policy_error);
  EXPECT_THAT(explanation.sentence, HasSubstr("`broken` could not be evaluated"));
  EXPECT_THAT(explanation.sentence, HasSubstr("department"));
  EXPECT_THAT(explanation.sentence, HasSubstr("a forbid that fails is taken for a no"));
}

TEST_F(Explaining, KnowsWhatWasNotRecorded) {
  set_policy("grants: []", R"(permit(principal, action == Writ::Action::"github/delete_repo", resource) when { context.args.repo == "prod" && context.args.force };)");
  Inquiry asked = inquiry("alice", Action::call, "delete_repo");
  asked.arguments = json::Value{{"repo", "prod"}};
  const Explanation explanation = explained(asked, {"alice", std::set<std::string>{"repo"}});
  ASSERT_EQ(explanation.near.size(), 1u);
  EXPECT_EQ(explanation.near[0].parts[1].outcome, PartOutcome::satisfied);
  EXPECT_EQ(explanation.near[0].parts[2].outcome, PartOutcome::unknown);
  EXPECT_THAT(explanation.near[0].sentence, HasSubstr("`context.args.force` reads an argument that was not recorded"));
}

// ---- the whole way

TEST_F(Explaining, GoesTheWholeWay) {
  const AccessChain chain = access(inquiry("alice", Action::call, "get_issue"));
  EXPECT_TRUE(chain.allowed);
  ASSERT_EQ(chain.legs.size(), 3u);
  EXPECT_EQ(chain.legs[0].inquiry.action, Action::connect);
  EXPECT_EQ(chain.legs[1].inquiry.scope, "read");
  EXPECT_EQ(chain.legs[2].inquiry.tool, "get_issue");
  EXPECT_FALSE(chain.change);
  EXPECT_EQ(chain.no_change, "");
  EXPECT_EQ(access(inquiry("alice")).legs.size(), 1u);
  EXPECT_EQ(access(inquiry("alice", Action::grant_scope, "read")).legs.size(), 2u);
}

TEST_F(Explaining, AsksForTheLeastScopeThatIsGranted) {
  set_policy(R"(grants: [{group: eng, agents: all, servers: [github], scopes: [admin], tools: all}])");
  const AccessChain chain = access(inquiry("alice", Action::call, "delete_repo"));
  EXPECT_TRUE(chain.allowed);
  EXPECT_EQ(chain.legs.at(1).inquiry.scope, "admin") << "`write` would be less, but is not granted";
  set_policy(R"(grants: [{group: eng, agents: all, servers: [github], scopes: [], tools: all}])");
  const AccessChain denied = access(inquiry("alice", Action::call, "delete_repo"));
  EXPECT_FALSE(denied.allowed);
  EXPECT_EQ(denied.legs.at(1).inquiry.scope, "write");
  EXPECT_THAT(denied.notes, ElementsAre(HasSubstr("any one of the scopes `write`, `admin` would do")));
}

TEST_F(Explaining, TellsRefusalsBeforePolicy) {
  struct Row {
    const char* reason;
    std::function<void(registry::Objects&)> change;
    Inquiry asked = inquiry("alice", Action::call, "get_issue");
  };
  const Row rows[] = {
      {"user_disabled", [](registry::Objects& o) { o.users[0].active = false; }},
      {"agent_disabled", [](registry::Objects& o) { o.agents[0].active = false; }},
      {"server_disabled", [](registry::Objects& o) { o.servers[0].active = false; }},
      {"agent_not_registered_at_idp", [](registry::Objects& o) { o.agents[0].idp.reset(); }},
      {"client_not_registered_at_audience", [](registry::Objects& o) { o.agents[0].resource_as.clear(); }},
      {"audience_disabled", [](registry::Objects& o) { o.resource_authorization_servers[0].active = false; }},
      {"client_not_allowed", [](registry::Objects& o) { o.trusted_issuers.emplace_back().issuer = "https://idp.example"; }},
      {"unknown_user", [](registry::Objects&) {}, inquiry("alicia", Action::call, "get_issue")},
  };
  for (const Row& row : rows) {
    set_objects(row.change);
    const AccessChain chain = access(row.asked);
    EXPECT_FALSE(chain.allowed) << row.reason;
    ASSERT_EQ(chain.legs.size(), 1u) << row.reason;
    ASSERT_TRUE(chain.legs[0].refused) << row.reason;
    EXPECT_EQ(chain.legs[0].refused->reason, row.reason);
    EXPECT_FALSE(chain.change) << row.reason;
    EXPECT_THAT(chain.no_change, HasSubstr("no change of policy helps")) << row.reason;
  }
  set_objects([](registry::Objects& o) {
    registry::TrustedIssuer& issuer = o.trusted_issuers.emplace_back();
    issuer.issuer = "https://idp.example", issuer.all_clients = true, issuer.scope_ceiling = {"write"};
  });
  const AccessChain chain = access(inquiry("alice", Action::call, "get_issue"));
  ASSERT_TRUE(chain.legs.at(1).refused);
  EXPECT_EQ(chain.legs[1].refused->reason, "above_ceiling");
}

TEST_F(Explaining, SaysWhenArgumentsWouldMatter) {
  set_policy(kGrants, R"(forbid(principal, action in Writ::Action::"call", resource) when { context.args has repo && context.args.repo == "prod" };)");
  EXPECT_THAT(access(inquiry("bob", Action::call, "delete_repo")).notes, ElementsAre(HasSubstr("policies for this tool read `repo`")));
  Inquiry asked = inquiry("bob", Action::call, "delete_repo");
  asked.arguments = json::Value{{"repo", "dev"}};
  EXPECT_THAT(access(asked).notes, IsEmpty());
}

}  // namespace
}  // namespace writ::policy
