#include "registry/upstream_oauth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "registry/check.h"
#include "registry/gateway_identity.h"
#include "registry/plan.h"

namespace writ::registry {
namespace {

using testing::HasSubstr;

// One server with this `upstream`, beside what it may refer to.
std::string document(const std::string& upstream, const std::string& agents = "[{id: gateway, resource_authorization_servers: [{issuer: \"https://as.crm.example\", client_id: writ-at-crm}]}]") {
  return "resource_authorization_servers: [{issuer: \"https://ras.example\"}, {issuer: \"https://as.crm.example\"}]\nagents: " + agents +
         "\nservers: [{id: crm, resource: \"https://w.example/mcp/crm\", resource_authorization_server: \"https://ras.example\", scopes: [{name: \"crm:read\"}], upstream: " + upstream + "}]\n";
}

struct Read {
  std::string errors;
  Objects objects;
};
Read read(const std::string& text) {
  Read result;
  const auto root = yaml::parse(text, "f.yaml");
  EXPECT_TRUE(root) << to_string(root.error());
  Reading reading;
  const auto declared = read_objects(*root, reading);
  Problems problems = reading.problems;
  if (!has_errors(problems)) {
    std::vector<std::pair<ObjectKind, json::Value>> documents;
    for (const auto& object : declared) documents.emplace_back(object.kind, object.document);
    result.objects = *read_all(documents);
    const auto more = check_objects(result.objects, Places(declared));
    problems.insert(problems.end(), more.begin(), more.end());
  }
  result.errors = to_string(problems);
  return result;
}

const std::string kUrl = "url: \"https://crm.example/mcp\"";
std::string oauth(const std::string& members, const std::string& more = "") {
  return "{" + kUrl + more + ", oauth: {issuer: \"https://as.crm.example\", client_id: writ-at-crm, " + members + "}}";
}

struct Row {
  const char* name;
  std::string upstream;
  const char* says;   // "": nothing is wrong
};
class UpstreamOAuthDocuments : public testing::TestWithParam<Row> {};
TEST_P(UpstreamOAuthDocuments, AreReadOrRefusedWithWhatWouldBeRight) {
  const std::string errors = read(document(GetParam().upstream)).errors;
  if (*GetParam().says) {
    EXPECT_THAT(errors, HasSubstr(GetParam().says));
  } else {
    EXPECT_EQ(errors, "");
  }
}
INSTANTIATE_TEST_SUITE_P(
    Members, UpstreamOAuthDocuments,
    testing::Values(
        Row{"client_credentials", oauth("grant: client_credentials, client_secret_file: s"), ""},
        Row{"by_certificate", oauth("grant: client_credentials", ", client_certificate: {certificate_file: c.pem, key_file: c.key}"), ""},
        Row{"id_jag", oauth("grant: id_jag, client_secret_file: s, scopes: [\"crm:read\"]"), ""},
        Row{"accounts_of_a_tenant", oauth("grant: authorization_code, account_tenants: [t]"), ""},
        Row{"accounts_of_a_domain", oauth("grant: authorization_code, account_email_domains: [acme.example]"), ""},
        Row{"no_grant", oauth("client_secret_file: s"), "`oauth` needs `grant`"}, Row{"password_grant", oauth("grant: password"), "`grant`"},
        Row{"no_issuer", "{" + kUrl + ", oauth: {grant: client_credentials, client_id: c, client_secret_file: s}}", "`oauth` needs `issuer`"},
        Row{"issuer_over_plain_http", "{" + kUrl + ", oauth: {grant: client_credentials, issuer: \"http://as.example\", client_id: c, client_secret_file: s}}", "an issuer must be an https URL"},
        Row{"secret_in_the_document", oauth("grant: client_credentials, client_secret: s"), "unknown key `client_secret`"},
        Row{"public_client_with_client_credentials", oauth("grant: client_credentials"), "a public client cannot use it"},
        Row{"public_client_with_id_jag", oauth("grant: id_jag"), "a public client cannot use it"},
        Row{"public_client_with_accounts", oauth("grant: authorization_code, account_tenants: [t]"), ""},
        Row{"id_jag_for_an_unregistered_server", "{" + kUrl + ", oauth: {grant: id_jag, issuer: \"https://as.other.example\", client_id: c, client_secret_file: s}}", "there is no resource authorization server `https://as.other.example`"},
        Row{"id_jag_for_a_scope_that_policy_does_not_know", oauth("grant: id_jag, client_secret_file: s, scopes: [\"crm:write\"]"), "this server has no scope `crm:write`: with `grant: id_jag` policy decides on every scope"},
        Row{"a_scope_of_two_words", oauth("grant: client_credentials, client_secret_file: s, scopes: [\"a b\"]"), "a scope is one word"},
        Row{"resource_with_a_fragment", oauth("grant: client_credentials, client_secret_file: s, resource: \"https://crm.example/#x\""), "`resource` must be an https URL"},
        Row{"accounts_of_anybody", oauth("grant: authorization_code"), "which accounts are the company's"},
        Row{"accounts_where_there_are_none", oauth("grant: client_credentials, client_secret_file: s, account_tenants: [t]"), "they go with `grant: authorization_code`"},
        Row{"domain_in_capitals", oauth("grant: authorization_code, account_email_domains: [Acme.example]"), "a domain is written like example.com"},
        Row{"domain_that_is_an_address", oauth("grant: authorization_code, account_email_domains: [\"a@acme.example\"]"), "a domain is written like example.com"},
        Row{"a_second_authorization_field", oauth("grant: client_credentials, client_secret_file: s", ", header: {name: authorization, secret_file: f}"), "the Authorization field carries the access token"},
        Row{"certificate_over_plain_http", "{url: \"http://127.0.0.1:9/mcp\", client_certificate: {certificate_file: c.pem, key_file: c.key}}", "a client certificate is shown over https"},
        Row{"certificate_without_key", "{" + kUrl + ", client_certificate: {certificate_file: c.pem}}", "`client_certificate` needs `key_file`"}),
    [](const auto& row) { return row.param.name; });

TEST(UpstreamOAuthDocument, ComesBackAsItWasWritten) {
  const std::string all = "{" + kUrl + ", client_certificate: {certificate_file: c.pem, key_file: c.key}, oauth: {grant: authorization_code, issuer: \"https://as.crm.example\", client_id: w, client_secret_file: s, "
                          "scopes: [openid, email], send_resource: false, resource: \"https://crm.example\", account_tenants: [t1, t2], account_email_domains: [acme.example]}}";
  const Read first = read(document(all));
  ASSERT_EQ(first.errors, "");
  const json::Value written = write(first.objects.servers[0]);
  const Objects again = *read_all({{ObjectKind::server, written}});
  EXPECT_EQ(json::write(write(again.servers[0])), json::write(written));
  const UpstreamOAuth& back = *again.servers[0].upstream->oauth;
  EXPECT_EQ(back.grant, UpstreamOAuth::Grant::authorization_code);
  EXPECT_FALSE(back.send_resource);
  EXPECT_EQ(back.account_tenants, (std::vector<std::string>{"t1", "t2"}));
  EXPECT_EQ(again.servers[0].upstream->client_key_file, "c.key");
}

// ---- who the gateway is

struct IdentityRow {
  const char* name;
  std::string upstream, agents;
  GatewayIdentity gateway;
  const char* says;
};
class GatewayIdentities : public testing::TestWithParam<IdentityRow> {};
TEST_P(GatewayIdentities, MustFitTheServersThatNeedThem) {
  const Read objects = read(document(GetParam().upstream, GetParam().agents));
  ASSERT_EQ(objects.errors, "");
  const std::string said = to_string(check_gateway_identity(objects.objects, GetParam().gateway));
  if (*GetParam().says) {
    EXPECT_THAT(said, HasSubstr(GetParam().says));
  } else {
    EXPECT_EQ(said, "");
  }
}
const std::string kIdJag = oauth("grant: id_jag, client_secret_file: s"), kAccounts = oauth("grant: authorization_code, account_tenants: [t]");
const std::string kAgents = "[{id: gateway, resource_authorization_servers: [{issuer: \"https://as.crm.example\", client_id: writ-at-crm}]}]";
INSTANTIATE_TEST_SUITE_P(
    Rules38, GatewayIdentities,
    testing::Values(IdentityRow{"good", kIdJag, kAgents, {true, "gateway"}, ""}, IdentityRow{"no_idp", kIdJag, kAgents, {false, "gateway"}, "needs the identity provider among this deployment's `roles`"},
                    IdentityRow{"no_agent", kIdJag, kAgents, {true, ""}, "needs `gateway.agent` in the configuration"},
                    IdentityRow{"unknown_agent", kIdJag, kAgents, {true, "nobody"}, "names the agent `nobody`, and there is none"},
                    IdentityRow{"not_registered", kIdJag, "[{id: gateway}]", {true, "gateway"}, "is not registered at `https://as.crm.example`"},
                    IdentityRow{"registered_as_another", kIdJag, "[{id: gateway, resource_authorization_servers: [{issuer: \"https://as.crm.example\", client_id: other}]}]", {true, "gateway"}, "as `other`, not as `writ-at-crm`"},
                    IdentityRow{"accounts_need_a_sign_in", kAccounts, kAgents, {false, ""}, "people link their accounts in its session"}, IdentityRow{"accounts", kAccounts, kAgents, {true, ""}, ""},
                    IdentityRow{"the_gateways_own_token_needs_nobody", oauth("grant: client_credentials, client_secret_file: s"), "[]", {false, ""}, ""}),
    [](const auto& row) { return row.param.name; });

TEST(PlanWithADeployment, RefusesServersThatCannotBeUsedHereAndNothingElse) {
  PlanRules rules;
  rules.check_deployment = [](const Objects& objects, const Places& places) { return check_gateway_identity(objects, {true, ""}, places); };
  rules.new_user_id = [] { return "usr_1"; };
  const auto planned = [&](const Catalogue& present, const std::string& text) {
    Reading reading;
    return plan(present, read_objects(*yaml::parse(text, "f.yaml"), reading), rules);
  };
  const Plan refused = planned({}, document(kIdJag));
  EXPECT_TRUE(refused.has_errors());
  EXPECT_THAT(to_string(refused.problems), HasSubstr("f.yaml:3:"));
  // What was stored under another configuration does not keep people from being disabled.
  rules.check_deployment = nullptr;
  const Plan stored = planned({}, document(kIdJag));
  ASSERT_FALSE(stored.has_errors());
  Catalogue present;
  ChangeSet change;
  change.writes = writes_of(stored);
  apply(present, change, 1);
  rules.check_deployment = [](const Objects& objects, const Places& places) { return check_gateway_identity(objects, {true, ""}, places); };
  EXPECT_FALSE(planned(present, "users: [{id: usr_a, name: a, active: false}]\n").has_errors());
}

}  // namespace
}  // namespace writ::registry
