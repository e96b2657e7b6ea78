#include "gateway/gateway.h"

#include "gateway/gateway_fixture.h"
#include "gateway/routes.h"
#include "policy/cedar_policy.h"

namespace writ::gateway {
namespace {

struct Row {
  const char* name;
  std::function<void(GatewayTest&, http::Request&)> change;
  int status;
  const char* reason;
  int code = 0;   // of the JSON-RPC error; 0: not looked at
};
class RequestRules : public GatewayTest, public testing::WithParamInterface<Row> {};

TEST_P(RequestRules, RefuseBeforeAnythingIsForwarded) {
  http::Request made = request("POST", call_text("search_notes"), token());
  GetParam().change(*this, made);
  http::Response response = send(made);
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_TRUE(upstream.requests.empty());
  if (*GetParam().reason) {
    EXPECT_EQ(last_reason(), GetParam().reason);
  }
  if (GetParam().code == 0) return;
  const json::Value body = parsed(response.body);
  ASSERT_TRUE(body.find("error"));
  EXPECT_EQ(*body.find("error")->find_int("code"), GetParam().code);
}

auto with_body(std::string body) {
  return [body = std::move(body)](GatewayTest&, http::Request& made) { made.body = body; };
}
auto with_header(const char* name, const char* value) {
  return [name, value](GatewayTest&, http::Request& made) { made.headers.set(name, value); };
}

INSTANTIATE_TEST_SUITE_P(
    Http, RequestRules,
    testing::Values(
        Row{"foreign_origin", with_header("Origin", "https://evil.example"), 403, ""},
        Row{"null_origin", with_header("Origin", "null"), 403, ""},
        Row{"listed_origin_in_capitals", with_header("Origin", "https://INSPECTOR.example"), 403, ""},
        Row{"listed_origin_with_port", with_header("Origin", "https://inspector.example:444"), 403, ""},
        Row{"two_origins", [](GatewayTest&, http::Request& r) { r.headers.add("Origin", "https://inspector.example"), r.headers.add("Origin", "https://evil.example"); },
            403, ""},
        Row{"text_plain", with_header("Content-Type", "text/plain"), 415, "media_type"},
        Row{"utf16", with_header("Content-Type", "application/json; charset=utf-16"), 415, "media_type"},
        Row{"no_media_type", [](GatewayTest&, http::Request& r) { r.headers.erase("Content-Type"); }, 415, "media_type"},
        Row{"compressed", with_header("Content-Encoding", "gzip"), 415, "media_type"},
        Row{"accepts_json_only", with_header("Accept", "application/json"), 406, "not_acceptable"},
        Row{"unknown_session", with_header("Mcp-Session-Id", "made-up"), 404, "unknown_session"},
        Row{"two_sessions", [](GatewayTest&, http::Request& r) { r.headers.add("Mcp-Session-Id", "a"), r.headers.add("mcp-session-id", "b"); }, 400,
            "unknown_session"},
        Row{"unknown_version", with_header("MCP-Protocol-Version", "1999-01-01"), 400, "version_unsupported", -32022}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Messages, RequestRules,
    testing::Values(
        Row{"no_json", with_body("{"), 400, "not_json", -32700},
        Row{"batch", with_body("[" + call_text("search_notes") + "]"), 400, "batch", -32600},
        Row{"two_messages", with_body(call_text("search_notes") + call_text("delete_note")), 400, "not_json", -32700},
        Row{"trailing_bytes", with_body(call_text("search_notes") + "x"), 400, "not_json", -32700},
        Row{"duplicate_name", with_body(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_notes","name":"delete_note"}})"), 400, "not_json"},
        Row{"name_in_capitals_beside", with_body(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_notes","NAME":"delete_note"}})"), 400,
            "look_alike_member", -32602},
        Row{"method_in_capitals_beside", with_body(R"({"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call"})"), 400, "unknown_member"},
        Row{"null_id", with_body(R"({"jsonrpc":"2.0","id":null,"method":"tools/list"})"), 400, "bad_id"},
        Row{"name_missing", with_body(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}})"), 200, "tool_name_missing", -32602},
        Row{"arguments_are_a_list", with_body(call_text("search_notes", "[]")), 200, "arguments_not_an_object", -32602},
        Row{"unmapped_method", with_body(R"({"jsonrpc":"2.0","id":1,"method":"tools/delete"})"), 200, "unmapped_method", 403},
        Row{"method_in_other_case", with_body(R"({"jsonrpc":"2.0","id":1,"method":"Tools/Call","params":{"name":"search_notes"}})"), 200, "unmapped_method", 403},
        Row{"tasks_belong_to_their_maker", with_body(R"({"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"x"}})"), 200, "unknown_task", -32602},
        Row{"task_id_missing", with_body(R"({"jsonrpc":"2.0","id":1,"method":"tasks/result","params":{}})"), 200, "taskId_missing", -32602},
        Row{"task_id_in_capitals_beside", with_body(R"({"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"x","TaskID":"y"}})"), 400, "look_alike_member", -32602},
        Row{"modern_method_in_legacy", with_body(R"({"jsonrpc":"2.0","id":1,"method":"server/discover"})"), 200, "unmapped_method", 403},
        Row{"unmapped_notification", with_body(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})"), 403, "unmapped_method"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Modern, RequestRules,
    testing::Values(
        Row{"allowed_in_the_header_denied_in_the_body",
            [](GatewayTest& g, http::Request& r) {
              r = g.modern("tools/call", json::Value{{"name", "delete_note"}, {"arguments", json::Object{}}});
              r.headers.set("Mcp-Name", "search_notes");
            },
            400, "name_mismatch", -32020},
        Row{"method_differs", [](GatewayTest& g, http::Request& r) { r = g.modern("tools/list", json::Object{}), r.headers.set("Mcp-Method", "ping"); }, 400,
            "method_mismatch", -32020},
        Row{"version_differs", [](GatewayTest& g, http::Request& r) { r = g.modern("tools/list", json::Object{}), r.headers.set("MCP-Protocol-Version", "2025-11-25"); },
            400, "version_mismatch", -32020},
        Row{"no_meta", [](GatewayTest&, http::Request& r) { r.headers.set("MCP-Protocol-Version", "2026-07-28"); }, 400, "meta_version_missing", -32602},
        Row{"unknown_method", [](GatewayTest& g, http::Request& r) { r = g.modern("tools/delete", json::Object{}); }, 404, "unmapped_method", -32601},
        Row{"legacy_method", [](GatewayTest& g, http::Request& r) { r = g.modern("ping", json::Object{}); }, 404, "unmapped_method", -32601},
        Row{"name_missing", [](GatewayTest& g, http::Request& r) { r = g.modern("tools/call", json::Object{}); }, 400, "tool_name_missing", -32602}),
    [](const auto& row) { return row.param.name; });

class Forwarding : public GatewayTest {};

TEST_F(Forwarding, WhatWasDecidedOnIsWhatGoesUpstream) {
  const std::string odd = "\r\n { \"method\" : \"tools/call\", \"jsonrpc\":\"2.0\",\"id\":\"\\u0061\", \"params\":{\"n\\u0061me\":\"search_notes\",\"arguments\":{\"__entity\":{\"type\":\"User\",\"id\":\"x\"},\"x\":null}}}\n";
  http::Response response = post(odd);
  EXPECT_EQ(response.status, 200) << last_reason();
  ASSERT_EQ(upstream.requests.size(), 1u);
  EXPECT_EQ(upstream.requests[0].body,
            R"({"method":"tools/call","jsonrpc":"2.0","id":"a","params":{"name":"search_notes","arguments":{"__entity":{"type":"User","id":"x"},"x":null}}})");
  EXPECT_EQ(*parsed(response.body).find_string("id"), "a");
}

TEST_F(Forwarding, NothingOfTheClientsIdentityReachesTheUpstream) {
  set_objects([](registry::Objects& o) { o.servers[0].upstream->header_name = "X-Api-Key", o.servers[0].upstream->header_secret_file = "/secret"; });
  http::Request made = request("POST", call_text("search_notes"), token());
  for (const char* name : {"Cookie", "X-User", "X-Forwarded-User", "X-Forwarded-For", "Forwarded", "DPoP", "Proxy-Authorization", "X-Api-Key", "Connection",
                           "X-Remote-User", "Via", "Upgrade", "Last-Event-ID", "Mcp-Method"}) {
    made.headers.add(name, "spoofed");
  }
  made.query = "a=spoofed";
  EXPECT_EQ(send(made).status, 200);
  ASSERT_EQ(upstream.requests.size(), 1u);
  const http::UpstreamRequest& sent = upstream.requests[0];
  for (const auto& [name, value] : sent.headers.fields()) {
    EXPECT_EQ(value.find("spoofed"), std::string::npos) << name;
    EXPECT_EQ(value.find(token().substr(0, 20)), std::string::npos) << name;
  }
  EXPECT_EQ(sent.headers.count("Authorization"), 0u);
  EXPECT_EQ(*sent.headers.find_single("X-Api-Key"), "upstream-secret");
  EXPECT_EQ(sent.url, "http://127.0.0.1:9000/mcp");
}

TEST_F(Forwarding, ACredentialThatCannotBeReadStopsTheCall) {
  set_objects([](registry::Objects& o) { o.servers[0].upstream->header_name = "X-Api-Key"; });
  const auto without_secrets = credentials([](const std::string& file) -> Result<Secret, std::string> { return unexpected(file + " cannot be read"); });
  Dependencies dependencies{settings, clock, objects, policy, *revocations, log, keys, *without_secrets};
  Gateway without(std::move(dependencies));
  EXPECT_EQ(run(executor, without.handle(request("POST", call_text("search_notes"), token()), "notes")).status, 502);
  EXPECT_TRUE(upstream.requests.empty());
  EXPECT_EQ(last_reason(), "upstream_credential_unavailable");
}

// An upstream that wants an account of the person's own first.
class NeedsAccount final : public upstreams::Upstream {
 public:
  Task<Result<http::UpstreamResponse, upstreams::Failure>> send(upstreams::Request) override {
    co_return unexpected(upstreams::Failure{upstreams::Failure::Kind::needs_account, "none", "https://writ.example/accounts?server=notes", std::nullopt});
  }
};

TEST_F(Forwarding, AnAgentIsToldToHaveAnAccountLinked) {
  NeedsAccount needs_account;
  Dependencies dependencies{settings, clock, objects, policy, *revocations, log, keys, needs_account};
  dependencies.tools = &tools;
  Gateway asking(std::move(dependencies));
  const auto called = run(executor, asking.handle(request("POST", call_text("search_notes"), token()), "notes"));
  EXPECT_EQ(called.status, 200);
  const json::Value body = parsed(called.body);
  const json::Value* result = body.find("result");
  ASSERT_TRUE(result) << called.body;
  EXPECT_EQ(*result->find_bool("isError"), true);
  const json::Value* decision = result->find("_meta")->find("writ/decision");
  ASSERT_TRUE(decision);
  EXPECT_EQ(*decision->find_string("kind"), "account_needed");
  EXPECT_EQ(*decision->find_string("effect"), "deny");
  EXPECT_EQ(*decision->find_bool("retryable"), false);
  EXPECT_EQ(*decision->find_string("request_url"), "https://writ.example/accounts?server=notes");
  EXPECT_TRUE(decision->find_string("code")->starts_with("W-"));
  EXPECT_NE(called.body.find("link the work account"), std::string::npos);
  EXPECT_EQ(last_reason(), "upstream_needs_account");

  const auto listed = run(executor, asking.handle(request("POST", R"({"jsonrpc":"2.0","id":7,"method":"tools/list"})", token()), "notes"));
  EXPECT_EQ(listed.status, 200);
  const json::Value answer = parsed(listed.body);
  ASSERT_TRUE(answer.find("error")) << listed.body;
  EXPECT_EQ(*answer.find("error")->find("data")->find_string("request_url"), "https://writ.example/accounts?server=notes");
  // What nobody waits for an answer to gets its judgement by the status.
  EXPECT_EQ(run(executor, asking.handle(request("POST", R"({"jsonrpc":"2.0","method":"notifications/initialized"})", token()), "notes")).status, 400);
}

TEST_F(Forwarding, ConnectionsAreNotSharedByPrincipals) {
  post(call_text("search_notes"));
  set_grants({{"g", "eng", {true, {}}, "notes", {true, {}}, {true, {}}}});
  send(request("POST", call_text("search_notes"), token([](json::Value& c) { c.set("client_id", "other-at-ras"); })));
  ASSERT_EQ(upstream.requests.size(), 2u);
  EXPECT_NE(upstream.requests[0].pool_key, upstream.requests[1].pool_key);
}

TEST_F(Forwarding, ModernHeadersAreWrittenFromTheBody) {
  approve("notes", json::Value{{"name", "read_caf\xC3\xA9"}});
  set_objects([](registry::Objects&) {});
  http::Request made = modern("tools/call", json::Value{{"name", "read_caf\xC3\xA9"}, {"arguments", json::Object{}}});
  made.headers.add("Mcp-Param-Region", "eu");
  made.headers.add("Mcp-Session-Id", "ignored");
  EXPECT_EQ(send(made).status, 200) << last_reason();
  ASSERT_EQ(upstream.requests.size(), 1u);
  const http::Headers& headers = upstream.requests[0].headers;
  EXPECT_EQ(*headers.find_single("MCP-Protocol-Version"), "2026-07-28");
  EXPECT_EQ(*headers.find_single("Mcp-Method"), "tools/call");
  EXPECT_EQ(mcp::decode_header_value(*headers.find_single("Mcp-Name")), "read_caf\xC3\xA9");
  EXPECT_EQ(*headers.find_single("Mcp-Param-Region"), "eu");
  EXPECT_EQ(headers.count("Mcp-Session-Id"), 0u);
}

TEST_F(Forwarding, NotificationsAreAcceptedWithoutBody) {
  const http::Response response = post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  EXPECT_EQ(response.status, 202);
  EXPECT_TRUE(response.body.empty());
  EXPECT_EQ(upstream.requests.size(), 1u);
}

TEST_F(Forwarding, OneRecordBeforeAndOneAfter) {
  bool recorded_before = false;
  upstream.respond = [&](const http::UpstreamRequest& sent) {
    recorded_before = log.records().size() == 1 && log.records()[0].effect == audit::Effect::allow;
    return default_answer(sent);
  };
  post(call_text("search_notes", R"({"query":"salary of bob"})"));
  EXPECT_TRUE(recorded_before);
  ASSERT_EQ(log.records().size(), 2u);
  const audit::Record call = log.records()[0], outcome = log.records()[1];
  EXPECT_EQ(call.event, audit::Event::call);
  EXPECT_EQ(call.user, "usr_alice");
  EXPECT_EQ(call.agent, "cursor");
  EXPECT_EQ(call.server, "notes");
  EXPECT_EQ(call.method, "tools/call");
  EXPECT_EQ(call.tool, "search_notes");
  EXPECT_EQ(call.access_token_jti, "at-1");
  EXPECT_EQ(call.session, "session-1");
  EXPECT_EQ(call.policy, "grants.yaml:1");
  EXPECT_EQ(call.policy_version, "v1");
  EXPECT_EQ(call.peer, "192.0.2.7");
  EXPECT_EQ(call.action, "call");
  EXPECT_EQ(call.issuer, kRas);
  EXPECT_EQ(call.arguments, "") << "no policy reads any";
  EXPECT_EQ(outcome.event, audit::Event::outcome);
  EXPECT_EQ(outcome.action, "") << "the decision's record has it";
  EXPECT_EQ(outcome.of_position, 1u);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_GT(outcome.bytes, 0);
  for (const auto& record : log.records()) {
    const std::string line = audit::to_json_line(record, 1, "n");
    EXPECT_EQ(line.find("salary"), std::string::npos);
    EXPECT_EQ(line.find(token().substr(0, 20)), std::string::npos);
  }
}

// Rules §4.9: a record keeps of the arguments what the policies that the call could concern read, and nothing else of what an agent sent.
TEST_F(Forwarding, TheRecordKeepsArgumentsThatPoliciesRead) {
  const auto set_policy = [&](const std::string& text) {
    const auto compiled = policy::CedarPolicy::compile({{}, {{"test.cedar", text}}, "v9"});
    ASSERT_TRUE(compiled);
    policy.set(*compiled);
  };
  const auto recorded = [&] {
    post(call_text("search_notes", R"({"query":"salary of bob","box":"inbox"})"));
    return records(audit::Event::call).back();
  };
  const std::string permit = "permit(principal, action, resource);\n";
  struct Policies {
    const char* name;
    std::string forbid, arguments;
  };
  const Policies rows[] = {
      {"nothing is read", "", ""},
      {"one member is read", R"(forbid(principal, action, resource) when { context.args.box == "trash" };)", R"({"box":{"value":"inbox"}})"},
      {"for another tool", R"(forbid(principal, action == Writ::Action::"notes/add_note", resource) when { context.args.box == "trash" };)", ""},
      {"never", R"(@record("never") forbid(principal, action, resource) when { context.args.box == "trash" };)", ""},
  };
  for (const Policies& row : rows) {
    set_policy(permit + row.forbid);
    const audit::Record record = recorded();
    EXPECT_EQ(record.arguments, row.arguments) << row.name;
    EXPECT_EQ(audit::to_json_line(record, 1, "n").find("salary"), std::string::npos) << row.name;
  }
}

TEST_F(Forwarding, WithoutARecordNothingIsForwarded) {
  log.fail_from_now_on(true);
  const http::Response response = post(call_text("search_notes"));
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(response.headers.find_single("Retry-After"));
  EXPECT_TRUE(upstream.requests.empty());
  EXPECT_EQ(post(call_text("delete_note")).status, 503);   // and no denial without its code
}

struct AnswerRow {
  const char* name;
  std::function<HandUpstream::Answer(HandUpstream&)> answer;
  int status;
  const char* reason;
};
class UpstreamAnswers : public GatewayTest, public testing::WithParamInterface<AnswerRow> {};

TEST_P(UpstreamAnswers, BecomeHonestAnswers) {
  upstream.respond = [&](const http::UpstreamRequest&) { return GetParam().answer(upstream); };
  const http::Response response = post(call_text("search_notes"));
  EXPECT_EQ(response.status, GetParam().status);
  EXPECT_EQ(last_reason(), GetParam().reason);
  EXPECT_EQ(upstream.requests.size(), 1u);   // never again on the caller's behalf
  for (const char* name : {"Set-Cookie", "Access-Control-Allow-Origin", "Location", "WWW-Authenticate", "X-Internal"}) {
    EXPECT_EQ(response.headers.count(name), 0u) << name;
  }
}

HandUpstream::Answer failing(http::UpstreamFailure::Kind kind) { return unexpected(http::UpstreamFailure{kind, "detail"}); }
const char* const kOk = R"({"jsonrpc":"2.0","id":1,"result":{}})";

INSTANTIATE_TEST_SUITE_P(
    Kinds, UpstreamAnswers,
    testing::Values(
        AnswerRow{"good", [](HandUpstream& u) { return u.json(kOk, {{"Set-Cookie", "a=b"}, {"Access-Control-Allow-Origin", "*"}, {"X-Internal", "1"}}); }, 200,
                  "completed"},
        AnswerRow{"unreachable", [](HandUpstream&) { return failing(http::UpstreamFailure::Kind::connect); }, 502, "upstream_unreachable"},
        AnswerRow{"tls", [](HandUpstream&) { return failing(http::UpstreamFailure::Kind::tls); }, 502, "upstream_tls"},
        AnswerRow{"timeout", [](HandUpstream&) { return failing(http::UpstreamFailure::Kind::timeout); }, 504, "upstream_timeout"},
        AnswerRow{"bad_head", [](HandUpstream&) { return failing(http::UpstreamFailure::Kind::bad_response); }, 502, "upstream_bad_response"},
        AnswerRow{"reset", [](HandUpstream&) { return failing(http::UpstreamFailure::Kind::closed); }, 502, "upstream_closed"},
        AnswerRow{"redirect", [](HandUpstream& u) { return u.answer(302, {{"Location", "https://evil.example"}}, {}); }, 502, "upstream_status"},
        AnswerRow{"challenge", [](HandUpstream& u) { return u.answer(401, {{"WWW-Authenticate", "Bearer resource_metadata=\"https://evil.example\""}}, {}); }, 502,
                  "upstream_status"},
        AnswerRow{"forbidden", [](HandUpstream& u) { return u.answer(403, {{"WWW-Authenticate", "Bearer error=\"insufficient_scope\""}}, {}); }, 502,
                  "upstream_status"},
        AnswerRow{"server_error", [](HandUpstream& u) { return u.answer(500, {}, {"stack trace"}); }, 502, "upstream_status"},
        AnswerRow{"html", [](HandUpstream& u) { return u.answer(200, {{"Content-Type", "text/html"}}, {"<p>"}); }, 502, "upstream_media_type"},
        AnswerRow{"no_media_type", [](HandUpstream& u) { return u.answer(200, {}, {kOk}); }, 502, "upstream_media_type"},
        AnswerRow{"compressed", [](HandUpstream& u) { return u.json(kOk, {{"Content-Encoding", "gzip"}}); }, 502, "upstream_media_type"},
        AnswerRow{"cut_off", [](HandUpstream& u) { return u.answer(200, {{"Content-Type", "application/json"}}, {"{\"json"}, http::StreamEnd::broken); }, 502,
                  "upstream_broken"},
        AnswerRow{"no_json", [](HandUpstream& u) { return u.json("{"); }, 502, "upstream_message_malformed"},
        AnswerRow{"batch", [](HandUpstream& u) { return u.json(std::string("[") + kOk + "]"); }, 502, "upstream_message_malformed"},
        AnswerRow{"another_id", [](HandUpstream& u) { return u.json(R"({"jsonrpc":"2.0","id":"1","result":{}})"); }, 502, "unknown_response_id"},
        AnswerRow{"a_request", [](HandUpstream& u) { return u.json(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"); }, 502, "upstream_answered_another"},
        AnswerRow{"too_large", [](HandUpstream& u) { return u.answer(200, {{"Content-Type", "application/json"}}, std::vector<std::string>(17, std::string(1 << 20, ' '))); },
                  502, "upstream_broken"},
        AnswerRow{"refused", [](HandUpstream& u) { return u.answer(400, {{"Content-Type", "application/json"}}, {R"({"jsonrpc":"2.0","error":{"code":-32000,"message":"x"}})"}); },
                  400, "upstream_refused"},
        AnswerRow{"too_many", [](HandUpstream& u) { return u.answer(429, {{"Retry-After", "7"}}, {}); }, 429, "upstream_refused"}),
    [](const auto& row) { return row.param.name; });

TEST_F(Forwarding, AnUpstreamsJudgementKeepsItsErrorBody) {
  const std::string error = R"({"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"x","data":{"supported":["2025-11-25"]}}})";
  upstream.respond = [&](const http::UpstreamRequest&) { return upstream.answer(400, {{"Content-Type", "application/json"}}, {error}); };
  EXPECT_EQ(post(call_text("search_notes")).body, error);
  upstream.respond = [&](const http::UpstreamRequest&) { return upstream.answer(400, {{"Content-Type", "text/html"}}, {"<script>"}); };
  EXPECT_EQ(post(call_text("search_notes")).body, "");
}

// ---- denials

class Denials : public GatewayTest {};

TEST_F(Denials, ADeniedCallIsAResultThatAModelUnderstands) {
  const http::Response response = post(call_text("forget_everything", "{}", "\"x\""));
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(upstream.requests.empty());
  const json::Value body = parsed(response.body);
  EXPECT_EQ(*body.find_string("id"), "x");
  const json::Value& result = *body.find("result");
  EXPECT_TRUE(*result.find_bool("isError"));
  EXPECT_FALSE(result.find("resultType"));
  const json::Value& decision = *result.find("_meta")->find("writ/decision");
  const std::string code = audit::denial_code(1);
  EXPECT_EQ(*decision.find_string("code"), code);
  EXPECT_EQ(*decision.find_string("effect"), "deny");
  EXPECT_EQ(*decision.find_string("kind"), "no_permit");
  EXPECT_FALSE(*decision.find_bool("retryable"));
  EXPECT_TRUE(decision.find_array("alternatives"));
  EXPECT_EQ(*decision.find_string("request_url"), "https://writ.example/why/" + code);
  EXPECT_NE(result.find_array("content")->front().find_string("text")->find(code), std::string::npos);
  ASSERT_EQ(log.records().size(), 1u);
  EXPECT_EQ(log.records()[0].effect, audit::Effect::deny);
  EXPECT_EQ(log.records()[0].reason, "no_permit");
}

TEST_F(Denials, OtherMethodsGetAnErrorWithTheSameObject) {
  const http::Response response = post(R"({"jsonrpc":"2.0","id":5,"method":"resources/read","params":{"uri":"file:///etc/passwd"}})");
  EXPECT_EQ(response.status, 200);
  const json::Value body = parsed(response.body);
  const json::Value& error = *body.find("error");
  EXPECT_EQ(*error.find_int("code"), 403);
  EXPECT_EQ(*error.find("data")->find_string("kind"), "no_permit");
  EXPECT_EQ(log.records()[0].tool, "file:///etc/passwd");
}

TEST_F(Denials, TheModernResultSaysThatItIsComplete) {
  http::Response response = send(modern("tools/call", json::Value{{"name", "forget_everything"}, {"arguments", json::Object{}}}));
  EXPECT_EQ(*parsed(response.body).find("result")->find_string("resultType"), "complete");
}

TEST_F(Denials, AsStatusWhenTheSettingSaysSo) {
  settings.denied_calls = Settings::DeniedCalls::http_403;
  const http::Response response = post(call_text("forget_everything"));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(*parsed(response.body).find("error")->find("data")->find_string("kind"), "no_permit");
}

TEST_F(Denials, NobodyIsAllowedByDefault) {
  set_grants({});
  for (const char* method : {"initialize", "ping", "tools/list", "prompts/list"}) {
    const http::Response response = post(std::string(R"({"jsonrpc":"2.0","id":1,"method":")") + method + "\"}");
    EXPECT_EQ(*parsed(response.body).find("error")->find_int("code"), 403) << method;
  }
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").status, 403);
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":1,"result":{}})").status, 403);
  EXPECT_EQ(send(request("GET", "", token())).status, 403);
  EXPECT_TRUE(upstream.requests.empty());
  EXPECT_EQ(records(audit::Event::call).size(), 7u);
}

