#include "policy/cedar_policy.h"

#include <gtest/gtest.h>

#include "policy/argument_type.h"
#include "policy/grant_text.h"
#include "policy/grants_table_fixture.h"

namespace writ::policy {
namespace {

std::shared_ptr<const CedarPolicy> compile(std::vector<AccessGrant> grants, const std::string& text = "") {
  auto compiled = CedarPolicy::compile({std::move(grants), {{"policies/test.cedar", text}}, "v1"});
  EXPECT_TRUE(compiled) << (compiled ? "" : compiled.error().front().message);
  return compiled ? *compiled : nullptr;
}

json::Value parsed(const char* text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : json::Value();
}

constexpr const char* kSchema = R"({"type":"object","properties":{"repo":{"type":"string"},"force":{"type":"boolean"},"count":{"type":"integer"},
  "price":{"type":"number"},"tags":{"type":"array","items":{"type":"string"}}},"required":["repo"]})";

Question call(const char* tool = "delete_repo") {
  Question question;
  question.action = Action::call;
  question.principal.id = "usr_alice";
  question.principal.groups = {"eng"};
  question.agent.id = "cursor";
  question.server.id = "github";
  question.tool.emplace();
  question.tool->name = tool;
  question.tool->argument_type = read_argument_type(parsed(kSchema));
  question.now = from_unix_seconds(1'795'000'000);
  return question;
}

constexpr const char* kPermitAll = R"(permit(principal, action, resource);)";

// The compiled table says what the table says, for every combination.
TEST(GrantsAsCedar, AgreeWithTheTableForEveryQuestion) {
  const std::vector<Names> agents = {{true, {}}, {false, {}}, {false, {"cursor"}}, {false, {"cursor", "desk"}}, {false, {"desk"}}};
  const std::vector<Names> scopes = {{true, {}}, {false, {}}, {false, {"read"}}, {false, {"read", "write"}}};
  const std::vector<Names> tools = {{true, {}}, {false, {}}, {false, {"get_*"}}, {false, {"delete_repo", "get_*"}}};
  int asked = 0;
  for (const auto& of_agents : agents) for (const auto& of_scopes : scopes) for (const auto& of_tools : tools) {
    const std::vector<AccessGrant> grants = {{"grants.yaml:1", "eng", of_agents, "github", of_scopes, of_tools}, {"grants.yaml:9", "ops", of_agents, "jira", of_scopes, of_tools}};
    const GrantsTable table(grants, "v1");
    const auto cedar = compile(grants);
    ASSERT_TRUE(cedar);
    for (const Action action : {Action::connect, Action::grant_scope, Action::call, Action::read_resource, Action::subscribe, Action::get_prompt, Action::complete})
      for (const char* group : {"eng", "ops", "none"}) for (const char* server : {"github", "jira"}) for (const char* name : {"get_issue", "delete_repo", "read", "write"}) {
        Question question = call(name);
        question.action = action;
        question.principal.groups = {group};
        question.server.id = server;
        question.scope = ScopeFacts{name, false};
        question.uri_or_prompt = name;
        const Decision by_table = table.decide(question), by_cedar = cedar->decide(question);
        ASSERT_EQ(by_cedar.allowed, by_table.allowed) << to_string(action) << " " << group << " " << server << " " << name << "\n" << cedar->grants_text();
        ASSERT_EQ(by_cedar.kind, by_table.kind);
        ASSERT_EQ(by_cedar.policies, by_table.policies);
        ASSERT_EQ(cedar->could_allow(question), table.could_allow(question));
        ++asked;
      }
  }
  EXPECT_EQ(asked, 5 * 4 * 4 * 7 * 3 * 2 * 4);
}

TEST(GrantsAsCedar, HostileNamesStayNames) {
  const AccessGrant grant{"grants.yaml:1", "e\"ng\\", {false, {"cur\"sor"}}, "git\nhub", {true, {}}, {true, {}}};
  const auto cedar = compile({grant});
  ASSERT_TRUE(cedar);
  Question question = call();
  question.principal.groups = {"e\"ng\\"};
  question.agent.id = "cur\"sor";
  question.server.id = "git\nhub";
  EXPECT_TRUE(cedar->decide(question).allowed);
  question.agent.id = "cursor";
  EXPECT_FALSE(cedar->decide(question).allowed);
}

struct Row {
  const char* name;
  const char* policies;
  const char* arguments;
  bool allowed;
  Kind kind;
};
class CedarDecisions : public testing::TestWithParam<Row> {};

TEST_P(CedarDecisions, AreMadeFor) {
  const auto cedar = compile({}, GetParam().policies);
  ASSERT_TRUE(cedar);
  Question question = call();
  const json::Value arguments = parsed(GetParam().arguments);
  question.arguments = &arguments;
  const Decision decision = cedar->decide(question);
  EXPECT_EQ(decision.allowed, GetParam().allowed);
  EXPECT_EQ(decision.kind, GetParam().kind) << to_string(decision.kind);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, CedarDecisions,
    testing::Values(
        Row{"no_policy_denies", "", R"({"repo":"a"})", false, Kind::no_permit},
        Row{"permit_allows", kPermitAll, R"({"repo":"a"})", true, Kind::allowed},
        Row{"forbid_wins", R"(permit(principal, action, resource); forbid(principal, action in Writ::Action::"call", resource in Writ::Server::"github");)", R"({"repo":"a"})", false, Kind::forbidden},
        Row{"tool_action_is_in_use", R"(permit(principal, action in Writ::Action::"use", resource);)", R"({"repo":"a"})", true, Kind::allowed},
        Row{"tool_action_by_name", R"(permit(principal, action == Writ::Action::"github/delete_repo", resource);)", R"({"repo":"a"})", true, Kind::allowed},
        Row{"another_tools_action", R"(permit(principal, action == Writ::Action::"github/get_issue", resource);)", R"({"repo":"a"})", false, Kind::no_permit},
        Row{"argument_equal", R"(permit(principal, action, resource) when { context.args.repo == "a" };)", R"({"repo":"a"})", true, Kind::allowed},
        Row{"argument_other", R"(permit(principal, action, resource) when { context.args.repo == "a" };)", R"({"repo":"b"})", false, Kind::no_permit},
        Row{"erroring_permit_does_not_permit", R"(permit(principal, action, resource) when { context.args.force };)", R"({"repo":"a"})", false, Kind::no_permit},
        Row{"erroring_forbid_denies", R"(permit(principal, action, resource); forbid(principal, action, resource) when { context.args.force };)", R"({"repo":"a"})", false, Kind::policy_error},
        Row{"guarded_forbid_passes", R"(permit(principal, action, resource); forbid(principal, action, resource) when { context.args has force && context.args.force };)", R"({"repo":"a"})", true, Kind::allowed},
        Row{"guarded_forbid_bites", R"(permit(principal, action, resource); forbid(principal, action, resource) when { context.args has force && context.args.force };)", R"({"repo":"a","force":true})", false, Kind::forbidden},
        // G21: escapes of Cedar's JSON format are ordinary members here.
        Row{"entity_escape_is_a_member", R"(permit(principal, action, resource); forbid(principal, action, resource) when { context.args.repo == "x" };)", R"({"repo":{"__entity":{"type":"Writ::User","id":"x"}}})", false, Kind::arguments_not_decidable},
        Row{"extra_member_is_unseen", R"(permit(principal, action, resource) when { context.args.repo == "a" };)", R"({"repo":"a","x":1})", false, Kind::arguments_not_decidable},
        Row{"null_is_unseen", R"(permit(principal, action, resource) when { context.args.repo == "a" };)", R"({"repo":"a","force":null})", false, Kind::arguments_not_decidable},
        Row{"fraction_that_does_not_fit_is_unseen", R"(permit(principal, action, resource) when { context.args.repo == "a" };)", R"({"repo":"a","price":0.12345})", false, Kind::arguments_not_decidable},
        Row{"fraction_that_fits", R"(permit(principal, action, resource) when { context.args.price.lessThan(decimal("1.0")) };)", R"({"repo":"a","price":0.25})", true, Kind::allowed},
        Row{"float_for_an_integer_is_unseen", R"(permit(principal, action, resource) when { context.args.count == 1 };)", R"({"repo":"a","count":1.5})", false, Kind::arguments_not_decidable},
        Row{"mixed_array_is_unseen", R"(permit(principal, action, resource) when { context.args.tags.contains("a") };)", R"({"repo":"a","tags":["a",1]})", false, Kind::arguments_not_decidable},
        Row{"array_as_a_set", R"(permit(principal, action, resource) when { context.args.tags.contains("a") };)", R"({"repo":"a","tags":["b","a"]})", true, Kind::allowed},
        Row{"unseen_does_not_matter_without_readers", kPermitAll, R"({"repo":"a","x":1})", true, Kind::allowed},
        Row{"reader_of_another_scope_does_not_matter", R"(permit(principal, action, resource); forbid(principal, action, resource in Writ::Server::"jira") when { context.args.repo == "a" };)", R"({"repo":"a","x":1})", true, Kind::allowed},
        Row{"arguments_that_are_no_object", R"(permit(principal, action, resource) when { context.args has repo };)", R"("text")", false, Kind::arguments_not_decidable},
        Row{"shadow_is_not_enforced", R"(permit(principal, action, resource); @shadow forbid(principal, action, resource);)", R"({"repo":"a"})", true, Kind::allowed},
        Row{"approval_not_given_holds", R"(permit(principal, action, resource); @require_approval("ops") forbid(principal, action, resource);)", R"({"repo":"a"})", false, Kind::approval_pending},
        Row{"unknown_authentication_is_old", R"(permit(principal, action, resource) when { context.auth.age < duration("1h") };)", R"({"repo":"a"})", false, Kind::no_permit}),
    [](const auto& row) { return row.param.name; });

TEST(CedarPolicy, SaysWhichPolicyDecidedAndWhat) {
  const auto cedar = compile({}, R"(@id("no-deletes") @message("ask the owner") @alternative("github/archive_repo")
forbid(principal, action, resource);
permit(principal, action, resource);)");
  const Decision decision = cedar->decide(call());
  EXPECT_EQ(decision.policies, std::vector<std::string>{"no-deletes"});
  EXPECT_EQ(decision.message, "ask the owner");
  EXPECT_EQ(decision.alternatives, std::vector<std::string>{"github/archive_repo"});
  EXPECT_EQ(decision.version, "v1");
}

TEST(CedarPolicy, APolicyWithoutIdIsKnownByItsPlace) {
  const auto cedar = compile({}, "\n\npermit(principal, action, resource);");
  EXPECT_EQ(cedar->decide(call()).policies, std::vector<std::string>{"policies/test.cedar:3"});
}

// A broken file refuses the whole bundle, with its place.
TEST(CedarPolicy, OneProblemRefusesTheBundle) {
  const auto compiled = CedarPolicy::compile({{}, {{"policies/a.cedar", "permit(principal, action, resource);"}, {"policies/b.cedar", "\npermit(principle, action, resource);"}}, "v1"});
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().front().file, "policies/b.cedar");
  EXPECT_EQ(compiled.error().front().line, 2U);
}

