#include "registry/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"

namespace writ::registry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Plans and applies documents against a catalogue, with hashes that one can read.
class Deployment {
 public:
  Plan plan_for(const std::string& text, bool prune = false) {
    const auto root = yaml::parse(text, "f.yaml");
    EXPECT_TRUE(root) << to_string(root.error());
    Reading reading;
    auto declared = read_objects(*root, reading);
    EXPECT_FALSE(has_errors(reading.problems)) << to_string(reading.problems);
    PlanRules rules;
    rules.prune = prune;
    rules.spoken_of = collections_of(*root);
    rules.new_user_id = [this] { return "usr_new" + std::to_string(++made_); };
    rules.hash_password = [this](const Secret& password) {
      ++hashed_;
      return "$argon2id$" + std::to_string(hashed_) + "$" + std::string(password.reveal());
    };
    rules.verify_password = [](const Secret& password, const std::string& hash) { return hash.ends_with("$" + std::string(password.reveal())); };
    return plan(catalogue, std::move(declared), rules);
  }
  Plan apply_text(const std::string& text, bool prune = false) {
    Plan planned = plan_for(text, prune);
    EXPECT_FALSE(planned.has_errors()) << to_string(planned.problems);
    apply_plan(planned);
    return planned;
  }
  void apply_plan(const Plan& planned) {
    ChangeSet change;
    change.writes = writes_of(planned);
    apply(catalogue, change, catalogue.sequence + 1);
  }

  Catalogue catalogue;
  int made_ = 0, hashed_ = 0;
};

std::vector<std::string> words(const Plan& plan) {
  std::vector<std::string> list;
  for (const auto& change : plan.changes) {
    std::string word = std::string(to_string(change.action)) + " " + std::string(noun(change.kind)) + " " + change.key;
    for (const auto& member : change.members) word += " " + member.name + ":" + member.before + "→" + member.after;
    list.push_back(word);
  }
  return list;
}

constexpr const char* kBase = R"(
groups: [{id: eng}, {id: sales}]
users:
  - {name: alice, groups: [eng], password: geheim}
  - {name: bob, groups: [sales]}
