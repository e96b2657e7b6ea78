// The page on which people say whether an offered account is theirs: what it shows to whom, whose forms count, and what becomes of a no.

#include "token_service/idp/linked_accounts_page.h"

#include <gmock/gmock.h>

#include "token_service/idp/browser_fixture.h"

namespace writ::token_service::idp {
namespace {

using linked_accounts::Account;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kPartner = "https://login.partner.example";
constexpr const char* kPath = "/linked-accounts";

class LinkedAccountsPageTest : public testing::Test, public linked_accounts::AccountChanges {
 public:
  using Outcome = Result<void, linked_accounts::ChangeFailure>;

  LinkedAccountsPageTest() {
    world.change([](registry::Objects& objects) {
      registry::TrustedIssuer partner{.issuer = kPartner};
      partner.display_name = "Partner <Ltd>", partner.email_domains = {"acme.example"}, partner.link_by_email = true;
      objects.trusted_issuers = {partner, registry::TrustedIssuer{.issuer = "https://login.upstream.example"}};
      registry::IdentityConnector own;   // how alice comes in
      own.id = "corp", own.issuer = "https://login.upstream.example", own.client_id = "w";
      objects.identity_connectors = {own};
    });
    router = linked_account_routes(page);
    sign_in("usr_alice");
  }
  void sign_in(const char* user) {
    session = world.begin_session(user);
    browser.cookies["__Host-writ_session"] = "cookie-" + session.id;
  }
  std::string offer(const char* subject = "00u7") {
    linked_accounts::Newcomer newcomer;
    newcomer.of = {kPartner, "t-<1>", subject};
    newcomer.offered_to = "usr_alice", newcomer.email = "alice@acme.example", newcomer.agent = "cursor";
    EXPECT_EQ(*run(accounts.meet(newcomer)), linked_accounts::Met::pending);
    return registry::account_id(kPartner, "t-<1>", subject);
  }
  std::string csrf() { return unescaped(between(browser.get(kPath).body, "name=\"csrf\" value=\"", "\"")); }
  http::Response say(const std::string& word, const std::string& account, Pairs more = {}) {
    Pairs form{{"csrf", csrf()}, {"account", account}};
    for (auto& pair : more) form.push_back(std::move(pair));
    return browser.post(std::string(kPath) + "/" + word, form);
  }
  Account::State state_of(const std::string& id) const { return accounts.find(id)->state; }
  std::vector<std::string> reasons() const {
    std::vector<std::string> all;
    for (const auto& record : world.log.records()) all.push_back(record.reason);
    return all;
  }

  Task<Outcome> create(registry::User, std::string, std::string) override { co_return Outcome{}; }
  Task<Outcome> add_link(std::string user_id, registry::LinkedSubject subject, std::string actor, std::string peer) override {
    changes.push_back("link " + user_id + " by " + actor + " from " + peer);
    if (failure) co_return unexpected(*failure);
    change_user(user_id, [&](registry::User& user) { user.links.push_back({subject.issuer, subject.tenant, subject.subject}); });
    co_return Outcome{};
  }
  Task<Outcome> remove_link(std::string user_id, registry::LinkedSubject subject, std::string actor, std::string peer) override {
    changes.push_back("unlink " + user_id + " by " + actor + " from " + peer);
    if (failure) co_return unexpected(*failure);
    change_user(user_id, [&](registry::User& user) { std::erase_if(user.links, [&](const auto& link) { return link.issuer == subject.issuer; }); });
    co_return Outcome{};
  }
  void change_user(const std::string& id, const std::function<void(registry::User&)>& edit) {
    world.change([&](registry::Objects& objects) {
      objects.users.edit_each([&](registry::User& user) {
        if (user.id == id) edit(user);
      });
    });
  }

