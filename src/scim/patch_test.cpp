#include "scim/patch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scim/resource.h"

namespace writ::scim {
namespace {

using testing::HasSubstr;

#define ENTERPRISE "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

constexpr const char* kPerson = R"({"id":"usr_1","userName":"alice","name":{"familyName":"Example"},"active":true,"title":"Engineer",
"emails":[{"value":"a@corp.example","type":"work","primary":true},{"value":"a@home.example","type":"home"}],
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Sales","costCenter":"7"}})";
constexpr const char* kGroup = R"({"id":"eng","displayName":"Engineering","members":[{"value":"usr_1"},{"value":"usr_2"}]})";

std::string body_of(const std::string& operations) { return R"({"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[)" + operations + "]}"; }

struct Row {
  const char* name;
  std::string operations;
  const char* path;       // of the member that is looked at afterwards: a/b
  const char* expected;   // its JSON; "absent"
};
std::string member_of(const json::Value& resource, std::string path) {
  const json::Value* at = &resource;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    at = at->find(path.substr(0, slash));
    if (!at) return "absent";
    path.erase(0, std::min(slash + 1, path.size()));
  }
  return json::write(*at);
}

class PatchOfUsers : public testing::TestWithParam<Row> {};
TEST_P(PatchOfUsers, DoesWhatItSays) {
  const auto after = apply_patch(*json::parse(body_of(GetParam().operations)), *json::parse(kPerson), user_type());
  ASSERT_TRUE(after) << after.error().detail;
  EXPECT_EQ(member_of(*after, GetParam().path), GetParam().expected);
}
#define BOTH_EMAILS R"({"value":"a@corp.example","type":"work","primary":true},{"value":"a@home.example","type":"home"})"
INSTANTIATE_TEST_SUITE_P(
    Rfc7644, PatchOfUsers,
    testing::Values(
        Row{"okta_deactivates_without_path", R"({"op":"replace","value":{"active":false}})", "active", "false"},
        Row{"entra_deactivates_by_capital_and_text", R"({"op":"Replace","path":"active","value":"False"})", "active", "false"},
        Row{"entra_with_the_feature_flag", R"({"op":"replace","path":"active","value":false})", "active", "false"}, Row{"add_is_as_good", R"({"op":"ADD","path":"Active","value":false})", "active", "false"},
        Row{"dotted_names_without_path", R"({"op":"Add","value":{"name.givenName":"Alice","name.familyName":"X"}})", "name", R"({"familyName":"X","givenName":"Alice"})"},
        Row{"urn_as_a_name_without_path", R"({"op":"Add","value":{")" ENTERPRISE R"(:department":"Legal"}})", ENTERPRISE, R"({"department":"Legal","costCenter":"7"})"},
        Row{"extension_as_an_object_without_path", R"({"op":"replace","value":{")" ENTERPRISE R"(":{"department":"Legal"}}})", ENTERPRISE, R"({"department":"Legal","costCenter":"7"})"},
        Row{"urn_path", R"({"op":"Replace","path":")" ENTERPRISE R"(:department","value":"Legal"})", ENTERPRISE "/department", R"("Legal")"},
        Row{"manager_as_its_id", R"({"op":"Add","path":")" ENTERPRISE R"(:manager","value":"usr_9"})", ENTERPRISE "/manager", R"({"value":"usr_9"})"},
        Row{"manager_as_a_list_of_one", R"({"op":"Add","path":")" ENTERPRISE R"(:manager","value":[{"value":"usr_9","$ref":"x"}]})", ENTERPRISE "/manager", R"({"value":"usr_9","$ref":"x"})"},
        Row{"manager_of_nobody", R"({"op":"Replace","path":")" ENTERPRISE R"(:manager","value":""})", ENTERPRISE "/manager", "absent"},
        Row{"remove_from_the_extension", R"({"op":"Remove","path":")" ENTERPRISE R"(:department"})", ENTERPRISE, R"({"costCenter":"7"})"},
        Row{"remove_the_extension", R"({"op":"remove","path":")" ENTERPRISE R"("})", ENTERPRISE, "absent"},
        Row{"dotted_path", R"({"op":"replace","path":"name.givenName","value":"Alice"})", "name", R"({"familyName":"Example","givenName":"Alice"})"},
        Row{"complex_keeps_what_is_not_named", R"({"op":"replace","path":"name","value":{"givenName":"Alice"}})", "name", R"({"familyName":"Example","givenName":"Alice"})"},
        Row{"remove_a_part", R"({"op":"remove","path":"name.familyName"})", "name", "absent"}, Row{"remove_one", R"({"op":"remove","path":"title"})", "title", "absent"},
        Row{"null_is_none", R"({"op":"replace","path":"title","value":null})", "title", "absent"}, Row{"empty_text_is_none", R"({"op":"replace","path":"title","value":""})", "title", "absent"},
        Row{"element_by_type", R"({"op":"replace","path":"emails[type eq \"work\"].value","value":"b@corp.example"})", "emails",
            R"([{"value":"b@corp.example","type":"work","primary":true},{"value":"a@home.example","type":"home"}])"},
        Row{"element_made_by_add", R"({"op":"Add","path":"emails[type eq \"other\"].value","value":"o@x.example"})", "emails", "[" BOTH_EMAILS R"(,{"type":"other","value":"o@x.example"}])"},
        Row{"first_element_made_by_add", R"({"op":"Add","path":"phoneNumbers[type eq \"work\"].value","value":"+1"})", "phoneNumbers", R"([{"type":"work","value":"+1"}])"},
        Row{"element_removed", R"({"op":"remove","path":"emails[type eq \"home\"]"})", "emails", R"([{"value":"a@corp.example","type":"work","primary":true}])"},
        Row{"part_of_an_element_removed", R"({"op":"remove","path":"emails[type eq \"home\"].type"})", "emails", R"([{"value":"a@corp.example","type":"work","primary":true},{"value":"a@home.example"}])"},
        Row{"no_such_element_to_remove", R"({"op":"remove","path":"emails[type eq \"other\"]"})", "emails", "[" BOTH_EMAILS "]"},
        Row{"add_to_a_list", R"({"op":"add","path":"emails","value":[{"value":"c@corp.example"}]})", "emails", "[" BOTH_EMAILS R"(,{"value":"c@corp.example"}])"},
        Row{"add_what_is_there", R"({"op":"add","path":"emails","value":{"value":"A@home.example","display":"home"}})", "emails",
            R"([{"value":"a@corp.example","type":"work","primary":true},{"value":"A@home.example","type":"home","display":"home"}])"},
        Row{"a_new_primary_takes_over", R"({"op":"add","path":"emails","value":[{"value":"c@corp.example","primary":true}]})", "emails",
            R"([{"value":"a@corp.example","type":"work","primary":false},{"value":"a@home.example","type":"home"},{"value":"c@corp.example","primary":true}])"},
        Row{"primary_by_path", R"({"op":"replace","path":"emails[type eq \"home\"].primary","value":"True"})", "emails",
            R"([{"value":"a@corp.example","type":"work","primary":false},{"value":"a@home.example","type":"home","primary":true}])"},
        Row{"replace_a_list", R"({"op":"replace","path":"emails","value":[{"value":"c@corp.example"}]})", "emails", R"([{"value":"c@corp.example"}])"},
        Row{"remove_a_list", R"({"op":"remove","path":"emails"})", "emails", "absent"},
        Row{"without_path_id_and_schemas_are_passed_over", R"({"op":"replace","value":{"id":"usr_2","schemas":["x"],"title":"Boss"}})", "id", R"("usr_1")"},
        Row{"without_path_the_unknown_is_passed_over", R"({"op":"replace","value":{"password":"secret","xyzzy":1,"title":"Boss"}})", "password", "absent"},
        Row{"several_in_order", R"({"op":"replace","path":"title","value":"A"},{"op":"remove","path":"title"},{"op":"add","path":"title","value":"B"})", "title", R"("B")"}),
    [](const auto& row) { return row.param.name; });

