#include "scim/endpoint.h"

#include "encoding/form.h"
#include "scim/scim_fixture.h"

namespace writ::scim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kUser = R"("schemas":["urn:ietf:params:scim:schemas:core:2.0:User"])";

class Scim : public ScimWorld {};

// ---- at the door

struct Door {
  const char* name;
  const char* token;
  int status;
  const char* reason;   // of the record; empty: none is written
};
class AtTheDoor : public ScimWorld, public testing::WithParamInterface<Door> {};
TEST_P(AtTheDoor, OnlyTheTokenOfAConnectorComesIn) {
  const auto before = log.records().size();
  const Answer answer = call("GET", "/Users", "", GetParam().token);
  EXPECT_EQ(answer.status, GetParam().status) << answer.text;
  if (GetParam().status == 200) return;
  EXPECT_EQ(*answer.body.find_string("status"), std::to_string(GetParam().status)) << "a string (EN-08)";
  EXPECT_EQ(answer.headers.find("WWW-Authenticate") != nullptr, GetParam().status == 401);
  if (std::string_view(GetParam().reason).empty()) {
    EXPECT_EQ(log.records().size(), before);
    return;
  }
  ASSERT_EQ(log.records().size(), before + 1);
  EXPECT_EQ(log.records().back().event, audit::Event::provisioning);
  EXPECT_EQ(log.records().back().effect, audit::Effect::deny);
  EXPECT_EQ(log.records().back().reason, GetParam().reason);
  EXPECT_EQ(log.records().back().peer, "192.0.2.7");
}
INSTANTIATE_TEST_SUITE_P(EN, AtTheDoor,
                         testing::Values(Door{"token", kCorp, 200, ""}, Door{"none", "", 401, ""}, Door{"unknown", "nobody-0123456789abcdef", 401, "unknown_token"},
                                         Door{"of_an_administrator", kAdmin, 403, "token_of_another_use"}, Door{"switched_off", kOld, 401, "inactive_token"},
                                         Door{"of_a_connector_that_is_off", kOff, 403, "connector_disabled"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(Scim, IsNotThereWhileNobodyHasAToken) {
  ASSERT_TRUE(directory.administer(*json::parse(R"({"api_tokens":[{"id":"scim-corp","role":"auditor","token":"corp-token-0123456789abcdef"},
    {"id":"scim-other","role":"auditor","token":"other-token-0123456789abcdef"},{"id":"scim-off","role":"auditor","token":"off-token-0123456789abcdef"},{"id":"scim-old","role":"auditor","token":"old-token-0123456789abcdef"}]})")));
  EXPECT_EQ(call("GET", "/ServiceProviderConfig").status, 404);
  EXPECT_EQ(call("GET", "/Users").status, 404);
}

TEST_F(Scim, TwoAuthorizationHeadersAreNone) { EXPECT_EQ(call("GET", "/Users", "", kCorp, {{"Authorization", "Bearer x"}}).status, 401); }

// ---- people

TEST_F(Scim, APersonIsMadeAsItWasSent) {
  const Answer made = call("POST", "/Users", R"({"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"E-1",
    "userName":"alice@corp.example","password":"t1meMa$heen","name":{"givenName":"Alice","familyName":"Example"},"title":"Engineer","locale":"en-GB",
    "emails":[{"value":"a@home.example","type":"home"},{"value":"alice@corp.example","type":"work"}],"phoneNumbers":[{"value":"+1 555","type":"work"}],"active":true,
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Sales","employeeNumber":"701"}})");
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_THAT(made.text, testing::Not(HasSubstr("t1meMa"))) << "EN-09";
  EXPECT_EQ(*made.headers.find("Location"), "https://writ.example/scim/v2/Users/" + made.id());
  EXPECT_EQ(*made.headers.find("Content-Type"), "application/scim+json");
  const registry::User& alice = user(made.id());
  EXPECT_EQ(alice.name, "alice@corp.example");
  EXPECT_EQ(alice.display_name, "Alice Example");
  EXPECT_EQ(alice.email, "alice@corp.example");
  EXPECT_TRUE(alice.email_verified) << "in the connector's domains";
  EXPECT_EQ(alice.external_id, "E-1");
  EXPECT_EQ(alice.title, "Engineer");
  EXPECT_EQ(alice.department, "Sales");
  EXPECT_EQ(alice.provisioned_by, "corp");
  EXPECT_TRUE(alice.active);
  const Answer shown = call("GET", "/Users/" + made.id());
  EXPECT_EQ(shown.text, made.text);
  const auto* meta = shown.body.find("meta");
  EXPECT_EQ(*meta->find_string("resourceType"), "User");
  EXPECT_EQ(*meta->find_string("created"), "2027-01-15T08:00:00.000Z");
  EXPECT_EQ(*meta->find_string("location"), *made.headers.find("Location"));
  EXPECT_EQ(*meta->find_string("version"), *shown.headers.find("ETag"));
  EXPECT_EQ(*shown.body.find("name")->find_string("givenName"), "Alice");
  EXPECT_EQ(*shown.body.find_string("locale"), "en-GB");
  EXPECT_EQ(shown.body.find_array("emails")->size(), 2u);
  EXPECT_EQ(*shown.body.find("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")->find_string("employeeNumber"), "701");
  EXPECT_EQ(shown.body.find("displayName"), nullptr) << "it was not sent";
}

TEST_F(Scim, WhatIsKeptOutlivesTheProcess) {
  const std::string id = make("alice", R"(,"nickName":"Al")");
  const std::string before = call("GET", "/Users/" + id).text;
  kept = std::move(*KeptAttributes::open(documents));
  endpoint.reset(new Endpoint{"https://writ.example", clock, registry, directory, *kept, log});
  router = routes(*endpoint);
  EXPECT_EQ(call("GET", "/Users/" + id).text, before);
  EXPECT_EQ(call("DELETE", "/Users/" + id).status, 204);
  kept = std::move(*KeptAttributes::open(documents));
  EXPECT_EQ(kept->find(registry::ObjectKind::user, id), nullptr);
}

struct Address {
  const char* name;
  const char* emails;
  const char* address;
  bool verified;
};
class Addresses : public ScimWorld, public testing::WithParamInterface<Address> {};
TEST_P(Addresses, OneIsThePersonsAndVerifiedInTheConnectorsDomains) {
  const std::string id = make("alice", std::string(R"(,"emails":)") + GetParam().emails);
  EXPECT_EQ(user(id).email, GetParam().address);
  EXPECT_EQ(user(id).email_verified, GetParam().verified);
}
INSTANTIATE_TEST_SUITE_P(
    Rules14, Addresses,
    testing::Values(Address{"primary", R"([{"value":"w@corp.example","type":"work"},{"value":"p@corp.example","primary":true}])", "p@corp.example", true},
                    Address{"work", R"([{"value":"h@corp.example","type":"home"},{"value":"w@corp.example","type":"Work"}])", "w@corp.example", true},
                    Address{"first", R"([{"value":"h@corp.example","type":"home"},{"value":"o@corp.example"}])", "h@corp.example", true}, Address{"none", "[]", "", false},
                    Address{"of_another_domain", R"([{"value":"a@gmail.example","type":"work"}])", "a@gmail.example", false},
                    Address{"of_a_subdomain", R"([{"value":"a@x.corp.example"}])", "a@x.corp.example", false}, Address{"with_two_ats", R"([{"value":"a@corp.example@corp.example"}])", "a@corp.example@corp.example", false}),
    [](const auto& row) { return row.param.name; });

TEST_F(Scim, ANameIsGivenOnce) {
  make("Alice");
  const Answer again = call("POST", "/Users", std::string("{") + kUser + R"(,"userName":"aLICE"})");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.type(), "uniqueness");
  const std::string bob = make("bob");
  EXPECT_EQ(call("PUT", "/Users/" + bob, std::string("{") + kUser + R"(,"userName":"ALICE"})").type(), "uniqueness");
  EXPECT_EQ(call("PATCH", "/Users/" + bob, patch(R"({"op":"replace","path":"userName","value":"alice"})")).status, 409);
  EXPECT_EQ(call("PATCH", "/Users/" + bob, patch(R"({"op":"replace","path":"userName","value":"BOB"})")).status, 200) << "one's own in another spelling";
}

struct Bad {
  const char* name;
  const char* method;
  const char* target;
  std::string body;
  int status;
  const char* type;
};
class BadRequests : public ScimWorld, public testing::WithParamInterface<Bad> {};
TEST_P(BadRequests, AreToldWhatIsWrong) {
  const Answer answer = call(GetParam().method, GetParam().target, GetParam().body);
  EXPECT_EQ(answer.status, GetParam().status) << answer.text;
  EXPECT_EQ(answer.type(), GetParam().type);
  EXPECT_EQ(*answer.body.find_string("status"), std::to_string(GetParam().status));
  EXPECT_EQ(json::write(*answer.body.find("schemas")), R"(["urn:ietf:params:scim:api:messages:2.0:Error"])");
}
INSTANTIATE_TEST_SUITE_P(
    EN08, BadRequests,
    testing::Values(Bad{"no_json", "POST", "/Users", "{", 400, "invalidSyntax"}, Bad{"a_list", "POST", "/Users", "[]", 400, "invalidSyntax"},
                    Bad{"a_member_twice", "POST", "/Users", R"({"userName":"a","userName":"b"})", 400, "invalidSyntax"}, Bad{"no_name", "POST", "/Users", R"({"displayName":"a"})", 400, "invalidValue"},
                    Bad{"empty_name", "POST", "/Users", R"({"userName":""})", 400, "invalidValue"}, Bad{"name_with_a_line_break", "POST", "/Users", R"({"userName":"a\nb"})", 400, "invalidValue"},
                    Bad{"too_long_a_name", "POST", "/Users", R"({"userName":")" + std::string(129, 'x') + "\"}", 400, "invalidValue"},
                    Bad{"too_much_said", "POST", "/Users", R"({"userName":"a","nickName":")" + std::string(4000, 'x') + R"(","locale":")" + std::string(4000, 'x') + R"(","timezone":")" + std::string(4000, 'x') +
                                                               R"(","userType":")" + std::string(4000, 'x') + R"(","profileUrl":")" + std::string(4000, 'x') + "\"}", 400, "invalidValue"},
                    Bad{"no_group_name", "POST", "/Groups", "{}", 400, "invalidValue"}, Bad{"member_of_nobody", "POST", "/Groups", R"({"displayName":"g","members":[{"value":"usr_nil"}]})", 400, "invalidValue"},
                    Bad{"member_of_others", "POST", "/Groups", R"({"displayName":"g","members":[{"value":"usr_root"}]})", 400, "invalidValue"},
                    Bad{"member_without_value", "POST", "/Groups", R"({"displayName":"g","members":[{"display":"x"}]})", 400, "invalidValue"},
                    Bad{"filter", "GET", "/Users?filter=userName+is+1", "", 400, "invalidFilter"}, Bad{"filter_of_what_is_unknown", "GET", "/Users?filter=shoeSize+eq+%221%22", "", 400, "invalidFilter"},
                    Bad{"start_that_is_none", "GET", "/Users?startIndex=one", "", 400, "invalidValue"}, Bad{"both_lists", "GET", "/Users?attributes=id&excludedAttributes=name", "", 400, "invalidValue"},
                    Bad{"parameter_twice", "GET", "/Users?count=1&count=2", "", 400, "invalidSyntax"}, Bad{"unknown_user", "GET", "/Users/usr_nil", "", 404, ""},
                    Bad{"unknown_group", "GET", "/Groups/nil", "", 404, ""}, Bad{"patch_of_nobody", "PATCH", "/Users/usr_nil", R"({"Operations":[{"op":"remove","path":"title"}]})", 404, ""},
                    Bad{"others_person", "GET", "/Users/usr_root", "", 404, ""}, Bad{"others_person_changed", "PATCH", "/Users/usr_root", R"({"Operations":[{"op":"replace","path":"active","value":false}]})", 404, ""},
                    Bad{"others_person_replaced", "PUT", "/Users/usr_root", R"({"userName":"root","active":false})", 404, ""}, Bad{"others_person_deleted", "DELETE", "/Users/usr_root", "", 404, ""},
                    Bad{"others_group", "GET", "/Groups/eng", "", 404, ""}, Bad{"others_group_changed", "PATCH", "/Groups/eng", R"({"Operations":[{"op":"remove","path":"members"}]})", 404, ""},
                    Bad{"others_group_deleted", "DELETE", "/Groups/eng", "", 404, ""}, Bad{"me", "GET", "/Me", "", 501, ""}, Bad{"bulk", "POST", "/Bulk", "{}", 501, ""},
                    Bad{"unknown_type", "GET", "/Devices", "", 404, ""}, Bad{"deeper_path", "GET", "/Users/usr_1/groups", "", 404, ""}, Bad{"delete_all", "DELETE", "/Users", "", 405, ""},
                    Bad{"post_to_one", "POST", "/Users/usr_1", "{}", 405, ""}, Bad{"schemas_written", "PUT", "/Schemas", "{}", 405, ""}, Bad{"unknown_schema", "GET", "/Schemas/urn:x", "", 404, ""}),
    [](const auto& row) { return row.param.name; });