  World world;
  std::unique_ptr<linked_accounts::Offers> offers = std::move(*linked_accounts::Offers::open(world.documents));
  linked_accounts::LinkedAccounts accounts{*offers, *this, world.log, world.registry, world.clock};
  LinkedAccountsPage page{world.idp, accounts, "https://id.acme.example/linked-accounts"};
  http::Router router;
  Browser browser{world, router};
  Session session;
  std::optional<linked_accounts::ChangeFailure> failure;
  std::vector<std::string> changes;
};

TEST_F(LinkedAccountsPageTest, ShowsWhatWasOfferedAsText) {
  offer("<00u7>");
  const auto shown = browser.get(kPath);
  EXPECT_EQ(shown.status, 200);
  for (const char* text : {"Alice A. at Acme", "Partner &lt;Ltd&gt;", "&lt;00u7&gt;", "t-&lt;1&gt;", "alice@acme.example", "cursor app", "link it", "Not mine"}) EXPECT_THAT(shown.body, HasSubstr(text));
  EXPECT_THAT(shown.body, Not(HasSubstr("<00u7>")));
  EXPECT_THAT(*shown.headers.find_single("Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_THAT(*shown.headers.find_single("Cache-Control"), HasSubstr("no-store"));
}

TEST_F(LinkedAccountsPageTest, DoesNotOfferToTakeAwayHowSomebodyComesIn) {
  const auto shown = browser.get(kPath);
  EXPECT_THAT(shown.body, HasSubstr("No such account is linked"));
  EXPECT_THAT(shown.body, Not(HasSubstr("up-alice"))) << "the link of sign-in at the company's own provider";
}

TEST_F(LinkedAccountsPageTest, ShowsNobodyAnotherPersonsAccounts) {
  const std::string id = offer();
  sign_in("usr_bob");
  EXPECT_THAT(browser.get(kPath).body, Not(HasSubstr("00u7")));
  // Bob's own form has a token only when there is a row; the page's token is his session's all the same.
  const auto refused = browser.post("/linked-accounts/confirm", {{"csrf", form_token(world.idp, "linked accounts", session.id, "")}, {"account", id}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("there is no such account to link"));
  EXPECT_THAT(changes, IsEmpty());
  EXPECT_EQ(state_of(id), Account::State::pending);
}

TEST_F(LinkedAccountsPageTest, NeitherRejectedNorOfAnIssuerThatIsGoneIsShown) {
  const std::string id = offer();
  ASSERT_EQ(say("reject", id).status, 303);
  EXPECT_THAT(browser.get(kPath).body, Not(HasSubstr("00u7")));
  offer("00u8");
  world.change([](registry::Objects& objects) { objects.trusted_issuers.clear(); });
  EXPECT_THAT(browser.get(kPath).body, Not(HasSubstr("00u8")));
}

TEST_F(LinkedAccountsPageTest, WhatThePersonConfirmsIsLinkedAndCanBeTakenBack) {
  const std::string id = offer();
  const auto confirmed = say("confirm", id);
  EXPECT_EQ(confirmed.status, 303);
  EXPECT_EQ(location(confirmed), "https://id.acme.example/linked-accounts") << "so that loading again says nothing again";
  EXPECT_EQ(world.registry.get()->user_by_link(kPartner, "t-<1>", "00u7")->id, "usr_alice");
  const auto shown = browser.get(kPath);
  EXPECT_THAT(shown.body, HasSubstr("Linked."));
  EXPECT_THAT(shown.body, Not(HasSubstr("link it")));
  EXPECT_EQ(say("unlink", id).status, 303);
  EXPECT_EQ(world.registry.get()->user_by_link(kPartner, "t-<1>", "00u7"), nullptr);
  EXPECT_THAT(changes, ElementsAre("link usr_alice by user:usr_alice from 192.0.2.7", "unlink usr_alice by user:usr_alice from 192.0.2.7"));
  EXPECT_THAT(reasons(), ElementsAre("offered", "linked", "unlinked"));
}

TEST_F(LinkedAccountsPageTest, ANoIsRememberedAndOnRecord) {
  const std::string id = offer();
  EXPECT_EQ(say("reject", id).status, 303);
  EXPECT_EQ(state_of(id), Account::State::rejected);
  const auto again = browser.post("/linked-accounts/confirm", {{"csrf", form_token(world.idp, "linked accounts", session.id, "")}, {"account", id}});
  EXPECT_EQ(again.status, 403);
  EXPECT_THAT(again.body, HasSubstr("was refused before"));
  EXPECT_THAT(changes, IsEmpty());
}

TEST_F(LinkedAccountsPageTest, WhatNoLongerHoldsIsSaidAndChangesNothing) {
  const std::string id = offer();
  const std::string token = csrf();
  change_user("usr_alice", [](registry::User& user) { user.email = "other@acme.example"; });
  const auto refused = browser.post("/linked-accounts/confirm", {{"csrf", token}, {"account", id}});
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("the address is no longer"));
  EXPECT_THAT(changes, IsEmpty());
  for (const char* account : {"", "no-such-account"}) {
    EXPECT_EQ(browser.post("/linked-accounts/unlink", {{"csrf", token}, {"account", account}}).status, 403) << account;
  }
}

TEST_F(LinkedAccountsPageTest, WithoutAStoreItSaysThatNothingWasChanged) {
  const std::string id = offer();
  failure = Unavailable{"store"};
  const auto answer = say("confirm", id);
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("Nothing was changed"));
  EXPECT_EQ(state_of(id), Account::State::pending) << "and it can be said again";
}

TEST_F(LinkedAccountsPageTest, NothingHappensWithoutASession) {
  const std::string id = offer();
  const std::string token = csrf();
  browser.cookies.clear();
  const auto shown = browser.get(kPath);
  EXPECT_EQ(shown.status, 303);
  EXPECT_EQ(location(shown), "https://id.acme.example/idp/sign-in");
  EXPECT_TRUE(browser.cookies.contains("__Host-writ_return")) << "and back here afterwards";
  for (const char* word : {"confirm", "reject", "unlink"}) {
    EXPECT_EQ(location(browser.post(std::string(kPath) + "/" + word, {{"csrf", token}, {"account", id}})), "https://id.acme.example/idp/sign-in") << word;
  }
  EXPECT_THAT(changes, IsEmpty());
  EXPECT_EQ(state_of(id), Account::State::pending);
}

// A1: only the person's own form, of this page, from this site.
TEST_F(LinkedAccountsPageTest, NothingHappensWithoutThePersonsOwnForm) {
  const std::string id = offer();
  const std::string token = csrf();
  const auto post = [&](Pairs form) { return browser.post("/linked-accounts/confirm", form).status; };
  EXPECT_EQ(post({{"account", id}}), 403) << "without a token";
  EXPECT_EQ(post({{"csrf", "made-up"}, {"account", id}}), 403);
  EXPECT_EQ(post({{"csrf", form_token(world.idp, "accounts", session.id, "")}, {"account", id}}), 403) << "the token of another page";
  EXPECT_EQ(post({{"csrf", token}, {"account", id}, {"account", "other"}}), 400) << "said twice";
  browser.origin = "https://evil.example";
  EXPECT_EQ(post({{"csrf", token}, {"account", id}}), 403) << "from another site";
  browser.origin.reset();
  sign_in("usr_alice");
  EXPECT_EQ(post({{"csrf", token}, {"account", id}}), 403) << "of a session before this one";
  EXPECT_THAT(changes, IsEmpty());
  EXPECT_EQ(state_of(id), Account::State::pending);
  EXPECT_EQ(say("confirm", id).status, 303) << "her own form";
}

TEST_F(LinkedAccountsPageTest, AGetChangesNothing) {
  const std::string id = offer();
  for (const char* word : {"confirm", "reject", "unlink"}) EXPECT_EQ(browser.get(std::string(kPath) + "/" + word, "account=" + id).status, 405) << word;
  EXPECT_EQ(state_of(id), Account::State::pending);
}

}  // namespace
}  // namespace writ::token_service::idp