resource_authorization_servers: [{issuer: https://ras.example}]
agents:
  - id: cursor
    idp: {client_id: cursor, secret: 0123456789abcdefghijkl, redirect_uris: [https://a.example/cb]}
    resource_authorization_servers: [{issuer: https://ras.example, client_id: c, secret: abcdefghijkl0123456789}]
api_tokens: [{id: ci, role: admin, token: 0123456789abcdefghijkl}]
)";

TEST(Plan, CreatesInTheOrderOfReferences) {
  Deployment deployment;
  EXPECT_THAT(words(deployment.apply_text(kBase)),
              ElementsAre("create group eng", "create group sales", "create user usr_new1", "create user usr_new2",
                          "create resource authorization server https://ras.example", "create agent cursor", "create API token ci"));
}

TEST(Plan, TheSameDocumentsAgainPlanNothing) {
  Deployment deployment;
  deployment.apply_text(kBase);
  const Plan again = deployment.plan_for(kBase);
  EXPECT_THAT(words(again), IsEmpty());
  EXPECT_THAT(again.missing, IsEmpty());
  EXPECT_EQ(deployment.made_, 2) << "users are found by name";
  EXPECT_EQ(deployment.hashed_, 1) << "a password that still matches keeps its hash";
}

TEST(Plan, NamesTheMembersThatChange) {
  Deployment deployment;
  deployment.apply_text(kBase);
  EXPECT_THAT(words(deployment.plan_for("users: [{name: alice, groups: [eng, sales], email: a@b.example, active: false}]\n")),
              ElementsAre(R"(update user usr_new1 groups:["eng"]→["eng","sales"] email:→"a@b.example" active:→false)"));
  EXPECT_THAT(words(deployment.plan_for(R"(agents: [{id: cursor, idp: {client_id: cursor2}, resource_authorization_servers: [{issuer: https://ras.example, client_id: d}]}])")),
              ElementsAre(R"(update agent cursor idp.client_id:"cursor"→"cursor2" idp.redirect_uris:["https://a.example/cb"]→ )"
                          R"(resource_authorization_servers[https://ras.example].client_id:"c"→"d")"));
}

TEST(Plan, CredentialsThatAreNotMentionedStay) {
  Deployment deployment;
  deployment.apply_text(kBase);
  const json::Value before = deployment.catalogue.find(ObjectKind::agent, "cursor")->document;
  deployment.apply_text("users: [{name: alice, title: Boss}]\nagents: [{id: cursor, vendor: v, idp: {client_id: cursor}, resource_authorization_servers: [{issuer: https://ras.example, client_id: c}]}]\n"
                        "api_tokens: [{id: ci, role: auditor}, {id: x, role: admin, token: 0123456789abcdefghijkm}]\n");
  const json::Value after = deployment.catalogue.find(ObjectKind::agent, "cursor")->document;
  EXPECT_EQ(*after.find("idp")->find("secrets"), *before.find("idp")->find("secrets"));
  EXPECT_EQ(*after.find_array("resource_authorization_servers"), *before.find_array("resource_authorization_servers"));
  EXPECT_NE(deployment.catalogue.find(ObjectKind::user, "usr_new1")->document.find("password_hash"), nullptr);
  EXPECT_NE(deployment.catalogue.find(ObjectKind::api_token, "ci")->document.find("token_sha256"), nullptr);
}

TEST(Plan, CredentialsThatAreMentionedAsEmptyGo) {
  Deployment deployment;
  deployment.apply_text(kBase);
  const Plan planned = deployment.apply_text("users: [{name: alice, groups: [eng], password_hash: ''}]\nagents: [{id: cursor, idp: {client_id: cursor, secrets: [], redirect_uris: [https://a.example/cb]}}]\n");
  EXPECT_THAT(words(planned), ElementsAre("update user usr_new1 password_hash:(hidden)→",
                                          testing::StartsWith("update agent cursor idp.secrets:(hidden)→ resource_authorization_servers[https://ras.example]:")));
  EXPECT_EQ(deployment.catalogue.find(ObjectKind::user, "usr_new1")->document.find("password_hash"), nullptr);
}

TEST(Plan, ShowsNoCredential) {
  Deployment deployment;
  deployment.apply_text(kBase);
  const Plan planned = deployment.plan_for("users: [{name: alice, groups: [eng], password: anders}]\napi_tokens: [{id: ci, role: admin, token: abcdefghijklmnopqrstuv}]\n");
  EXPECT_THAT(words(planned), ElementsAre("update user usr_new1 password_hash:(hidden)→(hidden)", "update API token ci token_sha256:(hidden)→(hidden)"));
}

TEST(Plan, NamesWhatIsMissingAndRemovesItOnlyWhenAsked) {
  Deployment deployment;
  deployment.apply_text(kBase);
  const char* fewer = "users: [{name: alice, groups: [eng]}]\n";
  const Plan kept = deployment.plan_for(fewer);
  EXPECT_THAT(kept.changes, IsEmpty());
  EXPECT_THAT(kept.missing, ElementsAre(std::pair(ObjectKind::user, std::string("usr_new2"))))
      << "bob; groups and agents are not spoken of";
  const Plan pruned = deployment.apply_text(fewer, true);
  EXPECT_THAT(words(pruned), ElementsAre("remove user usr_new2"));
  EXPECT_FALSE(deployment.catalogue.contains(ObjectKind::user, "usr_new2"));
  EXPECT_TRUE(deployment.catalogue.contains(ObjectKind::group, "sales"));
}

TEST(Plan, APruneThatLeavesAReferenceBehindFailsWhole) {
  Deployment deployment;
  deployment.apply_text(kBase);
  const Plan planned = deployment.plan_for("groups: [{id: eng}]\n", true);
  EXPECT_TRUE(planned.has_errors());
  EXPECT_THAT(to_string(planned.problems), HasSubstr("/users/usr_new2/groups/0: error: there is no group `sales`"));
}

TEST(Plan, AnIdIsNeverGivenToAnotherPerson) {
  Deployment deployment;
  deployment.apply_text("users: [{id: usr_alice, name: alice}, {id: usr_bob, name: bob}]\n");
  deployment.apply_text("users: [{id: usr_bob, name: bob}]\n", true);
  const Plan planned = deployment.plan_for("users: [{id: usr_alice, name: alice2}]\n");
  EXPECT_TRUE(planned.has_errors());
  EXPECT_THAT(to_string(planned.problems), HasSubstr("f.yaml:1:14: error: the id `usr_alice` belonged to a user who was removed"));
  EXPECT_THAT(words(deployment.plan_for("users: [{name: alice}]\n")), ElementsAre("create user usr_new1"));
}

TEST(Plan, ProblemsOfTheWholeNameTheirPlaceInTheFile) {
  Deployment deployment;
  deployment.apply_text(kBase);
  const Plan planned = deployment.plan_for("users: [{name: carol, groups: [eng, slaes]}]\n");
  EXPECT_EQ(to_string(planned.problems), "f.yaml:1:37: error: there is no group `slaes`; did you mean `sales`?\n");
}

TEST(PlanRemoval, RefusesWhileSomethingRefersToIt) {
  Deployment deployment;
  deployment.apply_text(kBase);
  EXPECT_THAT(to_string(plan_removal(deployment.catalogue, ObjectKind::group, "eng").problems), HasSubstr("/users/usr_new1/groups/0: error: there is no group `eng`"));
  const Plan bob = plan_removal(deployment.catalogue, ObjectKind::user, "usr_new2");
  EXPECT_FALSE(bob.has_errors());
  EXPECT_THAT(words(bob), ElementsAre("remove user usr_new2"));
  EXPECT_THAT(plan_removal(deployment.catalogue, ObjectKind::user, "usr_nobody").changes, IsEmpty());
}

TEST(LockOut, IsNoticed) {
  const auto objects = [](std::vector<ApiToken> tokens) {
    Objects all;
    all.api_tokens = std::move(tokens);
    return all;
  };
  const ApiToken a{"a", "", "1", "admin", true}, b{"b", "", "2", "admin", true};
  ApiToken off = a, auditor = a;
  off.active = false;
  auditor.role = "auditor";
  EXPECT_EQ(locks_out(objects({a, b}), objects({a, b}), "a"), std::nullopt);
  EXPECT_EQ(locks_out(objects({a, b}), objects({a}), "a"), std::nullopt) << "somebody else's access";
  for (const auto& after : {objects({b}), objects({off, b}), objects({auditor, b})}) {
    EXPECT_THAT(locks_out(objects({a, b}), after, "a").value_or(""), HasSubstr("your own access"));
    EXPECT_EQ(locks_out(objects({a, b}), after, ""), std::nullopt) << "from the local socket; b remains";
  }
  for (const auto& after : {objects({}), objects({off}), objects({auditor})}) {
    EXPECT_THAT(locks_out(objects({a}), after, "").value_or(""), HasSubstr("the last administrator"));
  }
  EXPECT_EQ(locks_out(objects({}), objects({}), ""), std::nullopt);
}

}  // namespace
}  // namespace writ::registry
