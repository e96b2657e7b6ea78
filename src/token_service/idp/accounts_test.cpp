#include "token_service/idp/accounts.h"

#include <gmock/gmock.h>

#include "encoding/base64url.h"
#include "token_service/idp/browser_fixture.h"

namespace writ::token_service::idp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Whoever keeps the accounts, by hand.
class ScriptedAccounts final : public UpstreamAccounts {
 public:
  std::vector<Linked> of(const std::string& user) const override {
    const auto found = linked.find(user);
    return found == linked.end() ? std::vector<Linked>{} : found->second;
  }
  Task<Result<Begun, Refused>> begin(std::shared_ptr<const registry::Snapshot>, std::string server, Person person) override {
    calls.push_back("begin " + server + " for " + person.user + " in " + person.session);
    Begun begun{"https://as.crm.example/authorize?a=b&c=d", std::string(43, 's'), "sealed"};
    co_return begun;
  }
  Task<Result<std::string, Refused>> finish(std::shared_ptr<const registry::Snapshot>, std::string server, form::Parameters answer, std::string sealed, Person person) override {
    const auto* code = answer.find("code");
    calls.push_back("finish " + server + " for " + person.user + " with " + (code ? *code : "no code") + " and " + (sealed.empty() ? "nothing" : sealed));
    if (!refuses.empty()) {
      Refused refused{403, refuses};
      co_return unexpected(std::move(refused));
    }
    co_return std::string("alice@acme.example");
  }
  Task<Result<bool, Unavailable>> unlink(std::string server, Person person) override {
    calls.push_back("unlink " + server + " for " + person.user);
    co_return true;
  }
  std::map<std::string, std::vector<Linked>> linked;
  std::vector<std::string> calls;
  std::string refuses;
};

class AccountsPageTest : public testing::Test {
 public:
  AccountsPageTest() {
    world.change([](registry::Objects& objects) {
      for (const char* id : {"crm", "wiki2"}) {
        registry::Server one = server(id, (std::string("https://mcp.acme.example/mcp/") + id).c_str(), kOwnRas, {});
        if (std::string(id) == "crm") objects.servers.erase(objects.servers.begin() + 2);
        one.display_name = std::string(id) + " <server>";
        one.upstream.emplace().url = "https://up.example/mcp";
        one.upstream->oauth.emplace();
        one.upstream->oauth->grant = registry::UpstreamOAuth::Grant::authorization_code;
        objects.servers.push_back(one);
      }
    });
    router = account_routes(page);
    sign_in("usr_alice");
  }
  void sign_in(const char* user) {
    session = world.begin_session(user);
    browser.cookies["__Host-writ_session"] = "cookie-" + session.id;
  }
  http::Response submit(const char* path, const char* server, const char* csrf = nullptr) {
    const auto shown = browser.get("/accounts");
    const std::string token = unescaped(between(shown.body, "name=\"csrf\" value=\"", "\""));
    return browser.post(path, {{"csrf", csrf ? csrf : token}, {"server", server}});
  }
  World world;
  ScriptedAccounts accounts;
  AccountsPage page{world.idp, accounts, "https://id.acme.example/accounts"};
  http::Router router;
  Browser browser{world, router};
  Session session;
};

