#include "token_service/idp/federation/find_person.h"

#include "token_service/idp/federation/federation_fixture.h"

namespace writ::token_service::idp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using By = registry::IdentityConnector::MatchBy;

json::Value good() {
  return json::Value{{"sub", "up-carol"}, {"preferred_username", "carol"}, {"email", "carol@corp.example"}, {"email_verified", true}, {"name", "Carol C."},
                     {"oid", "o-7"}, {"tid", "t-1"}, {"groups", json::Array{"engineering", "unknown-here", "engineering"}}};
}

// ---- what the claims say

struct Said {
  const char* name;
  std::function<void(json::Value&)> change;
  std::function<void(registry::IdentityConnector&)> connector;
  const char* reason;   // "": read
};
class PersonFromClaims : public testing::TestWithParam<Said> {};
TEST_P(PersonFromClaims, IsReadOrRefusedForItsReason) {
  json::Value claims = good();
  registry::IdentityConnector connector = good_connector();
  if (GetParam().change) GetParam().change(claims);
  if (GetParam().connector) GetParam().connector(connector);
  const auto person = read_person(connector, claims);
  EXPECT_EQ(person ? "" : to_string(person.error()), GetParam().reason);
}
const auto set = [](const char* name, json::Value value) { return [=](json::Value& claims) { claims.set(name, value); }; };
const auto without = [](const char* name) { return [=](json::Value& claims) { claims.erase(name); }; };
const std::function<void(registry::IdentityConnector&)> kNoGroups = [](auto& connector) { connector.groups.clear(); };
const std::function<void(registry::IdentityConnector&)> kRequiresTenant = [](auto& connector) { connector.required_claims = {{"tid", "t-1"}}; };
const std::function<void(registry::IdentityConnector&)> kInTenant = [](auto& connector) { connector.claims.tenant = "tid"; };
INSTANTIATE_TEST_SUITE_P(
    Federation, PersonFromClaims,
    testing::Values(
        Said{"good", {}, {}, ""}, Said{"subject_absent", without("sub"), {}, "upstream_subject_missing"}, Said{"subject_a_number", set("sub", 7), {}, "upstream_claim_malformed"},
        Said{"subject_of_another_claim_absent", without("oid"), [](auto& connector) { connector.claims.subject = "oid"; }, "upstream_subject_missing"},
        Said{"name_a_list", set("name", json::Array{"Carol"}), {}, "upstream_claim_malformed"}, Said{"name_null", set("name", nullptr), {}, ""},
        Said{"verified_quoted", set("email_verified", "true"), {}, ""}, Said{"verified_a_number", set("email_verified", 1), {}, "upstream_claim_malformed"},
        Said{"groups_absent", without("groups"), {}, ""}, Said{"groups_one_text", set("groups", "engineering"), {}, ""}, Said{"groups_a_number", set("groups", 7), {}, "upstream_claim_malformed"},
        Said{"groups_of_numbers", set("groups", json::Array{7}), {}, "upstream_claim_malformed"},
        Said{"groups_elsewhere", set("_claim_names", json::Value{{"groups", "src1"}}), {}, "upstream_groups_elsewhere"},
        Said{"groups_elsewhere_hinted", set("hasgroups", true), {}, "upstream_groups_elsewhere"},
        Said{"groups_elsewhere_but_nobody_asks", set("_claim_names", json::Value{{"groups", "src1"}}), kNoGroups, ""},
        Said{"required_claim_fits", {}, kRequiresTenant, ""}, Said{"required_claim_absent", without("tid"), kRequiresTenant, "upstream_required_claim"},
        Said{"required_claim_differs", set("tid", "t-2"), kRequiresTenant, "upstream_required_claim"}, Said{"required_claim_a_list", set("tid", json::Array{"t-1"}), kRequiresTenant, "upstream_required_claim"},
        Said{"tenant_absent", without("tid"), kInTenant, "upstream_tenant_missing"}),
    [](const auto& row) { return row.param.name; });

TEST(GroupsFromClaims, AreThoseOfTheAllowListAndNoOthers) {
  EXPECT_THAT(read_person(good_connector(), good())->groups, ElementsAre("eng"));
  json::Value claims = good();
  claims.set("groups", json::Array{"eng", "sales", "ENGINEERING", "engineering "});
  EXPECT_THAT(read_person(good_connector(), claims)->groups, IsEmpty()) << "names of ours, and names that resemble theirs, are not theirs";
  claims.set("realm_access", json::Value{{"roles", json::Array{"sales-dept"}}});
  auto connector = good_connector();
  connector.claims.groups = "/realm_access/roles";
  EXPECT_THAT(read_person(connector, claims)->groups, ElementsAre("sales"));
}

