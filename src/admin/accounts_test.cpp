// Accounts of other issuers' subjects through the admin API: listed, approved, rejected, unlinked.
#include <gmock/gmock.h>

#include "admin/admin_fixture.h"
#include "linked_accounts/accounts.h"

namespace writ::admin {
namespace {

constexpr const char* kIssuer = "https://login.partner.example";

// Links are changes of objects; here by the same administration that the API asks.
class AccountsApi : public AdminWorld, public linked_accounts::AccountChanges {
 protected:
  using Outcome = Result<void, linked_accounts::ChangeFailure>;
  void SetUp() override {
    fill();
    const auto done = apply(documents(R"(
users: [{id: usr_carol, name: carol, email: carol@partner.example, email_verified: true}, {id: usr_dora, name: dora, links: [{issuer: https://login.partner.example, tenant: t, subject: d}]}]
trusted_issuers: [{issuer: https://login.partner.example, clients: [cursor], tenants: [t], email_domains: [partner.example], link_by_email: true}]
)"));
    ASSERT_TRUE(done) << describe(done.error());
    offers = std::move(*linked_accounts::Offers::open(documents_store));
    accounts.emplace(*offers, *this, log, registry, clock);
    api->accounts = &*accounts;
    linked_accounts::Newcomer newcomer;
    newcomer.of = {kIssuer, "", "00u7"};
    newcomer.offered_to = "usr_carol", newcomer.email = "carol@partner.example", newcomer.agent = "cursor";
    ASSERT_TRUE(run(accounts->meet(newcomer)));
  }
  Task<Outcome> create(registry::User, std::string, std::string) override { co_return unexpected(linked_accounts::ChangeFailure(linked_accounts::ChangeRefused{"not here"})); }
  Task<Outcome> add_link(std::string user, registry::LinkedSubject subject, std::string actor, std::string) override {
    actors.push_back(std::move(actor));
    set_links(user, R"(, links: [{issuer: )" + subject.issuer + ", subject: " + subject.subject + "}]");
    co_return Outcome{};
  }
  Task<Outcome> remove_link(std::string user, registry::LinkedSubject, std::string actor, std::string) override {
    actors.push_back(std::move(actor));
    set_links(user, ", links: []");
    co_return Outcome{};
  }
  void set_links(const std::string& user, const std::string& links) {
    const auto done = apply(documents("users: [{id: " + user + ", name: " + user.substr(4) + ", email: carol@partner.example, email_verified: true" + links + "}]\n"));
    EXPECT_TRUE(done) << describe(done.error());
  }
  std::vector<std::string> listed(const std::string& query = "") {
    std::vector<std::string> all;
    const json::Value body = body_of(call("GET", "/admin/v1/accounts" + query, kAuditorToken));
    for (const auto& item : *body.find_array("items")) all.push_back(*item.find_string("user_name") + " " + *item.find_string("state") + " " + *item.find_string("subject"));
    return all;
  }

  std::unique_ptr<linked_accounts::Offers> offers;
  std::optional<linked_accounts::LinkedAccounts> accounts;
  std::vector<std::string> actors;
  const std::string id = registry::account_id(kIssuer, "", "00u7");
};

TEST_F(AccountsApi, ListsThemByPersonIssuerAndState) {
  EXPECT_THAT(listed(), testing::UnorderedElementsAre("carol pending 00u7", "dora linked d"));
  EXPECT_THAT(listed("?state=pending"), testing::ElementsAre("carol pending 00u7"));
  EXPECT_THAT(listed("?state=linked"), testing::ElementsAre("dora linked d"));
  EXPECT_THAT(listed("?user=dora"), testing::ElementsAre("dora linked d"));
  EXPECT_THAT(listed("?user=usr_carol"), testing::ElementsAre("carol pending 00u7"));
  EXPECT_THAT(listed("?user=bob"), testing::IsEmpty());
  EXPECT_THAT(listed("?issuer=https%3A%2F%2Fother.example"), testing::IsEmpty());
  const json::Value one = body_of(call("GET", "/admin/v1/accounts/" + id, kAuditorToken));
  EXPECT_EQ(*one.find_string("email"), "carol@partner.example");
  EXPECT_EQ(*one.find_string("agent"), "cursor");
  EXPECT_EQ(call("GET", "/admin/v1/accounts/acc_none").status, 404);
}

TEST_F(AccountsApi, AreLinkedAndUnlinkedByAdministratorsAlone) {
  EXPECT_EQ(call("POST", "/admin/v1/accounts/" + id + "/approve", kAuditorToken).status, 403);
  const auto approved = call("POST", "/admin/v1/accounts/" + id + "/approve");
  EXPECT_EQ(approved.status, 200) << approved.body;
  EXPECT_EQ(*body_of(approved).find_string("state"), "linked");
  EXPECT_NE(registry.get()->user_by_link(kIssuer, "", "00u7"), nullptr);
  EXPECT_EQ(call("POST", "/admin/v1/accounts/" + id + "/approve").status, 404) << "it is no offer any more";
  EXPECT_EQ(call("DELETE", "/admin/v1/accounts/" + id, kAuditorToken).status, 403);
  EXPECT_EQ(call("DELETE", "/admin/v1/accounts/" + id).status, 200);
  EXPECT_EQ(registry.get()->user_by_link(kIssuer, "", "00u7"), nullptr);
  EXPECT_THAT(actors, testing::ElementsAre("token:ci", "token:ci"));
}

TEST_F(AccountsApi, SayWhyNothingWasChanged) {
  EXPECT_EQ(call("POST", "/admin/v1/accounts/" + id + "/reject").status, 200);
  EXPECT_THAT(listed("?state=rejected"), testing::ElementsAre("carol rejected 00u7"));
  ASSERT_TRUE(apply(documents("users: [{id: usr_carol, name: carol, email: c@partner.example, email_verified: true}]\n")));
  const auto refused = call("POST", "/admin/v1/accounts/" + id + "/approve");
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(*body_of(refused).find_string("kind"), "address_changed");
}

}  // namespace
}  // namespace writ::admin
