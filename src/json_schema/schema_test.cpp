#include "json_schema/schema.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <random>

namespace writ::json_schema {
namespace {

json::Value value(std::string_view text) {
  auto parsed = json::parse(text, {1 << 22, 200, 1'000'000});
  EXPECT_TRUE(parsed) << text;
  return parsed ? std::move(*parsed) : json::Value();
}

struct Row {
  const char *what, *schema, *value;
  const char* failure;   // pointer and message; "": valid
};

std::string failure_of(const char* schema, const char* instance) {
  const auto compiled = Schema::compile(value(schema));
  if (!compiled) return "schema " + compiled.error().pointer + ": " + compiled.error().message;
  const auto failure = (*compiled)->check(value(instance));
  return failure ? failure->pointer + " " + failure->message : "";
}

class Keywords : public testing::TestWithParam<Row> {};
TEST_P(Keywords, JudgeAsTheStandardSays) {
  const Row& row = GetParam();
  const std::string found = failure_of(row.schema, row.value);
  if (*row.failure == 0) EXPECT_EQ(found, "") << row.what;
  else EXPECT_NE(found.find(row.failure), std::string::npos) << row.what << ": " << (found.empty() ? "valid" : found);
}
INSTANTIATE_TEST_SUITE_P(All, Keywords, testing::Values(
    Row{"true", "true", "1", ""}, Row{"false", "false", "1", "nothing is allowed"}, Row{"no keyword", "{}", "null", ""},
    Row{"an unknown keyword", R"({"x-odd":1,"format":"uri"})", "1", ""},
    Row{"a type", R"({"type":"string"})", R"("a")", ""}, Row{"another type", R"({"type":"string"})", "1", " must be of type string, not a whole number"},
    Row{"one of two types", R"({"type":["string","null"]})", "null", ""}, Row{"neither", R"({"type":["string","null"]})", "[]", "string or null, not a list"},
    Row{"1.0 is whole", R"({"type":"integer"})", "1.0", ""}, Row{"1.5 is not", R"({"type":"integer"})", "1.5", "integer"}, Row{"a whole number is a number", R"({"type":"number"})", "3", ""},
    Row{"true is no number", R"({"type":"number"})", "true", "number"},
    Row{"const by value", R"({"const":1.0})", "1", ""}, Row{"const of another type", R"({"const":"1"})", "1", "must be \"1\""},
    Row{"an object in another order", R"({"const":{"a":1,"b":2}})", R"({"b":2,"a":1})", ""}, Row{"enum", R"({"enum":["a","b"]})", R"("b")", ""}, Row{"outside enum", R"({"enum":["a","b"]})", R"("c")", "must be one of [\"a\",\"b\"]"},
    Row{"minimum itself", R"({"minimum":2})", "2", ""}, Row{"below minimum", R"({"minimum":2})", "1.99", "at least 2"}, Row{"maximum itself", R"({"maximum":2})", "2", ""}, Row{"above maximum", R"({"maximum":2})", "3", "at most 2"},
    Row{"exclusive minimum itself", R"({"exclusiveMinimum":2})", "2", "more than 2"}, Row{"exclusive maximum itself", R"({"exclusiveMaximum":2})", "2", "less than 2"},
    Row{"draft 4 exclusive", R"({"minimum":2,"exclusiveMinimum":true})", "2", "at least 2"}, Row{"no limit for text", R"({"minimum":2})", R"("a")", ""},
    Row{"large whole numbers are told apart", R"({"maximum":9007199254740992})", "9007199254740993", "at most"},
    Row{"a multiple", R"({"multipleOf":0.01})", "4.02", ""}, Row{"no multiple", R"({"multipleOf":5})", "12", "a multiple of 5"},
    Row{"length counts characters", R"({"maxLength":2})", R"("éé")", ""}, Row{"too long", R"({"maxLength":2})", R"("abc")", "at most 2 characters"}, Row{"too short", R"({"minLength":1})", R"("")", "at least 1 characters"},
    Row{"a pattern is not anchored", R"({"pattern":"b+"})", R"("abbc")", ""}, Row{"no match", R"({"pattern":"^b+$"})", R"("abb")", "must match the pattern ^b+$"}, Row{"an escape of ECMAScript", R"({"pattern":"^\\u00e9$"})", R"("é")", ""},
    Row{"items", R"({"items":{"type":"string"}})", R"(["a",1])", "/1 must be of type string"}, Row{"prefixItems and the rest", R"({"prefixItems":[{"type":"string"}],"items":false})", R"(["a",1])", "/1 nothing is allowed"},
    Row{"items as a list", R"({"items":[{"type":"string"}],"additionalItems":{"type":"null"}})", R"(["a",1])", "/1 must be of type null"},
    Row{"too many elements", R"({"maxItems":1})", "[1,2]", "at most 1 elements"}, Row{"too few", R"({"minItems":1})", "[]", "at least 1 elements"},
    Row{"unique", R"({"uniqueItems":true})", "[1,2]", ""}, Row{"not unique, by value", R"({"uniqueItems":true})", "[1,1.0]", "/1 is in the list already"}, Row{"1 and true are two", R"({"uniqueItems":true})", "[1,true]", ""},
    Row{"contains", R"({"contains":{"const":1}})", "[0,1]", ""}, Row{"contains none", R"({"contains":{"const":1}})", "[0]", "too few"}, Row{"none needed", R"({"contains":{"const":1},"minContains":0})", "[0]", ""}, Row{"too many", R"({"contains":{"const":1},"maxContains":1})", "[1,1]", "too many"},
    Row{"a member's type", R"({"properties":{"a":{"type":"string"}}})", R"({"a":1})", "/a must be"}, Row{"a pointer is escaped", R"({"properties":{"a/b~":{"type":"string"}}})", R"({"a/b~":1})", "/a~1b~0 must be"},
    Row{"required", R"({"required":["a"]})", "{}", "needs the member `a`"}, Row{"required of an object only", R"({"required":["a"]})", "[]", ""},
    Row{"no more members", R"({"properties":{"a":{}},"additionalProperties":false})", R"({"a":1,"b":2})", "/b is not a member"}, Row{"other members", R"({"additionalProperties":{"type":"string"}})", R"({"b":2})", "/b must be"},
    Row{"pattern properties", R"({"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false})", R"({"x-a":"1"})", ""}, Row{"pattern property's type", R"({"patternProperties":{"^x-":{"type":"string"}}})", R"({"x-a":1})", "/x-a must be"},
    Row{"names of members", R"({"propertyNames":{"maxLength":1}})", R"({"ab":1})", "/ab may have at most 1"}, Row{"few members", R"({"minProperties":1})", "{}", "at least 1 members"}, Row{"dependent", R"({"dependentRequired":{"a":["b"]}})", R"({"a":1})", "needs the member `b` beside `a`"},
    Row{"dependent schema", R"({"dependentSchemas":{"a":{"required":["b"]}}})", R"({"a":1})", "needs the member `b`"},
    Row{"allOf", R"({"allOf":[{"minimum":1},{"maximum":2}]})", "3", "at most 2"}, Row{"anyOf", R"({"anyOf":[{"type":"string"},{"minimum":1}]})", "1", ""}, Row{"anyOf, none", R"({"anyOf":[{"type":"string"},{"minimum":1}]})", "0", "none of the alternatives; of the last: it must be at least 1"},
    Row{"oneOf, two", R"({"oneOf":[{"minimum":1},{"minimum":2}]})", "3", "more than one"}, Row{"oneOf", R"({"oneOf":[{"minimum":1},{"minimum":2}]})", "1", ""}, Row{"not", R"({"not":{"type":"string"}})", R"("a")", "must not be"},
    Row{"if then", R"({"if":{"properties":{"a":{"const":1}}},"then":{"required":["b"]}})", R"({"a":1})", "needs the member `b`"}, Row{"if else", R"({"if":{"type":"string"},"else":{"minimum":1}})", "0", "at least 1"},
    Row{"a reference", R"({"$defs":{"s":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/s"}}})", R"({"a":1})", "/a must be of type string"}, Row{"keywords beside a reference count", R"({"$defs":{"s":{"type":"string"}},"$ref":"#/$defs/s","maxLength":1})", R"("ab")", "at most 1"},
    Row{"by its own id", R"({"$id":"https://x.example/s","$defs":{"s":{"type":"string"}},"properties":{"a":{"$ref":"https://x.example/s#/$defs/s"}}})", R"({"a":1})", "/a must be"},
    Row{"a tree", R"({"properties":{"next":{"$ref":"#"},"n":{"type":"integer"}}})", R"({"next":{"next":{"n":"x"}}})", "/next/next/n must be"}, Row{"a property named $ref", R"({"properties":{"$ref":{"type":"string"}}})", R"({"$ref":1})", "/$ref must be"}));

TEST(Schemas, ThatCannotBeUsedAreRefused) {
  const Row rows[] = {
      {"another document", R"({"$ref":"https://evil.example/s.json"})", "1", "not fetched"},
      {"a file", R"({"properties":{"a":{"$ref":"other.json#/a"}}})", "1", "not fetched"},
      {"a reference to nothing", R"({"$ref":"#/$defs/none"})", "1", "leads nowhere"},
      {"a reference to what is no schema", R"({"$ref":"#/maxLength","maxLength":3})", "1", "must be an object, true or false"},
      {"an anchor", R"({"$ref":"#name"})", "1", "JSON pointer"},
      {"a look-ahead", R"x({"pattern":"(?=a)"})x", "1", "the pattern cannot be used"},
      {"a back reference", R"({"pattern":"(a)\\1"})", "1", "the pattern cannot be used"},
      {"a pattern among names", R"x({"patternProperties":{"(":{}}})x", "1", "the pattern cannot be used"},
      {"a pattern that explodes when compiled", R"({"pattern":"((a{100}){100}){100}"})", "1", "the pattern cannot be used"},
      {"an unknown type", R"({"type":"text"})", "1", "`type` must be"},
      {"a schema that is text", R"({"properties":{"a":"string"}})", "1", "/properties/a: a schema must be an object"},
      {"required as a flag", R"({"properties":{"a":{"required":true}}})", "1", "list of names"},
      {"a negative count", R"({"maxLength":-1})", "1", "not negative"},
      {"multiples of nothing", R"({"multipleOf":0})", "1", "more than 0"},
      {"what would restrict and is not known", R"({"unevaluatedProperties":false})", "1", "not supported"},
      {"a nested id", R"({"properties":{"a":{"$id":"x"}}})", "1", "`$id` of their own"},
  };
  for (const Row& row : rows) EXPECT_NE(failure_of(row.schema, row.value).find(row.failure), std::string::npos) << row.what << ": " << failure_of(row.schema, row.value);
}

double milliseconds_of(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}

TEST(Work, IsBounded) {
  // Alternatives within alternatives: 2^60 paths.
  const auto doubling = Schema::compile(value(R"({"anyOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}],"not":{"const":0}})"));
  ASSERT_TRUE(doubling);
  std::string deep = "0";
  for (int i = 0; i < 60; ++i) deep = "[" + deep + "]";
  std::optional<Failure> failure;
  EXPECT_LT(milliseconds_of([&] { failure = (*doubling)->check(value(deep)); }), 2'000);
  ASSERT_TRUE(failure);
  EXPECT_NE(failure->message.find("more work"), std::string::npos) << failure->message;

  const auto circle = Schema::compile(value(R"({"$ref":"#"})"));
  ASSERT_TRUE(circle);
  EXPECT_TRUE((*circle)->check(value("1")));
  // What could not be judged is not valid by being excluded.
  const auto excluded = Schema::compile(value(R"({"not":{"$ref":"#/$defs/c"},"$defs":{"c":{"$ref":"#/$defs/c"}}})"));
  ASSERT_TRUE(excluded);
  EXPECT_TRUE((*excluded)->check(value("1")));

  // The classic of backtracking matchers.
  const auto slow = Schema::compile(value(R"({"pattern":"^(a+)+$"})"));
  ASSERT_TRUE(slow);
  EXPECT_LT(milliseconds_of([&] { failure = (*slow)->check(json::Value(std::string(100'000, 'a') + "!")); }), 1'000);
  EXPECT_TRUE(failure);
}

TEST(Work, ASchemaMayNotBeTooDeepOrTooLarge) {
  std::string deep = "{}";
  for (int i = 0; i < 80; ++i) deep = R"({"not":)" + deep + "}";
  const auto refused = Schema::compile(value(deep));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("64 levels"), std::string::npos);
  json::Object properties;
  for (int i = 0; i < 20'001; ++i) properties.push_back({"p" + std::to_string(i), json::Value(json::Object{})});
  json::Value large = json::Object{};
  large.set("properties", std::move(properties));
  EXPECT_FALSE(Schema::compile(std::move(large)));
}

// Values made from a schema are valid; with one part broken they are not, and the failure names the place.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

  json::Value schema(int depth) {
    switch (below(depth > 3 ? 3 : 5)) {
      case 0: return json::Value{{"type", "string"}, {"minLength", 2}, {"maxLength", 6}, {"pattern", "^[a-f]+$"}};
      case 1: return json::Value{{"type", "integer"}, {"minimum", 10}, {"exclusiveMaximum", 20}};
      case 2: return json::Value{{"enum", json::Array{"red", 7, nullptr}}};
      case 3: return json::Value{{"type", "array"}, {"items", schema(depth + 1)}, {"minItems", 1}, {"maxItems", 3}};
      default: {
        json::Value properties = json::Object{};
        json::Array required;
        for (int i = 0; i <= below(3); ++i) {
          const std::string name = "m" + std::to_string(i);
          properties.set(name, schema(depth + 1));
          required.push_back(name);
        }
        json::Value made{{"type", "object"}, {"additionalProperties", false}};
        made.set("properties", std::move(properties));
        made.set("required", std::move(required));
        return made;
      }
    }
  }
  json::Value valid(const json::Value& schema) {
    const auto* type = schema.find_string("type");
    if (!type) return (*schema.find_array("enum"))[static_cast<std::size_t>(below(3))];
    if (*type == "string") return std::string(static_cast<std::size_t>(2 + below(5)), static_cast<char>('a' + below(6)));
    if (*type == "integer") return 10 + below(10);
    if (*type == "array") {
      json::Array list;
      for (int i = 0; i <= below(3); ++i) list.push_back(valid(*schema.find("items")));
      return list;
    }
    json::Object object;
    for (const auto& property : *schema.find_object("properties")) object.push_back({property.name, valid(property.value)});
    return object;
  }
  // Breaks one place; answers its pointer.
  std::string spoil(const json::Value& schema, json::Value& value, const std::string& at = "") {
    const auto* type = schema.find_string("type");
    if (type && *type == "array" && below(3) > 0) {
      const auto i = static_cast<std::size_t>(below(static_cast<int>(value.as_array()->size())));
      return spoil(*schema.find("items"), (*value.as_array())[i], at + "/" + std::to_string(i));
    }
    if (type && *type == "object" && below(3) > 0) {
      auto& member = (*value.as_object())[static_cast<std::size_t>(below(static_cast<int>(value.as_object()->size())))];
      return spoil(*schema.find("properties")->find(member.name), member.value, at + "/" + member.name);
    }
    if (type && *type == "object" && below(2) == 0) {
      value.set("extra", 1);
      return at + "/extra";
    }
    static const json::Value kWrong[] = {json::Value(true), json::Value("zz"), json::Value(99), json::Value(json::Array{}), json::Value("a")};
    const json::Value wrong = type && *type == "integer" ? kWrong[below(3)] : type && *type == "string" ? (below(2) ? kWrong[4] : kWrong[1]) : type && *type == "array" ? kWrong[3] : kWrong[0];
    value = wrong;
    return at;
  }

 private:
  std::mt19937 random_;
};

TEST(Properties, WhatASchemaMakesIsValidUntilOnePlaceIsBroken) {
  for (unsigned seed = 0; seed < 3'000; ++seed) {
    Generator generator(seed);
    const json::Value schema = generator.schema(0);
    const auto compiled = Schema::compile(schema);
    ASSERT_TRUE(compiled) << json::write(schema);
    json::Value instance = generator.valid(schema);
    const auto failure = (*compiled)->check(instance);
    ASSERT_FALSE(failure) << json::write(schema) << " " << json::write(instance) << " " << failure->pointer << " " << failure->message;
    const std::string place = generator.spoil(schema, instance);
    const auto found = (*compiled)->check(instance);
    ASSERT_TRUE(found) << json::write(schema) << " " << json::write(instance);
    ASSERT_EQ(found->pointer, place) << json::write(schema) << " " << json::write(instance);
  }
}

}  // namespace
}  // namespace writ::json_schema
