#include <gtest/gtest.h>

#include <map>
#include <random>

#include "policy/preview/access.h"
#include "policy/preview/preview_fixture.h"

namespace writ::policy::preview {
namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ",") + text;
  return all;
}

// One line for each change: "github cursor never→always [connect] alice,bob".
std::vector<std::string> lines(const AccessDifference& difference) {
  std::vector<std::string> all;
  for (const AccessChange& change : difference.changes) {
    std::vector<std::string> things, users;
    for (const auto& thing : change.things) things.push_back(describe(thing));
    for (const auto user : change.users) users.push_back(difference.users[user].name);
    all.push_back(change.server + " " + joined(change.agents) + " " + std::string(to_string(change.before)) + "→" + std::string(to_string(change.after)) + " [" + joined(things) + "] " + joined(users));
  }
  return all;
}

WorldBuilder world() {
  WorldBuilder world;
  world.group("staff").group("eng", {"staff"}).group("ops", {"staff"});
  world.user("alice", {"eng"}, "platform").user("bob", {"eng"}, "web").user("carol", {"ops"}, "platform").user("dave", {});
  world.agent("cursor", "anysphere").agent("desk", "anthropic");
  world.server("github", {scope_of("repo", {"delete_*"}, true)}, "production").server("jira");
  world.tool("github", "delete_repo").tool("github", "get_issue", false).tool("github", "list_issues", false).tool("jira", "search", false);
  return world;
}

constexpr const char* kEngUses = R"(permit(principal in Writ::Group::"eng", action, resource in Writ::Server::"github") when { context.agent == Writ::Agent::"cursor" };)";
const std::string kRest = "resources,subscriptions,prompts,completions of prompts,completions of resources";
const std::string kAllOfGithub = "[connect,scope repo,tool delete_repo,tool get_issue,tool list_issues," + kRest + "]";

struct Case {
  const char* name;
  std::string before, after;
  std::vector<std::string> changes;
};
std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name; }

class PolicyDifference : public testing::TestWithParam<Case> {};
TEST_P(PolicyDifference, SaysWhoGainsAndLosesWhat) {
  const StateFixture before(world(), GetParam().before), after(world(), GetParam().after);
  EXPECT_EQ(lines(compare_access(before.state(), after.state())), GetParam().changes);
}

const std::string kEng = kEngUses;
std::string forbid(const std::string& action, const std::string& when) { return kEng + "forbid(principal, action == Writ::Action::\"" + action + "\", resource) when { " + when + " };"; }
const std::string kDelete = "github/delete_repo";