TEST(CedarPolicy, TwoPoliciesMayNotShareAnId) {
  EXPECT_FALSE(CedarPolicy::compile({{}, {{"p.cedar", "@id(\"a\") permit(principal, action, resource); @id(\"a\") permit(principal, action, resource);"}}, "v1"}));
}

struct Listed {
  const char* name;
  const char* policies;
  bool shown;
};
class WhatListsShow : public testing::TestWithParam<Listed> {};
// Rules §4.5: shown unless the answer can only be deny.
TEST_P(WhatListsShow, IsWhatCouldBeAllowed) { EXPECT_EQ(compile({}, GetParam().policies)->could_allow(call()), GetParam().shown); }
INSTANTIATE_TEST_SUITE_P(
    PartialEvaluation, WhatListsShow,
    testing::Values(Listed{"nothing_permits", "", false}, Listed{"permitted", kPermitAll, true},
                    Listed{"permitted_for_some_arguments", R"(permit(principal, action, resource) when { context.args.repo == "a" };)", true},
                    Listed{"forbidden_for_some_arguments", R"(permit(principal, action, resource); forbid(principal, action, resource) when { context.args.repo == "a" };)", true},
                    Listed{"always_forbidden", R"(permit(principal, action, resource); forbid(principal, action, resource);)", false},
                    Listed{"known_agent_decides", R"(permit(principal, action, resource) when { context.agent == Writ::Agent::"desk" && context.args.repo == "a" };)", false},
                    Listed{"fresh_sign_in_might_be_had", R"(permit(principal, action, resource) when { context.auth.age < duration("1h") };)", true},
                    Listed{"forbid_that_always_fails_denies", R"(permit(principal, action, resource); forbid(principal, action, resource) when { principal.email == "x" };)", false}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace writ::policy
