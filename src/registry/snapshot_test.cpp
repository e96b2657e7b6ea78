#include "registry/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace writ::registry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Objects sample() {
  Objects objects;
  objects.groups = {{"staff", "", {}}, {"eng", "", {"staff"}}, {"platform", "", {"eng", "oncall"}}, {"oncall", "", {"staff"}}};
  User alice;
  alice.id = "usr_alice", alice.name = "alice", alice.groups = {"platform"};
  alice.links = {{"https://idp.example", "", "00u1"}, {"https://login.example", "t1", "s"}};
  User bob;
  bob.id = "usr_bob", bob.name = "bob", bob.active = false;
  objects.users = {alice, bob};
  Agent cursor;
  cursor.id = "cursor";
  cursor.idp = Registration{.client_id = "cursor-at-idp"};
  cursor.resource_as = {{"https://ras.example", Registration{.client_id = "c1"}}, {"https://other.example", Registration{.client_id = "c2"}}};
  objects.agents = {cursor};
  Server files;
  files.id = "files", files.resource = "https://mcp.example/files", files.resource_as = "https://ras.example";
  Server mail = files;
  mail.id = "mail", mail.resource = "https://mcp.example/mail", mail.resource_as = "https://other.example";
  objects.servers = {files, mail};
  objects.resource_authorization_servers = {ResourceAs{.issuer = "https://ras.example"}};
  objects.trusted_issuers = {TrustedIssuer{.issuer = "https://idp.example"}};
  objects.api_tokens = {ApiToken{.id = "ci", .sha256_hex = "ab"}};
  return objects;
}

TEST(Snapshot, FindsEveryObjectByItsKeys) {
  const Snapshot snapshot(sample(), 7);
  EXPECT_EQ(snapshot.sequence(), 7u);
  EXPECT_EQ(snapshot.user("usr_alice")->name, "alice");
  EXPECT_EQ(snapshot.user_by_name("alice")->id, "usr_alice");
  EXPECT_EQ(snapshot.user_by_link("https://login.example", "t1", "s")->id, "usr_alice");
  EXPECT_EQ(snapshot.agent("cursor")->id, "cursor");
  EXPECT_EQ(snapshot.agent_at_idp("cursor-at-idp")->id, "cursor");
  EXPECT_EQ(snapshot.agent_at_resource_as("https://other.example", "c2").registration->client_id, "c2");
  EXPECT_EQ(snapshot.registration_at(*snapshot.agent("cursor"), "https://ras.example")->client_id, "c1");
  EXPECT_EQ(snapshot.server("mail")->id, "mail");
  EXPECT_EQ(snapshot.server_by_resource("https://mcp.example/files")->id, "files");
  EXPECT_THAT(snapshot.servers_of("https://ras.example"), ElementsAre(snapshot.server("files")));
  EXPECT_NE(snapshot.resource_as("https://ras.example"), nullptr);
  EXPECT_NE(snapshot.trusted_issuer("https://idp.example"), nullptr);
  EXPECT_EQ(snapshot.api_token("ab")->id, "ci");
}

TEST(Snapshot, FindsNothingByAKeyOfSomethingElse) {
  const Snapshot snapshot(sample(), 1);
  EXPECT_EQ(snapshot.user("alice"), nullptr);
  EXPECT_EQ(snapshot.user_by_name("usr_alice"), nullptr);
  EXPECT_EQ(snapshot.user_by_link("https://login.example", "", "s"), nullptr) << "another tenant is another person";
  EXPECT_EQ(snapshot.user_by_link("https://login.examplet1", "", "s"), nullptr) << "the parts of a key keep their borders";
  EXPECT_EQ(snapshot.agent_at_idp("c1"), nullptr);
  EXPECT_EQ(snapshot.agent_at_resource_as("https://ras.example", "c2").agent, nullptr) << "a client id counts at its own server only";
  EXPECT_EQ(snapshot.registration_at(*snapshot.agent("cursor"), "https://third.example"), nullptr);
  EXPECT_EQ(snapshot.server_by_resource("https://mcp.example/files/"), nullptr) << "compared byte for byte";
  EXPECT_THAT(snapshot.servers_of("https://third.example"), IsEmpty());
  EXPECT_EQ(snapshot.api_token(""), nullptr);
}

TEST(Snapshot, FindsInactiveObjectsSoThatTheCallerCanSayWhy) {
  const Snapshot snapshot(sample(), 1);
  ASSERT_NE(snapshot.user_by_name("bob"), nullptr);
  EXPECT_FALSE(snapshot.user_by_name("bob")->active);
}

TEST(Snapshot, InheritsGroupsEachOnce) {
  const Snapshot snapshot(sample(), 1);
  EXPECT_THAT(snapshot.groups_of(*snapshot.user("usr_alice")), ElementsAre("platform", "eng", "staff", "oncall"));
  EXPECT_THAT(snapshot.groups_of(*snapshot.user("usr_bob")), IsEmpty());
  User stranger;
  stranger.id = "usr_stranger", stranger.groups = {"staff"};
  EXPECT_THAT(snapshot.groups_of(stranger), IsEmpty()) << "only people of this snapshot have groups in it";
}

TEST(Snapshot, AGroupThatDoesNotExistGivesNothingAndACycleEnds) {
  Objects objects = sample();
  objects.users[1].groups = {"nobody-made-this", "a"};
  objects.groups.push_back({"a", "", {"b"}});
  objects.groups.push_back({"b", "", {"a"}});
  const Snapshot snapshot(objects, 1);
  EXPECT_THAT(snapshot.groups_of(*snapshot.user("usr_bob")), ElementsAre("a", "b"));
}

TEST(CurrentSnapshot, ReadersKeepTheOneTheyStartedWith) {
  Current current(std::make_shared<Snapshot>(Objects{}, 1));
  const auto before = current.get();
  current.set(std::make_shared<Snapshot>(sample(), 2));
  EXPECT_EQ(before->user("usr_alice"), nullptr);
  EXPECT_NE(current.get()->user("usr_alice"), nullptr);
}

}  // namespace
}  // namespace writ::registry
