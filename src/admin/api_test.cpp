#include "admin/api.h"

#include <gmock/gmock.h>

#include "admin/admin_fixture.h"

namespace writ::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class AdminApi : public AdminWorld {
 protected:
  void SetUp() override { fill(); }
};

// A path that exists for the operation, and a body that it accepts.
struct Sample {
  std::string path, body;
};
Sample sample_of(const Operation& operation) {
  const std::string name = operation.name;
  if (name == "plan" || name == "apply") return {operation.path, R"({"objects":{"groups":[{"id":"eng"},{"id":"sales"}]}})"};
  if (name == "check_policy" || name == "activate_policy" || name == "diff_policy" || name == "replay_policy") return {operation.path, json::write(json::Value{{"files", json::Value{{"grants.yaml", kGrants}}}})};
  if (name == "start_shadow") return {operation.path, json::write(json::Value{{"files", json::Value{{"grants.yaml", std::string(kGrants) + "# another version\n"}}}, {"reason", "to see"}})};
  if (name == "promote_policy") return {operation.path, R"({"reason":"seen"})"};
  if (name == "decide_approval") return {"/admin/v1/approvals/apr_none", R"({"decision":"reject"})"};
  if (name.ends_with("_account")) return {"/admin/v1/accounts/acc_none" + std::string(name == "approve_account" ? "/approve" : name == "reject_account" ? "/reject" : ""), ""};
  if (name == "approve_reviews" || name == "reject_reviews") return {operation.path, R"({"items":[{"kind":"tools","id":"files/none","digest":"x"}]})"};
  if (name == "test_policy") return {operation.path, "{}"};
  if (name == "get_policy_version") return {"/admin/v1/policy/versions/1", ""};
  if (name == "restore_policy") return {"/admin/v1/policy/versions/1/restore", R"({"reason":"it was better"})"};
  if (name == "explain_access") return {operation.path, R"({"user":"alice","agent":"cursor","server":"files"})"};
  if (name == "rotate_key") return {operation.path, R"({"use":"idp"})"};
  if (name == "explain_denial") return {"/admin/v1/why/" + audit::denial_code(1), ""};
  if (name == "set_signal_stream") return {"/admin/v1/signals/stm_none", R"({"status":"paused"})"};
  if (name == "end_session") return {"/admin/v1/sessions/s1", ""};
  if (name == "end_sessions_of_user") return {"/admin/v1/users/usr_bob/sessions", ""};
  if (name == "list_objects") return {"/admin/v1/groups", ""};
  if (name == "get_object") return {"/admin/v1/users/usr_bob", ""};
  if (name == "put_object") return {"/admin/v1/groups/more", R"({"id":"more"})"};
  if (name == "delete_object") return {"/admin/v1/groups/sales", ""};
  if (name == "get_object_history") return {"/admin/v1/users/usr_bob/history", ""};
  return {operation.path, ""};
}