TEST_F(Scim, OtherMediaTypesAreRefused) {
  EXPECT_EQ(call("POST", "/Users", R"({"userName":"a"})", kCorp, {{"Content-Type", "text/plain"}}).status, 415);
  EXPECT_EQ(call("POST", "/Users", R"({"userName":"a"})", kCorp, {{"Content-Type", "application/json; charset=utf-8"}}).status, 201);
}

TEST_F(Scim, ARefusedChangeIsOneRecordAndChangesNothing) {
  const auto before = log.records().size();
  const int changes = directory.changes;
  call("PATCH", "/Users/usr_root", patch(R"({"op":"replace","path":"active","value":false})"));
  ASSERT_EQ(log.records().size(), before + 1);
  EXPECT_EQ(log.records().back().reason, "not_found");
  EXPECT_THAT(log.records().back().more, testing::Contains(std::pair<std::string, std::string>("actor", "connector:corp")));
  EXPECT_EQ(directory.changes, changes);
}

TEST_F(Scim, APatchIsDoneWholeOrNotAtAll) {
  const std::string id = make("alice", R"(,"title":"Engineer")");
  const int changes = directory.changes;
  const Answer failed = call("PATCH", "/Users/" + id, patch(R"({"op":"replace","path":"title","value":"Boss"},{"op":"replace","path":"nonsense","value":"x"})"));
  EXPECT_EQ(failed.type(), "invalidPath");
  EXPECT_EQ(user(id).title, "Engineer");
  EXPECT_EQ(directory.changes, changes);
}