TEST(Userinfo, AddsWhatTheIdTokenLacksAndChangesNothingOfIt) {
  const json::Value both = merged(json::Value{{"sub", "a"}, {"email", "signed@x"}}, json::Value{{"sub", "a"}, {"email", "other@x"}, {"groups", json::Array{"g"}}});
  EXPECT_EQ(*both.find_string("email"), "signed@x");
  EXPECT_NE(both.find("groups"), nullptr);
}

TEST(Userinfo, VouchesForItsOwnAddressOnly) {
  const auto verified = [](json::Value id_token, json::Value userinfo) { return merged(std::move(id_token), userinfo).find("email_verified") != nullptr; };
  EXPECT_TRUE(verified(json::Value{{"email", "a@x"}}, json::Value{{"email", "a@x"}, {"email_verified", true}}));
  EXPECT_FALSE(verified(json::Value{{"email", "a@x"}}, json::Value{{"email", "b@x"}, {"email_verified", true}}));
  EXPECT_FALSE(verified(json::Value{{"email", "a@x"}}, json::Value{{"email_verified", true}}));
  EXPECT_TRUE(verified(json::Value{{"sub", "s"}}, json::Value{{"email", "b@x"}, {"email_verified", true}}));
}

TEST(AuthenticationContext, WhatIsNotMappedIsNothingOnceThereIsAMap) {
  EXPECT_EQ(mapped({}, std::string("c2")), "c2");
  EXPECT_EQ(mapped({{"c2", "mfa"}}, std::string("c2")), "mfa");
  EXPECT_EQ(mapped({{"c2", "mfa"}}, std::string("mfa")), "") << "a provider cannot say our words past the map";
  EXPECT_THAT(mapped({{"otp", "mfa"}, {"fpt", "mfa"}}, std::vector<std::string>{"otp", "fpt", "pwd"}), ElementsAre("mfa"));
  EXPECT_THAT(unmapped({{"c2", "mfa"}, {"c3", "mfa"}, {"c1", "pwd"}}, {"mfa"}), ElementsAre("c2", "c3"));
}

// ---- who it is here

struct World2 {
  registry::Objects objects = good_objects();
  registry::IdentityConnector connector = good_connector();
  json::Value claims = good();
};
struct Row {
  const char* name;
  std::function<void(World2&)> change;
  const char* expected;   // "link usr_x", "match usr_x", "create name", or the reason
};
std::string outcome_of(const World2& world) {
  const auto person = read_person(world.connector, world.claims);
  EXPECT_TRUE(person);
  const registry::Snapshot snapshot(world.objects, 1);
  const auto found = find_person(*person, world.connector, snapshot);
  if (!found) return std::string(to_string(found.error()));
  if (const auto* linked = std::get_if<Linked>(&*found)) return "link " + linked->user->id;
  if (const auto* matched = std::get_if<ToLink>(&*found)) return "match " + matched->user->id;
  return "create " + std::get<ToCreate>(*found).user.name;
}
class PeopleFromUpstream : public testing::TestWithParam<Row> {};
TEST_P(PeopleFromUpstream, AreFoundMatchedCreatedOrRefused) {
  World2 world;
  GetParam().change(world);
  EXPECT_EQ(outcome_of(world), GetParam().expected);
}