class PatchOfGroups : public testing::TestWithParam<Row> {};
TEST_P(PatchOfGroups, DoesWhatItSays) {
  const auto after = apply_patch(*json::parse(body_of(GetParam().operations)), *json::parse(kGroup), group_type());
  ASSERT_TRUE(after) << after.error().detail;
  EXPECT_EQ(member_of(*after, GetParam().path), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(
    Rfc7644, PatchOfGroups,
    testing::Values(Row{"okta_adds", R"({"op":"add","path":"members","value":[{"value":"usr_3","display":"c"}]})", "members", R"([{"value":"usr_1"},{"value":"usr_2"},{"value":"usr_3","display":"c"}])"},
                    Row{"entra_adds_several", R"({"op":"Add","path":"members","value":[{"value":"usr_3"},{"value":"usr_2"},{"value":"usr_4"}]})", "members",
                        R"([{"value":"usr_1"},{"value":"usr_2"},{"value":"usr_3"},{"value":"usr_4"}])"},
                    Row{"okta_removes_by_brackets", R"({"op":"remove","path":"members[value eq \"usr_1\"]"})", "members", R"([{"value":"usr_2"}])"},
                    Row{"entra_removes_by_value", R"({"op":"Remove","path":"members","value":[{"value":"usr_1"}]})", "members", R"([{"value":"usr_2"}])"},
                    Row{"removes_several", R"({"op":"Remove","path":"members","value":[{"value":"usr_1"},{"value":"usr_2"},{"value":"usr_3"}]})", "members", "absent"},
                    Row{"removes_nobody", R"({"op":"Remove","path":"members","value":[]})", "members", R"([{"value":"usr_1"},{"value":"usr_2"}])"},
                    Row{"removes_all", R"({"op":"remove","path":"members"})", "members", "absent"},
                    Row{"ids_have_case", R"({"op":"remove","path":"members[value eq \"USR_1\"]"})", "members", R"([{"value":"usr_1"},{"value":"usr_2"}])"},
                    Row{"replaces_all", R"({"op":"replace","path":"members","value":[{"value":"usr_3"},{"value":"usr_3"}]})", "members", R"([{"value":"usr_3"}])"},
                    Row{"replaces_without_path", R"({"op":"replace","value":{"id":"eng","displayName":"E","members":[]}})", "members", "absent"},
                    Row{"okta_renames", R"({"op":"replace","value":{"id":"eng","displayName":"E"}})", "displayName", R"("E")"}),
    [](const auto& row) { return row.param.name; });

struct Wrong {
  const char* name;
  std::string body;
  ScimType type;
  const char* expected;
};
class WrongPatches : public testing::TestWithParam<Wrong> {};
TEST_P(WrongPatches, AreRefusedForTheirReason) {
  const auto after = apply_patch(*json::parse(GetParam().body, {1 << 20, 20, 10'000}), *json::parse(kPerson), user_type());
  ASSERT_FALSE(after);
  EXPECT_EQ(to_string(after.error().type), to_string(GetParam().type)) << after.error().detail;
  EXPECT_THAT(after.error().detail, HasSubstr(GetParam().expected));
}
std::string thousand_and_one() {
  std::string text = R"({"op":"remove","path":"title"})";
  for (int i = 0; i < 1000; ++i) text += R"(,{"op":"remove","path":"title"})";
  return text;
}
INSTANTIATE_TEST_SUITE_P(
    Rfc7644, WrongPatches,
    testing::Values(Wrong{"other_schema", R"({"schemas":["urn:example"],"Operations":[{"op":"remove","path":"title"}]})", ScimType::invalid_syntax, "PatchOp"},
                    Wrong{"no_operations", R"({"Operations":[]})", ScimType::invalid_syntax, "at least one"}, Wrong{"operations_no_list", R"({"Operations":{}})", ScimType::invalid_syntax, "at least one"},
                    Wrong{"operation_no_object", body_of("1"), ScimType::invalid_syntax, "an object"}, Wrong{"unknown_operation", body_of(R"({"op":"move","path":"title"})"), ScimType::invalid_syntax, "add, remove or replace"},
                    Wrong{"too_many", body_of(thousand_and_one()), ScimType::invalid_syntax, "1000"}, Wrong{"path_no_text", body_of(R"({"op":"remove","path":1})"), ScimType::invalid_path, "must be text"},
                    Wrong{"unknown_path", body_of(R"({"op":"replace","path":"xyzzy","value":"x"})"), ScimType::invalid_path, "`xyzzy`"},
                    Wrong{"password", body_of(R"({"op":"replace","path":"password","value":"x"})"), ScimType::invalid_path, "`password`"},
                    Wrong{"path_with_a_rest", body_of(R"({"op":"remove","path":"name.givenName.x"})"), ScimType::invalid_path, "has more than"},
                    Wrong{"path_with_a_wrong_filter", body_of(R"({"op":"remove","path":"emails[type is 1]"})"), ScimType::invalid_path, "an operator"},
                    Wrong{"remove_without_path", body_of(R"({"op":"remove"})"), ScimType::no_target, "needs a `path`"}, Wrong{"no_value", body_of(R"({"op":"add","path":"title"})"), ScimType::invalid_value, "missing"},
                    Wrong{"no_object_without_path", body_of(R"({"op":"add","value":"x"})"), ScimType::invalid_value, "an object"},
                    Wrong{"id", body_of(R"({"op":"replace","path":"id","value":"x"})"), ScimType::mutability, "server alone"}, Wrong{"meta", body_of(R"({"op":"remove","path":"meta.version"})"), ScimType::mutability, "server alone"},
                    Wrong{"groups", body_of(R"({"op":"add","path":"groups","value":[{"value":"eng"}]})"), ScimType::mutability, "server alone"},
                    Wrong{"user_name_removed", body_of(R"({"op":"remove","path":"userName"})"), ScimType::mutability, "cannot be removed"},
                    Wrong{"active_removed", body_of(R"({"op":"remove","path":"active"})"), ScimType::mutability, "cannot be removed"},
                    Wrong{"active_null", body_of(R"({"op":"replace","path":"active","value":null})"), ScimType::invalid_value, "needs a value"},
                    Wrong{"active_neither", body_of(R"({"op":"replace","path":"active","value":"no"})"), ScimType::invalid_value, "true or false"},
                    Wrong{"active_a_number", body_of(R"({"op":"replace","path":"active","value":0})"), ScimType::invalid_value, "true or false"},
                    Wrong{"number_for_text", body_of(R"({"op":"replace","path":"title","value":1})"), ScimType::invalid_value, "text"},
                    Wrong{"list_for_one", body_of(R"({"op":"replace","path":"title","value":["a","b"]})"), ScimType::invalid_value, "not a list"},
                    Wrong{"no_element_to_replace", body_of(R"({"op":"replace","path":"emails[type eq \"other\"].value","value":"x"})"), ScimType::no_target, "fits the path"},
                    Wrong{"element_that_cannot_be_made", body_of(R"({"op":"add","path":"emails[type sw \"o\"].value","value":"x"})"), ScimType::no_target, "fits the path"},
                    Wrong{"second_operation", body_of(R"({"op":"replace","path":"title","value":"x"},{"op":"remove"})"), ScimType::no_target, "needs a `path`"}),
    [](const auto& row) { return row.param.name; });

// A group of ten thousand: one of them more, one of them less, all of them again.
TEST(PatchOfLargeGroups, TakesNoMoreThanOneLookAtEach) {
  json::Array members;
  std::string all;
  for (int i = 0; i < 10'000; ++i) {
    members.push_back(json::Value{{"value", "usr_" + std::to_string(i)}});
    all += (i ? "," : "") + std::string(R"({"value":"usr_)") + std::to_string(i) + "\"}";
  }
  json::Value group{{"displayName", "All"}};
  group.set("members", std::move(members));
  const auto after = apply_patch(*json::parse(body_of(R"({"op":"add","path":"members","value":[)" + all + R"(]},{"op":"remove","path":"members[value eq \"usr_5\"]"})"), {4 << 20, 20, 200'000}), group, group_type());
  ASSERT_TRUE(after) << after.error().detail;
  EXPECT_EQ(after->find_array("members")->size(), 9'999u);
}

TEST(ReadResource, SpellsNamesAsTheSchemasDo) {
  const auto read = read_resource(*json::parse(R"({"Schemas":["urn:ietf:params:scim:schemas:core:2.0:user"],"USERNAME":"a","Active":"True","id":"x","meta":{},"password":"p","unknown":1,"groups":[],
      "emails":{"VALUE":"a@b.example","xyz":1},"displayName":null,"URN:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"Department":"D","manager":[{"value":"m"}]}})"), user_type());
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(json::write(*read), R"({"userName":"a","active":true,"emails":[{"value":"a@b.example"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D","manager":{"value":"m"}}})");
}

TEST(ReadResource, RefusesWhatWouldBeReadInTwoWays) {
  const auto type_of = [](const char* text) {
    const auto read = read_resource(*json::parse(text), user_type());
    return read ? std::string("none") : std::string(to_string(read.error().type));
  };
  EXPECT_EQ(type_of(R"({"userName":"a","USERNAME":"b"})"), "invalidSyntax");
  EXPECT_EQ(type_of(R"({"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"userName":"a"})"), "invalidSyntax");
  EXPECT_EQ(type_of(R"({"userName":["a","b"]})"), "invalidValue");
  EXPECT_EQ(type_of(R"({"userName":"a","name":"Alice"})"), "invalidValue");
  EXPECT_EQ(type_of(R"({"userName":"a","active":"maybe"})"), "invalidValue");
  EXPECT_EQ(type_of(R"({"userName":"a","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":[]})"), "invalidValue");
}

}  // namespace
}  // namespace writ::scim
