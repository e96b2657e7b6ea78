#include "policy/inquiry.h"

#include <gtest/gtest.h>

namespace writ::policy {
namespace {

json::Value parsed(const char* text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : json::Value();
}

registry::Objects objects() {
  registry::Objects all;
  all.groups = {{"staff", "", {}}, {"eng", "", {"staff"}}};
  registry::User alice;
  alice.id = "usr_alice", alice.name = "alice", alice.groups = {"eng"}, alice.email = "alice@example.com", alice.tags = {{"region", {"eu"}}};
  registry::User gone = alice;
  gone.id = "usr_gone", gone.name = "gone", gone.active = false, gone.email.clear();
  all.users = {alice, gone};
  registry::Agent cursor;
  cursor.id = "cursor", cursor.vendor = "Anysphere", cursor.groups = {"editors"};
  cursor.idp.emplace();
  cursor.idp->client_id = "cursor", cursor.idp->authentication = registry::ClientAuthentication::private_key_jwt;
  registry::Registration at_ras;
  at_ras.client_id = "cursor-at-ras";
  cursor.resource_as = {{"https://ras.example", at_ras}};
  registry::Agent off;
  off.id = "off", off.active = false;
  all.agents = {cursor, off};
  registry::ResourceAs ras;
  ras.issuer = "https://ras.example";
  all.resource_authorization_servers = {ras};
  registry::Server github;
  github.id = "github", github.resource = "https://mcp.example/github", github.resource_as = "https://ras.example", github.environment = "prod";
  github.scopes = {{"read", "", true, false, {}, {"get_*"}}, {"admin", "", false, true, {}, {"delete_*", "get_secret"}}};
  registry::Server closed = github;
  closed.id = "closed", closed.resource = "https://mcp.example/closed", closed.active = false;
  all.servers = {github, closed};
  return all;
}

class Inquiries : public testing::Test {
 protected:
  Inquiries() {
    tools.add("github", std::make_shared<const ToolFacts>(read_tool_facts(parsed(
        R"({"name":"delete_repo","inputSchema":{"type":"object","properties":{"repo":{"type":"string"}}},"annotations":{"readOnlyHint":false,"idempotentHint":true}})"))));
  }
  Inquiry call() const {
    Inquiry inquiry;
    inquiry.action = Action::call;
    inquiry.user = "alice", inquiry.agent = "cursor", inquiry.server = "github", inquiry.tool = "delete_repo";
    return inquiry;
  }
  registry::Snapshot snapshot{objects(), 7};
  ToolCatalogue tools;
  World world{snapshot, tools, "https://idp.example"};
};

TEST_F(Inquiries, BecomeTheQuestionThatTheGatewayAsks) {
  Inquiry inquiry = call();
  inquiry.arguments = parsed(R"({"repo":"prod"})");
  const auto question = question_of(inquiry, world);
  ASSERT_TRUE(question) << question.error().sentence;
  EXPECT_EQ(question->principal.id, "usr_alice");
  EXPECT_EQ(question->principal.groups, (std::vector<std::string>{"eng", "staff"}));
  EXPECT_EQ(question->principal.tags.at("region"), std::set<std::string>{"eu"});
  EXPECT_EQ(question->issuer, "https://idp.example");
  EXPECT_EQ(question->agent.authentication, "client_secret") << "at the server's RAS the agent authenticates as it is registered there";
  EXPECT_EQ(question->server.environment, "prod");
  ASSERT_TRUE(question->tool);
  EXPECT_EQ(question->tool->scopes, std::vector<std::string>{"admin"});
  EXPECT_TRUE(question->tool->idempotent);
  EXPECT_TRUE(question->tool->destructive) << "an absent annotation takes the careful default";
  EXPECT_EQ(question->arguments, &*inquiry.arguments);
}

TEST_F(Inquiries, AskAtTheIdpWithTheRegistrationThere) {
  Inquiry inquiry = call();
  inquiry.action = Action::connect;
  EXPECT_EQ(question_of(inquiry, world)->agent.authentication, "private_key_jwt");
}

TEST_F(Inquiries, LeaveArgumentsUnknownThatNobodyTold) { EXPECT_EQ(question_of(call(), world)->arguments, nullptr); }

TEST_F(Inquiries, GiveAnUnknownToolTheCarefulDefaults) {
  Inquiry inquiry = call();
  inquiry.tool = "get_secret";
  const auto question = question_of(inquiry, world);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->tool->scopes, (std::vector<std::string>{"read", "admin"}));
  EXPECT_TRUE(question->tool->destructive);
  EXPECT_EQ(question->tool->argument_type, nullptr);
}

TEST_F(Inquiries, AreRefusedBeforePolicyForAReasonOfTheirOwn) {
  struct Row {
    const char* reason;
    void (*change)(Inquiry&);
    const char* says;
  };
  const Row rows[] = {
      {"unknown_user", [](Inquiry& i) { i.user = "alise"; }, "did you mean `alice`"},
      {"user_disabled", [](Inquiry& i) { i.user = "gone"; }, "disabled"},
      {"unknown_agent", [](Inquiry& i) { i.agent = "curser"; }, "did you mean `cursor`"},
      {"agent_disabled", [](Inquiry& i) { i.agent = "off"; }, "disabled"},
      {"unknown_server", [](Inquiry& i) { i.server = "githup"; }, "did you mean `github`"},
      {"server_disabled", [](Inquiry& i) { i.server = "closed"; }, "disabled"},
      {"no_tool", [](Inquiry& i) { i.tool.clear(); }, "which tool"},
      {"no_scope", [](Inquiry& i) { i.action = Action::grant_scope; }, "which scope"},
      {"unknown_scope", [](Inquiry& i) { i.action = Action::grant_scope, i.scope = "raed"; }, "did you mean `read`"},
      {"no_prompt", [](Inquiry& i) { i.action = Action::get_prompt; }, "which prompt"},
      {"no_resource", [](Inquiry& i) { i.action = Action::read_resource; }, "which resource"},
  };
  for (const Row& row : rows) {
    Inquiry inquiry = call();
    row.change(inquiry);
    const auto question = question_of(inquiry, world);
    ASSERT_FALSE(question) << row.reason;
    EXPECT_EQ(question.error().reason, row.reason);
    EXPECT_NE(question.error().sentence.find(row.says), std::string::npos) << question.error().sentence;
  }
}

TEST(ToolCatalogues, KnowTheToolsOfEachServerApart) {
  ToolCatalogue tools;
  const auto add = [&](const char* server, const char* name) {
    ToolFacts facts;
    facts.name = name;
    tools.add(server, std::make_shared<const ToolFacts>(facts));
  };
  add("b", "z"), add("a", "y"), add("a", "x"), add("ab", "w");
  ASSERT_EQ(tools.of_server("a").size(), 2u);
  EXPECT_EQ(tools.of_server("a")[0]->name, "x");
  EXPECT_EQ(tools.find("a", "z"), nullptr);
  EXPECT_TRUE(tools.of_server("c").empty());
}

}  // namespace
}  // namespace writ::policy
