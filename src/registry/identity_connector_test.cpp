#include "registry/identity_connector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "registry/plan.h"
#include "registry/snapshot.h"

namespace writ::registry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kGood = R"(
groups: [{id: eng}]
agents: [{id: cursor}]
identity_connectors:
  - id: entra
    display_name: Entra ID
    issuer: https://login.example/t/v2.0
    client_id: writ-at-entra
    client_secret_file: /etc/writ/entra.secret
    client_authentication: client_secret_post
    scopes: [openid, profile]
    domains: [Example.COM]
    match: externalId=oid
    just_in_time: true
    email_is_verified: true
    required_claims: {tid: t1}
    claims: {subject: oid, department: dept, tenant: tid}
    groups: {"11-22": eng}
    acr: {c1: phr}
    amr: {mfa: mfa}
    userinfo: false
    subject_clients: {cursor-at-entra: cursor}
    max_subject_age: 10m
    session_max: 8h
    sign_out_upstream: false
    group_overage: true
)";

struct Read {
  std::vector<Declared> declared;
  Problems problems;
};
Read read(const std::string& text) {
  const auto root = yaml::parse(text, "f.yaml");
  EXPECT_TRUE(root) << to_string(root.error());
  Reading reading;
  Read result;
  result.declared = read_objects(*root, reading);
  result.problems = reading.problems;
  return result;
}

PlanRules rules_with_a_key() {
  PlanRules rules;
  rules.seal_secret = [](const Secret& secret, const std::string& purpose) { return "sealed(" + std::string(secret.reveal()) + "," + purpose + ")"; };
  rules.is_sealed = [](const Secret& secret, const std::string& sealed, const std::string& purpose) {
    return sealed == "sealed(" + std::string(secret.reveal()) + "," + purpose + ")";
  };
  return rules;
}

Plan plan_of(const Catalogue& present, const std::string& text, const PlanRules& rules = rules_with_a_key()) {
  Read result = read(text);
  EXPECT_FALSE(has_errors(result.problems)) << to_string(result.problems);
  return plan(present, std::move(result.declared), rules);
}

std::string errors_of(const std::string& text) {
  Read result = read(text);
  Problems problems = result.problems;
  if (!has_errors(problems)) problems = plan({}, std::move(result.declared), rules_with_a_key()).problems;
  std::string errors;
  for (const auto& problem : problems) {
    if (!problem.is_warning) errors += problem.message + "\n";
  }
  return errors;
}

TEST(IdentityConnectors, EveryMemberComesBackFromTheDocumentThatIsWritten) {
  const Plan planned = plan_of({}, kGood);
  ASSERT_FALSE(planned.has_errors()) << to_string(planned.problems);
  const IdentityConnector& connector = planned.objects.identity_connectors.front();
  EXPECT_EQ(connector.domains, std::vector<std::string>{"example.com"}) << "domains have no case";
  EXPECT_EQ(connector.match_by, IdentityConnector::MatchBy::external_id);
  EXPECT_EQ(connector.match_claim, "oid");
  EXPECT_EQ(connector.max_subject_age_seconds, 600);
  EXPECT_EQ(connector.session_max_seconds, 8 * 3600);
  EXPECT_EQ(connector.claims.subject, "oid");
  EXPECT_EQ(connector.claims.email, "email") << "what is not said stays usual";
  const auto again = read_all({{ObjectKind::group, json::Value{{"id", "eng"}}}, {ObjectKind::identity_connector, write(connector)}});
  ASSERT_TRUE(again) << to_string(again.error());
  EXPECT_EQ(write(again->identity_connectors.front()), write(connector));
}

