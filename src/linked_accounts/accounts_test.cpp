// The ceremony by which an offered account becomes a link: who may say so, and when the offer counts no more.
#include "linked_accounts/accounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"

namespace writ::linked_accounts {
namespace {

using registry::Objects;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kIssuer = "https://login.partner.example";

struct FixedClock final : Clock {
  Instant now() const override { return time; }
  Instant time = from_unix_seconds(1'795'000'000);
};

class Ceremony : public testing::Test, public AccountChanges {
 public:
  Ceremony() {
    registry::User bob{.id = "usr_bob", .name = "bob", .email = "bob@partner.example", .email_verified = true};
    registry::User alice{.id = "usr_alice", .name = "alice", .email = "alice@partner.example", .email_verified = true};
    registry::TrustedIssuer issuer{.issuer = kIssuer};
    issuer.email_domains = {"partner.example"};
    issuer.link_by_email = true;
    objects.users = {bob, alice};
    objects.trusted_issuers = {issuer};
    publish();
  }
  void publish() { registry.set(std::make_shared<const registry::Snapshot>(objects, ++sequence)); }
  void change(const std::function<void(Objects&)>& edit) {
    edit(objects);
    publish();
  }

  using Outcome = Result<void, ChangeFailure>;
  Task<Outcome> create(registry::User user, std::string, std::string) override {
    if (failure) co_return unexpected(*failure);
    user.id = "usr_new";
    objects.users.push_back(std::move(user));
    publish();
    co_return Outcome{};
  }
  Task<Outcome> add_link(std::string user_id, registry::LinkedSubject subject, std::string actor, std::string) override {
    actors.push_back(actor);
    if (failure) co_return unexpected(*failure);
    objects.users.edit_each([&](auto& user) {
      if (user.id == user_id) user.links.push_back({subject.issuer, subject.tenant, subject.subject});
    });
    publish();
    co_return Outcome{};
  }
  Task<Outcome> remove_link(std::string user_id, registry::LinkedSubject, std::string actor, std::string) override {
    actors.push_back(actor);
    if (failure) co_return unexpected(*failure);
    objects.users.edit_each([&](auto& user) {
      if (user.id == user_id) user.links.clear();
    });
    publish();
    co_return Outcome{};
  }

  Met meet(const char* subject = "00u7", const char* user = "usr_bob", const char* email = "bob@partner.example") {
    Newcomer newcomer;
    newcomer.of = {kIssuer, "", subject};
    newcomer.offered_to = user, newcomer.email = email, newcomer.agent = "desk", newcomer.peer = "192.0.2.7";
    const auto met = run(accounts.meet(newcomer));
    EXPECT_TRUE(met);
    return met ? *met : Met::change_refused;
  }
  std::string confirm(Speaker speaker = {"usr_bob", "", "192.0.2.9"}, const char* subject = "00u7") {
    const auto said = run(accounts.confirm(registry::account_id(kIssuer, "", subject), speaker));
    if (said) return "linked";
    const auto* refused = std::get_if<Refused>(&said.error());
    return refused ? std::string(to_string(*refused)) : "unavailable";
  }
  std::vector<std::string> reasons() const {
    std::vector<std::string> all;
    for (const auto& record : log.records()) all.push_back(record.reason);
    return all;
  }

