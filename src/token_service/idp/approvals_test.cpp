#include "token_service/idp/approvals.h"

#include "token_service/idp/idp_fixture.h"
#include "token_service/idp/routes.h"
#include "token_service/idp/tokens.h"

namespace writ::token_service::idp {
namespace {

// bob asked; alice is of the group that approves.
class ApprovalsOfPeople : public testing::Test {
 protected:
  ApprovalsOfPeople() {
    requests = std::move(*approvals::Requests::open(world.documents));
    world.idp.approvals = requests.get();
    router = routes(world.idp);
    approvals::HeldCall call{"usr_bob", "bob", "cursor", "notes", "delete_note", R"({"id":"n1"})", "", "d1"};
    id = run<approvals::Requests::Holding>(requests->hold(std::move(call), {{"look", "eng"}}, "eng look at this", world.clock.time))->request.id;
  }
  std::string token(const char* user, const char* client = "writ-cli-idp") {
    const Session session = world.begin_session(user);
    const auto snapshot = world.registry.get();
    const LiveSession live{session, snapshot->user(user)};
    return world.sign(access_token_claims({live, *snapshot, client, "grt_1", *oauth::ScopeSet::parse("openid"), ""}, world.idp_settings, world.clock.time), oauth::kTypAccessToken);
  }
  http::Response ask(const std::string& method, const std::string& path, const std::string& bearer, const std::string& body = "") {
    http::Request request;
    request.method = method, request.path = "/idp/approvals" + path, request.body = body;
    request.peer.address = "192.0.2.7";
    if (!bearer.empty()) request.headers.add("Authorization", "Bearer " + bearer);
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    return run(router.handle(request));
  }
  http::Response approve(const std::string& bearer) { return ask("POST", "/" + id, bearer, R"({"decision":"approve","reason":"fine"})"); }
  std::size_t listed(const char* user) { return json::parse(ask("GET", "", token(user)).body)->find_array("items")->size(); }
  bool is_approved() const { return requests->find(id)->state(world.clock.time) == approvals::State::approved; }

  World world;
  std::unique_ptr<approvals::Requests> requests;
  http::Router router;
  std::string id;
};

TEST_F(ApprovalsOfPeople, AMemberSeesTheCallAndApprovesIt) {
  const std::string alice = token("usr_alice");
  const auto shown = json::parse(ask("GET", "/" + id, alice).body);
  ASSERT_TRUE(shown);
  EXPECT_EQ(*shown->find_string("arguments_text"), R"({"id":"n1"})");
  EXPECT_TRUE(*shown->find_bool("can_decide"));
  const http::Response response = approve(alice);
  EXPECT_EQ(response.status, 200) << response.body;
  EXPECT_TRUE(is_approved());
  const audit::Record record = world.log.records().back();
  EXPECT_EQ(record.reason, "approved");
  EXPECT_NE(std::find(record.more.begin(), record.more.end(), std::pair<std::string, std::string>("approver", "usr_alice")), record.more.end());
}

TEST_F(ApprovalsOfPeople, ANoIsOneToo) {
  EXPECT_EQ(ask("POST", "/" + id, token("usr_alice"), R"({"decision":"reject","reason":"no"})").status, 200);
  EXPECT_EQ(approve(token("usr_alice")).status, 409);
}

// The requester sees their own call, and that they cannot decide it; others see nothing.
TEST_F(ApprovalsOfPeople, ArgumentsAreForApproversAndTheRequester) {
  EXPECT_EQ(listed("usr_alice"), 1u);
  EXPECT_EQ(listed("usr_bob"), 1u);
  EXPECT_FALSE(*json::parse(ask("GET", "/" + id, token("usr_bob")).body)->find_bool("can_decide"));
  EXPECT_EQ(approve(token("usr_bob")).status, 403);
  world.change([](registry::Objects& objects) { objects.users[0].groups.clear(); });
  EXPECT_EQ(listed("usr_alice"), 0u);
  EXPECT_EQ(ask("GET", "/" + id, token("usr_alice")).status, 404);
  EXPECT_EQ(approve(token("usr_alice")).status, 404);
  EXPECT_FALSE(is_approved());
}

// An agent holds tokens of its person, too: it must not approve what other agents ask.
TEST_F(ApprovalsOfPeople, AnAgentDoesNotApprove) {
  const http::Response response = approve(token("usr_alice", "cursor-idp"));
  EXPECT_EQ(response.status, 403);
  EXPECT_NE(response.body.find("not_this_agent"), std::string::npos);
  EXPECT_FALSE(is_approved());
}

TEST_F(ApprovalsOfPeople, NobodyElseComesIn) {
  EXPECT_EQ(approve("").status, 401);
  EXPECT_EQ(approve("not-a-token").status, 401);
  const std::string alice = token("usr_alice");
  EXPECT_EQ(ask("POST", "/" + id, alice, R"({"decision":"maybe"})").status, 400);
  EXPECT_EQ(ask("POST", "/" + id, alice, "{").status, 400);
  EXPECT_EQ(ask("POST", "/" + id, alice, R"({"decision":"approve","reason":")" + std::string(501, 'x') + "\"}").status, 400);
  EXPECT_EQ(ask("POST", "/apr_none", alice, R"({"decision":"approve"})").status, 404);
  world.change([](registry::Objects& objects) { objects.users[0].active = false; });
  EXPECT_EQ(approve(alice).status, 401);
  EXPECT_FALSE(is_approved());
}

TEST_F(ApprovalsOfPeople, WithoutARecordNothingIsDecided) {
  const std::string alice = token("usr_alice");
  world.log.fail_from_now_on(true);
  EXPECT_EQ(approve(alice).status, 503);
  EXPECT_FALSE(is_approved());
}

}  // namespace
}  // namespace writ::token_service::idp