struct Row {
  const char* name;
  const char* from;
  const char* to;
  const char* expected;
};
class ConnectorErrors : public testing::TestWithParam<Row> {};
TEST_P(ConnectorErrors, SayWhatWouldBeRight) {
  std::string text = kGood;
  const auto at = text.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, std::string(GetParam().from).size(), GetParam().to);
  EXPECT_THAT(errors_of(text), testing::StartsWith(GetParam().expected));
}
INSTANTIATE_TEST_SUITE_P(
    Federation, ConnectorErrors,
    testing::Values(
        Row{"no_issuer", "    issuer: https://login.example/t/v2.0\n", "", "an identity connector needs `issuer`"},
        Row{"issuer_in_the_clear", "https://login", "http://login", "an issuer must be an https URL"},
        Row{"no_client_id", "    client_id: writ-at-entra\n", "", "an identity connector needs `client_id`"},
        Row{"client_id_with_a_space", "writ-at-entra", "writ at entra", "a `client_id` has up to 256 printable ASCII"},
        Row{"no_secret", "    client_secret_file: /etc/writ/entra.secret\n", "", "an identity connector needs `client_secret_file` or `client_secret`"},
        Row{"secret_of_a_public_client", "client_secret_post", "none", "a secret is of no use with `client_authentication: none`"},
        Row{"two_secrets", "    client_secret_file:", "    client_secret: xyz\n    client_secret_file:", "write only one of `client_secret` and `client_secret_file`"},
        Row{"secret_is_a_number", "client_secret_file: /etc/writ/entra.secret", "client_secret: 17", "`client_secret` must be text"},
        Row{"no_openid", "[openid, profile]", "[profile]", "`scopes` must contain `openid`"},
        Row{"scope_of_two_words", "[openid, profile]", "[openid, a b]", "a scope is one word"},
        Row{"domain_is_an_address", "[Example.COM]", "['a@example.com']", "a domain is written like example.com"},
        Row{"match_unknown", "externalId=oid", "sub=oid", "`match` must be externalId=CLAIM, userName=CLAIM or email"},
        Row{"match_without_claim", "externalId=oid", "externalId=", "`match` must be externalId=CLAIM"},
        Row{"match_email_without_domains", "    domains: [Example.COM]\n    match: externalId=oid\n", "    match: email\n", "`match: email` needs `domains`"},
        Row{"created_although_scim_feeds_it", "just_in_time: true", "just_in_time: true\n    scim: true", "people of this connector come by SCIM"},
        Row{"group_unknown", "\"11-22\": eng", "\"11-22\": engg", "there is no group `engg`; did you mean `eng`?"},
        Row{"agent_unknown", "cursor-at-entra: cursor", "cursor-at-entra: curser", "there is no agent `curser`; did you mean `cursor`?"},
        Row{"groups_without_a_claim", "subject: oid,", "subject: oid, groups: '',", "`groups` maps values of a claim"},
        Row{"subject_claim_empty", "subject: oid", "subject: ''", "`subject` names the claim"},
        Row{"subject_age_of_a_year", "10m", "365d", "`max_subject_age` must be between"},
        Row{"group_value_is_a_list", "\"11-22\": eng", "\"11-22\": [eng]", "`11-22` must be text, not a list"},
        Row{"unknown_member", "    userinfo: false", "    user_info: false", "unknown key `user_info` in an identity connector; did you mean `userinfo`?"},
        Row{"id_with_a_slash", "id: entra", "id: en/tra", "an identity connector's `id` has up to 64"}),
    [](const auto& row) { return row.param.name; });

TEST(IdentityConnectors, TwoOfThemShareNeitherIssuerNorDomain) {
  const std::string other = "  - {id: two, issuer: https://login.example/t/v2.0, client_id: c, client_authentication: none, domains: [example.com]}\n";
  EXPECT_EQ(errors_of(kGood + other),
            "the issuer `https://login.example/t/v2.0` is taken already by identity connector `entra`\n"
            "the domain `example.com` is taken already by identity connector `entra`\n");
}

constexpr const char* kClear = "identity_connectors: [{id: kc, issuer: https://kc.example, client_id: w, client_secret: xyz}]\n";

