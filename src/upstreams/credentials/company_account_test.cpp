#include "upstreams/credentials/company_account.h"

#include <gtest/gtest.h>

namespace writ::upstreams {
namespace {

struct Row {
  const char* name;
  std::vector<std::string> tenants, domains;
  json::Value claims;
  const char* reason;   // "": it is the company's
};
class CompanyAccount : public testing::TestWithParam<Row> {};

TEST_P(CompanyAccount, IsToldFromAPersonalOne) {
  registry::UpstreamOAuth rules;
  rules.account_tenants = GetParam().tenants, rules.account_email_domains = GetParam().domains;
  const auto checked = check_company_account(rules, GetParam().claims);
  EXPECT_EQ(checked ? "" : std::string(to_string(checked.error())), GetParam().reason);
  if (!checked) {
    EXPECT_FALSE(explain(checked.error()).empty());
  }
}

json::Value mail(const char* address, json::Value verified = true) { return json::Value{{"sub", "s"}, {"email", address}, {"email_verified", std::move(verified)}}; }

INSTANTIATE_TEST_SUITE_P(
    Rules, CompanyAccount,
    testing::Values(
        Row{"entra_tenant", {"t-acme"}, {}, json::Value{{"sub", "s"}, {"tid", "t-acme"}}, ""},
        Row{"google_domain", {"acme.example"}, {}, json::Value{{"sub", "s"}, {"hd", "acme.example"}}, ""},
        Row{"auth0_organisation", {"org_1"}, {}, json::Value{{"sub", "s"}, {"org_id", "org_1"}}, ""},
        Row{"one_of_several_tenants", {"t-other", "t-acme"}, {}, json::Value{{"sub", "s"}, {"tid", "t-acme"}}, ""},
        Row{"personal_microsoft_account", {"t-acme"}, {}, json::Value{{"sub", "s"}, {"tid", "9188040d-6c67-4b5b-b112-36a304b66dad"}}, "account_of_another_tenant"},
        Row{"personal_google_account_with_a_company_address", {"acme.example"}, {}, mail("alice@acme.example"), "account_without_tenant"},
        Row{"tenant_in_other_case", {"t-acme"}, {}, json::Value{{"sub", "s"}, {"tid", "T-ACME"}}, "account_of_another_tenant"},
        Row{"tenant_a_list", {"t-acme"}, {}, json::Value{{"sub", "s"}, {"tid", json::Array{"t-acme"}}}, "account_of_another_tenant"},
        Row{"tenant_empty", {"t-acme"}, {}, json::Value{{"sub", "s"}, {"tid", ""}}, "account_of_another_tenant"},
        Row{"second_tenant_claim_of_another", {"t-acme"}, {}, json::Value{{"sub", "s"}, {"tid", "t-acme"}, {"hd", "gmail.example"}}, "account_of_another_tenant"},
        Row{"verified_address", {}, {"acme.example"}, mail("alice@acme.example"), ""}, Row{"domain_in_other_case", {}, {"acme.example"}, mail("alice@ACME.example"), ""},
        Row{"address_at_home", {}, {"acme.example"}, mail("alice@home.example"), "account_of_another_domain"},
        Row{"subdomain", {}, {"acme.example"}, mail("alice@evil.acme.example"), "account_of_another_domain"},
        Row{"domain_as_a_suffix", {}, {"acme.example"}, mail("alice@notacme.example"), "account_of_another_domain"},
        Row{"two_at_signs", {}, {"acme.example"}, mail("alice@home.example@acme.example"), "account_of_another_domain"},
        Row{"address_not_verified", {}, {"acme.example"}, mail("alice@acme.example", false), "account_email_not_verified"},
        Row{"verified_as_text", {}, {"acme.example"}, mail("alice@acme.example", "true"), "account_email_not_verified"},
        Row{"verified_absent", {}, {"acme.example"}, json::Value{{"sub", "s"}, {"email", "alice@acme.example"}}, "account_email_not_verified"},
        Row{"no_address", {}, {"acme.example"}, json::Value{{"sub", "s"}, {"email_verified", true}}, "account_without_email"},
        Row{"both_fit", {"t-acme"}, {"acme.example"}, json::Value{{"sub", "s"}, {"tid", "t-acme"}, {"email", "a@acme.example"}, {"email_verified", true}}, ""},
        Row{"both_and_the_domain_does_not_fit", {"t-acme"}, {"acme.example"}, json::Value{{"sub", "s"}, {"tid", "t-acme"}, {"email", "a@x.example"}, {"email_verified", true}}, "account_of_another_domain"},
        Row{"both_and_the_tenant_does_not_fit", {"t-acme"}, {"acme.example"}, json::Value{{"sub", "s"}, {"tid", "t-x"}, {"email", "a@acme.example"}, {"email_verified", true}}, "account_of_another_tenant"},
        Row{"no_subject", {"t-acme"}, {}, json::Value{{"tid", "t-acme"}}, "account_without_subject"}, Row{"subject_a_number", {"t-acme"}, {}, json::Value{{"sub", 1}, {"tid", "t-acme"}}, "account_without_subject"},
        Row{"subject_too_long", {"t-acme"}, {}, json::Value{{"sub", std::string(256, 's')}, {"tid", "t-acme"}}, "account_without_subject"},
        Row{"no_rule_at_all", {}, {}, mail("alice@acme.example"), "account_without_tenant"}),
    [](const auto& row) { return row.param.name; });

TEST(CompanyAccounts, AreShownAsTheirOwnersKnowThem) {
  registry::UpstreamOAuth rules;
  rules.account_tenants = {"t"};
  const auto label = [&](json::Value claims) { return claims.set("sub", "s-1").set("tid", "t"), check_company_account(rules, claims)->label; };
  EXPECT_EQ(label(json::Value{{"email", "a@acme.example"}, {"preferred_username", "alice"}}), "a@acme.example");
  EXPECT_EQ(label(json::Value{{"preferred_username", "alice"}, {"name", "Alice"}}), "alice");
  EXPECT_EQ(label(json::Value{{"name", "Alice"}}), "Alice");
  EXPECT_EQ(label(json::Object{}), "s-1");
}

}  // namespace
}  // namespace writ::upstreams
