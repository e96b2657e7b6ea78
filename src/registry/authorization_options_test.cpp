#include "registry/authorization_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace writ::registry {
namespace {

using testing::HasSubstr;

json::Value parsed(std::string_view text) { return *json::parse(text); }

TEST(AuthorizationOptions, AreReadAndWritten) {
  const std::vector<std::pair<ObjectKind, json::Value>> documents{
      {ObjectKind::agent, parsed(R"({"id":"desk","idp":{"client_id":"https://desk.example/client.json","authentication":"none","pushed_only":true,"metadata_document":true}})")},
      {ObjectKind::server, parsed(R"({"id":"notes","resource":"https://a.example/notes","resource_authorization_server":"https://ras.example","interactive_grant":true})")}};
  const auto objects = read_all(documents);
  ASSERT_TRUE(objects);
  EXPECT_TRUE(objects->agents[0].idp->pushed_only);
  EXPECT_TRUE(objects->agents[0].idp->metadata_document);
  EXPECT_TRUE(objects->servers[0].interactive_grant);
  EXPECT_THAT(json::write(write(objects->agents[0])), HasSubstr(R"("pushed_only":true,"metadata_document":true)"));
  EXPECT_THAT(json::write(write(objects->servers[0])), HasSubstr(R"("interactive_grant":true)"));
  EXPECT_EQ(json::write(write(Server{})).find("interactive_grant"), std::string::npos);
}

struct DocumentRow {
  const char* name;
  std::function<void(Registration&)> change;
  const char* said;   // empty: nothing
};
class MetadataDocuments : public testing::TestWithParam<DocumentRow> {};
TEST_P(MetadataDocuments, AreRegisteredByTheirAddressAlone) {
  Registration registration{.client_id = "https://desk.example/client.json", .authentication = ClientAuthentication::private_key_jwt, .metadata_document = true};
  GetParam().change(registration);
  std::string said;
  for (const auto& sentence : problems_with_authorization_options(registration)) said += sentence + "\n";
  if (*GetParam().said == 0) EXPECT_EQ(said, "");
  else EXPECT_THAT(said, HasSubstr(GetParam().said));
}
INSTANTIATE_TEST_SUITE_P(
    All, MetadataDocuments,
    testing::Values(DocumentRow{"with_keys", [](auto&) {}, ""}, DocumentRow{"public_one", [](auto& r) { r.authentication = ClientAuthentication::none; }, ""},
                    DocumentRow{"not_described", [](auto& r) { r.metadata_document = false, r.client_id = "desk", r.redirect_uris = {"x"}; }, ""},
                    DocumentRow{"no_address", [](auto& r) { r.client_id = "desk"; }, "an https URL with a path"},
                    DocumentRow{"plain_http", [](auto& r) { r.client_id = "http://desk.example/client.json"; }, "an https URL with a path"},
                    DocumentRow{"no_path", [](auto& r) { r.client_id = "https://desk.example/"; }, "an https URL with a path"},
                    DocumentRow{"fragment", [](auto& r) { r.client_id += "#a"; }, "an https URL with a path"},
                    DocumentRow{"user_name", [](auto& r) { r.client_id = "https://me@desk.example/c"; }, "an https URL with a path"},
                    DocumentRow{"secret", [](auto& r) { r.authentication = ClientAuthentication::client_secret; }, "a document that everybody reads holds no secret"},
                    DocumentRow{"own_redirect_uris", [](auto& r) { r.redirect_uris = {"https://desk.example/cb"}; }, "come from the document"},
                    DocumentRow{"own_keys", [](auto& r) { r.jwks_uri = "https://desk.example/keys"; }, "come from the document"},
                    DocumentRow{"device_keys", [](auto& r) { r.device_keys = true; }, "each device brings its own key"}),
    [](const auto& row) { return std::string(row.param.name); });

struct GrantRow {
  const char* name;
  std::function<void(Objects&, SignInClient&)> change;
  const char* said;   // empty: nothing
};
class InteractiveGrants : public testing::TestWithParam<GrantRow> {};
TEST_P(InteractiveGrants, NeedAnAgentThatCanSignPeopleIn) {
  Objects objects;
  Agent ras{.id = "ras"};
  ras.idp = Registration{.client_id = "ras", .authentication = ClientAuthentication::none, .redirect_uris = {"https://a.example/ras/callback"}};
  objects.agents = {ras};
  objects.servers = {Server{.id = "notes", .resource_as = "https://a.example/ras", .interactive_grant = true}, Server{.id = "wiki", .resource_as = "https://b.example/ras"}};
  SignInClient client{true, "https://a.example/ras", "ras", "https://a.example/ras/callback", false};
  GetParam().change(objects, client);
  const auto problems = check_interactive_grants(objects, client);
  if (*GetParam().said == 0) {
    EXPECT_TRUE(problems.empty());
    return;
  }
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_THAT(problems.front().message, HasSubstr(GetParam().said));
}
INSTANTIATE_TEST_SUITE_P(
    All, InteractiveGrants,
    testing::Values(GrantRow{"good", [](auto&, auto&) {}, ""}, GrantRow{"nobody_has_it", [](auto& o, auto& c) { o.servers[0].interactive_grant = false, c.agent = ""; }, ""},
                    GrantRow{"no_idp", [](auto&, auto& c) { c.has_idp = false; }, "needs the identity provider"}, GrantRow{"no_agent", [](auto&, auto& c) { c.agent = ""; }, "needs `resource_as.agent`"},
                    GrantRow{"agent_that_is_not_there", [](auto&, auto& c) { c.agent = "x"; }, "and there is none"},
                    GrantRow{"agent_not_at_the_idp", [](auto& o, auto&) { o.agents[0].idp.reset(); }, "is not registered at the identity provider"},
                    GrantRow{"other_redirect_uri", [](auto& o, auto&) { o.agents[0].idp->redirect_uris = {"https://a.example/x"}; }, "among its `redirect_uris`"},
                    GrantRow{"secret_without_a_file", [](auto& o, auto&) { o.agents[0].idp->authentication = ClientAuthentication::client_secret; }, "needs `authentication: none`"},
                    GrantRow{"file_without_a_secret", [](auto&, auto& c) { c.has_secret = true; }, "needs `authentication: client_secret`"},
                    GrantRow{"server_of_another_authorization_server", [](auto& o, auto&) { o.servers[1].interactive_grant = true; }, "own resource authorization server"}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace writ::registry