INSTANTIATE_TEST_SUITE_P(
    CompareAccess, PolicyDifference,
    testing::Values(
        Case{"nothing_changes", kEng, kEng, {}},
        Case{"gains_of_a_group", "", kEng, {"github cursor never→always " + kAllOfGithub + " alice,bob"}},
        Case{"losses_of_a_group", kEng, "", {"github cursor always→never " + kAllOfGithub + " alice,bob"}},
        Case{"losses_come_before_gains", "permit(principal in Writ::Group::\"ops\", action, resource in Writ::Server::\"jira\") when { context.agent == Writ::Agent::\"desk\" };", kEng,
             {"jira desk always→never [connect,tool search," + kRest + "] carol", "github cursor never→always " + kAllOfGithub + " alice,bob"}},
        Case{"an_inherited_group", kEng, kEng + "permit(principal in Writ::Group::\"staff\", action == Writ::Action::\"connect\", resource in Writ::Server::\"jira\");",
             {"jira cursor,desk never→always [connect] alice,bob,carol"}},
        Case{"one_tool_is_lost", kEng, forbid(kDelete, "true"), {"github cursor always→never [tool delete_repo] alice,bob"}},
        Case{"one_person_by_name", kEng, kEng + "forbid(principal == Writ::User::\"usr_bob\", action, resource);", {"github cursor always→never " + kAllOfGithub + " bob"}},
        Case{"one_person_by_attribute", kEng, forbid(kDelete, "principal has department && principal.department == \"web\""), {"github cursor always→never [tool delete_repo] bob"}},
        Case{"a_person_that_a_policy_looks_into", kEng, forbid(kDelete, "principal == Writ::User::\"usr_bob\" && Writ::User::\"usr_bob\".department == \"web\""), {"github cursor always→never [tool delete_repo] bob"}},
        Case{"destructive_tools", kEng, kEng + "forbid(principal, action in Writ::Action::\"call\", resource) when { resource.destructive };", {"github cursor always→never [tool delete_repo] alice,bob"}},
        Case{"production_servers", kEng, kEng + "forbid(principal, action in Writ::Action::\"use\", resource) when { resource in Writ::Server::\"github\" };",
             {"github cursor always→never [tool delete_repo,tool get_issue,tool list_issues," + kRest + "] alice,bob"}},
        Case{"high_impact_scopes_close_their_tools", kEng, forbid("grant_scope", "resource.highImpact"), {"github cursor always→never [scope repo,tool delete_repo] alice,bob"}},
        Case{"another_agent", kEng, "permit(principal in Writ::Group::\"eng\", action, resource in Writ::Server::\"github\");", {"github desk never→always " + kAllOfGithub + " alice,bob"}},
        Case{"a_vendor_of_agents", "permit(principal, action == Writ::Action::\"connect\", resource in Writ::Server::\"jira\");",
             "permit(principal, action == Writ::Action::\"connect\", resource in Writ::Server::\"jira\") when { context.agent has vendor && context.agent.vendor == \"anthropic\" };",
             {"jira cursor always→never [connect] alice,bob,carol,dave"}},
        Case{"now_it_depends_on_arguments", kEng, forbid(kDelete, "context.args has force && context.args.force"), {"github cursor always→depends [tool delete_repo] alice,bob"}},
        Case{"now_it_depends_on_the_sign_in", kEng, forbid("connect", "context.auth.acr != \"strong\""), {"github cursor always→depends " + kAllOfGithub + " alice,bob"}},
        Case{"now_it_depends_on_an_approval", kEng, kEng + "@require_approval(\"ops\") forbid(principal, action == Writ::Action::\"github/delete_repo\", resource);",
             {"github cursor always→depends [tool delete_repo] alice,bob"}},
        Case{"another_group_approves", kEng + "@require_approval(\"eng\") forbid(principal, action == Writ::Action::\"github/delete_repo\", resource);",
             kEng + "@require_approval(\"ops\") forbid(principal, action == Writ::Action::\"github/delete_repo\", resource);", {"github cursor depends→depends [tool delete_repo] alice,bob"}},
        Case{"other_conditions", forbid(kDelete, "context.args.repo == \"prod\""), forbid(kDelete, "context.args.repo == \"main\""), {"github cursor depends→depends [tool delete_repo] alice,bob"}},
        Case{"the_same_condition_in_other_words", forbid(kDelete, "context.args.repo == \"prod\" || context.args.count > 3"), forbid(kDelete, "3 < context.args.count || \"prod\" == context.args.repo"), {}},
        Case{"the_same_policies_in_another_order", forbid(kDelete, "context.args.repo == \"prod\"") + kEng, kEng + forbid(kDelete, "context.args.repo == \"prod\""), {}},
        Case{"a_second_permit_changes_nothing", kEng, kEng + "permit(principal in Writ::Group::\"eng\", action == Writ::Action::\"github/get_issue\", resource) when { context.auth.acr == \"strong\" };", {}},
        // Cedar would skip it, but a forbid that fails denies (rules §4.1).
        Case{"a_forbid_that_always_fails", kEng, forbid(kDelete, "context.nothing == 1"), {"github cursor always→never [tool delete_repo] alice,bob"}},
        Case{"a_permit_that_always_fails", "", "permit(principal, action, resource) when { context.agent.nothing == 1 };", {}},
        Case{"a_shadow_policy_changes_nothing", kEng, kEng + "@shadow forbid(principal, action, resource);", {}},
        Case{"a_named_resource", kEng, kEng + "forbid(principal, action == Writ::Action::\"read_resource\", resource == Writ::Resource::\"github/file:///etc\");",
             {"github cursor always→never [resource file:///etc] alice,bob"}},
        Case{"resources_by_pattern", kEng, kEng + "forbid(principal, action == Writ::Action::\"read_resource\", resource) when { resource.uri like \"file:*\" };",
             {"github cursor always→depends [resources] alice,bob"}},
        // Reading the argument anywhere in scope makes calls depend on arguments that can be expressed (rules §4.3).
        Case{"a_permit_that_reads_arguments", kEng, kEng + "permit(principal, action == Writ::Action::\"github/delete_repo\", resource) when { context.args.repo == \"x\" };",
             {"github cursor always→depends [tool delete_repo] alice,bob"}}),
    [](const auto& test) { return test.param.name; });

