#include "cedar/entity_validation.h"

#include <gtest/gtest.h>

namespace writ::cedar {
namespace {

constexpr const char* kSchema = R"(
  entity Group in [Group]; entity Color in [Group]; entity Shade enum ["dark"]; entity Box in [Shade];
  entity User in [Group] = { n: Long, when?: datetime, friend?: User, shade?: Shade } tags Set<ipaddr>;
  action all; action some in [all]; action view in [some];)";

struct Case {
  const char* name;
  const char* json;
  const char* refusal;   // a part of the message; empty: valid
};

class EntityValidation : public testing::TestWithParam<Case> {};
TEST_P(EntityValidation, Refuses) {
  const auto schema = Schema::parse(kSchema);
  ASSERT_TRUE(schema) << schema.error().summary();
  const auto json = json::parse(GetParam().json);
  ASSERT_TRUE(json) << GetParam().json;
  const auto entities = read_valid_entities(*json, *schema);
  const std::string said = entities ? "" : entities.error().summary();
  EXPECT_EQ(entities.has_value(), *GetParam().refusal == '\0') << said;
  EXPECT_NE(said.find(GetParam().refusal), std::string::npos) << said;
}

#define USER(attributes, parents, more) "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":" attributes ",\"parents\":" parents more "}]"

INSTANTIATE_TEST_SUITE_P(
    Rules, EntityValidation,
    testing::Values(
        Case{"nothing", "[]", ""}, Case{"good", USER(R"({"n":1})", "[]", ""), ""}, Case{"type", R"([{"uid":{"type":"Usr","id":"a"},"attrs":{},"parents":[]}])", "did you mean `User`?"},
        Case{"attribute_missing", USER("{}", "[]", ""), "lacks the attribute `n`"}, Case{"attribute_undeclared", USER(R"({"n":1,"z":1})", "[]", ""), "has the attribute `z`"},
        Case{"attribute_of_another_type", USER(R"({"n":"1"})", "[]", ""), "is of another type"}, Case{"text_where_a_datetime_stands", USER(R"({"n":1,"when":"2024-01-01"})", "[]", ""), ""},
        Case{"text_that_is_no_datetime", USER(R"({"n":1,"when":"2024-13-01"})", "[]", ""), "datetime"}, Case{"reference_without_escape", USER(R"({"n":1,"friend":{"type":"User","id":"b"}})", "[]", ""), ""},
        Case{"reference_to_another_type", USER(R"({"n":1,"friend":{"type":"Group","id":"b"}})", "[]", ""), "is of another type"}, Case{"reference_not_listed", USER(R"({"n":1,"shade":{"type":"Shade","id":"b"}})", "[]", ""), "does not list"},
        Case{"parent", USER(R"({"n":1})", R"([{"type":"Group","id":"g"}])", ""), ""}, Case{"parent_of_another_type", USER(R"({"n":1})", R"([{"type":"Shade","id":"dark"}])", ""), "does not permit"},
        Case{"parent_not_listed", R"([{"uid":{"type":"Box","id":"a"},"attrs":{},"parents":[{"type":"Shade","id":"light"}]}])", "does not exist"},
        Case{"tags", USER(R"({"n":1})", "[]", R"(,"tags":{"t":["10.0.0.1"]})"), ""}, Case{"tags_of_another_type", USER(R"({"n":1})", "[]", R"(,"tags":{"t":[1]})"), "ip"},
        Case{"tags_undeclared", R"([{"uid":{"type":"Group","id":"a"},"attrs":{},"parents":[],"tags":{"t":1}}])", "does not declare"},
        Case{"enumerated", R"([{"uid":{"type":"Shade","id":"dark"},"attrs":{},"parents":[]}])", ""}, Case{"enumerated_not_listed", R"([{"uid":{"type":"Shade","id":"light"},"attrs":{},"parents":[]}])", "lists no `light`"},
        Case{"action_without_groups", R"([{"uid":{"type":"Action","id":"view"},"attrs":{},"parents":[]}])", "other groups"},
        Case{"action_by_all_its_groups", R"([{"uid":{"type":"Action","id":"view"},"attrs":{},"parents":[{"type":"Action","id":"some"},{"type":"Action","id":"all"}]}])", ""},
        Case{"actions_by_their_groups", R"([{"uid":{"type":"Action","id":"view"},"attrs":{},"parents":[{"type":"Action","id":"some"}]},{"uid":{"type":"Action","id":"some"},"attrs":{},"parents":[{"type":"Action","id":"all"}]}])", ""},
        Case{"action_undeclared", R"([{"uid":{"type":"Action","id":"veiw"},"attrs":{},"parents":[]}])", "there is no action"},
        Case{"action_with_attributes", R"([{"uid":{"type":"Action","id":"all"},"attrs":{"a":1},"parents":[]}])", "attributes or tags"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(EntitiesOfASchema, HaveItsActionsWithTheirGroups) {
  const auto schema = Schema::parse(kSchema);
  const auto entities = read_valid_entities(json::Array{}, *schema);
  ASSERT_TRUE(entities);
  EXPECT_TRUE(entities->is_in({"Action", "view"}, {"Action", "all"}));
  EXPECT_FALSE(entities->is_in({"Action", "all"}, {"Action", "view"}));
}

}  // namespace
}  // namespace writ::cedar
