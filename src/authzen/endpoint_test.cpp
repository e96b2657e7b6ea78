// The server: this deployment's policy for other gateways. Authenticated, recorded, and no to everything that is not known.
#include "authzen/endpoint.h"

#include "authzen/authzen_fixture.h"

namespace writ::authzen {
namespace {

struct Server {
  HandClock clock;
  registry::Current registry{std::make_shared<const registry::Snapshot>(good_objects(), 7)};
  policy::Current policy;
  memory::MemoryDecisionsLog log;
  Endpoint endpoint{"https://writ.example", "https://writ.example/idp", clock, registry, policy, log, 0, {}};
  http::Router router = routes(endpoint);

  Server() { set_policy(""); }
  void set_policy(const std::string& text) {
    const auto compiled = policy::CedarPolicy::compile({{}, {{"policies/t.cedar", "@id(\"eng\") permit(principal in Writ::Group::\"eng\", action, resource);\n" + text}}, "v1"});
    ASSERT_TRUE(compiled) << compiled.error().front().message;
    policy.set(*compiled);
  }
  http::Response post(const std::string& path, const std::string& body, const char* token = "evaluator-token-0123456789", http::Headers more = {}) {
    http::Request request;
    request.method = "POST", request.path = path, request.body = body, request.peer.address = "192.0.2.9";
    request.headers = std::move(more);
    request.headers.add("Content-Type", "application/json");
    if (*token) request.headers.add("Authorization", std::string("Bearer ") + token);
    return run(router.handle(request));
  }
  json::Value ask(const std::string& body) {
    const auto response = post("/access/v1/evaluation", body);
    EXPECT_EQ(response.status, 200) << response.body;
    return *json::parse(response.body);
  }
};

std::string evaluation(const char* user = "alice", const char* action = "tools/call", const char* resource = R"({"type":"tool","id":"delete_repo","properties":{"server":"github"}})",
                       const char* context = R"({"agent":"cursor"})", const char* properties = R"({"arguments":{}})") {
  return std::string(R"({"subject":{"type":"user","id":")") + user + R"("},"action":{"name":")" + action + R"(","properties":)" + properties + R"(},"resource":)" + resource + R"(,"context":)" + context + "}";
}

struct Row {
  const char* name;
  std::string body;
  bool decision;
  const char* reason;
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }
class AuthzenEvaluation : public testing::TestWithParam<Row> {};

TEST_P(AuthzenEvaluation, IsDecidedByPolicyAndRecorded) {
  Server server;
  const json::Value answer = server.ask(GetParam().body);
  ASSERT_TRUE(answer.find_bool("decision"));
  EXPECT_EQ(*answer.find_bool("decision"), GetParam().decision);
  ASSERT_EQ(server.log.records().size(), 1u);
  const audit::Record record = server.log.records().back();
  EXPECT_EQ(record.reason, GetParam().reason);
  EXPECT_EQ(record.effect, GetParam().decision ? audit::Effect::allow : audit::Effect::deny);
  EXPECT_EQ(record.object_sequence, 7u);
  if (GetParam().decision) return;
  EXPECT_EQ(*answer.find("context")->find_string("reason"), GetParam().reason);
  EXPECT_TRUE(answer.find("context")->find_string("denial_code")->starts_with("W-"));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, AuthzenEvaluation,
    testing::Values(
        Row{"allowed", evaluation(), true, "allowed"}, Row{"by_id", evaluation("usr_alice"), true, "allowed"},
        Row{"server_by_its_resource", evaluation("alice", "connect", R"({"type":"mcp_server","id":"https://mcp.acme.example/mcp/github"})"), true, "allowed"},
        Row{"a_method_of_the_connection", evaluation("alice", "tools/list", R"({"type":"mcp_server","id":"github"})"), true, "allowed"},
        Row{"agent_as_coaz_writes_it", evaluation("alice", "tools/call", R"({"type":"tool","id":"a","properties":{"server":"github"}})", R"({"agent":{"client_id":"cursor"}})"), true, "allowed"},
        Row{"nobody_permits", evaluation("bob"), false, "no_permit"}, Row{"unknown_user", evaluation("mallory"), false, "unknown_user"},
        Row{"unknown_agent", evaluation("alice", "tools/call", R"({"type":"tool","id":"a","properties":{"server":"github"}})", R"({"agent":"nil"})"), false, "unknown_agent"},
        Row{"disabled_agent", evaluation("alice", "tools/call", R"({"type":"tool","id":"a","properties":{"server":"github"}})", R"({"agent":"off"})"), false, "agent_disabled"},
        Row{"no_agent", evaluation("alice", "tools/call", R"({"type":"tool","id":"a","properties":{"server":"github"}})", "{}"), false, "no_agent"},
        Row{"unknown_server", evaluation("alice", "tools/call", R"({"type":"tool","id":"a","properties":{"server":"jira"}})"), false, "unknown_server"},
        Row{"no_server", evaluation("alice", "tools/call", R"({"type":"tool","id":"a"})"), false, "no_server"},
        Row{"unknown_action", evaluation("alice", "tools/destroy"), false, "unknown_action"},
        Row{"wrong_type_of_resource", evaluation("alice", "tools/call", R"({"type":"printer","id":"a","properties":{"server":"github"}})"), false, "unknown_resource_type"},
        Row{"unknown_scope", evaluation("alice", "grant_scope", R"({"type":"scope","id":"nil","properties":{"server":"github"}})"), false, "unknown_scope"},
        Row{"unknown_subject_type", R"({"subject":{"type":"robot","id":"alice"},"action":{"name":"connect"},"resource":{"type":"mcp_server","id":"github"}})", false, "unknown_subject_type"},
        Row{"without_arguments", evaluation("alice", "tools/call", R"({"type":"tool","id":"a","properties":{"server":"github"}})", R"({"agent":"cursor"})", "{}"), false, "arguments_not_known"}),
    [](const auto& row) { return row.param.name; });

class AuthzenMalformed : public testing::TestWithParam<const char*> {};
TEST_P(AuthzenMalformed, IsA400AndNoDecision) {
  Server server;
  const auto response = server.post("/access/v1/evaluation", GetParam());
  EXPECT_EQ(response.status, 400) << response.body;
  EXPECT_EQ(response.body.find("decision"), std::string::npos);
  EXPECT_TRUE(server.log.records().empty());
}
INSTANTIATE_TEST_SUITE_P(Rows, AuthzenMalformed,
                         testing::Values("", "[]", "{}", R"({"subject":{"type":"user"},"action":{"name":"connect"},"resource":{"type":"mcp_server","id":"github"}})",
                                         R"({"subject":{"type":"user","id":7},"action":{"name":"connect"},"resource":{"type":"mcp_server","id":"github"}})",
                                         R"({"subject":{"type":"user","id":"alice"},"action":{},"resource":{"type":"mcp_server","id":"github"}})",
                                         R"({"subject":{"type":"user","id":"alice"},"action":{"name":"connect"},"resource":{"type":"mcp_server"}})",
                                         R"({"subject":{"type":"user","id":"alice"},"action":{"name":"connect"},"resource":{"type":"mcp_server","id":"github"},"context":[]})",
                                         R"({"subject":{"type":"user","id":"alice"},"action":{"name":"connect"},"resource":{"type":"mcp_server","id":"github"},"context":{"amr":"mfa"}})",
                                         R"({"subject":{"type":"user","id":"alice"},"action":{"name":"connect"},"resource":{"type":"mcp_server","id":"github"},"context":{"auth_age_seconds":-1}})",
                                         R"({"subject":{"type":"user","id":"alice","id":"bob"},"action":{"name":"connect"},"resource":{"type":"mcp_server","id":"github"}})"));

TEST(AuthzenServer, WhoAsksNeedsATokenMadeForIt) {
  Server server;
  EXPECT_EQ(server.post("/access/v1/evaluation", evaluation(), "").status, 401);
  EXPECT_TRUE(server.log.records().empty());
  EXPECT_EQ(server.post("/access/v1/evaluation", evaluation(), "wrong-token").status, 401);
  EXPECT_EQ(server.log.records().back().reason, "unknown_token");
  EXPECT_EQ(server.post("/access/v1/evaluation", evaluation(), "admin-token-0123456789abcd").status, 403);
  EXPECT_EQ(server.log.records().back().reason, "token_of_another_use");
  EXPECT_EQ(server.post("/access/v1/evaluation", evaluation(), "wrong", {{"Authorization", "Bearer evaluator-token-0123456789"}}).status, 401) << "two tokens are none";
}

TEST(AuthzenServer, SaysWhatABetterSignInWouldHaveToBe) {
  Server server;
  server.set_policy("@id(\"mfa\") @message(\"use your second factor\") forbid(principal, action, resource) unless { context.auth.amr.contains(\"mfa\") };");
  const auto denied = server.ask(evaluation());
  EXPECT_FALSE(*denied.find_bool("decision"));
  const json::Value& context = *denied.find("context");
  EXPECT_EQ(*context.find_string("acr_values"), "urn:mfa");
  EXPECT_EQ(*context.find_int("max_age"), 600);
  EXPECT_EQ(*context.find_string("policy"), "mfa");
  EXPECT_EQ(*context.find_string("message"), "use your second factor");
  EXPECT_TRUE(*server.ask(evaluation("alice", "tools/call", R"({"type":"tool","id":"delete_repo","properties":{"server":"github"}})", R"({"agent":"cursor","amr":["mfa"]})")).find_bool("decision"));
}

TEST(AuthzenServer, ToolsThatNobodyKnowsAreTakenForTheWorst) {
  Server server;
  server.set_policy("forbid(principal, action in Writ::Action::\"call\", resource) when { resource.destructive };");
  // What the caller claims of the tool is not believed.
  const auto answer = server.ask(evaluation("alice", "tools/call", R"({"type":"tool","id":"a","properties":{"server":"github","destructive":false}})"));
  EXPECT_FALSE(*answer.find_bool("decision"));
}

std::string batch(const char* users, const char* semantic) {
  return std::string(R"({"action":{"name":"connect"},"resource":{"type":"mcp_server","id":"github"},"context":{"agent":"cursor"},"options":{"evaluations_semantic":")") + semantic +
         R"("},"evaluations":[)" + users + "]}";
}
std::string decisions(const http::Response& response) {
  const auto body = json::parse(response.body);
  const auto* list = body ? body->find_array("evaluations") : nullptr;
  std::string text = list ? "" : std::to_string(response.status);
  if (!list) return text;
  for (const auto& one : *list) text += *one.find_bool("decision") ? "y" : "n";
  return text;
}

TEST(AuthzenServer, AnswersBatchesInOrder) {
  Server server;
  const char* kUsers = R"({"subject":{"type":"user","id":"alice"}},{"subject":{"type":"user","id":"bob"}},{"subject":{"type":"user","id":"alice"}})";
  EXPECT_EQ(decisions(server.post("/access/v1/evaluations", batch(kUsers, "execute_all"))), "yny");
  EXPECT_EQ(server.log.records().size(), 3u);
  EXPECT_EQ(decisions(server.post("/access/v1/evaluations", batch(kUsers, "deny_on_first_deny"))), "yn");
  EXPECT_EQ(decisions(server.post("/access/v1/evaluations", batch(kUsers, "permit_on_first_permit"))), "y");
  EXPECT_EQ(decisions(server.post("/access/v1/evaluations", batch(kUsers, "whatever"))), "400");
  EXPECT_EQ(decisions(server.post("/access/v1/evaluations", batch(R"({"subject":{"type":"user","id":"alice"}},{})", "execute_all"))), "400");
  std::string many;
  for (int i = 0; i < 51; ++i) many += std::string(i ? "," : "") + R"({"subject":{"type":"user","id":"alice"}})";
  EXPECT_EQ(decisions(server.post("/access/v1/evaluations", batch(many.c_str(), "execute_all"))), "400");
  // No list, or an empty one: a single evaluation.
  const auto single = server.post("/access/v1/evaluations", evaluation());
  EXPECT_EQ(*json::parse(single.body)->find_bool("decision"), true);
}

TEST(AuthzenServer, TellsWhereItIsAndEchoesTheRequestId) {
  Server server;
  http::Request request;
  request.method = "GET", request.path = "/.well-known/authzen-configuration";
  const auto document = *json::parse(run(server.router.handle(request)).body);
  EXPECT_EQ(*document.find_string("policy_decision_point"), "https://writ.example");
  EXPECT_EQ(*document.find_string("access_evaluation_endpoint"), "https://writ.example/access/v1/evaluation");
  EXPECT_EQ(*document.find_string("access_evaluations_endpoint"), "https://writ.example/access/v1/evaluations");
  EXPECT_EQ(*server.post("/access/v1/evaluation", evaluation(), "evaluator-token-0123456789", {{"X-Request-ID", "abc-1"}}).headers.find("X-Request-ID"), "abc-1");
  EXPECT_EQ(server.post("/access/v1/evaluation", evaluation(), "evaluator-token-0123456789", {{"X-Request-ID", "a b"}}).headers.find("X-Request-ID"), nullptr);
}

TEST(AuthzenServer, SaysNothingThatItCannotRecord) {
  Server server;
  server.log.fail_from_now_on(true);
  EXPECT_EQ(server.post("/access/v1/evaluation", evaluation()).status, 503);
  EXPECT_EQ(server.post("/access/v1/evaluations", batch(R"({"subject":{"type":"user","id":"alice"}})", "execute_all")).status, 503);
}

}  // namespace
}  // namespace writ::authzen
