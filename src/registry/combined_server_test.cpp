#include "registry/combined_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "registry/check.h"
#include "registry/snapshot.h"

namespace writ::registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string errors_of(const std::string& text) {
  const auto root = yaml::parse(text, "f.yaml");
  if (!root) return to_string(root.error());
  Reading reading;
  const auto declared = read_objects(*root, reading);
  std::vector<std::pair<ObjectKind, json::Value>> documents;
  for (const auto& object : declared) documents.emplace_back(object.kind, object.document);
  if (has_errors(reading.problems)) return to_string(reading.problems);
  const auto objects = read_all(documents);
  if (!objects) return to_string(objects.error());
  const auto problems = check_objects(*objects, Places(declared));
  return has_errors(problems) ? to_string(problems) : "";
}

#define MEMBERS                                                                                                                                   \
  "resource_authorization_servers: [{issuer: https://ras.example}]\n"                                                                             \
  "servers:\n"                                                                                                                                    \
  "- {id: notes, resource: https://m.example/notes, resource_authorization_server: https://ras.example, upstream: {url: https://n.example},\n"    \
  "   scopes: [{name: read}]}\n"                                                                                                                  \
  "- {id: elsewhere, resource: https://m.example/else, resource_authorization_server: https://ras.example}\n"
#define ALL(more) MEMBERS "- {id: all, resource: https://m.example, resource_authorization_server: https://ras.example, " more "}\n"

struct Row {
  const char* name;
  const char* text;
  const char* error;
};
class CombinedServers : public testing::TestWithParam<Row> {};

TEST_P(CombinedServers, AreCheckedTogetherWithTheirMembers) {
  const std::string errors = errors_of(GetParam().text);
  if (*GetParam().error == '\0') EXPECT_EQ(errors, "");
  else EXPECT_THAT(errors, HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(Rules, CombinedServers, testing::Values(
    Row{"good", ALL("members: [notes]"), ""},
    Row{"good_with_scopes", ALL("members: [notes], scopes: [{name: 'notes:read', default: true}]"), ""},
    Row{"member_unknown", ALL("members: [note]"), "f.yaml:6:104: error: there is no server `note`; did you mean `notes`?"},
    Row{"member_is_itself", ALL("members: [all]"), "error: `all` is a combined server itself"},
    Row{"member_without_upstream", ALL("members: [elsewhere]"), "error: `elsewhere` has no `upstream`"},
    Row{"own_upstream", ALL("members: [notes], upstream: {url: https://x.example}"), "error: a server with `members` has no `upstream` of its own"},
    Row{"own_first_use", ALL("members: [notes], first_use: allow"), "error: what members say is reviewed at the members"},
    Row{"scope_without_member", ALL("members: [notes], scopes: [{name: read}]"), "error: a scope of a combined server is MEMBER:SCOPE with one of its members, as in `notes:read`"},
    Row{"scope_of_no_member", ALL("members: [notes], scopes: [{name: 'elsewhere:read'}]"), "error: a scope of a combined server is MEMBER:SCOPE"},
    Row{"scope_that_the_member_has_not", ALL("members: [notes], scopes: [{name: 'notes:write'}]"), "error: server `notes` has no scope `write`"},
    Row{"scope_with_tools", ALL("members: [notes], scopes: [{name: 'notes:read', tools: [a]}]"), "error: which tools a scope is for is said at the member"}),
    [](const auto& row) { return row.param.name; });

TEST(CombinedScopes, ComeFromTheMembersWhenNoneAreStated) {
  Server notes;
  notes.id = "notes";
  notes.scopes = {{"read", "Read", true, false, {}, {"get_*"}}, {"write", "", false, true, {"read"}, {"put_*"}}};
  Server all;
  all.id = "all", all.resource = "https://m.example", all.members = {"notes"};
  Objects objects;
  objects.servers = {all, notes};
  const Snapshot snapshot(objects, 1);
  const Server* found = snapshot.server("all");
  ASSERT_EQ(found->scopes.size(), 2u);
  EXPECT_EQ(found->scopes[0].name, "notes:read");
  EXPECT_TRUE(found->scopes[0].is_default);
  EXPECT_EQ(found->scopes[0].description, "Read");
  EXPECT_TRUE(found->scopes[0].tools.empty()) << "which tools a scope is for is the member's to say";
  EXPECT_EQ(found->scopes[1].name, "notes:write");
  EXPECT_TRUE(found->scopes[1].high_impact);
  EXPECT_THAT(found->scopes[1].implies, ElementsAre("notes:read"));
}

TEST(CombinedScopes, StatedOnesStandAlone) {
  Server notes;
  notes.id = "notes";
  notes.scopes = {{"read", "", false, false, {}, {}}, {"write", "", false, false, {}, {}}};
  Server all;
  all.id = "all", all.members = {"notes"};
  all.scopes = {{"notes:read", "", true, false, {}, {}}};
  Objects objects;
  objects.servers = {all, notes};
  EXPECT_EQ(Snapshot(objects, 1).server("all")->scopes.size(), 1u);
}

TEST(CombinedScopes, BelongToOneMember) {
  EXPECT_EQ(scope_of_member("notes:notes:read", "notes"), "notes:read");
  EXPECT_EQ(scope_of_member("notes:read", "note"), std::nullopt);
  EXPECT_EQ(scope_of_member("notes", "notes"), std::nullopt);
  EXPECT_EQ(scope_of_member("notes-x:read", "notes"), std::nullopt);
  EXPECT_EQ(scope_at_combined("a", "b:c"), "a:b:c");
}

TEST(CombinedServerDocument, ComesBackAsItWasWritten) {
  Server all;
  all.id = "all", all.resource = "https://m.example", all.resource_as = "https://ras.example", all.members = {"notes", "wiki"};
  const auto objects = read_all({{ObjectKind::server, write(all)}});
  ASSERT_TRUE(objects);
  EXPECT_THAT(objects->servers[0].members, ElementsAre("notes", "wiki"));
}

}  // namespace
}  // namespace writ::registry
