#include "policy/explanation_fixture.h"

namespace writ::policy {
namespace {

using testing::HasSubstr;

// What is suggested, in words.
std::string suggested(const AccessChain& chain) {
  EXPECT_FALSE(chain.allowed);
  EXPECT_NE(chain.change.has_value(), !chain.no_change.empty()) << "one of the two is said";
  if (!chain.change) return "none: " + chain.no_change;
  return chain.change->kind == SmallestChange::Kind::group_membership ? "join " + chain.change->group : chain.change->row + " " + chain.change->member + " + " + chain.change->value;
}

class SmallestChanges : public Explaining {};

TEST_F(SmallestChanges, AreOneThingThatOpensTheWholeWay) {
  constexpr const char* kScopesForAll = R"(grants:
  - {group: eng, agents: [cursor], servers: [github], scopes: all, tools: [get_*]}
  - {group: ops, agents: all, servers: [github], scopes: all, tools: all}
)";
  struct Row {
    const char* name;
    const char* grants;
    Inquiry asked;
    const char* change;
  };
  const Row rows[] = {
      {"an outsider joins the group with the fewest rights", kGrants, inquiry("dave", Action::call, "get_issue"), "join eng"},
      {"a tool more in the row of one's own group", kScopesForAll, inquiry("alice", Action::call, "delete_repo"), "grants.yaml:2 tools + delete_repo"},
      {"an agent more", R"(grants: [{group: eng, agents: [cursor], servers: [github], scopes: all, tools: all}])", inquiry("alice", Action::connect, "", "desk"), "grants.yaml:1 agents + desk"},
      {"a scope more", R"(grants: [{group: eng, agents: [cursor], servers: [github], scopes: [read], tools: all}])", inquiry("alice", Action::grant_scope, "write"), "grants.yaml:1 scopes + write"},
      {"the less of two scopes", R"(grants: [{group: eng, agents: [cursor], servers: [github], scopes: [read], tools: all}])", inquiry("alice", Action::call, "delete_repo"), "grants.yaml:1 scopes + write"},
      {"a server more", R"(grants: [{group: eng, agents: [cursor], servers: [jira], scopes: all, tools: all}])", inquiry("alice", Action::call, "delete_repo"), "grants.yaml:1 servers + github"},
      {"two things missing in the row: only membership of another group is one change", kGrants, inquiry("alice", Action::call, "delete_repo"), "join ops"},
      {"nobody has it", "grants: []", inquiry("alice"), "none: no single change would allow it: neither one group membership nor one agent, scope, tool or server more in one row of grants.yaml is enough"},
  };
  for (const Row& row : rows) {
    set_policy(row.grants);
    EXPECT_EQ(suggested(access(row.asked)), row.change) << row.name;
  }
}

TEST_F(SmallestChanges, AreEnough) {
  // Carried out, each opens what was asked: the group is joined, the row is written, and the question is put again.
  const AccessChain before = access(inquiry("dave", Action::call, "get_issue"));
  ASSERT_TRUE(before.change);
  set_objects([&](registry::Objects& o) { o.users[3].groups.push_back(before.change->group); });
  EXPECT_TRUE(access(inquiry("dave", Action::call, "get_issue")).allowed);

  set_objects([](registry::Objects&) {});
  set_policy(R"(grants: [{group: eng, agents: [cursor], servers: [github], scopes: all, tools: [get_*]}])");
  ASSERT_EQ(suggested(access(inquiry("alice", Action::call, "delete_repo"))), "grants.yaml:1 tools + delete_repo");
  set_policy(R"(grants: [{group: eng, agents: [cursor], servers: [github], scopes: all, tools: [get_*, delete_repo]}])");
  EXPECT_TRUE(access(inquiry("alice", Action::call, "delete_repo")).allowed);
}

TEST_F(SmallestChanges, SayWhatElseTheyDo) {
  const AccessChain chain = access(inquiry("dave", Action::call, "get_issue"));
  EXPECT_EQ(chain.change->sentence, "make dave a member of group `eng`");
  EXPECT_EQ(chain.change->consequence, "dave gets everything that is given to that group, by 1 grant or policy");
  set_policy(R"(grants:
  - {group: ops, agents: [cursor], servers: [github], scopes: all, tools: [get_*]}
  - {group: ops, agents: [cursor], servers: [jira], scopes: all, tools: all}
)");
  EXPECT_EQ(access(inquiry("bob", Action::call, "delete_repo")).change->consequence, "all 2 people of that group get it");
  EXPECT_THAT(access(inquiry("dave")).change->consequence, HasSubstr("by 2 grants and policies"));
}

TEST_F(SmallestChanges, ComeFromPoliciesToo) {
  set_policy("grants: []", R"(permit(principal in Writ::Group::"sales", action, resource in Writ::Server::"github");)");
  EXPECT_EQ(suggested(access(inquiry("alice", Action::call, "get_issue"))), "join sales");
  set_policy("grants: []", R"(permit(principal, action, resource in Writ::Server::"github") when { principal in [Writ::Group::"sales", Writ::Group::"nowhere"] };)");
  EXPECT_EQ(suggested(access(inquiry("alice", Action::call, "get_issue"))), "join sales") << "a group that does not exist is none to join";
}

// Nothing that a forbid protects is weakened.
TEST_F(SmallestChanges, NeverLiftAForbid) {
  struct Row {
    const char* name;
    std::string cedar, change;
    Inquiry asked = inquiry("dave", Action::call, "get_issue");
  };
  const std::string none = "none: no single change would allow it: neither one group membership nor one agent, scope, tool or server more in one row of grants.yaml is enough";
  const Row rows[] = {
      {"a forbid that decides", R"(@id("stop") forbid(principal, action in Writ::Action::"call", resource) unless { principal in Writ::Group::"admins" };)",
       "none: `stop` forbids to call `get_issue` at `github`, and what a forbid protects is not opened by a suggestion"},
      {"a forbid elsewhere that the same group would lift", R"(forbid(principal, action, resource in Writ::Server::"jira") unless { principal in Writ::Group::"eng" };)", "join ops"},
      {"a forbid that a containing group would lift", R"(forbid(principal, action, resource in Writ::Server::"jira") when { !(principal in Writ::Group::"staff") };)", none},
      {"in a list", R"(forbid(principal, action, resource in Writ::Server::"jira") unless { principal in [Writ::Group::"eng", Writ::Group::"ops"] };)", none},
      {"in a choice that is hard to read", R"(forbid(principal, action, resource in Writ::Server::"jira") when { if principal in Writ::Group::"staff" then false else true };)", none},
      {"a forbid that the group would only add to", R"(forbid(principal, action, resource in Writ::Server::"jira") when { principal in Writ::Group::"eng" };)", "join eng"},
      {"a forbid in whose scope the group stands", R"(forbid(principal in Writ::Group::"eng", action, resource in Writ::Server::"jira");)", "join eng"},
      {"a forbid that the new group would run into", R"(forbid(principal in Writ::Group::"eng", action in Writ::Action::"call", resource);)", "join ops"},
      {"a forbid that cannot be evaluated", R"(@id("broken") forbid(principal, action, resource) when { principal.title == "x" };)",
       "none: `broken` cannot be evaluated when asked to connect to `github`: the policy has to be repaired"},
      {"a forbid on the tool's group", R"(@id("guard") forbid(principal, action in Writ::Action::"call", resource in Writ::Server::"jira") unless { resource in Writ::ToolGroup::"github/delete_repo" };)",
       "join ops", inquiry("alice", Action::call, "delete_repo")},
      {"a forbid that an approval lifts", R"(@id("hold") @require_approval("ops") forbid(principal, action in Writ::Action::"call", resource);)",
       "none: nobody's access has to change: `hold` asks for an approval, which a member of its group can give", inquiry("bob", Action::call, "delete_repo")},
  };
  for (const Row& row : rows) {
    set_policy(row.name == std::string("a forbid on the tool's group") ? R"(grants:
  - {group: eng, agents: [cursor], servers: [github], scopes: all, tools: [get_*]}
  - {group: ops, agents: all, servers: [github], scopes: all, tools: all}
)" : kGrants, row.cedar);
    EXPECT_EQ(suggested(access(row.asked)), row.change) << row.name;
  }
}

TEST_F(SmallestChanges, AreNotSuggestedWherePolicyIsNotTheReason) {
  set_objects([](registry::Objects& o) { o.agents[0].idp.reset(); });
  EXPECT_THAT(suggested(access(inquiry("dave"))), HasSubstr("no change of policy helps"));
}

TEST_F(SmallestChanges, AreNoPatterns) {
  set_policy(R"(grants: [{group: eng, agents: [cursor], servers: [github], scopes: all, tools: [get_*]}])");
  EXPECT_THAT(suggested(access(inquiry("alice", Action::call, "*"))), HasSubstr("no single change")) << "`*` in a row is every tool, not the tool that was asked for";
}

}  // namespace
}  // namespace writ::policy