TEST_F(Scim, AChangeThatChangesNothingIsNone) {
  const std::string id = make("alice", R"(,"title":"Engineer")");
  const int changes = directory.changes;
  const std::string before = call("GET", "/Users/" + id).text;
  clock.time += Seconds{60};
  EXPECT_EQ(call("PATCH", "/Users/" + id, patch(R"({"op":"replace","path":"title","value":"Engineer"})")).text, before);
  EXPECT_EQ(directory.changes, changes);
  // What nothing is decided by is no change of objects, and still one of the resource.
  const Answer other = call("PATCH", "/Users/" + id, patch(R"({"op":"replace","path":"nickName","value":"Al"})"));
  EXPECT_EQ(*other.body.find("meta")->find_string("lastModified"), "2027-01-15T08:01:00.000Z");
  EXPECT_EQ(directory.changes, changes);
}

// ---- switching people off and on

struct Off {
  const char* name;
  const char* method;
  std::string body;
};
class Deactivation : public ScimWorld, public testing::WithParamInterface<Off> {};
TEST_P(Deactivation, EndsEverythingThatBeganBefore) {
  const std::string id = make("alice");
  clock.time += Seconds{60};
  const Answer answer = call(GetParam().method, "/Users/" + id, GetParam().body);
  EXPECT_EQ(answer.status, 200) << answer.text;
  EXPECT_FALSE(*answer.body.find_bool("active"));
  EXPECT_FALSE(user(id).active);
  EXPECT_EQ(user(id).not_before, clock.time) << "sessions, refresh tokens, ID-JAGs and access tokens from before stay ended";
  // On again by the same directory, and what was before does not come back.
  clock.time += Seconds{60};
  EXPECT_EQ(call("PATCH", "/Users/" + id, patch(R"({"op":"replace","value":{"active":true}})")).status, 200);
  EXPECT_TRUE(user(id).active);
  EXPECT_EQ(user(id).not_before, clock.time - Seconds{60});
}
INSTANTIATE_TEST_SUITE_P(EN11, Deactivation,
                         testing::Values(Off{"okta_by_patch_without_path", "PATCH", R"({"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]})"},
                                         Off{"okta_by_put", "PUT", R"({"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"x","userName":"alice","active":false})"},
                                         Off{"entra_legacy", "PATCH", R"({"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]})"},
                                         Off{"entra_with_the_flag", "PATCH", R"({"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]})"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(Scim, APutWithoutActiveChangesItInNeitherDirection) {   // EN-07
  const std::string id = make("alice");
  const std::string put = std::string("{") + kUser + R"(,"userName":"alice","title":"Boss"})";
  EXPECT_EQ(call("PUT", "/Users/" + id, put).status, 200);
  EXPECT_TRUE(user(id).active);
  call("PATCH", "/Users/" + id, patch(R"({"op":"replace","path":"active","value":false})"));
  EXPECT_EQ(call("PUT", "/Users/" + id, put).status, 200);
  EXPECT_FALSE(user(id).active);
}