// The whole table of operations against the whole table of callers.
TEST_F(AdminApi, AuthorizesEveryOperation) {
  EXPECT_GE(operations().size(), 22u);
  for (const Operation& operation : operations()) {
    const Sample sample = sample_of(operation);
    const std::string what = std::string(operation.method) + " " + sample.path;
    const bool is_read = operation.needs == Needs::auditor;
    for (const char* token : {"", "wrong-token-0123456789abcdef", kInactiveToken}) {
      const auto refused = call(operation.method, sample.path, token, sample.body);
      EXPECT_EQ(refused.status, 401) << what << " with `" << token << "`";
      EXPECT_EQ(*refused.headers.find("WWW-Authenticate"), "Bearer");
      EXPECT_EQ(log.records().back().effect, audit::Effect::deny);
      EXPECT_EQ(log.records().back().reason, *token == 0 ? "no_token" : *token == 'w' ? "unknown_token" : "inactive_token") << what;
    }
    const auto auditor = call(operation.method, sample.path, kAuditorToken, sample.body);
    if (is_read) {
      EXPECT_THAT(auditor.status, testing::AnyOf(200, 404)) << what;
    } else {
      EXPECT_EQ(auditor.status, 403) << what;
      EXPECT_EQ(log.records().back().reason, "needs_admin") << what;
      EXPECT_EQ(more_of(log.records().back(), "actor"), "token:eye") << what;
    }
    // Nothing waits for review here: saying so comes after asking who wants to know.
    const bool is_review = std::string_view(operation.name) == "approve_reviews" || std::string_view(operation.name) == "reject_reviews";
    const testing::Matcher<int> came_through = is_review ? testing::Matcher<int>(422) : testing::Matcher<int>(testing::AnyOf(200, 201, 404));
    EXPECT_THAT(call(operation.method, sample.path, kAdminToken, sample.body).status, came_through) << what;
    EXPECT_THAT(call(operation.method, sample.path, "socket", sample.body).status, came_through) << what;
  }
  EXPECT_EQ(registry.get()->group("sales"), nullptr) << "the administrator's DELETE came through, nobody else's before it";
}

TEST_F(AdminApi, TellsStrangersNothingAboutWhatExists) {
  for (const char* path : {"/admin/v1/users/usr_alice", "/admin/v1/users/usr_nobody", "/admin/v1/nothing", "/admin/v1/users/usr_alice/x/y"}) {
    EXPECT_EQ(call("GET", path, "").status, 401) << path;
  }
  EXPECT_EQ(call("GET", "/admin/v1/nothing").status, 404);
  EXPECT_EQ(call("DELETE", "/admin/v1/status").status, 405);
  EXPECT_EQ(*call("DELETE", "/admin/v1/policy/history").headers.find("Allow"), "GET") << "policy is no collection";
}

TEST_F(AdminApi, RefusesOddAuthorizationHeaders) {
  const auto status_of = [&](const std::vector<std::string>& values) {
    http::Headers headers;
    for (const auto& value : values) headers.add("Authorization", value);
    return call("GET", "/admin/v1/status", "", "", headers).status;
  };
  const std::string good = std::string("Bearer ") + kAdminToken;
  EXPECT_EQ(status_of({good}), 200);
  EXPECT_EQ(status_of({std::string("bearer ") + kAdminToken}), 200) << "the scheme's case does not matter";
  EXPECT_EQ(status_of({good, good}), 401);
  EXPECT_EQ(status_of({good + " "}), 401);
  EXPECT_EQ(status_of({std::string("Bearer  ") + kAdminToken}), 401);
  EXPECT_EQ(status_of({std::string("Basic ") + kAdminToken}), 401);
  EXPECT_EQ(status_of({"Bearer "}), 401);
  EXPECT_EQ(status_of({kAdminToken}), 401);
}

TEST_F(AdminApi, AWrongTokenOnTheLocalSocketIsNotOverlooked) {
  http::Headers headers{{"Authorization", "Bearer wrong-token-0123456789abcdef"}};
  EXPECT_EQ(call("GET", "/admin/v1/status", "socket", "", headers).status, 401);
}

TEST_F(AdminApi, TheLocalSocketIsRecordedAsBreakGlass) {
  ASSERT_EQ(call("PUT", "/admin/v1/groups/more", "socket", R"({"id":"more"})").status, 201);
  EXPECT_EQ(more_of(log.records().back(), "break_glass"), "true");
  EXPECT_EQ(more_of(log.records().back(), "actor"), "local");
  ASSERT_EQ(call("PUT", "/admin/v1/groups/more2", kAdminToken, R"({"id":"more2"})").status, 201);
  EXPECT_EQ(more_of(log.records().back(), "break_glass"), "");
  EXPECT_EQ(more_of(log.records().back(), "actor"), "token:ci");
}

