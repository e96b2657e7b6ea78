#include <gtest/gtest.h>

#include <string>

#include "cedar/schema.h"
#include "cedar/schema_json.h"
#include "cedar/schema_parser.h"
#include "cedar/schema_printer.h"

namespace writ::cedar {
namespace {

struct Case {
  const char* name;
  const char* schema;
  const char* refusal;   // a part of the message; empty: accepted
};

std::string name_of(const testing::TestParamInfo<Case>& row) { return row.param.name; }

class SchemaRules : public testing::TestWithParam<Case> {};
TEST_P(SchemaRules, Hold) {
  const auto schema = Schema::parse(GetParam().schema);
  const std::string said = schema ? "" : schema.error().summary();
  EXPECT_EQ(schema.has_value(), *GetParam().refusal == '\0') << said;
  EXPECT_NE(said.find(GetParam().refusal), std::string::npos) << said;
}

INSTANTIATE_TEST_SUITE_P(
    Syntax, SchemaRules,
    testing::Values(
        Case{"empty", "", ""}, Case{"comment_only", "// nothing", ""}, Case{"words_are_names", "entity type, Set, namespace; type tags = Set;", ""},
        Case{"reserved_word_is_no_name", "entity if;", "`if` is a reserved word"}, Case{"misspelled_declaration", "entitty A;", "did you mean `entity`?"},
        Case{"no_semicolon", "entity A", "1:9: expected `;`"}, Case{"parents_may_be_none", "entity A in [];", ""}, Case{"action_groups_may_not_be_none", "action a in [];", "expected an action"},
        Case{"body_must_be_a_record", "type T = {}; entity A = T;", "expected `{`"}, Case{"body_without_equals", "entity A { a: Long };", ""},
        Case{"body_before_parents", "entity A = {} in A;", "expected `;`"}, Case{"tags_before_body", "entity A tags Long = {};", "expected `;`"},
        Case{"trailing_comma_after_attribute", "entity A { a: Long, };", ""}, Case{"trailing_comma_in_list", "entity A in [A,];", "expected the name of a type"},
        Case{"repeated_attribute_keeps_the_last", "entity A { a: Long, a: String };", ""}, Case{"enum", "entity A enum [\"a\", \"a\"];", ""},
        Case{"enum_of_nothing", "entity A enum [];", "expected an id"}, Case{"enum_with_parents", "entity A in A enum [\"a\"];", "expected `;`"},
        Case{"applies_to_without_resource", "entity A; action a appliesTo { principal: A };", "says no `resource`"},
        Case{"applies_to_nothing", "action a appliesTo {};", "expected `principal`"}, Case{"applies_to_empty_list", "entity A; action a appliesTo { principal: [], resource: A };", "is empty"},
        Case{"applies_to_twice", "entity A; action a appliesTo { principal: A, principal: A, resource: A };", "stands twice"},
        Case{"applies_to_trailing_comma", "entity A; action a appliesTo { principal: A, resource: A, };", ""}, Case{"action_attributes", "action a attributes {};", ""},
        Case{"action_attributes_with_content", "action a attributes { a: Long };", "actions have no attributes"}, Case{"annotations", "@if @a(\"b\") entity A { @c b: Long };", ""},
        Case{"annotation_twice", "@a @a(\"b\") entity A;", "stands twice"}, Case{"annotation_before_applies_to_entry", "entity A; action a appliesTo { @a principal: A, resource: A };", "expected `principal`"},
        Case{"star_escape", "action \"\\*\";", "1:"}, Case{"byte_order_mark", "\xEF\xBB\xBF" "entity A;", "byte-order mark"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Names, SchemaRules,
    testing::Values(
        Case{"unknown_type", "entity User { a: Strng };", "there is no type `Strng`; did you mean `String`?"}, Case{"unknown_parent", "entity User in Grop; entity Group;", "did you mean `Group`?"},
        Case{"unknown_action_group", "action view in al; action all;", "there is no action `al`; did you mean `all`?"},
        Case{"boolean_is_a_word_of_json_only", "entity A { a: Boolean };", "there is no type `Boolean`"}, Case{"built_in_by_full_name", "entity A { a: __cedar::Long };", ""},
        Case{"entity_twice", "entity A; entity A;", "declared twice"}, Case{"type_twice", "type A = Long; type A = Long;", "declared twice"}, Case{"action_twice", "action a; action \"a\";", "declared twice"},
        Case{"namespace_twice", "namespace N {} namespace N {}", "stands twice"}, Case{"entity_and_type_of_one_name", "entity A; type A = Long;", ""},
        Case{"type_called_set", "type Set = Long;", "may not be called `Set`"}, Case{"entity_called_long", "entity Long;", ""}, Case{"entity_called_action", "entity Action;", "may not be called `Action`"},
        Case{"cedar_in_a_name", "entity __cedar;", "may not be called"}, Case{"cedar_namespace", "namespace __cedar {}", "cannot be the name"}, Case{"cedar_attribute", "entity A { __cedar: Long };", ""},
        Case{"hides_type", "entity A; namespace N { entity A; }", "would hide"}, Case{"hides_action", "action a; namespace N { action a; }", "would hide"},
        Case{"two_namespaces_may_agree", "namespace N { entity A; } namespace M { entity A; }", ""}, Case{"hides_a_built_in", "namespace N { entity Long; }", ""},
        Case{"hierarchy_with_a_cycle", "entity A in B; entity B in A;", ""}, Case{"action_cycle", "action a in b; action b in a;", "is in itself"}, Case{"type_cycle", "type A = Set<B>; type B = { a: A };", "contains itself"},
        Case{"context_by_entity_name", "entity A; action a appliesTo { principal: A, resource: A, context: A };", "there is no declared type `A`"},
        Case{"context_of_no_record", "type T = Long; entity A; action a appliesTo { principal: A, resource: A, context: T };", "must be a record"},
        Case{"context_by_name", "type T = U; type U = {}; entity A; action a appliesTo { principal: A, resource: A, context: T };", ""},
        Case{"principal_by_common_type", "entity A; type T = A; action a appliesTo { principal: T, resource: A };", "there is no entity type `T`"},
        Case{"attribute_of_action_type", "action a; entity A { a: Action };", ""}, Case{"attribute_of_action_type_without_actions", "entity A { a: Action };", "there is no type `Action`"},
        Case{"principal_of_action_type", "entity A; action a appliesTo { principal: Action, resource: A };", "there is no entity type `Action`"},
        Case{"group_of_another_namespace", "namespace N { action a in M::Action::\"b\"; } namespace M { action b; }", ""}),
    name_of);

class SchemaJsonRules : public testing::TestWithParam<Case> {};
TEST_P(SchemaJsonRules, Hold) {
  const auto schema = Schema::parse_json(GetParam().schema);
  const std::string said = schema ? "" : schema.error().summary();
  EXPECT_EQ(schema.has_value(), *GetParam().refusal == '\0') << said;
  EXPECT_NE(said.find(GetParam().refusal), std::string::npos) << said;
}

INSTANTIATE_TEST_SUITE_P(
    Json, SchemaJsonRules,
    testing::Values(
        Case{"empty", "{}", ""}, Case{"no_actions", R"({"": {"entityTypes": {}}})", "at `/`: the member `actions` is missing"},
        Case{"unknown_member", R"({"N": {"entityTypes": {"A": {"memberOf": []}}, "actions": {}}})", "at `/N/entityTypes/A`: unknown member `memberOf`"},
        Case{"repeated_member", R"({"": {"entityTypes": {"A": {}, "A": {}}, "actions": {}}})", "no JSON"},
        Case{"required_on_a_shape", R"({"": {"entityTypes": {"A": {"shape": {"type": "Record", "attributes": {}, "required": true}}}, "actions": {}}})", "unknown member `required`"},
        Case{"open_record", R"({"": {"entityTypes": {"A": {"shape": {"type": "Record", "attributes": {}, "additionalAttributes": true}}}, "actions": {}}})", "records are closed"},
        Case{"applies_to_null", R"({"": {"entityTypes": {}, "actions": {"a": {"appliesTo": null}}}})", ""},
        Case{"applies_to_empty_lists", R"({"": {"entityTypes": {}, "actions": {"a": {"appliesTo": {"principalTypes": [], "resourceTypes": []}}}}})", ""},
        Case{"action_attributes", R"({"": {"entityTypes": {}, "actions": {"a": {"attributes": {}}}}})", "unknown member `attributes`"},
        Case{"enum_and_shape", R"({"": {"entityTypes": {"A": {"enum": ["a"], "shape": {"type": "Record", "attributes": {}}}}, "actions": {}}})", "unknown member `shape`"},
        Case{"enum_of_nothing", R"({"": {"entityTypes": {"A": {"enum": []}}, "actions": {}}})", "at least one"},
        Case{"shape_of_no_record", R"({"": {"entityTypes": {"A": {"shape": {"type": "Long"}}}, "actions": {}}})", "must be a record"},
        Case{"name_of_an_entity_where_a_type_must_stand", R"({"": {"entityTypes": {"A": {"tags": {"type": "A"}}}, "actions": {}}})", "there is no declared type `A`"},
        Case{"built_in_by_short_name", R"({"": {"entityTypes": {"A": {"tags": {"type": "ipaddr"}}}, "actions": {}}})", ""},
        Case{"no_such_extension", R"({"": {"entityTypes": {"A": {"tags": {"type": "Extension", "name": "Long"}}}, "actions": {}}})", "no extension type"}),
    name_of);

constexpr const char* kSchema = R"(
  namespace N {
    type T = { "x y"?: Set<Long> };
    entity A in [B] = { a: T, e: B, l: N::Long } tags String;
    entity B enum ["b", "a"];
    entity Long;
    action all;
    action view in [all] appliesTo { principal: [A, A], resource: B, context: T };
  }
  entity C in C;)";

TEST(SchemaResolves, NamesHierarchyAndTypes) {
  const auto schema = Schema::parse(kSchema);
  ASSERT_TRUE(schema) << schema.error().render();
  const EntityType* a = schema->find_type("N::A");
  const EntityType* b = schema->find_type("N::B");
  const EntityType* c = schema->find_type("C");
  ASSERT_TRUE(a != nullptr && b != nullptr && c != nullptr);
  EXPECT_TRUE(a->may_be_below(*b));
  EXPECT_FALSE(b->may_be_below(*a));
  EXPECT_TRUE(c->may_be_below(*c));
  EXPECT_FALSE(a->may_be_below(*a));
  EXPECT_EQ(to_string(*a->attributes), "{ a: { \"x y\"?: Set<N::Long> }, e: N::B, l: N::Long }");
  EXPECT_TRUE(b->has_id("a"));
  EXPECT_FALSE(b->has_id("c"));
  const Action* view = schema->find_action(EntityUid("N::Action", "view"));
  const Action* all = schema->find_action(EntityUid("N::Action", "all"));
  ASSERT_TRUE(view != nullptr && all != nullptr);
  EXPECT_TRUE(view->is_below(*all));
  EXPECT_EQ(view->principals.size(), 1u);
  EXPECT_EQ(view->context, a->attributes->find("a")->type) << "one type is one object";
  EXPECT_FALSE(all->applies_to_anything());
  EXPECT_EQ(schema->find_type("N::Action")->attributes->attributes.size(), 0u);
}

TEST(SchemaPrints, WhatReadsBackAsTheSame) {
  const auto declarations = parse_schema(kSchema);
  ASSERT_TRUE(declarations);
  const auto printed = print_schema(*declarations);
  ASSERT_TRUE(printed) << printed.error().summary();
  const auto reread = parse_schema(*printed);
  ASSERT_TRUE(reread) << *printed << reread.error().render();
  EXPECT_EQ(*reread, *declarations) << *printed;
  EXPECT_EQ(*print_schema(*reread), *printed);
  const auto from_json = parse_schema_json(print_schema_json(*declarations));
  ASSERT_TRUE(from_json) << from_json.error().summary();
  EXPECT_TRUE(Schema::resolve(*from_json));
}

TEST(SchemaPrints, RefusesWhatTheHumanSyntaxCannotSay) {
  const auto declarations = parse_schema_json(
      R"({"": {"entityTypes": {"T": {}, "A": {"tags": {"type": "Entity", "name": "T"}}}, "actions": {}, "commonTypes": {"T": {"type": "Long"}}}})");
  ASSERT_TRUE(declarations);
  const auto printed = print_schema(*declarations);
  ASSERT_FALSE(printed) << *printed;
  EXPECT_NE(printed.error().summary().find("name of two types"), std::string::npos);
}

}  // namespace
}  // namespace writ::cedar