// A6: whom an administrator switched off, the directory's credential does not switch on again, in no spelling.
TEST_F(Scim, WhomAnAdministratorDisabledTheDirectoryDoesNotEnable) {
  const std::string id = make("alice");
  registry::User alice = user(id);
  alice.active = false;
  ASSERT_TRUE(directory.apply_edit({{alice}, {}, {}, ""}, "token:ci"));
  for (const std::string& body : {patch(R"({"op":"replace","path":"active","value":true})"), patch(R"({"op":"Add","value":{"active":"True"}})")}) {
    const Answer answer = call("PATCH", "/Users/" + id, body);
    EXPECT_EQ(answer.status, 200);
    EXPECT_FALSE(*answer.body.find_bool("active")) << "the truth";
  }
  const Answer put = call("PUT", "/Users/" + id, std::string("{") + kUser + R"(,"userName":"alice","title":"Boss","active":true})");
  EXPECT_EQ(put.status, 200);
  EXPECT_FALSE(user(id).active);
  EXPECT_EQ(user(id).title, "Boss") << "the rest counts";
  EXPECT_THAT(directory.last_note, HasSubstr("an administrator said so"));
  // Not by going and coming back with the same word either: off by the directory after off by the administrator is still the administrator's.
  call("PATCH", "/Users/" + id, patch(R"({"op":"replace","path":"active","value":false})"));
  call("PATCH", "/Users/" + id, patch(R"({"op":"replace","path":"active","value":true})"));
  EXPECT_FALSE(user(id).active);
  // The administrator's word, then the directory's own again.
  alice = user(id), alice.active = true;
  ASSERT_TRUE(directory.apply_edit({{alice}, {}, {}, ""}, "token:ci"));
  call("PATCH", "/Users/" + id, patch(R"({"op":"replace","path":"active","value":false})"));
  call("PATCH", "/Users/" + id, patch(R"({"op":"replace","path":"active","value":true})"));
  EXPECT_TRUE(user(id).active);
}

TEST_F(Scim, AHistoryThatCannotBeReadSwitchesNobodyOn) {
  const std::string id = make("alice", R"(,"active":false)");
  directory.is_down = true;
  EXPECT_EQ(call("PATCH", "/Users/" + id, patch(R"({"op":"replace","path":"active","value":true})")).status, 503);
  EXPECT_FALSE(user(id).active);
}

TEST_F(Scim, WhoIsDeletedIsGoneAndComesBackAsAnother) {
  const std::string id = make("alice", R"(,"externalId":"E-1")");
  EXPECT_EQ(call("DELETE", "/Users/" + id).status, 204);
  EXPECT_EQ(registry.get()->user(id), nullptr);
  EXPECT_EQ(call("GET", "/Users/" + id).status, 404);
  EXPECT_EQ(call("DELETE", "/Users/" + id).status, 404);
  EXPECT_EQ(total(call("GET", "/Users")), 0);
  EXPECT_NE(make("alice", R"(,"externalId":"E-1")"), id) << "an id is never used again";
}