struct ObjectCase {
  const char* name;
  void (*change)(WorldBuilder&);
  std::vector<std::string> changes;
};
std::ostream& operator<<(std::ostream& out, const ObjectCase& one) { return out << one.name; }

class ObjectDifference : public testing::TestWithParam<ObjectCase> {};
TEST_P(ObjectDifference, SaysWhoGainsAndLosesWhat) {
  WorldBuilder changed = world();
  GetParam().change(changed);
  const StateFixture before(world(), kEng), after(changed, kEng);
  EXPECT_EQ(lines(compare_access(before.state(), after.state())), GetParam().changes);
}

INSTANTIATE_TEST_SUITE_P(
    CompareAccess, ObjectDifference,
    testing::Values(
        ObjectCase{"somebody_joins_a_group", [](WorldBuilder& world) { world.user_named("dave").groups = {"eng"}; }, {"github cursor never→always " + kAllOfGithub + " dave"}},
        ObjectCase{"somebody_leaves_a_group", [](WorldBuilder& world) { world.user_named("bob").groups = {"ops"}; }, {"github cursor always→never " + kAllOfGithub + " bob"}},
        ObjectCase{"somebody_is_disabled", [](WorldBuilder& world) { world.user_named("bob").active = false; }, {"github cursor always→never " + kAllOfGithub + " bob"}},
        ObjectCase{"somebody_new", [](WorldBuilder& world) { world.user("erin", {"eng"}); }, {"github cursor never→always " + kAllOfGithub + " erin"}},
        ObjectCase{"a_department_that_no_policy_reads", [](WorldBuilder& world) { world.user_named("bob").department = "sales"; }, {}},
        ObjectCase{"an_agent_is_disabled", [](WorldBuilder& world) { world.objects.agents[0].active = false; }, {"github cursor always→never " + kAllOfGithub + " alice,bob"}},
        ObjectCase{"a_server_is_disabled", [](WorldBuilder& world) { world.objects.servers[0].active = false; }, {"github cursor always→never " + kAllOfGithub + " alice,bob"}},
        ObjectCase{"a_new_tool", [](WorldBuilder& world) { world.tool("github", "merge"); }, {"github cursor never→always [tool merge] alice,bob"}},
        ObjectCase{"a_group_within_a_group", [](WorldBuilder& world) { world.objects.groups[2].parents = {"eng"}; }, {"github cursor never→always " + kAllOfGithub + " carol"}}),
    [](const auto& test) { return test.param.name; });

TEST(CompareAccess, DisabledPeopleAreNeverCounted) {
  WorldBuilder both = world();
  both.user_named("bob").active = false;
  const StateFixture before(both, kEng), after(both, "");
  const auto difference = compare_access(before.state(), after.state());
  EXPECT_EQ(lines(difference), std::vector<std::string>{"github cursor always→never " + kAllOfGithub + " alice"});
  EXPECT_EQ(difference.losing, 1u);
  EXPECT_EQ(difference.cells, 10u);
}