TEST_F(AdminApi, ChangesAnObjectOfTheVersionThatItNames) {
  const auto shown = call("GET", "/admin/v1/users/usr_bob");
  EXPECT_EQ(*shown.headers.find("ETag"), "\"1\"");
  json::Value bob = body_of(shown);
  bob.set("title", "Boss");
  const std::string text = json::write(bob);
  EXPECT_EQ(call("PUT", "/admin/v1/users/usr_bob", kAdminToken, text, {{"If-Match", "\"7\""}}).status, 412);
  EXPECT_EQ(call("PUT", "/admin/v1/users/usr_bob", kAdminToken, text, {{"If-None-Match", "*"}}).status, 412) << "there is one";
  EXPECT_EQ(call("PUT", "/admin/v1/users/usr_bob", kAdminToken, text, {{"If-Match", "1"}}).status, 400);
  const auto done = call("PUT", "/admin/v1/users/usr_bob", kAdminToken, text, {{"If-Match", "\"1\""}});
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(*done.headers.find("ETag"), "\"2\"");
  EXPECT_EQ(registry.get()->user("usr_bob")->title, "Boss");
  EXPECT_EQ(call("PUT", "/admin/v1/users/usr_bob", kAdminToken, text, {{"If-Match", "\"1\""}}).status, 412) << "somebody was faster";
  EXPECT_EQ(call("DELETE", "/admin/v1/users/usr_bob", kAdminToken, "", {{"If-Match", "\"1\""}}).status, 412);
  EXPECT_EQ(call("DELETE", "/admin/v1/users/usr_bob", kAdminToken, "", {{"If-Match", "\"2\""}}).status, 200);
  EXPECT_EQ(call("DELETE", "/admin/v1/users/usr_bob").status, 404);
  EXPECT_EQ(call("PUT", "/admin/v1/users/usr_bob", kAdminToken, R"({"id":"usr_bob","name":"bob"})").status, 422) << "an id is never used again";
}

TEST_F(AdminApi, ShowsNoCredentialsAndKeepsThemWhenTheObjectComesBack) {
  for (const char* path : {"/admin/v1/users", "/admin/v1/users/usr_alice", "/admin/v1/users/usr_alice/history", "/admin/v1/agents", "/admin/v1/agents/cursor", "/admin/v1/api_tokens"}) {
    const auto shown = call("GET", path, kAuditorToken);
    EXPECT_EQ(shown.status, 200);
    EXPECT_THAT(shown.body, Not(HasSubstr("argon2id"))) << path;
    EXPECT_THAT(shown.body, Not(HasSubstr("sha256"))) << path;
  }
  const auto alice = call("GET", "/admin/v1/users/usr_alice");
  EXPECT_THAT(alice.body, HasSubstr("\"has_password\":true"));
  EXPECT_EQ(call("PUT", "/admin/v1/users/usr_alice", kAdminToken, alice.body).status, 200);
  const auto cursor = call("GET", "/admin/v1/agents/cursor");
  EXPECT_EQ(call("PUT", "/admin/v1/agents/cursor", kAdminToken, cursor.body).status, 200);
  EXPECT_EQ(registry.get()->user("usr_alice")->password_hash, "$argon2id$x");
  EXPECT_EQ(registry.get()->agent("cursor")->idp->secrets.size(), 1u);
  EXPECT_EQ(registry.get()->sequence(), 1u) << "nothing changed";
}

TEST_F(AdminApi, FindsObjectsByKeysThatNeedEscapes) {
  EXPECT_EQ(call("GET", "/admin/v1/resource_authorization_servers/https%3A%2F%2Fras.example").status, 200);
  EXPECT_EQ(call("GET", "/admin/v1/resource_authorization_servers/https%3A%2F%2Fras.exampl%zz").status, 404);
  EXPECT_EQ(call("GET", "/admin/v1/resource_authorization_servers/https://ras.example").status, 404);
}