TEST_F(Scim, WhoIsStillReferredToStaysAsNobody) {
  const std::string id = make("alice", R"(,"externalId":"E-1","emails":[{"value":"a@corp.example"}])");
  ASSERT_TRUE(directory.administer(*json::parse(R"({"users":[{"id":"usr_robot","name":"robot","kind":"service","owner":")" + id + "\"}]}")));
  EXPECT_EQ(call("DELETE", "/Users/" + id).status, 204);
  const registry::User& rest = user(id);
  EXPECT_FALSE(rest.active);
  EXPECT_EQ(rest.not_before, clock.time);
  EXPECT_EQ(rest.name, "removed-" + id);
  EXPECT_EQ(rest.email + rest.external_id + rest.display_name + rest.provisioned_by, "");
  EXPECT_EQ(call("GET", "/Users/" + id).status, 404);
  EXPECT_NE(make("alice"), id);
}

// ---- who was here already (rules §1.4)

TEST_F(Scim, WhoFitsTheMatchRuleIsAdopted) {
  const Answer made = call("POST", "/Users", std::string("{") + kUser + R"(,"userName":"erin","externalId":"E-9"})");
  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.id(), "usr_erin");
  EXPECT_EQ(user("usr_erin").provisioned_by, "corp");
  EXPECT_THAT(user("usr_erin").groups, ElementsAre("eng")) << "what an administrator gave stays";
  EXPECT_EQ(made.body.find("groups"), nullptr) << "and is not the directory's to see";
  EXPECT_THAT(directory.last_note, HasSubstr("was here already"));
}

TEST_F(Scim, ALinkIsAMatchWhereTheClaimIsTheSubject) {
  const Answer made = call("POST", "/Users", R"({"userName":"zoe@other.example","externalId":"z-1"})", kOther);
  EXPECT_EQ(made.id(), "usr_zoe") << made.text;
  EXPECT_EQ(user("usr_zoe").name, "zoe@other.example");
}

