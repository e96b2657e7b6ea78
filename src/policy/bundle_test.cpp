#include "policy/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "policy/grants_table_fixture.h"

namespace writ::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

Result<Bundle, registry::Problems> read(const std::string& grants) {
  return read_bundle({{"grants.yaml", grants}}, [](std::string_view text, std::string name) { return yaml::parse(text, std::move(name)); });
}

registry::Snapshot snapshot() {
  registry::Objects objects;
  objects.groups = {{"engineering", "", {}}};
  objects.agents.emplace_back().id = "cursor";
  registry::Server github;
  github.id = "github";
  github.scopes.push_back({.name = "repo:read"});
  objects.servers = {github};
  objects.servers.push_back({.id = "jira"});
  return registry::Snapshot(std::move(objects), 1);
}

constexpr const char* kGood = R"(grants:
  - group: engineering
    agents: [cursor]
    servers: [github]
    scopes: ["repo:read"]
    tools: [get_*]
  - group: engineering
    description: Everybody may look things up
    agents: all
    server: jira
    scopes: all
    tools: all
)";

TEST(Bundle, RowsAreNamedByTheirLine) {
  const auto bundle = read(kGood);
  ASSERT_TRUE(bundle) << registry::to_string(bundle.error());
  ASSERT_EQ(bundle->rows.size(), 2u);
  EXPECT_EQ(bundle->rows[0].grant.id, "grants.yaml:2");
  EXPECT_EQ(bundle->rows[1].grant.id, "grants.yaml:7");
  EXPECT_THAT(bundle->rows[0].grant.tools.names, ElementsAre("get_*"));
  EXPECT_TRUE(bundle->rows[1].grant.agents.all && bundle->rows[1].grant.scopes.all && bundle->rows[1].grant.tools.all);
  EXPECT_EQ(registry::to_string(check_bundle(*bundle, snapshot())), "");
}

TEST(Bundle, CompilesToAPolicyOfItsVersion) {
  const auto bundle = read(kGood);
  const auto policy = bundle->policy;
  EXPECT_EQ(policy->version(), content_hash({{"grants.yaml", kGood}}));
  Question question;
  question.action = Action::connect;
  question.principal.groups = {"engineering"};
  question.agent.id = "anything";
  question.server.id = "jira";
  EXPECT_TRUE(policy->decide(question).allowed);
  EXPECT_THAT(policy->decide(question).policies, ElementsAre("grants.yaml:7"));
  question.server.id = "github";
  EXPECT_FALSE(policy->decide(question).allowed) << "this row names one agent";
}

TEST(Bundle, SeveralServersOfARowShareItsName) {
  const auto bundle = read("grants: [{group: engineering, agents: all, servers: [github, jira], scopes: all, tools: all}, {group: engineering, agents: all, servers: [jira], scopes: all, tools: all}]\n");
  ASSERT_TRUE(bundle);
  ASSERT_EQ(bundle->rows.size(), 3u);
  EXPECT_EQ(bundle->rows[0].grant.id, "grants.yaml:1");
  EXPECT_EQ(bundle->rows[1].grant.id, "grants.yaml:1");
  EXPECT_EQ(bundle->rows[1].grant.server, "jira");
  EXPECT_EQ(bundle->rows[2].grant.id, "grants.yaml:1:95") << "rows in one line have names of their own";
}

TEST(Bundle, EmptyAllowsNothing) {
  for (const char* text : {"", "grants: []\n", "grants:\n"}) {
    const auto bundle = read(text);
    ASSERT_TRUE(bundle) << text;
    EXPECT_TRUE(bundle->rows.empty());
    Question question;
    question.principal.groups = {"engineering"};
    EXPECT_FALSE(bundle->policy->decide(question).allowed);
  }
  const auto none = read_bundle({}, {});
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->policy->could_allow({}));
  const auto nobody = read("grants: [{group: engineering, agents: [], servers: [], scopes: [], tools: []}]\n");
  ASSERT_TRUE(nobody);
  EXPECT_TRUE(nobody->rows.empty());
  EXPECT_THAT(registry::to_string(nobody->warnings), HasSubstr("grants.yaml:1:39: warning: `agents` is empty, so this row allows nothing there: empty never means everyone"));
  EXPECT_THAT(registry::to_string(nobody->warnings), HasSubstr("grants.yaml:1:52: warning: `servers` is empty, so this row allows nothing\n"));
}

// What a change of people and groups asks of the policy that stays: the names, and nothing of what it says about servers and tools.
TEST(Bundle, NamesAreLookedAtByThemselves) {
  const auto bundle = read(kGood);
  EXPECT_TRUE(check_names(*bundle, snapshot()).empty());
  registry::Objects without = snapshot().objects();
  without.groups.erase_if([](const registry::Group& group) { return group.id == "engineering"; });
  EXPECT_THAT(registry::to_string(check_names(*bundle, registry::Snapshot(std::move(without), 2))), HasSubstr("there is no group `engineering`"));
}