  Objects objects;
  std::uint64_t sequence = 0;
  registry::Current registry{nullptr};
  FixedClock clock;
  memory::MemoryDocuments documents;
  memory::MemoryDecisionsLog log;
  std::unique_ptr<Offers> offers = std::move(*Offers::open(documents));
  LinkedAccounts accounts{*offers, *this, log, registry, clock};
  std::optional<ChangeFailure> failure;
  std::vector<std::string> actors;
};

TEST_F(Ceremony, LinksWhenThePersonSaysSo) {
  EXPECT_EQ(meet(), Met::pending);
  EXPECT_EQ(meet(), Met::pending);
  EXPECT_THAT(accounts.list("usr_bob"), SizeIs(1));
  EXPECT_THAT(accounts.list("usr_alice"), IsEmpty());
  EXPECT_EQ(confirm(), "linked");
  EXPECT_NE(registry.get()->user_by_link(kIssuer, "", "00u7"), nullptr);
  EXPECT_THAT(actors, ElementsAre("user:usr_bob"));
  EXPECT_THAT(reasons(), ElementsAre("offered", "linked"));
  EXPECT_EQ(log.records().back().event, audit::Event::linked_account);
  ASSERT_THAT(accounts.list(), SizeIs(1)) << "the offer is over";
  EXPECT_EQ(accounts.list()[0].state, Account::State::linked);
  EXPECT_EQ(confirm(), "unknown") << "it is no offer any more";
}

TEST_F(Ceremony, LinksWhenAnAdministratorSaysSoEvenAfterTheNoOfThePerson) {
  meet();
  const std::string id = registry::account_id(kIssuer, "", "00u7");
  ASSERT_TRUE(run(accounts.reject(id, {"usr_bob", "", ""})));
  EXPECT_EQ(meet(), Met::rejected);
  EXPECT_EQ(confirm(), "rejected");
  EXPECT_EQ(confirm({"", "token:ci", ""}), "linked");
  EXPECT_THAT(actors, ElementsAre("token:ci"));
}

TEST_F(Ceremony, IsThePersonsAloneToSay) {
  meet();
  EXPECT_EQ(confirm({"usr_alice", "", ""}), "unknown");
  const auto rejected = run(accounts.reject(registry::account_id(kIssuer, "", "00u7"), {"usr_alice", "", ""}));
  ASSERT_FALSE(rejected);
  EXPECT_EQ(std::get<Refused>(rejected.error()), Refused::unknown);
  EXPECT_EQ(confirm(), "linked");
  const auto unlinked = run(accounts.unlink(registry::account_id(kIssuer, "", "00u7"), {"usr_alice", "", ""}));
  EXPECT_FALSE(unlinked);
}

struct Row {
  const char* name;
  std::function<void(Ceremony&)> change;
  const char* refused;
};
class StaleOffer : public Ceremony, public testing::WithParamInterface<Row> {};
TEST_P(StaleOffer, IsNotConfirmed) {
  meet();
  GetParam().change(*this);
  EXPECT_EQ(confirm(), GetParam().refused);
  EXPECT_EQ(confirm({"", "token:ci", ""}), GetParam().refused) << "nor by an administrator";
  EXPECT_EQ(registry.get()->user_by_link(kIssuer, "", "00u7"), nullptr);
}
auto objects_with(std::function<void(Objects&)> edit) {
  return [edit = std::move(edit)](Ceremony& test) { test.change(edit); };
}
INSTANTIATE_TEST_SUITE_P(
    Rules, StaleOffer,
    testing::Values(Row{"after_its_time", [](Ceremony& c) { c.clock.time += kOfferLifetime; }, "unknown"},
                    Row{"person_disabled", objects_with([](Objects& o) { o.users[0].active = false; }), "person_disabled"},
                    Row{"person_gone", objects_with([](Objects& o) { o.users.erase(o.users.begin()); }), "person_disabled"},
                    Row{"address_changed", objects_with([](Objects& o) { o.users[0].email = "robert@partner.example"; }), "address_changed"},
                    Row{"address_not_checked_any_more", objects_with([](Objects& o) { o.users[0].email_verified = false; }), "address_changed"},
                    Row{"issuer_disabled", objects_with([](Objects& o) { o.trusted_issuers[0].active = false; }), "issuer_not_trusted"},
                    Row{"issuer_gone", objects_with([](Objects& o) { o.trusted_issuers.clear(); }), "issuer_not_trusted"},
                    Row{"issuer_links_nobody_any_more", objects_with([](Objects& o) { o.trusted_issuers[0].link_by_email = false; }), "issuer_not_trusted"},
                    Row{"domain_taken_from_the_issuer", objects_with([](Objects& o) { o.trusted_issuers[0].email_domains = {"other.example"}; }), "issuer_not_trusted"},
                    Row{"person_is_another_subject_there_now", objects_with([](Objects& o) { o.users[0].links.push_back({kIssuer, "", "00u8"}); }), "linked_to_another"},
                    Row{"objects_do_not_take_it", [](Ceremony& c) { c.failure = ChangeRefused{"taken"}; }, "change_refused"},
                    Row{"nothing_can_be_stored", [](Ceremony& c) { c.failure = Unavailable{"down"}; }, "unavailable"}),
    [](const auto& row) { return row.param.name; });

TEST_F(Ceremony, MakesAnotherOfferWhenTheAddressIsSomebodyElsesNow) {
  meet();
  EXPECT_EQ(meet("00u7", "usr_alice", "alice@partner.example"), Met::pending);
  EXPECT_EQ(confirm(), "unknown") << "it was taken back from bob";
  EXPECT_EQ(confirm({"usr_alice", "", ""}), "linked");
}

TEST_F(Ceremony, BuriesNobodyUnderQuestions) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(meet(("s" + std::to_string(i)).c_str()), Met::pending);
  EXPECT_EQ(meet("one more"), Met::too_many);
  EXPECT_EQ(meet("s3"), Met::pending) << "those that are there stay";
  EXPECT_EQ(meet("other", "usr_alice", "alice@partner.example"), Met::pending);
  clock.time += kOfferLifetime;
  EXPECT_EQ(meet("one more"), Met::pending);
}

TEST_F(Ceremony, IsNoOfferWhenItCannotBeStoredOrRecorded) {
  Newcomer newcomer;
  newcomer.of = {kIssuer, "", "00u7"};
  newcomer.offered_to = "usr_bob", newcomer.email = "bob@partner.example";
  documents.fail_from_now_on(true);
  EXPECT_FALSE(run(accounts.meet(newcomer)));
  EXPECT_THAT(offers->list(clock.now()), IsEmpty());
  documents.fail_from_now_on(false);
  log.fail_from_now_on(true);
  EXPECT_FALSE(run(accounts.meet(newcomer)));
}

TEST_F(Ceremony, SurvivesARestart) {
  meet("00u7");
  meet("00u8");
  ASSERT_TRUE(run(accounts.reject(registry::account_id(kIssuer, "", "00u8"), {"usr_bob", "", ""})));
  const auto again = Offers::open(documents);
  ASSERT_TRUE(again);
  const auto known = (*again)->list(clock.now());
  ASSERT_THAT(known, SizeIs(2));
  EXPECT_EQ((*again)->find(registry::account_id(kIssuer, "", "00u7"), clock.now())->email, "bob@partner.example");
  EXPECT_EQ((*again)->find(registry::account_id(kIssuer, "", "00u8"), clock.now())->rejected_by, "user:usr_bob");
}

TEST_F(Ceremony, UnlinksAndSaysWhoSaidSo) {
  meet();
  confirm();
  const auto unlinked = run(accounts.unlink(registry::account_id(kIssuer, "", "00u7"), {"", "token:ci", "192.0.2.1"}));
  ASSERT_TRUE(unlinked);
  EXPECT_EQ(registry.get()->user_by_link(kIssuer, "", "00u7"), nullptr);
  EXPECT_THAT(reasons(), ElementsAre("offered", "linked", "unlinked"));
  EXPECT_THAT(log.records().back().more, testing::Contains(testing::Pair("actor", "token:ci")));
  EXPECT_FALSE(run(accounts.unlink("acc_none", {"", "token:ci", ""})));
}

TEST_F(Ceremony, CreatesAPersonWithTheLink) {
  Newcomer newcomer;
  newcomer.of = {kIssuer, "t", "00u9"};
  newcomer.created.name = "carol@partner.example";
  const auto met = run(accounts.meet(newcomer));
  ASSERT_TRUE(met);
  EXPECT_EQ(*met, Met::created);
  EXPECT_EQ(registry.get()->user_by_link(kIssuer, "t", "00u9")->name, "carol@partner.example");
  failure = ChangeRefused{"the name is taken"};
  newcomer.of.subject = "00u10";
  EXPECT_EQ(*run(accounts.meet(newcomer)), Met::change_refused);
  newcomer.of.subject = "00u9";
  EXPECT_EQ(*run(accounts.meet(newcomer)), Met::created) << "the other of two first ID-JAGs has done it";
}

}  // namespace
}  // namespace writ::linked_accounts
