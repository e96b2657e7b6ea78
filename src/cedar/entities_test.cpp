#include "cedar/entities.h"

#include <gtest/gtest.h>

#include "cedar/value_json.h"

namespace writ::cedar {
namespace {

EntityUid group(std::string_view id) { return EntityUid("Group", id); }

TEST(Entities, HierarchyIsClosed) {
  EntitiesBuilder builder;
  ASSERT_TRUE(builder.add(group("a"), {}, {group("b"), group("b")}));
  ASSERT_TRUE(builder.add(group("b"), {}, {group("c"), group("missing")}));
  ASSERT_TRUE(builder.add(group("c"), {}, {}));
  const auto entities = builder.build();
  ASSERT_TRUE(entities);
  EXPECT_TRUE(entities->is_in(group("a"), group("c")));
  EXPECT_TRUE(entities->is_in(group("a"), group("missing"))) << "a parent counts though it is not stored";
  EXPECT_TRUE(entities->is_in(group("nowhere"), group("nowhere")));
  EXPECT_FALSE(entities->is_in(group("c"), group("a")));
  EXPECT_EQ(entities->find(group("a"))->parents.size(), 1u);
  EXPECT_EQ(entities->find(group("nowhere")), nullptr);
}

TEST(Entities, CyclesAreRefused) {
  EntitiesBuilder self;
  ASSERT_TRUE(self.add(group("a"), {}, {group("a")}));
  EXPECT_FALSE(self.build());
  EntitiesBuilder three;
  ASSERT_TRUE(three.add(group("a"), {}, {group("b")}));
  ASSERT_TRUE(three.add(group("b"), {}, {group("c")}));
  ASSERT_TRUE(three.add(group("c"), {}, {group("a")}));
  const auto built = three.build();
  ASSERT_FALSE(built);
  EXPECT_NE(built.error().text.find("its own ancestor"), std::string::npos);
}

TEST(Entities, ADeepHierarchyNeedsNoStack) {
  EntitiesBuilder builder;
  constexpr int kDepth = 2000;
  for (int i = 0; i < kDepth; ++i) ASSERT_TRUE(builder.add(group(std::to_string(i)), {}, {group(std::to_string(i + 1))}));
  const auto entities = builder.build();
  ASSERT_TRUE(entities);
  EXPECT_TRUE(entities->is_in(group("0"), group(std::to_string(kDepth))));
}

TEST(Entities, TheSameTwiceIsOneAndADifferentOneIsRefused) {
  EntitiesBuilder builder;
  ASSERT_TRUE(builder.add(group("a"), {{"x", Value::integer(1)}}, {group("b"), group("c")}));
  EXPECT_TRUE(builder.add(group("a"), {{"x", Value::integer(1)}}, {group("c"), group("b")}));
  EXPECT_FALSE(builder.add(group("a"), {{"x", Value::integer(2)}}, {group("b"), group("c")}));
  EXPECT_FALSE(builder.add(group("a"), {{"x", Value::integer(1)}}, {group("b")}));
  EXPECT_FALSE(builder.add(group("d"), {{"x", Value::integer(1)}, {"x", Value::integer(1)}}, {}));
}

TEST(Entities, ActionsHaveActionsAsParents) {
  EntitiesBuilder builder;
  EXPECT_FALSE(builder.add(EntityUid("N::Action", "a"), {}, {group("b")}));
  EXPECT_TRUE(builder.add(EntityUid("N::Action", "a"), {}, {EntityUid("Action", "b")}));
}

TEST(Entities, ALayerAddsToTheOneBelow) {
  EntitiesBuilder lower;
  ASSERT_TRUE(lower.add(group("eng"), {}, {group("all")}));
  const auto below = std::make_shared<const Entities>(std::move(lower.build()).value());
  EntitiesBuilder upper(below);
  ASSERT_TRUE(upper.add(EntityUid("User", "alice"), {}, {group("eng")}));
  EXPECT_FALSE(upper.add(group("eng"), {}, {})) << "different from the one below";
  EXPECT_FALSE(upper.add(group("all"), {}, {group("more")})) << "the closure below would be wrong";
  const auto entities = upper.build();
  ASSERT_TRUE(entities);
  EXPECT_TRUE(entities->is_in(EntityUid("User", "alice"), group("all")));
  EXPECT_NE(entities->find(group("eng")), nullptr);
  EXPECT_EQ(below->find(EntityUid("User", "alice")), nullptr);
}

// ---- JSON

struct JsonCase {
  const char* name;
  const char* json;
  const char* value;   // as text, or null when it is refused
};
class JsonValues : public testing::TestWithParam<JsonCase> {};

TEST_P(JsonValues, AreReadAsCedarReadsThem) {
  const auto json = json::parse(GetParam().json);
  ASSERT_TRUE(json);
  Arena arena;
  const auto value = read_value(*json, arena);
  ASSERT_EQ(value.has_value(), GetParam().value != nullptr) << (value ? value->to_string() : value.error().text);
  if (!value) return;
  EXPECT_EQ(value->to_string(), GetParam().value);
  const auto again = read_value(to_json(*value), arena);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(*again, *value);
}

INSTANTIATE_TEST_SUITE_P(
    Cedar, JsonValues,
    testing::Values(JsonCase{"a_large_integer", "9223372036854775807", "9223372036854775807"}, JsonCase{"beyond_long", "1e30", nullptr}, JsonCase{"a_fraction", "1.5", nullptr}, JsonCase{"null", "null", nullptr},
                    JsonCase{"a_set", "[2, 1, 2]", "[1, 2]"}, JsonCase{"an_entity", R"({"__entity": {"type": "A::B", "id": "c"}})", "A::B::\"c\""},
                    JsonCase{"an_entity_without_its_escape_is_a_record", R"({"type": "A", "id": "c"})", "{id: \"c\", type: \"A\"}"},
                    JsonCase{"an_accompanied_escape_is_a_record", R"({"__entity": {"type": "A", "id": "c"}, "x": 1})", "{__entity: {id: \"c\", type: \"A\"}, x: 1}"},
                    JsonCase{"a_malformed_escape_is_a_record", R"({"__entity": "A"})", "{__entity: \"A\"}"}, JsonCase{"a_type_with_spaces", R"({"__entity": {"type": "A :: B", "id": "c"}})", nullptr},
                    JsonCase{"a_call", R"({"__extn": {"fn": "decimal", "arg": "1.50"}})", "decimal(\"1.5\")"}, JsonCase{"a_call_that_fails", R"({"__extn": {"fn": "decimal", "arg": "1"}})", nullptr},
                    JsonCase{"an_unknown_function", R"({"__extn": {"fn": "float", "arg": "1"}})", nullptr},
                    JsonCase{"a_method", R"({"__extn": {"fn": "offset", "args": [{"__extn": {"fn": "datetime", "arg": "1970-01-01"}}, {"__extn": {"fn": "duration", "arg": "1d"}}]}})", "datetime(\"1970-01-02T00:00:00.000Z\")"},
                    JsonCase{"an_instant_without_a_text", R"({"__extn": {"fn": "offset", "args": [{"__extn": {"fn": "datetime", "arg": "1970-01-01"}}, {"__extn": {"fn": "duration", "arg": "9223372036854775807ms"}}]}})",
                             "datetime(\"1970-01-01\").offset(duration(\"106751991167d7h12m55s807ms\"))"},
                    JsonCase{"an_expression", R"({"__expr": "1 + 1"})", nullptr}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(EntityFile, NeedsItsThreeMembers) {
  const auto read = [](const char* text) { return read_entities(json::parse(text).value()); };
  EXPECT_TRUE(read(R"([{"uid": {"type": "A", "id": "b"}, "attrs": {}, "parents": [{"__entity": {"type": "A", "id": "c"}}], "extra": 1, "tags": {"t": 1}}])"));
  EXPECT_FALSE(read(R"([{"uid": {"type": "A", "id": "b"}, "attrs": {}}])"));
  EXPECT_FALSE(read(R"([{"uid": {"type": "A", "id": "b"}, "parents": []}])"));
  EXPECT_FALSE(read(R"([{"uid": "A::\"b\"", "attrs": {}, "parents": []}])"));
  EXPECT_FALSE(read(R"({})"));
}

TEST(Context, IsARecord) {
  Arena arena;
  EXPECT_TRUE(read_context(json::parse("{}").value(), arena));
  EXPECT_FALSE(read_context(json::parse("[]").value(), arena));
  EXPECT_FALSE(read_context(json::parse(R"({"__entity": {"type": "A", "id": "b"}})").value(), arena));
  EXPECT_FALSE(read_context(json::parse(R"({"__extn": {"fn": "decimal", "arg": "1.0"}})").value(), arena));
}

}  // namespace
}  // namespace writ::cedar