struct Row {
  const char* name;
  const char* text;
  const char* expected;
};
class BundleErrors : public testing::TestWithParam<Row> {};
TEST_P(BundleErrors, NameTheirPlace) {
  const auto bundle = read(GetParam().text);
  const std::string problems = bundle ? registry::to_string(check_bundle(*bundle, snapshot())) : registry::to_string(bundle.error());
  EXPECT_THAT(problems, StartsWith(GetParam().expected));
}

#define ROW "grants: [{group: engineering, agents: all, servers: [github], scopes: all, tools: all"
INSTANTIATE_TEST_SUITE_P(
    Rows, BundleErrors,
    testing::Values(
        Row{"unknown_key", "grant: []\n", "grants.yaml:1:1: error: unknown key `grant` in the grants table; did you mean `grants`?"},
        Row{"unknown_member", ROW ", tool: x}]\n", "grants.yaml:1:88: error: unknown key `tool` in a grant; did you mean `tools`?"},
        Row{"no_group", "grants: [{agents: all, servers: [github], scopes: all, tools: all}]\n", "grants.yaml:1:10: error: a grant needs `group`"},
        Row{"no_agents", "grants: [{group: engineering, servers: [github], scopes: all, tools: all}]\n", "grants.yaml:1:10: error: a grant needs `agents`: a list of names, or `all`"},
        Row{"no_servers", "grants: [{group: engineering, agents: all, scopes: all, tools: all}]\n", "grants.yaml:1:10: error: a grant needs `servers`"},
        Row{"no_scopes", "grants: [{group: engineering, agents: all, servers: [github], tools: all}]\n", "grants.yaml:1:10: error: a grant needs `scopes`"},
        Row{"no_tools", "grants: [{group: engineering, agents: all, servers: [github], scopes: all}]\n", "grants.yaml:1:10: error: a grant needs `tools`"},
        Row{"star_for_all", "grants: [{group: engineering, agents: ['*'], servers: [github], scopes: all, tools: all}]\n", "grants.yaml:1:40: error: write `agents: all` for everyone, without brackets"},
        Row{"all_in_brackets", "grants: [{group: engineering, agents: [all], servers: [github], scopes: all, tools: all}]\n", "grants.yaml:1:40: error: write `agents: all`"},
        Row{"one_word_for_a_list", "grants: [{group: engineering, agents: cursor, servers: [github], scopes: all, tools: all}]\n", "grants.yaml:1:39: error: `agents` must be a list of names, or the word `all`"},
        Row{"server_and_servers", ROW ", server: jira}]\n", "grants.yaml:1:96: error: write either `server` or `servers`"},
        Row{"unknown_group", "grants: [{group: enginering, agents: all, servers: [github], scopes: all, tools: all}]\n", "grants.yaml:1:18: error: there is no group `enginering`; did you mean `engineering`?"},
        Row{"unknown_agent", "grants: [{group: engineering, agents: [curser], servers: [github], scopes: all, tools: all}]\n", "grants.yaml:1:40: error: there is no agent `curser`; did you mean `cursor`?"},
        Row{"unknown_server", "grants: [{group: engineering, agents: all, servers: [github, jirra], scopes: all, tools: all}]\n", "grants.yaml:1:62: error: there is no server `jirra`; did you mean `jira`?"},
        Row{"unknown_scope", "grants: [{group: engineering, agents: all, servers: [github], scopes: ['repo:reed'], tools: all}]\n", "grants.yaml:1:72: error: there is no scope of server `github` `repo:reed`; did you mean `repo:read`?"},
        Row{"no_yaml", "grants: [\n", "grants.yaml:"}),
    [](const auto& row) { return row.param.name; });

TEST(BundleErrors, AFileThatIsNotUnderstoodIsNotLeftOut) {
  for (const char* name : {"extra.cedarschema", "tests.yaml", "grants.yml"}) {
    const auto bundle = read_bundle({{"grants.yaml", ""}, {name, "forbid(principal, action, resource);"}},
                                    [](std::string_view text, std::string file) { return yaml::parse(text, std::move(file)); });
    ASSERT_FALSE(bundle) << name;
    EXPECT_THAT(registry::to_string(bundle.error()), HasSubstr(std::string(name) + ":1:1: error: "));
  }
}

TEST(BundleErrors, ACedarFileIsReadWithItsPlaces) {
  const auto parse = [](std::string_view text, std::string file) { return yaml::parse(text, std::move(file)); };
  EXPECT_TRUE(read_bundle({{"prod.cedar", "forbid(principal, action, resource);"}}, parse));
  const auto broken = read_bundle({{"prod.cedar", "\n  forbid(principal, action);"}}, parse);
  ASSERT_FALSE(broken);
  EXPECT_THAT(registry::to_string(broken.error()), HasSubstr("prod.cedar:2:"));
}

TEST(BundleVersion, IsItsContent) {
  const std::string base = content_hash({{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(base.size(), 64u);
  EXPECT_EQ(content_hash({{"b", "2"}, {"a", "1"}}), base);
  EXPECT_NE(content_hash({{"a", "1"}, {"b", "3"}}), base);
  EXPECT_NE(content_hash({{"a", "1"}}), base);
  EXPECT_NE(content_hash({{"a", "11:b"}}), content_hash({{"a", "1"}, {"b", ""}})) << "the borders of names and texts count";
}

}  // namespace
}  // namespace writ::policy