TEST(ClientSecretsThatArePresented, RestSealedForTheirIssuerAndAreShownToNobody) {
  const Plan planned = plan_of({}, kClear);
  ASSERT_FALSE(planned.has_errors()) << to_string(planned.problems);
  const json::Value& document = *planned.changes.front().document;
  EXPECT_EQ(*document.find_string("client_secret_sealed"), "sealed(xyz,client secret for https://kc.example)");
  EXPECT_EQ(document.find("client_secret"), nullptr);
  const json::Value shown = without_credentials(ObjectKind::identity_connector, document);
  EXPECT_EQ(json::write(shown).find("xyz"), std::string::npos);
  EXPECT_TRUE(*shown.find_bool("has_client_secret"));
}

TEST(ClientSecretsThatArePresented, AreNotAcceptedWhereNothingCanBeSealed) {
  const Plan planned = plan_of({}, kClear, PlanRules{});
  ASSERT_TRUE(planned.has_errors());
  EXPECT_EQ(planned.problems.front().message, "this process has no key to seal secrets with: write `client_secret_file`");
}

TEST(ClientSecretsThatArePresented, StayWhenTheyAreNotMentionedButDoNotFollowToAnotherIssuer) {
  Catalogue present;
  ChangeSet change;
  change.writes = writes_of(plan_of({}, kClear));
  apply(present, change, 1);
  EXPECT_THAT(plan_of(present, kClear).changes, IsEmpty()) << "the same secret again is no change";

  const Plan renamed = plan_of(present, "identity_connectors: [{id: kc, issuer: https://kc.example, client_id: w, display_name: KC}]\n");
  ASSERT_FALSE(renamed.has_errors()) << to_string(renamed.problems);
  EXPECT_FALSE(renamed.objects.identity_connectors.front().client_secret_sealed.empty());

  const Plan moved = plan_of(present, "identity_connectors: [{id: kc, issuer: https://evil.example, client_id: w}]\n");
  ASSERT_TRUE(moved.has_errors()) << "else whoever may edit a connector reads its secret at an issuer of his own";
  EXPECT_THAT(moved.problems.front().message, testing::HasSubstr("needs `client_secret_file` or `client_secret`"));
}

// ---- groups on links

Objects with_link_groups(std::vector<std::string> groups) {
  Objects objects;
  objects.groups = {{"staff", "", {}}, {"eng", "", {"staff"}}, {"own", "", {}}};
  User alice;
  alice.id = "usr_alice", alice.name = "alice", alice.groups = {"own"};
  alice.links = {{"https://kc.example", "", "a", std::move(groups)}};
  objects.users = {alice};
  IdentityConnector connector;
  connector.id = "kc", connector.issuer = "https://kc.example", connector.groups = {{"/engineering", "eng"}};
  objects.identity_connectors = {connector};
  return objects;
}
std::vector<std::string> groups_in(const Objects& objects) {
  const Snapshot snapshot(objects, 1);
  return snapshot.groups_of(*snapshot.user("usr_alice"));
}

TEST(GroupsOfALink, CountWhileTheConnectorIsActiveAndStillMapsThem) {
  Objects objects = with_link_groups({"eng"});
  EXPECT_THAT(groups_in(objects), ElementsAre("own", "eng", "staff"));
  objects.identity_connectors.front().active = false;
  EXPECT_THAT(groups_in(objects), ElementsAre("own"));
  objects.identity_connectors.front().active = true;
  objects.identity_connectors.front().groups.clear();
  EXPECT_THAT(groups_in(objects), ElementsAre("own")) << "a mapping that is taken back takes the groups with it";
  objects.identity_connectors.clear();
  EXPECT_THAT(groups_in(objects), ElementsAre("own"));
}

TEST(GroupsOfALink, NeverReachBeyondTheAllowList) { EXPECT_THAT(groups_in(with_link_groups({"staff"})), ElementsAre("own")); }

TEST(Domains, OfAddresses) {
  EXPECT_EQ(domain_of("Alice@Example.com"), "example.com");
  for (const char* text : {"", "alice", "@example.com", "alice@", "a@b@example.com"}) EXPECT_EQ(domain_of(text), "") << text;
}

}  // namespace
}  // namespace writ::registry