TEST_F(AdminApi, TellsProblemsWithTheirPlace) {
  const auto wrong = call("POST", "/admin/v1/apply", kAdminToken, R"({"objects":{"users":[{"name":"carol","groups":["egn"]}]}})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(*wrong.headers.find("Content-Type"), "application/problem+json");
  const json::Value body = body_of(wrong);
  ASSERT_TRUE(body.find_array("problems"));
  const json::Value& first = body.find_array("problems")->front();
  EXPECT_EQ(*first.find_string("pointer"), "/objects/users/0/groups/0");
  EXPECT_EQ(*first.find_string("message"), "there is no group `egn`; did you mean `eng`?");
  const auto key = call("PUT", "/admin/v1/groups/a", kAdminToken, R"({"id":"b"})");
  EXPECT_EQ(key.status, 422);
  EXPECT_THAT(key.body, HasSubstr("is not the one in the path"));
}

TEST_F(AdminApi, TakesNoBodyThatAFormCouldSend) {   // A1
  http::Headers headers{{"Content-Type", "text/plain"}};
  http::Request request;
  request.method = "POST";
  request.path = "/admin/v1/apply";
  request.headers = headers;
  request.headers.add("Authorization", std::string("Bearer ") + kAdminToken);
  request.body = R"({"objects":{}})";
  EXPECT_EQ(run<http::Response>(router.handle(request)).status, 415);
  request.headers.erase("Content-Type");
  EXPECT_EQ(run<http::Response>(router.handle(request)).status, 415);
  request.headers.set("Content-Type", "application/json; charset=utf-8");
  EXPECT_EQ(run<http::Response>(router.handle(request)).status, 200);
  request.body = R"({"objects":{},"objects":{}})";
  EXPECT_EQ(run<http::Response>(router.handle(request)).status, 400);
}

TEST_F(AdminApi, ReadsNoFilesForItsCallers) {
  const auto answer = call("POST", "/admin/v1/apply", kAdminToken, R"({"objects":{"users":[{"name":"carol","password_file":"/etc/passwd"}]}})");
  EXPECT_EQ(answer.status, 422);
  EXPECT_THAT(answer.body, HasSubstr("`password_file` cannot be used here"));
}

TEST_F(AdminApi, GuardsTheAskersOwnAccess) {
  const auto refused = call("DELETE", "/admin/v1/api_tokens/ci");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("your own access"));
  EXPECT_EQ(call("DELETE", "/admin/v1/api_tokens/ci?lock_me_out=true").status, 200);
  EXPECT_EQ(call("GET", "/admin/v1/status").status, 401) << "at once";
}

TEST_F(AdminApi, ActivatesAPolicyWholeOrNotAtAll) {
  const auto body = [](const std::string& grants) { return json::write(json::Value{{"files", json::Value{{"grants.yaml", grants}}}, {"reason", "because"}}); };
  const std::string good = "grants:\n  - {group: sales, agents: all, servers: [files], scopes: all, tools: all}\n";
  EXPECT_EQ(call("POST", "/admin/v1/policy/check", kAuditorToken, body(good)).status, 200);
  EXPECT_FALSE(may_connect("sales")) << "a check activates nothing";
  EXPECT_EQ(call("PUT", "/admin/v1/policy", kAdminToken, body(good + "  - {group: x}\n")).status, 422);
  EXPECT_FALSE(may_connect("sales"));
  EXPECT_EQ(call("PUT", "/admin/v1/policy", kAdminToken, body(good)).status, 200);
  EXPECT_TRUE(may_connect("sales"));
  EXPECT_FALSE(may_connect("eng"));
  EXPECT_EQ(log.records().back().event, audit::Event::policy_activated);
  const json::Value active = body_of(call("GET", "/admin/v1/policy"));
  EXPECT_EQ(*active.find_int("number"), 2);
  EXPECT_EQ(*active.find_string("author"), "token:ci");
  EXPECT_EQ(*active.find_string("reason"), "because");
  EXPECT_EQ(*active.find_string("version"), policy.get()->version());
  EXPECT_EQ(body_of(call("GET", "/admin/v1/policy/history")).find_array("items")->size(), 2u);
}