TEST_F(AccountsPageTest, ShowsWhatIsLinkedAndWhatCanBe) {
  accounts.linked["usr_alice"] = {{"crm", "<alice>@acme.example", kNow, true}};
  const auto shown = browser.get("/accounts");
  EXPECT_EQ(shown.status, 200);
  EXPECT_THAT(shown.body, HasSubstr("crm &lt;server&gt;"));
  EXPECT_THAT(shown.body, HasSubstr("Linked: &lt;alice&gt;@acme.example"));
  EXPECT_THAT(shown.body, HasSubstr("Unlink"));
  EXPECT_THAT(shown.body, HasSubstr("wiki2"));
  EXPECT_THAT(shown.body, Not(HasSubstr("notes"))) << "a server without accounts";
  EXPECT_THAT(*shown.headers.find_single("Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_THAT(*shown.headers.find_single("Cache-Control"), HasSubstr("no-store"));
}

TEST_F(AccountsPageTest, PutsTheServerFirstThatSomebodyWasSentFor) {
  const auto shown = browser.get("/accounts", "server=wiki2");
  EXPECT_LT(shown.body.find("wiki2"), shown.body.find("crm"));
  EXPECT_THAT(shown.body, HasSubstr("An agent of yours needs this account"));
}

TEST_F(AccountsPageTest, OffersOnlyWhatPolicyOpens) {
  world.allow([](const policy::Question& question) { return question.server.id == "crm" && question.agent.id == "cursor"; });
  const auto shown = browser.get("/accounts");
  EXPECT_THAT(shown.body, HasSubstr("crm"));
  EXPECT_THAT(shown.body, Not(HasSubstr("wiki2")));
  EXPECT_EQ(submit("/accounts/link", "wiki2").status, 403);
  EXPECT_TRUE(accounts.calls.empty());
}

TEST_F(AccountsPageTest, WhoLostAccessCanStillUnlink) {
  accounts.linked["usr_alice"] = {{"crm", "a@acme.example", kNow, true}};
  world.allow([](const policy::Question&) { return false; });
  EXPECT_THAT(browser.get("/accounts").body, HasSubstr("a@acme.example"));
  EXPECT_EQ(submit("/accounts/unlink", "crm").status, 303);
  EXPECT_THAT(accounts.calls, ElementsAre("unlink crm for usr_alice"));
}

TEST_F(AccountsPageTest, AStrangerSignsInAndComesBack) {
  browser.cookies.clear();
  const auto sent = browser.get("/accounts", "server=crm");
  EXPECT_EQ(sent.status, 303);
  EXPECT_EQ(location(sent), "https://id.acme.example/idp/sign-in");
  const http::Router idp_router = routes(world.idp);
  Browser at_idp(world, idp_router);
  at_idp.cookies = browser.cookies;
  const auto signed_in = at_idp.submit(at_idp.get("/idp/sign-in"), {{"username", "alice"}, {"password", "wonderland"}});
  EXPECT_EQ(signed_in.status, 303);
  EXPECT_EQ(location(signed_in), "https://id.acme.example/accounts?server=crm");
  EXPECT_FALSE(at_idp.cookies.contains("__Host-writ_return")) << "once";
  browser.cookies = at_idp.cookies;
  EXPECT_EQ(browser.get("/accounts", "server=crm").status, 200);
}

TEST_F(AccountsPageTest, AReturnAddressThatIsNotOursIsNotFollowed) {
  const http::Router idp_router = routes(world.idp);
  const std::string evil = base64url::encode(std::string_view("https://evil.example/"));
  for (const std::string& value : {evil + ".made-up", evil + "." + form_token(world.idp, "return address", "return", "https://evil.example/"), evil, std::string(".")}) {
    Browser at_idp(world, idp_router);
    at_idp.cookies["__Host-writ_return"] = value;
    const auto signed_in = at_idp.submit(at_idp.get("/idp/sign-in"), {{"username", "alice"}, {"password", "wonderland"}});
    EXPECT_EQ(signed_in.status, 200) << value;
    EXPECT_EQ(location(signed_in), "") << value;
  }
}

TEST_F(AccountsPageTest, NothingHappensWithoutASession) {
  browser.cookies.clear();
  EXPECT_EQ(location(browser.get("/accounts/callback/crm", "state=x&code=y")), "https://id.acme.example/idp/sign-in");
  EXPECT_EQ(location(browser.post("/accounts/link", {{"server", "crm"}})), "https://id.acme.example/idp/sign-in");
  EXPECT_EQ(location(browser.post("/accounts/unlink", {{"server", "crm"}})), "https://id.acme.example/idp/sign-in");
  EXPECT_TRUE(accounts.calls.empty());
}

TEST_F(AccountsPageTest, LinkingLeadsOnWithACookieOfThisBrowser) {
  const auto onward = submit("/accounts/link", "crm");
  EXPECT_EQ(onward.status, 200);
  EXPECT_THAT(onward.body, HasSubstr("https://as.crm.example/authorize?a=b&amp;c=d"));
  const auto* cookie = onward.headers.find_single("Set-Cookie");
  ASSERT_TRUE(cookie);
  EXPECT_TRUE(cookie->starts_with("__Host-writ_link_ssssssssssss=sealed; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600")) << *cookie;
  EXPECT_THAT(accounts.calls, ElementsAre("begin crm for usr_alice in " + session.id));

  const auto back = browser.get("/accounts/callback/crm", "state=" + std::string(43, 's') + "&code=c");
  EXPECT_EQ(back.status, 303);
  EXPECT_EQ(*back.headers.find_single("Location"), "https://id.acme.example/accounts");
  EXPECT_THAT(*back.headers.find_single("Set-Cookie"), HasSubstr("Max-Age=0"));
  EXPECT_EQ(accounts.calls.back(), "finish crm for usr_alice with c and sealed");
}

TEST_F(AccountsPageTest, AnAnswerInAnotherBrowserHasNoCookie) {
  browser.get("/accounts/callback/crm", "state=" + std::string(43, 's') + "&code=c");
  EXPECT_EQ(accounts.calls.back(), "finish crm for usr_alice with c and nothing");
}

TEST_F(AccountsPageTest, ARefusalIsShownAsText) {
  accounts.refuses = "<b>no</b>";
  const auto back = browser.get("/accounts/callback/crm", "state=" + std::string(43, 's') + "&code=c");
  EXPECT_EQ(back.status, 403);
  EXPECT_THAT(back.body, HasSubstr("&lt;b&gt;no&lt;/b&gt;"));
}

TEST_F(AccountsPageTest, NothingChangesWithoutThePersonsOwnForm) {
  EXPECT_EQ(submit("/accounts/unlink", "crm", "made-up").status, 403);
  EXPECT_EQ(submit("/accounts/link", "crm", "made-up").status, 403);
  browser.origin = "https://evil.example";
  EXPECT_EQ(submit("/accounts/unlink", "crm").status, 403);
  browser.origin = "https://id.acme.example";
  const auto shown = browser.get("/accounts");
  const std::string alices = unescaped(between(shown.body, "name=\"csrf\" value=\"", "\""));
  sign_in("usr_bob");
  EXPECT_EQ(browser.post("/accounts/unlink", {{"csrf", alices}, {"server", "crm"}}).status, 403) << "the token of another session";
  EXPECT_TRUE(accounts.calls.empty());
}

}  // namespace
}  // namespace writ::token_service::idp