TEST(CompareAccess, ToolsThatNobodyReviewedAreThoseThatPoliciesAndScopesName) {
  WorldBuilder unknown = world();
  unknown.tools = {};
  const StateFixture before(unknown, ""), after(unknown, "", {{"grants.yaml:1", "eng", {true, {}}, "github", {true, {}}, {false, {"get_*", "delete_repo"}}}});
  const auto difference = compare_access(before.state(), after.state());
  EXPECT_EQ(lines(difference), std::vector<std::string>{"github cursor,desk never→always [connect,scope repo,tool delete_repo,tool get_*] alice,bob"});
}

// ---- the groups say what the cells say

using Key = std::tuple<std::string, std::string, std::string, Thing>;
using Cells = std::map<Key, std::pair<Access, Access>>;

class RandomWorld {
 public:
  explicit RandomWorld(std::uint64_t seed) : random_(seed) {}

  WorldBuilder objects(const WorldBuilder* like) {
    if (like && below(2) == 0) return *like;
    WorldBuilder world;
    world.group("a").group("b", {"a"}).group("c", below(2) == 0 ? std::vector<std::string>{"b"} : std::vector<std::string>{});
    for (const char* name : {"u1", "u2", "u3", "u4", "u5"}) {
      std::vector<std::string> groups;
      for (const char* group : {"a", "b", "c"}) if (below(3) == 0) groups.push_back(group);
      world.user(name, groups, pick({"", "x", "y"}));
      if (below(3) == 0) world.objects.users.back().tags["t"] = {pick({"1", "2"})};
      if (below(6) == 0) world.objects.users.back().active = false;
    }
    for (const char* name : {"p", "q", "r"}) {
      world.agent(name, pick({"", "v"}));
      if (below(3) == 0) world.objects.agents.back().groups = {"ag"};
      if (below(8) == 0) world.objects.agents.back().active = false;
    }
    for (const char* name : {"s", "z"}) {
      std::vector<registry::Scope> scopes{scope_of("read", {pick({"get", "*"})}), scope_of("write", {"del"}, below(2) == 0)};
      if (below(2) == 0) scopes[1].implies = {"read"};
      world.server(name, scopes, pick({"", "prod"}));
      for (const char* tool : {"get", "del", "put"}) if (below(4) != 0) world.tool(name, tool, below(2) == 0);
    }
    return world;
  }
  std::string policies() {
    std::string text;
    for (int count = 1 + below(6); count > 0; --count) {
      const bool forbids = below(3) == 0;
      if (forbids && below(4) == 0) text += "@require_approval(\"a\") ";
      text += std::string(forbids ? "forbid" : "permit") + "(" + pick({"principal", "principal in Writ::Group::\"a\"", "principal in Writ::Group::\"c\"", "principal == Writ::User::\"usr_u2\""}) + ", " +
              pick({"action", "action", "action == Writ::Action::\"connect\"", "action == Writ::Action::\"grant_scope\"", "action in Writ::Action::\"use\"", "action == Writ::Action::\"s/del\""}) + ", " +
              pick({"resource", "resource in Writ::Server::\"s\"", "resource in Writ::Scope::\"s/read\"", "resource == Writ::Tool::\"z/get\""}) + ")";
      for (int clauses = below(3); clauses > 0; --clauses) text += std::string(below(4) == 0 ? " unless" : " when") + " { " + condition(2) + " }";
      text += ";\n";
    }
    return text;
  }