TEST_F(AdminApi, ExplainsADenialByItsCode) {
  audit::Commit commit;
  commit.record.event = audit::Event::call;
  commit.record.effect = audit::Effect::deny;
  commit.record.reason = "no_permit";
  commit.record.user = "usr_bob";
  commit.record.access_token_jti = "at1";
  audit::Commit earlier = commit;
  earlier.record.event = audit::Event::access_token;
  earlier.record.effect = audit::Effect::allow;
  const auto first = run<Result<audit::Committed, Unavailable>>(log.commit(std::move(earlier)));
  const auto committed = run<Result<audit::Committed, Unavailable>>(log.commit(std::move(commit)));
  const auto why = call("GET", "/admin/v1/why/" + audit::denial_code(committed->position), kAuditorToken);
  EXPECT_EQ(why.status, 200);
  const json::Value body = body_of(why);
  EXPECT_EQ(*body.find("record")->find_string("reason"), "no_permit");
  EXPECT_EQ(body.find_array("chain")->size(), 1u);
  EXPECT_EQ(call("GET", "/admin/v1/why/" + audit::denial_code(first->position)).status, 404) << "this one was no denial";
  EXPECT_EQ(call("GET", "/admin/v1/why/W-0000-01").status, 400);
}

TEST_F(AdminApi, QueriesRecords) {
  const json::Value all = body_of(call("GET", "/admin/v1/audit?event=administration&user=alice", kAuditorToken));
  ASSERT_EQ(all.find_array("items")->size(), 1u) << "people are found by name";
  EXPECT_EQ(*all.find_array("items")->front().find_string("user"), "usr_alice");
  EXPECT_EQ(body_of(call("GET", "/admin/v1/audit?limit=2")).find_array("items")->size(), 2u);
  for (const char* wrong : {"limit=0", "limit=1001", "limit=x", "since=yesterday", "after=-1"}) {
    EXPECT_EQ(call("GET", "/admin/v1/audit?" + std::string(wrong)).status, 400) << wrong;
  }
}

TEST_F(AdminApi, DescribesItself) {
  const json::Value document = body_of(call("GET", "/admin/openapi.json", ""));
  std::size_t described = 0;
  for (const auto& path : *document.find_object("paths")) described += path.value.as_object()->size();
  EXPECT_EQ(described, operations().size());
  EXPECT_EQ(*document.find("paths")->find("/admin/v1/apply")->find("post")->find_string("x-role"), "admin");
}

TEST_F(AdminApi, IsUnavailableWhenTheRecordCannotBeWritten) {
  log.fail_from_now_on(true);
  const auto answer = call("PUT", "/admin/v1/groups/more", kAdminToken, R"({"id":"more"})");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.headers.find("Retry-After"), nullptr);
  EXPECT_EQ(call("GET", "/admin/v1/status", "").status, 503) << "a refusal without its record is not answered either";
}

TEST(AdminPaths, MatchSegmentBySegment) {
  EXPECT_EQ(match_path("/a/{x}/c", "/a/b/c"), std::vector<std::string>{"b"});
  EXPECT_EQ(match_path("/a/{x}", "/a/b%2Fc"), std::vector<std::string>{"b/c"});
  EXPECT_EQ(match_path("/a/{x}", "/a/b+c"), std::vector<std::string>{"b+c"});
  EXPECT_EQ(match_path("/a/{x}", "/a/b%C3%A4"), std::vector<std::string>{"bä"});
  for (const char* path : {"/a", "/a/", "/a/b/", "/a/b/c", "/A/b", "//b", "/a/%00", "/a/%", "/a/%1", "/a/b%g0"}) EXPECT_EQ(match_path("/a/{x}", path), std::nullopt) << path;
}

}  // namespace
}  // namespace writ::admin