registry::User& alice(World2& world) { return world.objects.users[0]; }
void link(World2& world) { alice(world).links.push_back({kUpstream, "", "up-carol"}); }
void match_by(World2& world, By by, const char* claim) {
  world.connector.match_by = by, world.connector.match_claim = claim;
  alice(world).password_hash.clear();
}
void match_email(World2& world) {
  match_by(world, By::email, "");
  alice(world).email = "CAROL@corp.example";
}
INSTANTIATE_TEST_SUITE_P(
    Rules14, PeopleFromUpstream,
    testing::Values(
        Row{"link_wins", [](World2& w) { link(w), match_by(w, By::user_name, "preferred_username"); }, "link usr_alice"},
        Row{"link_of_another_tenant", [](World2& w) { link(w), w.connector.claims.tenant = "tid"; }, "create carol"},
        Row{"link_of_another_issuer", [](World2& w) { alice(w).links.push_back({kOtherUpstream, "", "up-carol"}); }, "create carol"},
        Row{"linked_and_disabled", [](World2& w) { link(w), alice(w).active = false; }, "user_disabled"},
        Row{"linked_to_a_service", [](World2& w) { w.objects.users[3].links.push_back({kUpstream, "", "up-carol"}); }, "not_a_person"},
        Row{"created", [](World2&) {}, "create carol"},
        Row{"not_created_where_that_is_off", [](World2& w) { w.connector.just_in_time = false; }, "user_unknown"},
        Row{"not_created_where_scim_feeds", [](World2& w) { w.connector.scim = true; }, "user_unknown"},
        Row{"not_created_unverified", [](World2& w) { w.claims.set("email_verified", false); }, "email_not_verified"},
        Row{"not_created_when_nobody_verified", [](World2& w) { w.claims.erase("email_verified"); }, "email_not_verified"},
        Row{"created_when_the_connector_vouches", [](World2& w) { w.claims.erase("email_verified"), w.connector.email_is_verified = true; }, "create carol"},
        Row{"not_created_from_elsewhere", [](World2& w) { w.claims.set("email", "carol@gmail.example"); }, "email_not_in_domains"},
        Row{"not_created_from_a_subdomain", [](World2& w) { w.claims.set("email", "carol@x.corp.example"); }, "email_not_in_domains"},
        Row{"not_created_with_two_ats", [](World2& w) { w.claims.set("email", "a@corp.example@evil.example"); }, "email_not_in_domains"},
        Row{"created_by_required_claims", [](World2& w) { w.claims.erase("email"), w.connector.required_claims = {{"tid", "t-1"}}; }, "create carol"},
        Row{"created_by_its_address", [](World2& w) { w.claims.erase("preferred_username"); }, "create carol@corp.example"},
        Row{"no_name_at_all", [](World2& w) { w.claims.erase("preferred_username"), w.claims.erase("email"), w.connector.domains.clear(); }, "user_name_missing"},
        Row{"name_taken", [](World2& w) { w.claims.set("preferred_username", "BOB"); }, "collision_name_taken"},
        Row{"email_taken", [](World2& w) { alice(w).email = "Carol@Corp.example"; }, "collision_email_taken"},
        Row{"matched_by_external_id", [](World2& w) { match_by(w, By::external_id, "oid"), alice(w).external_id = "o-7"; }, "match usr_alice"},
        Row{"external_id_has_case", [](World2& w) { match_by(w, By::external_id, "oid"), alice(w).external_id = "O-7"; }, "create carol"},
        Row{"external_id_claim_absent", [](World2& w) { match_by(w, By::external_id, "oid"), w.claims.erase("oid"); }, "match_claim_missing"},
        Row{"matched_by_user_name", [](World2& w) { match_by(w, By::user_name, "preferred_username"), w.claims.set("preferred_username", "Alice"); }, "match usr_alice"},
        Row{"matched_and_disabled", [](World2& w) { match_by(w, By::user_name, "preferred_username"), w.claims.set("preferred_username", "gone"); }, "user_disabled"},
        Row{"matched_a_service", [](World2& w) { match_by(w, By::user_name, "preferred_username"), w.claims.set("preferred_username", "robot"); }, "not_a_person"},
        Row{"matched_a_local_account", [](World2& w) { match_by(w, By::user_name, "preferred_username"), w.claims.set("preferred_username", "bob"); }, "collision_local_account"},
        Row{"matched_who_is_another_there",
            [](World2& w) { match_by(w, By::user_name, "preferred_username"), w.claims.set("preferred_username", "alice"), alice(w).links.push_back({kUpstream, "", "up-other"}); },
            "collision_linked_to_another"},
        Row{"matched_whom_its_directory_keeps",
            [](World2& w) { match_by(w, By::user_name, "preferred_username"), w.claims.set("preferred_username", "alice"), alice(w).provisioned_by = w.connector.id; }, "match usr_alice"},
        Row{"matched_whom_another_directory_keeps",
            [](World2& w) { match_by(w, By::user_name, "preferred_username"), w.claims.set("preferred_username", "alice"), alice(w).provisioned_by = "another"; },
            "collision_kept_by_another_directory"},
        Row{"matches_two", [](World2& w) { match_by(w, By::external_id, "oid"), alice(w).external_id = w.objects.users[1].external_id = "o-7"; }, "collision_several_match"},
        Row{"matched_by_email", match_email, "match usr_alice"},
        Row{"email_unverified", [](World2& w) { match_email(w), w.claims.set("email_verified", false); }, "email_not_verified"},
        Row{"email_of_another_domain", [](World2& w) { match_email(w), w.connector.domains = {"other.example"}; }, "email_not_in_domains"},
        Row{"email_unverified_here", [](World2& w) { match_email(w), alice(w).email_verified = false; }, "collision_email_taken"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace writ::token_service::idp