struct InTheWay {
  const char* name;
  const char* token;
  const char* body;
};
class Collisions : public ScimWorld, public testing::WithParamInterface<InTheWay> {};
TEST_P(Collisions, AreRefused) {
  const Answer answer = call("POST", "/Users", GetParam().body, GetParam().token);
  EXPECT_EQ(answer.status, 409) << answer.text;
  EXPECT_EQ(answer.type(), "uniqueness");
}
INSTANTIATE_TEST_SUITE_P(Rules14, Collisions,
                         testing::Values(InTheWay{"a_local_account", kCorp, R"({"userName":"root"})"}, InTheWay{"linked_to_another_connector", kCorp, R"({"userName":"zoe"})"},
                                         InTheWay{"a_namesake_who_does_not_fit", kOther, R"({"userName":"Erin","externalId":"x"})"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(Scim, NobodyIsAdoptedFromAnotherDirectory) {
  const std::string id = make("alice", R"(,"externalId":"E-1")");
  EXPECT_EQ(call("POST", "/Users", R"({"userName":"alice","externalId":"E-1"})", kOther).status, 409);
  EXPECT_EQ(call("POST", "/Users", R"({"userName":"alice2","externalId":"E-1"})", kOther).status, 201) << "an external id is one directory's word";
  EXPECT_EQ(user(id).provisioned_by, "corp");
}

// ---- two directories

TEST_F(Scim, EachDirectorySeesItsOwn) {
  const std::string alice = make("alice");
  const std::string group = make_group("Team");
  EXPECT_EQ(total(call("GET", "/Users", "", kOther)), 0);
  EXPECT_EQ(total(call("GET", "/Groups", "", kOther)), 0);
  for (const std::string& path : {"/Users/" + alice, "/Groups/" + group}) {
    EXPECT_EQ(call("GET", path, "", kOther).status, 404);
    EXPECT_EQ(call("DELETE", path, "", kOther).status, 404);
    EXPECT_EQ(call("PATCH", path, patch(R"({"op":"replace","value":{"displayName":"x","active":false}})"), kOther).status, 404);
  }
  EXPECT_TRUE(user(alice).active);
  const Answer taken = call("POST", "/Groups", R"({"displayName":"x","members":[{"value":")" + alice + "\"}]}", kOther);
  EXPECT_EQ(taken.type(), "invalidValue");
}

// ---- lists

TEST_F(Scim, ListsHavePagesThatCountFromOne) {
  for (int i = 0; i < 5; ++i) make("user" + std::to_string(i));
  struct Case {
    const char* query;
    std::int64_t start, shown;
  };
  std::vector<std::string> seen;
  for (const Case& one : {Case{"", 1, 5}, Case{"?startIndex=1&count=2", 1, 2}, Case{"?startIndex=3&count=2", 3, 2}, Case{"?startIndex=5&count=2", 5, 1}, Case{"?startIndex=6&count=2", 6, 0},
                          Case{"?startIndex=0&count=1", 1, 1}, Case{"?startIndex=-4", 1, 5}, Case{"?count=0", 1, 0}, Case{"?count=-1", 1, 0}, Case{"?count=1000000", 1, 5}}) {
    const Answer answer = call("GET", std::string("/Users") + one.query);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(total(answer), 5) << one.query;
    EXPECT_EQ(*answer.body.find_int("startIndex"), one.start) << one.query;
    EXPECT_EQ(*answer.body.find_int("itemsPerPage"), one.shown) << one.query;
    EXPECT_EQ(answer.body.find_array("Resources")->size(), static_cast<std::size_t>(one.shown)) << one.query;
    EXPECT_EQ(json::write(*answer.body.find("schemas")), R"(["urn:ietf:params:scim:api:messages:2.0:ListResponse"])");
    if (std::string_view(one.query).find("count=2") == std::string_view::npos) continue;
    for (const json::Value& resource : *answer.body.find_array("Resources")) seen.push_back(*resource.find_string("id"));
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()) - seen.begin(), 5) << "each once over all pages";
}

struct Found {
  const char* name;
  const char* filter;
  std::int64_t total;
};
class FilteredLists : public ScimWorld, public testing::WithParamInterface<Found> {};
TEST_P(FilteredLists, HaveWhoFits) {
  const std::string alice = make("alice@corp.example", R"(,"externalId":"E-1","displayName":"Alice","emails":[{"value":"alice@corp.example","type":"work"}])");
  make("bob@corp.example", R"(,"externalId":"E-2","displayName":"Bob")");
  std::string filter = GetParam().filter;
  if (const auto at = filter.find("ALICE"); at != std::string::npos) filter.replace(at, 5, alice);
  const Answer answer = call("GET", "/Users?filter=" + form::encode(filter));
  EXPECT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(total(answer), GetParam().total);
}
INSTANTIATE_TEST_SUITE_P(EN04, FilteredLists,
                         testing::Values(Found{"user_name", R"(userName eq "Alice@CORP.example")", 1}, Found{"external_id", R"(externalId eq "E-1")", 1}, Found{"id", R"(id eq "ALICE")", 1},
                                         Found{"display_name", R"(displayName eq "bob")", 1}, Found{"address", R"(emails.value eq "alice@corp.example")", 1},
                                         Found{"address_of_a_type", R"(emails[type eq "work"].value eq "alice@corp.example")", 1}, Found{"and", R"(userName eq "alice@corp.example" and active eq true)", 1},
                                         Found{"and_that_fails", R"(userName eq "alice@corp.example" and externalId eq "E-2")", 0}, Found{"all", "active eq true", 2},
                                         Found{"nobody_is_200", R"(userName eq "7f3c2a")", 0}, Found{"or", R"(userName eq "alice@corp.example" or externalId eq "E-2")", 2},
                                         Found{"not_the_local_one", R"(userName eq "root")", 0}),
                         [](const auto& row) { return row.param.name; });

struct Shown {
  const char* name;
  const char* query;
  const char* expected;   // names of members, sorted
};
class Projections : public ScimWorld, public testing::WithParamInterface<Shown> {};
TEST_P(Projections, ShowWhatIsAskedFor) {
  const std::string id = make("alice", R"(,"name":{"givenName":"A","familyName":"B"},"emails":[{"value":"a@corp.example","type":"work"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D","division":"E"})");
  const Answer answer = call("GET", "/Users/" + id + GetParam().query);
  ASSERT_EQ(answer.status, 200) << answer.text;
  std::string names;
  for (const json::Member& member : *answer.body.as_object()) names += (names.empty() ? "" : " ") + member.name.substr(member.name.rfind(':') + 1);
  EXPECT_EQ(names, GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(Rfc7644, Projections,
                         testing::Values(Shown{"all", "", "schemas id userName active name emails User meta"}, Shown{"one", "?attributes=emails", "schemas id userName emails"},
                                         Shown{"several_in_any_case", "?attributes=NAME.givenName,active", "schemas id userName name active"},
                                         Shown{"of_the_extension", "?attributes=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "schemas id userName User"},
                                         Shown{"unknown", "?attributes=shoeSize", "schemas id userName"}, Shown{"left_out", "?excludedAttributes=name,meta", "schemas id userName active emails User"},
                                         Shown{"what_is_always_there", "?excludedAttributes=id,userName", "schemas id userName active name emails User meta"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(Scim, PartsAreShownAlone) {
  const std::string id = make("alice", R"(,"name":{"givenName":"A","familyName":"B"},"emails":[{"value":"a@corp.example","type":"work"}])");
  EXPECT_EQ(json::write(*call("GET", "/Users/" + id + "?attributes=name.givenName,emails.value").body.find("emails")), R"([{"value":"a@corp.example"}])");
  EXPECT_EQ(json::write(*call("GET", "/Users/" + id + "?excludedAttributes=name.givenName").body.find("name")), R"({"familyName":"B"})");
}

// ---- versions

TEST_F(Scim, VersionsGuardChanges) {
  const std::string id = make("alice");
  const std::string version = *call("GET", "/Users/" + id).headers.find("ETag");
  EXPECT_EQ(call("GET", "/Users/" + id, "", kCorp, {{"If-None-Match", version}}).status, 304);
  EXPECT_EQ(call("GET", "/Users/" + id, "", kCorp, {{"If-None-Match", "W/\"0\""}}).status, 200);
  const std::string boss = patch(R"({"op":"replace","path":"title","value":"Boss"})");
  EXPECT_EQ(call("PATCH", "/Users/" + id, boss, kCorp, {{"If-Match", "W/\"0\""}}).status, 412);
  EXPECT_EQ(user(id).title, "");
  EXPECT_EQ(log.records().back().reason, "another_version");
  EXPECT_EQ(call("PATCH", "/Users/" + id, boss, kCorp, {{"If-Match", "\"x\", " + version}}).status, 200);
  EXPECT_EQ(call("DELETE", "/Users/" + id, "", kCorp, {{"If-Match", version}}).status, 412) << "it is another one now";
  EXPECT_EQ(call("PUT", "/Users/" + id, std::string("{") + kUser + R"(,"userName":"alice"})", kCorp, {{"If-Match", "*"}}).status, 200);
}

// ---- groups

TEST_F(Scim, AGroupHasPeopleAndGroups) {
  const std::string alice = make("alice"), bob = make("bob");
  const std::string inner = make_group("Inner", R"(,"members":[{"value":")" + bob + "\"}]");
  const std::string outer = make_group("Outer Circle (EU)", R"(,"externalId":"g-7","members":[{"value":")" + alice + R"("},{"value":")" + inner + "\"}]");
  EXPECT_EQ(outer, "Outer-Circle-EU") << "readable, for policies";
  const Answer shown = call("GET", "/Groups/" + outer);
  EXPECT_EQ(*shown.body.find_string("displayName"), "Outer Circle (EU)");
  EXPECT_EQ(*shown.body.find_string("externalId"), "g-7");
  ASSERT_EQ(shown.body.find_array("members")->size(), 2u);
  EXPECT_EQ(json::write(shown.body.find_array("members")->back()), R"({"value":"Inner","$ref":"https://writ.example/scim/v2/Groups/Inner","display":"Inner","type":"Group"})");
  // An input to the next decision at once (EN-12), nested groups too.
  const auto now = registry.get();
  EXPECT_THAT(now->groups_of(*now->user(bob)), ElementsAre("Inner", "Outer-Circle-EU"));
  EXPECT_THAT(now->groups_of(*now->user(alice)), ElementsAre("Outer-Circle-EU"));
  EXPECT_EQ(json::write(call("GET", "/Users/" + bob).body.find_array("groups")->front()), R"({"value":"Inner","$ref":"https://writ.example/scim/v2/Groups/Inner","display":"Inner","type":"direct"})");
  // Taken out, and it counts no more.
  EXPECT_EQ(call("PATCH", "/Groups/" + outer, patch(R"({"op":"remove","path":"members[value eq \"Inner\"]"})")).status, 200);
  EXPECT_THAT(registry.get()->groups_of(user(bob)), ElementsAre("Inner"));
  EXPECT_EQ(call("GET", "/Groups?filter=" + form::encode(R"x(displayName eq "outer circle (eu)")x") + "&excludedAttributes=members").body.find_array("Resources")->front().find("members"), nullptr);
}

TEST_F(Scim, AGroupIsReplacedWhole) {
  const std::string alice = make("alice"), bob = make("bob");
  const std::string team = make_group("Team", R"(,"members":[{"value":")" + alice + "\"}]");
  const Answer answer = call("PUT", "/Groups/" + team, R"({"displayName":"Crew","members":[{"value":")" + bob + "\"}]}");
  EXPECT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.id(), team) << "another name, the same group";
  EXPECT_THAT(user(alice).groups, IsEmpty());
  EXPECT_THAT(user(bob).groups, ElementsAre(team));
  EXPECT_EQ(call("PUT", "/Groups/" + team, R"({"displayName":"Crew"})").body.find("members"), nullptr);
  EXPECT_THAT(user(bob).groups, IsEmpty());
}

TEST_F(Scim, GroupsDoNotContainEachOther) {
  const std::string a = make_group("A"), b = make_group("B", R"(,"members":[{"value":"A"}])");
  const Answer circle = call("PATCH", "/Groups/" + a, patch(R"({"op":"add","path":"members","value":[{"value":"B"}]})"));
  EXPECT_EQ(circle.status, 400);
  EXPECT_EQ(circle.type(), "invalidValue");
  EXPECT_EQ(call("PATCH", "/Groups/" + a, patch(R"({"op":"add","path":"members","value":[{"value":"A"}]})")).type(), "invalidValue");
  EXPECT_EQ(call("GET", "/Groups/" + a).body.find("members"), nullptr);
}

TEST_F(Scim, ANewGroupTakesOverNoneThatIsThere) {
  EXPECT_EQ(make_group("eng"), "eng-2") << "what the administrator's group may do is not the directory's to hand out";
  EXPECT_EQ(call("POST", "/Groups", R"({"displayName":"ENG"})").type(), "uniqueness") << "but one name is one group of a directory";
  EXPECT_EQ(make_group("!"), "group");
  EXPECT_EQ(make_group("Ünïcode Größe"), "n-code-Gr-e");
  // The administrator says so.
  ASSERT_TRUE(directory.administer(*json::parse(R"({"groups":[{"id":"eng","display_name":"Engineering","provisioned_by":"corp"}]})")));
  const Answer found = call("GET", "/Groups?filter=" + form::encode(R"(displayName eq "Engineering")"));
  EXPECT_EQ(*found.body.find_array("Resources")->front().find_string("id"), "eng");
}

TEST_F(Scim, WhoIsInAGroupThatGoesIsInItNoMore) {
  const std::string alice = make("alice");
  const std::string team = make_group("Team", R"(,"members":[{"value":")" + alice + "\"}]"), inner = make_group("Inner");
  call("PATCH", "/Groups/" + team, patch(R"({"op":"add","path":"members","value":[{"value":"Inner"}]})"));
  ASSERT_TRUE(directory.administer(*json::parse(R"({"users":[{"id":"usr_root","name":"root","groups":["Team"]}]})"))) << "put there by an administrator";
  EXPECT_EQ(call("DELETE", "/Groups/" + team).status, 204);
  EXPECT_EQ(registry.get()->group(team), nullptr);
  EXPECT_THAT(user(alice).groups, IsEmpty());
  EXPECT_THAT(user("usr_root").groups, IsEmpty());
  EXPECT_THAT(registry.get()->group(inner)->parents, IsEmpty());
}

TEST_F(Scim, AGroupThatIsStillNamedStaysEmpty) {
  const std::string alice = make("alice");
  const std::string team = make_group("Team", R"(,"members":[{"value":")" + alice + "\"}]");
  ASSERT_TRUE(directory.administer(*json::parse(R"({"limits":[{"id":"l","groups":["Team"],"requests_per_minute":5}]})")));
  EXPECT_EQ(call("DELETE", "/Groups/" + team).status, 204);
  EXPECT_EQ(call("GET", "/Groups/" + team).status, 404);
  ASSERT_NE(registry.get()->group(team), nullptr);
  EXPECT_EQ(registry.get()->group(team)->provisioned_by, "");
  EXPECT_THAT(user(alice).groups, IsEmpty());
  EXPECT_EQ(make_group("Team"), "Team-2");
}

TEST_F(Scim, MembersThatTheDirectoryDoesNotSeeStay) {
  const std::string alice = make("alice");
  const std::string team = make_group("Team", R"(,"members":[{"value":")" + alice + "\"}]");
  ASSERT_TRUE(directory.administer(*json::parse(R"({"users":[{"id":"usr_root","name":"root","groups":["Team"]}]})")));
  EXPECT_EQ(call("GET", "/Groups/" + team).body.find_array("members")->size(), 1u);
  EXPECT_EQ(call("PATCH", "/Groups/" + team, patch(R"({"op":"replace","path":"members","value":[]})")).status, 200);
  EXPECT_THAT(user(alice).groups, IsEmpty());
  EXPECT_THAT(user("usr_root").groups, ElementsAre("Team"));
}

// ---- what it says of itself

TEST_F(Scim, TellsTheTruthAboutItself) {   // EN-10
  const Answer config = call("GET", "/ServiceProviderConfig");
  const auto supported = [&](const char* feature) { return *config.body.find(feature)->find_bool("supported"); };
  EXPECT_TRUE(supported("patch") && supported("filter") && supported("etag"));
  EXPECT_FALSE(supported("bulk") || supported("sort") || supported("changePassword"));
  EXPECT_EQ(*config.body.find("filter")->find_int("maxResults"), 1000);
  EXPECT_EQ(*config.body.find_array("authenticationSchemes")->front().find_string("type"), "oauthbearertoken");
  EXPECT_EQ(total(call("GET", "/ResourceTypes")), 2);
  EXPECT_EQ(*call("GET", "/ResourceTypes/Group").body.find_string("endpoint"), "/Groups");
  const Answer schemas = call("GET", "/Schemas");
  EXPECT_EQ(total(schemas), 3);
  for (const json::Value& schema : *schemas.body.find_array("Resources")) {
    const Answer one = call("GET", "/Schemas/" + *schema.find_string("id"));
    EXPECT_EQ(one.text, json::write(schema));
    for (const json::Value& attribute : *schema.find_array("attributes")) EXPECT_NE(*attribute.find_string("name"), "password") << "EN-09: there is no such attribute";
  }
}

TEST_F(Scim, WhatCannotBeRecordedIsNotDone) {
  const std::string id = make("alice");
  directory.is_down = true;
  const Answer answer = call("PATCH", "/Users/" + id, patch(R"({"op":"replace","path":"active","value":false})"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.headers.find("Retry-After"), nullptr);
}

TEST(IsOffBy, LooksAtWhoSwitchedThePersonOff) {
  const auto version = [](bool active, const char* author) {
    registry::ObjectVersion one;
    one.author = author;
    one.document = active ? json::Value{{"id", "usr_1"}} : json::Value{{"id", "usr_1"}, {"active", false}};
    return one;
  };
  EXPECT_TRUE(is_off_by({version(false, "connector:corp"), version(true, "connector:corp")}, "corp"));
  EXPECT_TRUE(is_off_by({version(false, "token:ci"), version(false, "connector:corp"), version(true, "local")}, "corp")) << "edited while off";
  EXPECT_FALSE(is_off_by({version(false, "connector:corp"), version(false, "token:ci"), version(true, "local")}, "corp"));
  EXPECT_FALSE(is_off_by({version(false, "connector:other"), version(true, "local")}, "corp"));
  EXPECT_FALSE(is_off_by({version(true, "connector:corp"), version(false, "connector:corp")}, "corp"));
  EXPECT_FALSE(is_off_by({}, "corp"));
}

}  // namespace
}  // namespace writ::scim