TEST_F(Denials, ADisabledServerHasItsOwnReason) {
  set_objects([](registry::Objects& o) { o.servers[0].active = false; });
  post(call_text("search_notes"));
  EXPECT_EQ(last_reason(), "server_disabled");
  EXPECT_TRUE(upstream.requests.empty());
}

TEST_F(Denials, LookAlikesOfAnAllowedToolAreDenied) {
  for (const char* name : {"Search_notes", "search_notes ", " search_notes", "search_notes\\u0000", "search_note", "search_notess", "search\\u00adnotes", "\\uff53earch_notes",
                           "s\\u0435arch_notes", "search_notes\\n", "search-notes", "../search_notes", "search_notes/../delete_note", "SEARCH_NOTES", "search_notes\\u200b", "read"}) {
    post(call_text(name));
    EXPECT_TRUE(upstream.requests.empty()) << name;
    EXPECT_EQ(last_reason(), "not_reviewed") << name;   // the record; the answer says what it says of every tool that one may not use
  }
}

// ---- scopes of tools (rules §3.4)

class ToolScopes : public GatewayTest {};

TEST_F(ToolScopes, AMissingScopeIsChallengedWhenItCouldBeHad) {
  const http::Response response = post(call_text("add_note"));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(*response.headers.find_single("WWW-Authenticate"),
            R"(Bearer error="insufficient_scope", error_description="the tool needs another scope", scope="notes:write", )"
            R"(resource_metadata="https://writ.example/.well-known/oauth-protected-resource/mcp/notes")");
  EXPECT_EQ(last_reason(), "insufficient_scope");
  EXPECT_EQ(log.records().back().scope, "notes:write");
  EXPECT_TRUE(upstream.requests.empty());
}

TEST_F(ToolScopes, WhatCannotBeHadIsADenial) {
  set_grants({{"g", "eng", {true, {}}, "notes", {false, {"notes:read"}}, {true, {}}}});
  const http::Response response = post(call_text("add_note"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*parsed(response.body).find("result")->find("_meta")->find("writ/decision")->find_string("kind"), "insufficient_scope");
}

TEST_F(ToolScopes, PolicyComesFirst) {
  post(call_text("delete_note"));   // needs notes:write as well, but no row permits the tool
  EXPECT_EQ(last_reason(), "no_permit");
}

TEST_F(ToolScopes, OneOfThemIsEnoughAndImpliedOnesCount) {
  const auto with_scope = [&](const char* tool, const char* scope) {
    return send(request("POST", call_text(tool), token([scope](json::Value& c) { c.set("scope", scope); }))).status;
  };
  EXPECT_EQ(with_scope("add_note", "notes:write"), 200);
  EXPECT_EQ(with_scope("add_note", "notes:admin"), 200);
  EXPECT_EQ(with_scope("search_notes", "notes:admin"), 200);   // over two steps
  EXPECT_EQ(with_scope("search_notes", "notes:other"), 403);
  EXPECT_EQ(with_scope("echo", "notes:other"), 200);           // named by no scope
}

// ---- sessions of the legacy era

class LegacySessions : public GatewayTest {
 public:
  std::string open() {
    upstream.respond = [this](const http::UpstreamRequest& sent) -> HandUpstream::Answer {
      if (sent.body.find("\"initialize\"") != std::string::npos) return upstream.json(kOk, {{"MCP-Session-Id", "upstream-session"}});
      return default_answer(sent);
    };
    const http::Response response = post(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})");
    const auto* id = response.headers.find_single("Mcp-Session-Id");
    EXPECT_TRUE(id);
    return id ? *id : "";
  }
  http::Request with_session(std::string method, std::string body, const std::string& id, const std::string& bearer) const {
    http::Request made = request(std::move(method), std::move(body), bearer);
    made.headers.add("Mcp-Session-Id", id);
    return made;
  }
};

TEST_F(LegacySessions, TheClientGetsAnIdOfOurs) {
  const std::string id = open();
  EXPECT_NE(id, "upstream-session");
  EXPECT_GE(id.size(), 32u);
  EXPECT_EQ(send(with_session("POST", call_text("search_notes"), id, token())).status, 200);
  EXPECT_EQ(*upstream.requests.back().headers.find_single("Mcp-Session-Id"), "upstream-session");
  // The upstream's own id is nobody's.
  EXPECT_EQ(send(with_session("POST", call_text("search_notes"), "upstream-session", token())).status, 404);
}

TEST_F(LegacySessions, AnotherPrincipalDoesNotFindIt) {
  set_grants({{"g", "eng", {true, {}}, "notes", {true, {}}, {true, {}}}, {"g2", "eng", {true, {}}, "wiki", {true, {}}, {true, {}}}});
  const std::string id = open();
  const std::size_t sent = upstream.requests.size();
  const auto status = [&](const std::function<void(json::Value&)>& change, const std::string& method, const std::string& server = "notes") {
    return send(with_session(method, method == "POST" ? call_text("search_notes") : "", id, token(change)), server).status;
  };
  const auto other_agent = [](json::Value& c) { c.set("client_id", "other-at-ras"); };
  const auto other_user = [](json::Value& c) { c.set("sub", "usr_bob"); };
  const auto other_server = [](json::Value& c) { c.set("aud", "https://writ.example/mcp/wiki"); };
  for (const char* method : {"POST", "GET", "DELETE"}) {
    EXPECT_EQ(status(other_agent, method), 404) << method;
    EXPECT_EQ(status(other_user, method), 404) << method;
    EXPECT_EQ(status(other_server, method, "wiki"), 404) << method;
  }
  EXPECT_EQ(upstream.requests.size(), sent);
  // The owner's next token is the same principal.
  EXPECT_EQ(status([](json::Value& c) { c.set("jti", "at-2"), c.set("sid", "session-2"); }, "POST"), 200);
}

TEST_F(LegacySessions, EndWithDeleteAndWithTheUpstreams404) {
  std::string id = open();
  EXPECT_EQ(send(with_session("DELETE", "", id, token())).status, 200);
  EXPECT_EQ(upstream.requests.back().method, "DELETE");
  EXPECT_EQ(*upstream.requests.back().headers.find_single("Mcp-Session-Id"), "upstream-session");
  EXPECT_EQ(send(with_session("POST", call_text("search_notes"), id, token())).status, 404);
  id = open();
  upstream.respond = [&](const http::UpstreamRequest&) { return upstream.answer(404, {}, {}); };
  EXPECT_EQ(send(with_session("POST", call_text("search_notes"), id, token())).status, 404);
  const std::size_t sent = upstream.requests.size();
  EXPECT_EQ(send(with_session("POST", call_text("search_notes"), id, token())).status, 404);
  EXPECT_EQ(upstream.requests.size(), sent);
}

TEST_F(LegacySessions, AnUpstreamThatWillNotEndOneSaysSo) {
  const std::string id = open();
  upstream.respond = [&](const http::UpstreamRequest&) { return upstream.answer(405, {}, {}); };
  EXPECT_EQ(send(with_session("DELETE", "", id, token())).status, 405);
  EXPECT_EQ(send(request("DELETE", "", token())).status, 400);   // without an id
}

TEST(SessionsTest, AreBoundedForEachPrincipalAndForAll) {
  Sessions sessions(std::make_shared<const crypto::Handles>(), 4, 2, Seconds(100));
  const auto first = sessions.open("u1", "alice", 0, 0);
  const auto second = sessions.open("u2", "alice", 0, 0);
  const auto third = sessions.open("u3", "alice", 0, 0);
  EXPECT_FALSE(sessions.find(first->id, "alice", 0));   // her own oldest made room
  EXPECT_TRUE(sessions.find(second->id, "alice", 0));
  EXPECT_TRUE(sessions.open("u", "bob", 0, 0));
  EXPECT_TRUE(sessions.open("u", "carol", 0, 0));
  EXPECT_FALSE(sessions.open("u", "dave", 0, 0));       // full: nobody loses theirs to a stranger
  EXPECT_TRUE(sessions.find(third->id, "alice", 0));
  EXPECT_FALSE(sessions.find(third->id, "alice", 101));
  sessions.forget_idle(101);
  EXPECT_TRUE(sessions.open("u", "dave", 101, 0));
}

// ---- lists

class Lists : public GatewayTest {
 public:
  static std::string tools_result(const std::string& id = "1") {
    return R"({"jsonrpc":"2.0","id":)" + id +
           R"(,"result":{"tools":[{"name":"search_notes"},{"name":"forget"},{"name":"read_note"},{"title":"no name"},{"name":"add_note"}],"nextCursor":"c","cacheScope":"public"}})";
  }
  static std::vector<std::string> names(const json::Value& body) {
    std::vector<std::string> found;
    for (const json::Value& tool : *body.find("result")->find_array("tools")) found.push_back(*tool.find_string("name"));
    return found;
  }
};

TEST_F(Lists, ShowWhatCouldBeAllowed) {
  upstream.respond = [&](const http::UpstreamRequest&) { return upstream.json(tools_result()); };
  const json::Value body = parsed(post(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})").body);
  EXPECT_EQ(names(body), (std::vector<std::string>{"search_notes", "read_note", "add_note"}));   // add_note: its scope can be had
  EXPECT_EQ(*body.find("result")->find_string("cacheScope"), "private");
  EXPECT_EQ(*body.find("result")->find_string("nextCursor"), "c");
}

TEST_F(Lists, HideToolsWhoseScopeCannotBeHad) {
  set_grants({{"g", "eng", {true, {}}, "notes", {false, {"notes:read"}}, {true, {}}}});
  upstream.respond = [&](const http::UpstreamRequest&) { return upstream.json(tools_result()); };
  EXPECT_EQ(names(parsed(post(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})").body)), (std::vector<std::string>{"search_notes", "forget", "read_note"}));
}

TEST_F(Lists, NothingLeftIsAnEmptyList) {
  set_grants({{"g", "eng", {true, {}}, "notes", {true, {}}, {false, {"none"}}}});
  for (const auto& [method, member] : {std::pair{"tools/list", "tools"}, {"prompts/list", "prompts"}, {"resources/list", "resources"},
                                       {"resources/templates/list", "resourceTemplates"}}) {
    upstream.respond = [&, list = std::string(member)](const http::UpstreamRequest&) {
      return upstream.json(R"({"jsonrpc":"2.0","id":1,"result":{")" + list + R"(":[{"name":"a","uri":"a","uriTemplate":"a"}]}})");
    };
    const http::Response response = post(std::string(R"({"jsonrpc":"2.0","id":1,"method":")") + method + "\"}");
    EXPECT_EQ(parsed(response.body).find("result")->find_array(member)->size(), 0u) << method;
  }
}

TEST_F(Lists, AMalformedListIsNotShown) {
  upstream.respond = [&](const http::UpstreamRequest&) { return upstream.json(R"({"jsonrpc":"2.0","id":1,"result":{"tools":{"0":{"name":"forget"}}}})"); };
  const http::Response response = post(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})");
  EXPECT_EQ(*parsed(response.body).find("error")->find_int("code"), -32603);
}

// ---- arguments

class ArgumentsPolicy final : public policy::Policy {
 public:
  policy::Decision decide(const policy::Question& question) const override {
    policy::Decision decision;
    if (question.action != policy::Action::call) return decision;
    seen = json::write(*question.arguments);
    const auto* text = question.arguments->find_string("text");
    decision.allowed = !text || !text->ends_with("forbidden");
    decision.kind = decision.allowed ? policy::Kind::allowed : policy::Kind::forbidden;
    return decision;
  }
  bool could_allow(const policy::Question&) const override { return true; }
  const std::string& version() const override { return name; }
  mutable std::string seen;
  std::string name = "arguments";
};

class Arguments : public GatewayTest {};

TEST_F(Arguments, TheRuleSeesTheWholeValue) {
  const auto rule = std::make_shared<ArgumentsPolicy>();
  policy.set(rule);
  const std::string arguments = R"({"text":")" + std::string(2 << 20, 'x') + R"(forbidden"})";
  post(call_text("search_notes", arguments));
  EXPECT_EQ(rule->seen, arguments);
  EXPECT_EQ(last_reason(), "forbidden");
  EXPECT_TRUE(upstream.requests.empty());
}

TEST_F(Arguments, EscapesOfThePolicyLanguageAreOrdinaryMembers) {
  const auto rule = std::make_shared<ArgumentsPolicy>();
  policy.set(rule);
  for (const std::string arguments : {R"({"__entity":{"type":"Writ::User","id":"usr_root"}})", R"({"a":{"__extn":{"fn":"ip","arg":"10.0.0.1"}}})",
                                      R"({"a":null,"b":1.5,"c":[1,"x",null],"__expr":"1"})"}) {
    post(call_text("search_notes", arguments));
    EXPECT_EQ(rule->seen, arguments);
    EXPECT_NE(upstream.requests.back().body.find(arguments), std::string::npos);
  }
}

TEST_F(Arguments, AbsentOnesAreAnEmptyObject) {
  const auto rule = std::make_shared<ArgumentsPolicy>();
  policy.set(rule);
  post(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_notes"}})");
  EXPECT_EQ(rule->seen, "{}");
}

// ---- metadata and routes

class Routes : public GatewayTest {};

TEST_F(Routes, MetadataIsWhereTheChallengeSays) {
  const http::Router router = routes(*gateway, settings);
  const auto get = [&](const std::string& path) {
    http::Request made;
    made.method = "GET", made.path = path;
    return run(executor, router.handle(made));
  };
  const http::Response response = get("/.well-known/oauth-protected-resource/mcp/notes");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body,
            R"({"resource":"https://writ.example/mcp/notes","authorization_servers":["https://writ.example/ras"],"scopes_supported":["notes:read"],"bearer_methods_supported":["header"]})");
  EXPECT_EQ(get("/.well-known/oauth-protected-resource/mcp/none").status, 404);
  EXPECT_EQ(get("/.well-known/oauth-protected-resource/mcp/notes/x").status, 404);
}

TEST_F(Routes, LeadToTheServerOfThePath) {
  const http::Router router = routes(*gateway, settings);
  http::Request made = request("POST", call_text("search_notes"), token());
  EXPECT_EQ(run(executor, router.handle(made)).status, 200);
  made.path = "/mcp/wiki";
  EXPECT_EQ(run(executor, router.handle(made)).status, 401);   // a token for one path is refused on another
  made.path = "/mcp/unknown";
  EXPECT_EQ(run(executor, router.handle(made)).status, 404);
  made.path = "/mcp/notes", made.method = "OPTIONS";
  const http::Response options = run(executor, router.handle(made));
  EXPECT_EQ(options.status, 405);
  EXPECT_EQ(options.headers.count("Access-Control-Allow-Origin"), 0u);
}

}  // namespace
}  // namespace writ::gateway
