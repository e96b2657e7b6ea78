#include "registry/provisioning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "registry/plan.h"

namespace writ::registry {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kConnectors =
    "identity_connectors: [{id: corp, issuer: https://sso.example, client_id: w, client_authentication: none, scim: true}, "
    "{id: other, issuer: https://other.example, client_id: w, client_authentication: none}]\n";

Plan plan_of(const std::string& text, const Catalogue& present = {}, bool prune = false) {
  const auto root = yaml::parse(text, "f.yaml");
  EXPECT_TRUE(root) << text;
  Reading reading;
  reading.secret_file = [](const std::string&, const Position&) -> Result<Secret, std::string> { return Secret("0123456789abcdefghijkl"); };
  auto declared = read_objects(*root, reading);
  EXPECT_FALSE(has_errors(reading.problems)) << to_string(reading.problems);
  PlanRules rules;
  rules.prune = prune;
  rules.spoken_of = collections_of(*root);
  return plan(present, std::move(declared), rules);
}

struct Row {
  const char* name;
  const char* yaml;
  const char* expected;   // empty: it is accepted
};
class KeptByADirectory : public testing::TestWithParam<Row> {};

TEST_P(KeptByADirectory, IsCheckedAgainstItsConnector) {
  const Plan planned = plan_of(std::string(kConnectors) + GetParam().yaml);
  if (std::string_view(GetParam().expected).empty()) EXPECT_FALSE(planned.has_errors()) << to_string(planned.problems);
  else EXPECT_THAT(to_string(planned.problems), HasSubstr(GetParam().expected));
}
INSTANTIATE_TEST_SUITE_P(
    Rules14, KeptByADirectory,
    testing::Values(Row{"person", "users: [{id: usr_a, name: a, provisioned_by: corp}]\n", ""},
                    Row{"person_of_a_connector_that_takes_none_now", "users: [{id: usr_a, name: a, provisioned_by: other}]\n", ""},
                    Row{"person_of_nobody", "users: [{id: usr_a, name: a, provisioned_by: crop}]\n", "f.yaml:2:46: error: there is no identity connector `crop`; did you mean `corp`?"},
                    Row{"service_account", "users: [{id: usr_a, name: a}, {id: usr_b, name: b, kind: service, owner: usr_a, provisioned_by: corp}]\n", "a service account is not kept by a directory"},
                    Row{"group", "groups: [{id: eng, external_id: g-1, provisioned_by: corp}]\n", ""},
                    Row{"group_of_nobody", "groups: [{id: eng, provisioned_by: nil}]\n", "f.yaml:2:36: error: there is no identity connector `nil`"},
                    Row{"token", "api_tokens: [{id: t, role: scim, connector: corp, token_file: x}]\n", ""},
                    Row{"token_of_nobody", "api_tokens: [{id: t, role: scim, connector: zzzzzz, token_file: x}]\n", "f.yaml:2:45: error: there is no identity connector `zzzzzz`"},
                    Row{"token_without_connector", "api_tokens: [{id: t, role: scim, token_file: x}]\n", "a token of role `scim` needs `connector`"},
                    Row{"token_of_a_connector_without_scim", "api_tokens: [{id: t, role: scim, connector: other, token_file: x}]\n", "takes no people by SCIM: write `scim: true` there"},
                    Row{"connector_of_another_role", "api_tokens: [{id: t, role: admin, connector: corp, token_file: x}]\n", "only a token of role `scim` has a `connector`"}),
    [](const auto& row) { return row.param.name; });

TEST(KeptByADirectory, StandsInTheStoreAsItWasSaid) {
  const Plan planned = plan_of(std::string(kConnectors) +
                               "users: [{id: usr_a, name: a, external_id: e-1, provisioned_by: corp}]\ngroups: [{id: eng, external_id: g-1, provisioned_by: corp}]\n"
                               "api_tokens: [{id: t, role: scim, connector: corp, token_file: x}]\n");
  ASSERT_FALSE(planned.has_errors()) << to_string(planned.problems);
  EXPECT_EQ(planned.objects.users.front().provisioned_by, "corp");
  EXPECT_EQ(planned.objects.groups.front().external_id, "g-1");
  EXPECT_EQ(planned.objects.groups.front().provisioned_by, "corp");
  EXPECT_EQ(planned.objects.api_tokens.front().connector, "corp");
  EXPECT_EQ(json::write(write(planned.objects.groups.front())), R"({"id":"eng","external_id":"g-1","provisioned_by":"corp"})");
}

// Ten thousand people of the directory are no news to a file that names three agents and one local administrator.
TEST(KeptByADirectory, IsNotMissingInFiles) {
  Catalogue catalogue;
  ChangeSet change;
  change.writes = writes_of(plan_of(std::string(kConnectors) + "users: [{id: usr_a, name: a, provisioned_by: corp}, {id: usr_b, name: b}]\ngroups: [{id: eng, provisioned_by: corp}]\n"));
  apply(catalogue, change, 1);
  const Plan planned = plan_of("users: [{id: usr_c, name: c}]\ngroups: []\n", catalogue, true);
  ASSERT_FALSE(planned.has_errors()) << to_string(planned.problems);
  ASSERT_EQ(planned.changes.size(), 2u);
  EXPECT_EQ(planned.changes[0].key, "usr_b") << "removed";
  EXPECT_EQ(planned.changes[1].key, "usr_c") << "created";
  EXPECT_THAT(planned.missing, IsEmpty());
}

}  // namespace
}  // namespace writ::registry
