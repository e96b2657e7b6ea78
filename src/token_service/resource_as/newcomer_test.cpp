// A subject that nobody is linked to: offered, created or refused (RAS-41, RAS-42), and what the caller hears of it.
#include "token_service/resource_as/newcomer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/linked_subject.h"
#include "token_service/resource_as/world_fixture.h"

namespace writ::token_service::resource_as::test {
namespace {

using json::Object;
using json::Value;
using testing::ElementsAre;
using testing::IsEmpty;

struct Meeting {
  World& world;
  Value claims;
  registry::Objects objects;
  registry::TrustedIssuer& issuer() { return objects.trusted_issuers[1]; }
  registry::User& alice() { return objects.users[0]; }
  registry::User& bob() { return objects.users[1]; }
};

// 00u7 of the foreign issuer, with an address that the issuer may speak for.
Value newcomer_claims(const World& world, const char* email = "bob@larkspur.example") {
  Value claims = world.good_claims();
  claims.set("iss", kForeignIdp).set("sub", "00u7").set("email", email).set("email_verified", true);
  claims.erase("sid");
  return claims;
}
registry::Objects objects_with_bob() {
  registry::Objects objects = sample_objects();
  objects.users.edit_each([](auto& user) { user.email_verified = true; });
  objects.users[1].email = "bob@larkspur.example";
  objects.users[1].groups = {"eng"};
  objects.trusted_issuers[1].email_domains = {"larkspur.example"};
  objects.trusted_issuers[1].link_by_email = true;
  return objects;
}

struct Row {
  std::string name;
  std::function<void(Meeting&)> change;
  std::string reason;
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }
std::string name_of(const testing::TestParamInfo<Row>& info) { return info.param.name; }

class Newcomer : public testing::TestWithParam<Row> {};

TEST_P(Newcomer, GetsNothingBeforeSomebodySaidSo) {
  const Row& row = GetParam();
  World world;
  Meeting meeting{world, newcomer_claims(world), objects_with_bob()};
  row.change(meeting);
  world.set_objects(meeting.objects);
  const Answer answer = world.redeem(World::signed_id_jag(meeting.claims, "foreign"));
  EXPECT_EQ(world.last_record().reason, row.reason);
  EXPECT_EQ(answer.error(), "invalid_grant");
  EXPECT_EQ(answer.text("error_description"), "the assertion is not accepted");
  EXPECT_FALSE(answer.text("denial_code").empty()) << "the same for each: a code tells nobody who exists (RAS-80)";
  EXPECT_EQ(world.offers->list(world.clock.now()).size(), row.reason == "link_pending" ? 1u : 0u);
  EXPECT_THAT(world.account_changes.changes, IsEmpty());
}

void without_linking(Meeting& m) { m.issuer().link_by_email = false; }
void creating(Meeting& m) { m.issuer().just_in_time = true; }
// Addresses of nobody here.
void of_a_stranger(Meeting& m) { m.claims.set("email", "carol@larkspur.example"); }

INSTANTIATE_TEST_SUITE_P(
    Offered, Newcomer,
    testing::Values(
        Row{"to_the_person_of_the_address", [](Meeting&) {}, "link_pending"},
        Row{"to_the_person_of_the_address_in_capitals", [](Meeting& m) { m.claims.set("email", "BOB@Larkspur.Example"); }, "link_pending"},
        Row{"by_its_subject_identifier", [](Meeting& m) { m.claims.erase("email"), m.claims.set("sub_id", Value(Object{{"format", "email"}, {"email", "bob@larkspur.example"}})); }, "link_pending"},
        Row{"before_somebody_is_created", creating, "link_pending"},
        Row{"by_nobody_where_that_is_off", without_linking, "subject_unknown"},
        Row{"not_with_an_address_of_nobody", of_a_stranger, "subject_unknown"},
        Row{"not_without_an_address", [](Meeting& m) { m.claims.erase("email"); }, "subject_unknown"},
        Row{"not_with_an_unchecked_address", [](Meeting& m) { m.claims.set("email_verified", false); }, "subject_unknown"},
        Row{"not_with_an_address_that_is_checked_in_words", [](Meeting& m) { m.claims.set("email_verified", "true"); }, "subject_unknown"},
        Row{"not_in_a_domain_that_is_not_the_issuers", [](Meeting& m) { m.issuer().email_domains = {"partner.example"}; }, "subject_unknown"},
        Row{"not_in_a_domain_that_only_ends_so", [](Meeting& m) { m.claims.set("email", "bob@notlarkspur.example"), m.bob().email = "bob@notlarkspur.example"; }, "subject_unknown"},
        Row{"not_to_somebody_whose_address_was_never_checked_here", [](Meeting& m) { m.bob().email_verified = false; }, "subject_unknown"},
        Row{"not_to_two_people_of_one_address", [](Meeting& m) { m.alice().email = "bob@larkspur.example"; }, "email_ambiguous"},
        Row{"not_to_somebody_who_is_disabled", [](Meeting& m) { m.bob().active = false; }, "user_disabled"},
        Row{"not_to_a_service_account", [](Meeting& m) { m.bob().kind = registry::User::Kind::service; }, "email_of_a_service"},
        Row{"not_to_somebody_who_is_another_subject_there", [](Meeting& m) { m.bob().links = {{std::string(kForeignIdp), "", "00u8"}}; }, "linked_to_another"},
        Row{"to_somebody_who_is_linked_elsewhere", [](Meeting& m) { m.bob().links = {{"https://login.corp.example", "", "b"}}; }, "link_pending"},
        Row{"not_when_two_addresses_differ", [](Meeting& m) { m.claims.set("sub_id", Value(Object{{"format", "email"}, {"email", "alice@larkspur.example"}})); }, "subject_conflict"},
        Row{"not_beside_an_account_of_ours_that_is_not_there",
            [](Meeting& m) { m.issuer().subject = registry::TrustedIssuer::Subject::aud_sub, m.claims.set("aud_sub", "usr_gone"); }, "subject_unknown"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    NotCreated, Newcomer,
    testing::Values(
        Row{"in_the_place_of_somebody", [](Meeting& m) { without_linking(m), creating(m); }, "email_taken"},
        Row{"in_the_place_of_somebody_whose_address_was_never_checked", [](Meeting& m) { creating(m), m.bob().email_verified = false; }, "email_taken"},
        Row{"under_a_name_that_somebody_has", [](Meeting& m) { creating(m), of_a_stranger(m), m.bob().name = "Carol@larkspur.example"; }, "name_taken"},
        Row{"without_an_address_where_the_issuer_speaks_for_domains", [](Meeting& m) { creating(m), m.claims.erase("email"); }, "email_not_accepted"},
        Row{"with_an_address_of_another_domain", [](Meeting& m) { creating(m), m.claims.set("email", "carol@elsewhere.example"); }, "email_not_accepted"},
        Row{"with_an_unchecked_address", [](Meeting& m) { creating(m), of_a_stranger(m), m.claims.set("email_verified", false); }, "email_not_accepted"},
        Row{"with_a_subject_that_is_no_name", [](Meeting& m) { creating(m), m.issuer().link_by_email = false, m.issuer().email_domains.clear(), m.claims.set("sub", "a\nb"); }, "name_not_usable"},
        Row{"where_the_companys_directory_says_who_is_there",
            [](Meeting& m) {
              creating(m), of_a_stranger(m);
              registry::IdentityConnector connector;
              connector.id = "corp", connector.issuer = kForeignIdp, connector.scim = true;
              m.objects.identity_connectors.push_back(connector);
            },
            "provisioned_elsewhere"}),
    name_of);

TEST(NewcomerStory, IsOfferedConfirmedLinkedAndUnlinked) {
  World world;
  world.set_objects(objects_with_bob());
  const auto redeem = [&] { return world.redeem(World::signed_id_jag(newcomer_claims(world), "foreign")); };
  EXPECT_EQ(redeem().error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "link_pending");
  const std::string id = registry::account_id(kForeignIdp, "", "00u7");
  EXPECT_THAT(world.last_record().more, testing::Contains(testing::Pair("account", id))) << "the record says what to approve";
  EXPECT_EQ(redeem().error(), "invalid_grant");
  EXPECT_EQ(world.offers->list(world.clock.now()).size(), 1u) << "asked twice, offered once";
  const auto records = world.log.records();
  const auto offered = std::count_if(records.begin(), records.end(), [](const auto& record) { return record.event == audit::Event::linked_account; });
  EXPECT_EQ(offered, 1);

  const linked_accounts::Speaker bob{"usr_bob", "", "192.0.2.9"};
  ASSERT_TRUE(run(world.accounts->confirm(id, bob)));
  const Answer answer = redeem();
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  EXPECT_EQ(*world.claims_of_access_token(answer).find_string("sub"), "usr_bob");

  ASSERT_TRUE(run(world.accounts->unlink(id, bob)));
  const Answer introspected = world.send(World::post("/introspect", Form{{"token", answer.text("access_token")}}, World::basic("cursor-at-ras", kSecret)));
  EXPECT_FALSE(*introspected.body.find_bool("active")) << "the token ends with the link";
  EXPECT_EQ(redeem().error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "link_pending") << "and is offered anew";
  ASSERT_TRUE(run(world.accounts->reject(id, bob)));
  EXPECT_EQ(redeem().error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "link_rejected");
}

TEST(NewcomerStory, IsCreatedOnceAndDecidedByPolicyLikeAnybody) {
  World world;
  registry::Objects objects = objects_with_bob();
  objects.trusted_issuers[1].just_in_time = true;
  world.set_objects(objects);
  const auto redeem = [&] { return world.redeem(World::signed_id_jag(newcomer_claims(world, "carol@larkspur.example"), "foreign")); };
  EXPECT_EQ(redeem().error(), "access_denied") << "nobody gave a group to someone who was not there a moment ago";
  EXPECT_EQ(world.last_record().user, "usr_new1");
  EXPECT_THAT(world.account_changes.changes, ElementsAre("create by issuer:" + std::string(kForeignIdp)));
  const auto* carol = world.registry.get()->user_by_link(kForeignIdp, "", "00u7");
  ASSERT_NE(carol, nullptr);
  EXPECT_EQ(carol->name, "carol@larkspur.example");
  EXPECT_TRUE(carol->email_verified);
  world.change_objects([](registry::Objects& o) { o.users.back().groups = {"eng"}; });
  EXPECT_EQ(redeem().response.status, 200);
  EXPECT_EQ(world.account_changes.changes.size(), 1u);
}

TEST(NewcomerStory, IsCreatedWithoutAnAddressUnderANameThatIsNobodysAddress) {
  World world;
  registry::Objects objects = objects_with_bob();
  objects.trusted_issuers[1].just_in_time = true;
  objects.trusted_issuers[1].link_by_email = false;
  objects.trusted_issuers[1].email_domains.clear();
  world.set_objects(objects);
  world.account_changes.joins = "eng";
  const Answer answer = world.redeem(World::signed_id_jag(newcomer_claims(world), "foreign"));
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  const auto* created = world.registry.get()->user_by_link(kForeignIdp, "", "00u7");
  ASSERT_NE(created, nullptr);
  EXPECT_EQ(created->name, "00u7 (login.partner.example)");
  EXPECT_EQ(created->email, "") << "bob's address is not the issuer's to give away";
}

TEST(NewcomerStory, IsNobodyWhenNothingCanBeStored) {
  World world;
  registry::Objects objects = objects_with_bob();
  objects.trusted_issuers[1].just_in_time = true;
  world.set_objects(objects);
  const auto redeem = [&](const char* email) { return world.redeem(World::signed_id_jag(newcomer_claims(world, email), "foreign")); };
  world.account_changes.failure = Unavailable{"down"};
  EXPECT_EQ(redeem("carol@larkspur.example").response.status, 503);
  world.account_changes.failure = linked_accounts::ChangeRefused{"taken"};
  EXPECT_EQ(redeem("carol@larkspur.example").error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "account_not_created");
  world.documents.fail_from_now_on(true);
  EXPECT_EQ(redeem("bob@larkspur.example").response.status, 503);
  world.documents.fail_from_now_on(false);
  EXPECT_EQ(redeem("bob@larkspur.example").error(), "invalid_grant");
  EXPECT_EQ(world.last_record().reason, "link_pending");
}

}  // namespace
}  // namespace writ::token_service::resource_as::test