 private:
  std::string condition(int depth) {
    if (depth > 0 && below(3) == 0) return "(" + condition(depth - 1) + pick({" && ", " || "}) + condition(depth - 1) + ")";
    return pick({"principal.department == \"x\"", "principal has department", "principal.hasTag(\"t\")", "principal.getTag(\"t\").contains(\"1\")", "principal in Writ::Group::\"b\"",
                 "principal == Writ::User::\"usr_u3\"", "Writ::User::\"usr_u4\".department == \"y\"", "context.agent == Writ::Agent::\"p\"", "context.agent in Writ::AgentGroup::\"ag\"",
                 "context.agent.vendor == \"v\"", "context.args.x == 1", "context.args has y", "context.args.owner == principal.department", "context.auth.acr == \"s\"",
                 "context.issuer == principal.issuer", "resource.destructive", "resource.highImpact", "resource in Writ::Server::\"z\"", "context has ip", "true"});
  }
  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint64_t>(bound)); }
  std::string pick(const std::vector<std::string>& from) { return from[static_cast<std::size_t>(below(static_cast<int>(from.size())))]; }

  std::mt19937_64 random_;
};

Cells one_by_one(const AccessState& before, const AccessState& after) {
  Cells cells;
  for (const char* server : {"s", "z"}) {
    std::vector<Thing> things{{Thing::Kind::connect, ""}, {Thing::Kind::scope, "read"}, {Thing::Kind::scope, "write"}};
    for (const auto& tool : tools_compared(before, after, server)) things.push_back({Thing::Kind::tool, tool});
    for (const auto kind : {Thing::Kind::read_resource, Thing::Kind::subscribe, Thing::Kind::get_prompt, Thing::Kind::complete_prompt, Thing::Kind::complete_resource}) things.push_back({kind, ""});
    for (const char* user : {"u1", "u2", "u3", "u4", "u5"}) for (const char* agent : {"p", "q", "r"}) for (const Thing& thing : things) {
      const auto cell = [&](const AccessState& state) {
        const bool is_unknown_tool = thing.kind == Thing::Kind::tool && !thing.name.empty() && !state.tools.of_server(server).empty() && !state.tools.find(server, thing.name);
        return is_unknown_tool ? Cell{Access::never, "never"} : access_of(state, std::string("usr_") + user, agent, server, thing);
      };
      const Cell was = cell(before), is = cell(after);
      if (!(was == is)) cells.emplace(Key{user, agent, server, thing}, std::pair(was.access, is.access));
    }
  }
  return cells;
}

TEST(CompareAccess, AgreesWithEveryCellOfRandomWorlds) {
  std::size_t differing = 0, depending = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    RandomWorld random(seed);
    const WorldBuilder first = random.objects(nullptr), second = random.objects(&first);
    const std::string one = random.policies(), other = seed % 5 == 0 ? one : one + random.policies();
    const StateFixture before(first, one), after(second, other);
    const auto difference = compare_access(before.state(), after.state());
    Cells found;
    for (const AccessChange& change : difference.changes)
      for (const auto user : change.users) for (const auto& agent : change.agents) for (const auto& thing : change.things) {
        const bool is_new = found.emplace(Key{difference.users[user].name, agent, change.server, thing}, std::pair(change.before, change.after)).second;
        ASSERT_TRUE(is_new) << "told twice, seed " << seed;
      }
    const Cells expected = one_by_one(before.state(), after.state());
    ASSERT_EQ(found.size(), difference.cells);
    for (const auto& [key, change] : expected) {
      const auto at = found.find(key);
      ASSERT_TRUE(at != found.end() && at->second == change)
          << "seed " << seed << ": " << std::get<0>(key) << " " << std::get<1>(key) << " " << std::get<2>(key) << " " << describe(std::get<3>(key)) << " "
          << to_string(change.first) << "→" << to_string(change.second) << (at == found.end() ? " was not found" : " was found otherwise") << "\n" << one << "----\n" << other;
      depending += change.first == Access::depends || change.second == Access::depends;
    }
    for (const auto& [key, change] : found)
      ASSERT_TRUE(expected.contains(key)) << "seed " << seed << ": " << std::get<0>(key) << " " << std::get<1>(key) << " " << std::get<2>(key) << " " << describe(std::get<3>(key)) << " is the same\n" << one << "----\n" << other;
    differing += expected.size();
  }
  EXPECT_GT(differing, 5'000u);
  EXPECT_GT(depending, 500u);
}

}  // namespace
}  // namespace writ::policy::preview
