// Whom a foreign ID-JAG speaks of, row by row: RAS-40 to RAS-49, tenants, required claims, names of clients; ID-JAGs in the shapes of others.
#include "token_service/resource_as/subject.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/linked_subject.h"
#include "token_service/resource_as/world_fixture.h"

namespace writ::token_service::resource_as::test {
namespace {

using json::Array;
using json::Object;
using json::Value;

struct Meeting {
  World& world;
  Value claims;
  registry::Objects objects;
  registry::TrustedIssuer& issuer() { return objects.trusted_issuers[1]; }
  registry::User& alice() { return objects.users[0]; }
  registry::User& bob() { return objects.users[1]; }
};

struct Row {
  std::string name;
  std::function<void(Meeting&)> change;
  std::string reason;                       // "issued", or why not
  std::string user = "usr_alice";           // of what is issued
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }

// Of the foreign issuer: 00u1, who is alice.
Value foreign_claims(const World& world) {
  Value claims = world.good_claims();
  claims.set("iss", kForeignIdp).set("sub", "00u1");
  claims.erase("sid");
  return claims;
}

class ForeignSubject : public testing::TestWithParam<Row> {};

TEST_P(ForeignSubject, IsOnePersonOrNobody) {
  const Row& row = GetParam();
  World world;
  Meeting meeting{world, foreign_claims(world), sample_objects()};
  meeting.alice().email_verified = meeting.bob().email_verified = true;
  meeting.bob().email = "bob@larkspur.example";
  meeting.bob().groups = {"eng"};
  row.change(meeting);
  world.set_objects(meeting.objects);
  const Answer answer = world.redeem(World::signed_id_jag(meeting.claims, "foreign"));
  EXPECT_EQ(world.last_record().reason, row.reason);
  if (row.reason != "issued") {
    EXPECT_EQ(answer.error(), "invalid_grant");
    EXPECT_EQ(answer.text("error_description"), "the assertion is not accepted") << "the same for all: nobody learns who exists (RAS-80)";
    return;
  }
  ASSERT_EQ(answer.response.status, 200) << answer.response.body;
  const Value token = world.claims_of_access_token(answer);
  EXPECT_EQ(*token.find_string("sub"), row.user);
  EXPECT_EQ(*token.find_string("client_id"), "cursor-at-ras") << "as it is registered here";
}
std::string name_of(const testing::TestParamInfo<Row>& info) { return info.param.name; }

auto claim(std::string name, Value value) {
  return [name, value](Meeting& meeting) { meeting.claims.set(name, value); };
}
Value sub_id(std::initializer_list<json::Member> members) { return Value(Object(members)); }
// The issuer may name our accounts, and speaks for addresses of larkspur.example.
void by_aud_sub(Meeting& m) { m.issuer().subject = registry::TrustedIssuer::Subject::aud_sub; }
void with_domain(Meeting& m) { m.issuer().email_domains = {"larkspur.example"}; }

INSTANTIATE_TEST_SUITE_P(
    RAS40_Key, ForeignSubject,
    testing::Values(
        Row{"linked", [](Meeting&) {}, "issued"},
        Row{"of_another_subject", claim("sub", "00u2"), "subject_unknown"},
        Row{"differs_in_case", claim("sub", "00U1"), "subject_unknown"},
        Row{"is_a_user_id_here", claim("sub", "usr_alice"), "subject_unknown"},
        Row{"linked_user_is_disabled", [](Meeting& m) { m.alice().active = false; }, "user_disabled"},
        Row{"tenant_where_none_is_expected", claim("tenant", "t1"), "tenant_not_expected"},
        Row{"tenant_is_empty", claim("tenant", ""), "malformed_claim"},
        Row{"no_tenant_where_one_is_expected", [](Meeting& m) { m.issuer().tenants = {"t1"}; }, "tenant_not_expected"},
        Row{"another_tenant", [](Meeting& m) { m.issuer().tenants = {"t1"}, m.claims.set("tenant", "t2"); }, "tenant_not_expected"},
        Row{"of_the_same_name_in_another_tenant", [](Meeting& m) { m.issuer().tenants = {"t1"}, m.claims.set("tenant", "t1"); }, "subject_unknown"},
        Row{"linked_in_its_tenant", [](Meeting& m) { m.issuer().tenants = {"t0", "t1"}, m.claims.set("tenant", "t1"), m.bob().links = {{std::string(kForeignIdp), "t1", "00u1"}}; }, "issued", "usr_bob"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Trust, ForeignSubject,
    testing::Values(
        Row{"tenant_of_ours_where_none_is_expected", claim("aud_tenant", "acme"), "audience_tenant_not_expected"},
        Row{"no_tenant_of_ours_where_one_is_expected", [](Meeting& m) { m.issuer().aud_tenant = "acme"; }, "audience_tenant_not_expected"},
        Row{"another_tenant_of_ours", [](Meeting& m) { m.issuer().aud_tenant = "acme", m.claims.set("aud_tenant", "acme2"); }, "audience_tenant_not_expected"},
        Row{"our_tenant", [](Meeting& m) { m.issuer().aud_tenant = "acme", m.claims.set("aud_tenant", "acme"); }, "issued"},
        Row{"our_tenant_is_a_list", [](Meeting& m) { m.issuer().aud_tenant = "acme", m.claims.set("aud_tenant", Array{"acme"}); }, "malformed_claim"},
        Row{"required_claim", [](Meeting& m) { m.issuer().required_claims = {{"org_id", "org_1"}}, m.claims.set("org_id", "org_1"); }, "issued"},
        Row{"required_claim_is_absent", [](Meeting& m) { m.issuer().required_claims = {{"org_id", "org_1"}}; }, "required_claim_missing"},
        Row{"required_claim_is_another", [](Meeting& m) { m.issuer().required_claims = {{"org_id", "org_1"}}, m.claims.set("org_id", "org_2"); }, "required_claim_missing"},
        Row{"required_claim_is_a_list_with_it", [](Meeting& m) { m.issuer().required_claims = {{"org_id", "org_1"}}, m.claims.set("org_id", Array{"org_1"}); }, "required_claim_missing"},
        Row{"one_of_two_required_claims", [](Meeting& m) { m.issuer().required_claims = {{"a", "1"}, {"b", "2"}}, m.claims.set("a", 1); }, "required_claim_missing"},
        Row{"required_number_and_truth", [](Meeting& m) { m.issuer().required_claims = {{"a", "1"}, {"b", "true"}}, m.claims.set("a", 1).set("b", true); }, "issued"},
        Row{"required_acr", [](Meeting& m) { m.issuer().required_claims = {{"acr", "urn:mfa"}}; }, "issued"},
        Row{"required_acr_is_weaker", [](Meeting& m) { m.issuer().required_claims = {{"acr", "urn:mfa"}}, m.claims.set("acr", "urn:pwd"); }, "required_claim_missing"},
        Row{"client_by_the_name_of_the_issuer", [](Meeting& m) { m.issuer().client_map = {{"0oa1", "cursor"}}, m.claims.set("client_id", "0oa1"); }, "issued"},
        Row{"client_by_our_name_beside_the_map", [](Meeting& m) { m.issuer().client_map = {{"0oa1", "cursor"}}; }, "issued"},
        Row{"client_by_a_name_of_another_agent", [](Meeting& m) { m.issuer().client_map = {{"0oa1", "thief"}}, m.claims.set("client_id", "0oa1"); }, "client_mismatch"},
        Row{"client_by_a_name_that_nobody_has", [](Meeting& m) { m.issuer().client_map = {{"0oa1", "cursor"}}, m.claims.set("client_id", "0oa2"); }, "client_mismatch"},
        Row{"our_name_is_another_agent_at_the_issuer", [](Meeting& m) { m.issuer().client_map = {{"cursor-at-ras", "thief"}}; }, "client_mismatch"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    RAS49_AudSub, ForeignSubject,
    testing::Values(
        Row{"names_a_user_of_an_unknown_subject", [](Meeting& m) { by_aud_sub(m), m.claims.set("sub", "00u9").set("aud_sub", "usr_bob"); }, "issued", "usr_bob"},
        Row{"agrees_with_the_link", [](Meeting& m) { by_aud_sub(m), m.claims.set("aud_sub", "usr_alice"); }, "issued"},
        Row{"contradicts_the_link", [](Meeting& m) { by_aud_sub(m), m.claims.set("aud_sub", "usr_bob"); }, "subject_conflict"},
        Row{"names_nobody_beside_a_link", [](Meeting& m) { by_aud_sub(m), m.claims.set("aud_sub", "usr_gone"); }, "subject_conflict"},
        Row{"names_nobody", [](Meeting& m) { by_aud_sub(m), m.claims.set("sub", "00u9").set("aud_sub", "usr_gone"); }, "subject_unknown"},
        Row{"names_somebody_who_is_disabled", [](Meeting& m) { by_aud_sub(m), m.bob().active = false, m.claims.set("sub", "00u9").set("aud_sub", "usr_bob"); }, "user_disabled"},
        Row{"is_absent_and_the_link_is_there", [](Meeting& m) { by_aud_sub(m); }, "issued"},
        Row{"is_absent_and_so_is_the_link", [](Meeting& m) { by_aud_sub(m), m.claims.set("sub", "00u9"); }, "subject_unknown"},
        Row{"is_empty", [](Meeting& m) { by_aud_sub(m), m.claims.set("aud_sub", ""); }, "malformed_claim"},
        Row{"is_a_number", [](Meeting& m) { by_aud_sub(m), m.claims.set("aud_sub", 1); }, "malformed_claim"},
        Row{"of_an_issuer_that_may_not_name_accounts", [](Meeting& m) { m.claims.set("sub", "00u9").set("aud_sub", "usr_bob"); }, "subject_unknown"},
        Row{"contradicts_where_it_may_not_even_name", [](Meeting& m) { m.claims.set("aud_sub", "usr_bob"); }, "subject_conflict"},
        Row{"is_some_name_that_is_none_of_ours", [](Meeting& m) { m.claims.set("aud_sub", "acct-9"); }, "issued"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    RAS43_SubId, ForeignSubject,
    testing::Values(
        Row{"iss_sub_agrees", claim("sub_id", sub_id({{"format", "iss_sub"}, {"iss", kForeignIdp}, {"sub", "00u1"}})), "issued"},
        Row{"iss_sub_of_somebody_else_here",
            [](Meeting& m) { m.bob().links = {{std::string(kForeignIdp), "", "00u2"}}, m.claims.set("sub_id", sub_id({{"format", "iss_sub"}, {"iss", kForeignIdp}, {"sub", "00u2"}})); },
            "subject_conflict"},
        Row{"iss_sub_of_another_issuer_and_somebody_else",
            [](Meeting& m) { m.bob().links = {{"https://login.corp.example", "", "x"}}, m.claims.set("sub_id", sub_id({{"format", "iss_sub"}, {"iss", "https://login.corp.example"}, {"sub", "x"}})); },
            "subject_conflict"},
        Row{"iss_sub_of_nobody_here", claim("sub_id", sub_id({{"format", "iss_sub"}, {"iss", "https://login.corp.example"}, {"sub", "x"}})), "issued"},
        Row{"iss_sub_gives_no_access_of_its_own",   // RAS-47
            [](Meeting& m) { m.claims.set("sub", "00u9").set("sub_id", sub_id({{"format", "iss_sub"}, {"iss", kForeignIdp}, {"sub", "00u1"}})); }, "subject_unknown"},
        Row{"opaque_of_somebody_else", claim("sub_id", sub_id({{"format", "opaque"}, {"id", "usr_bob"}})), "subject_conflict"},
        Row{"opaque_of_nobody", claim("sub_id", sub_id({{"format", "opaque"}, {"id", "11112222"}})), "issued"},
        Row{"email_of_the_same_person", [](Meeting& m) { with_domain(m), m.claims.set("sub_id", sub_id({{"format", "email"}, {"email", "ALICE@larkspur.example"}})); }, "issued"},
        Row{"email_of_somebody_else", [](Meeting& m) { with_domain(m), m.claims.set("sub_id", sub_id({{"format", "email"}, {"email", "bob@larkspur.example"}})); }, "subject_conflict"},
        Row{"email_that_the_issuer_may_not_speak_for", claim("sub_id", sub_id({{"format", "email"}, {"email", "bob@larkspur.example"}})), "issued"},
        Row{"one_of_its_aliases_is_somebody_else",
            claim("sub_id", sub_id({{"format", "aliases"}, {"identifiers", Array{sub_id({{"format", "opaque"}, {"id", "usr_alice"}}), sub_id({{"format", "opaque"}, {"id", "usr_bob"}})}}})), "subject_conflict"},
        Row{"aliases_of_the_same_person",
            claim("sub_id", sub_id({{"format", "aliases"}, {"identifiers", Array{sub_id({{"format", "opaque"}, {"id", "usr_alice"}}), sub_id({{"format", "phone_number"}, {"phone_number", "+1"}})}}})), "issued"},
        Row{"of_a_format_that_is_not_read", claim("sub_id", sub_id({{"format", "account"}, {"uri", "acct:bob@larkspur.example"}})), "issued"},
        Row{"of_an_unknown_format", claim("sub_id", sub_id({{"format", "catalog"}, {"n", 1}})), "issued"},
        Row{"is_a_text", claim("sub_id", "usr_alice"), "malformed_sub_id"}, Row{"is_null", claim("sub_id", nullptr), "malformed_sub_id"},
        Row{"is_a_list", claim("sub_id", Array{sub_id({{"format", "opaque"}, {"id", "x"}})}), "malformed_sub_id"},
        Row{"has_no_format", claim("sub_id", sub_id({{"id", "x"}})), "malformed_sub_id"},
        Row{"format_is_a_number", claim("sub_id", sub_id({{"format", 1}})), "malformed_sub_id"},
        Row{"lacks_a_member", claim("sub_id", sub_id({{"format", "iss_sub"}, {"iss", kForeignIdp}})), "malformed_sub_id"},
        Row{"has_a_member_too_many", claim("sub_id", sub_id({{"format", "opaque"}, {"id", "x"}, {"email", "y"}})), "malformed_sub_id"},
        Row{"member_is_empty", claim("sub_id", sub_id({{"format", "opaque"}, {"id", ""}})), "malformed_sub_id"},
        Row{"aliases_of_nobody", claim("sub_id", sub_id({{"format", "aliases"}, {"identifiers", Array{}}})), "malformed_sub_id"},
        Row{"aliases_of_aliases",
            claim("sub_id", sub_id({{"format", "aliases"}, {"identifiers", Array{sub_id({{"format", "aliases"}, {"identifiers", Array{sub_id({{"format", "opaque"}, {"id", "x"}})}}})}}})), "malformed_sub_id"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    RAS42_Email, ForeignSubject,
    testing::Values(
        Row{"never_replaces_the_link", [](Meeting& m) { m.claims.set("sub", "00u9").set("email", "alice@larkspur.example").set("email_verified", true), with_domain(m); }, "subject_unknown"},
        Row{"of_somebody_else_contradicts", [](Meeting& m) { m.claims.set("email", "bob@larkspur.example").set("email_verified", true), with_domain(m); }, "subject_conflict"},
        Row{"of_somebody_else_unchecked", [](Meeting& m) { m.claims.set("email", "bob@larkspur.example"), with_domain(m); }, "issued"},
        Row{"of_somebody_else_checked_in_words", [](Meeting& m) { m.claims.set("email", "bob@larkspur.example").set("email_verified", "true"), with_domain(m); }, "issued"},
        Row{"of_somebody_else_in_no_domain_of_the_issuer", [](Meeting& m) { m.claims.set("email", "bob@larkspur.example").set("email_verified", true); }, "issued"},
        Row{"of_a_domain_below_the_issuers", [](Meeting& m) { m.bob().email = "bob@x.larkspur.example", m.claims.set("email", "bob@x.larkspur.example").set("email_verified", true), with_domain(m); }, "issued"},
        Row{"of_somebody_whose_address_was_never_checked_here",
            [](Meeting& m) { m.bob().email_verified = false, m.claims.set("email", "bob@larkspur.example").set("email_verified", true), with_domain(m); }, "issued"},
        Row{"with_two_at_signs", [](Meeting& m) { m.claims.set("email", "bob@x@larkspur.example").set("email_verified", true), with_domain(m); }, "issued"},
        Row{"checked_and_a_number", [](Meeting& m) { m.claims.set("email", 1).set("email_verified", true), with_domain(m); }, "malformed_claim"},
        Row{"differs_from_the_subject_identifier",
            [](Meeting& m) { m.claims.set("email", "alice@larkspur.example").set("email_verified", true).set("sub_id", sub_id({{"format", "email"}, {"email", "a.smith@larkspur.example"}})), with_domain(m); },
            "subject_conflict"}),
    name_of);

// ID-JAGs as others write them, beside one of another Writ.
INSTANTIATE_TEST_SUITE_P(
    Shapes, ForeignSubject,
    testing::Values(
        // The client has a name of the issuer's own; `resource` is absent where an authorization server stands for one; scopes are an own claim as well.
        Row{"okta",
            [](Meeting& m) {
              m.issuer().client_map = {{"wlp8x5", "cursor"}}, m.issuer().required_claims = {{"app_org", "00o1"}}, with_domain(m);
              m.claims.set("client_id", "wlp8x5").set("app_org", "00o1").set("email", "alice@larkspur.example").set("email_verified", true).set("aud", Array{kRas});
            },
            "issued"},
        Row{"auth0",
            [](Meeting& m) {
              m.issuer().tenants = {"dev-larkspur"}, m.issuer().required_claims = {{"org_id", "org_1"}}, m.alice().links = {{std::string(kForeignIdp), "dev-larkspur", "auth0|00u1"}};
              m.claims.set("sub", "auth0|00u1").set("tenant", "dev-larkspur").set("org_id", "org_1").set("azp", "cursor-at-ras").set("resource", Array{kNotes});
            },
            "issued"},
        Row{"another_writ",
            [](Meeting& m) {
              by_aud_sub(m), m.issuer().aud_tenant = "larkspur";
              m.claims.set("aud_tenant", "larkspur").set("aud_sub", "usr_alice").set("email", "alice@larkspur.example").set("email_verified", true);
            },
            "issued"}),
    name_of);

TEST(LinkedAccount, IsInTheTokenOfALinkedSubjectAlone) {
  World world;
  const Answer linked = world.redeem(World::signed_id_jag(foreign_claims(world), "foreign"));
  ASSERT_EQ(linked.response.status, 200) << linked.response.body;
  const auto subject = registry::read_linked_subject(world.claims_of_access_token(linked));
  ASSERT_TRUE(subject && *subject);
  EXPECT_EQ(**subject, (registry::LinkedSubject{std::string(kForeignIdp), "", "00u1"}));
  EXPECT_EQ(world.claims_of_access_token(world.redeem(world.good_id_jag())).find("linked_account"), nullptr);
}

TEST(LinkedAccount, EndsItsTokensWhenItIsUnlinkedOrItsIssuerIsNotTrustedAnyMore) {
  World world;
  const Answer linked = world.redeem(World::signed_id_jag(foreign_claims(world), "foreign"));
  const auto is_active = [&] {
    const Form form{{"token", linked.text("access_token")}};
    const Answer answer = world.send(World::post("/introspect", form, World::basic("cursor-at-ras", kSecret)));
    return *answer.body.find_bool("active");
  };
  EXPECT_TRUE(is_active());
  const registry::Objects before = world.registry.get()->objects();
  world.change_objects([](registry::Objects& o) { o.users[0].links.clear(); });
  EXPECT_FALSE(is_active());
  EXPECT_EQ(world.last_record().reason, "account_unlinked");
  world.set_objects(before);
  EXPECT_TRUE(is_active());
  world.change_objects([](registry::Objects& o) { o.trusted_issuers[1].active = false; });
  EXPECT_FALSE(is_active());
  EXPECT_EQ(world.last_record().reason, "issuer_disabled");
}

TEST(LinkedAccount, HasAnIdThatNoOtherSubjectHas) {
  std::set<std::string> ids;
  for (const auto& [issuer, tenant, subject] : {std::tuple("https://a", "t", "s"), std::tuple("https://a", "", "ts"), std::tuple("https://a", "ts", ""), std::tuple("https://at", "", "s"), std::tuple("https://a", "", "s")})
    ids.insert(registry::account_id(issuer, tenant, subject));
  EXPECT_EQ(ids.size(), 5u);
  EXPECT_EQ(registry::account_id("https://a", "", "s"), registry::account_id("https://a", "", "s"));
}

}  // namespace
}  // namespace writ::token_service::resource_as::test
