#include "policy/argument_type.h"

#include <gtest/gtest.h>

#include "cedar/schema.h"
#include "policy/vocabulary.h"

namespace writ::policy {
namespace {

json::Value parsed(const std::string& text) {
  auto value = json::parse(text, {1 << 22, 64, 100'000});
  EXPECT_TRUE(value) << text.substr(0, 100);
  return value ? *value : json::Value();
}

struct Row {
  const char* name;
  const char* schema;
  const char* cedar;
};
class ArgumentTypes : public testing::TestWithParam<Row> {};
TEST_P(ArgumentTypes, AreReadFromInputSchemas) { EXPECT_EQ(to_cedar(*read_argument_type(parsed(GetParam().schema))), GetParam().cedar); }
INSTANTIATE_TEST_SUITE_P(
    JsonSchema, ArgumentTypes,
    testing::Values(Row{"required_and_optional", R"({"type":"object","properties":{"b":{"type":"integer"},"a":{"type":"string"}},"required":["a"]})", "{ a: String, b?: Long }"},
                    Row{"number_is_decimal", R"({"type":"object","properties":{"x":{"type":"number"}}})", "{ x?: decimal }"},
                    Row{"array_is_a_set", R"({"type":"object","properties":{"x":{"type":"array","items":{"type":"boolean"}}}})", "{ x?: Set<Bool> }"},
                    Row{"array_of_anything_is_left_out", R"({"type":"object","properties":{"x":{"type":"array"}}})", "{}"},
                    Row{"object_is_a_record", R"({"type":"object","properties":{"x":{"type":"object","properties":{"y":{"type":"string"}},"required":["y"]}}})", "{ x?: { y: String } }"},
                    Row{"name_that_is_no_identifier", R"({"type":"object","properties":{"dry-run":{"type":"boolean"},"if":{"type":"boolean"}}})", R"({ "dry-run"?: Bool, "if"?: Bool })"},
                    Row{"several_types_are_left_out", R"({"type":"object","properties":{"x":{"type":["string","null"]}}})", "{}"},
                    Row{"combinations_are_left_out", R"({"type":"object","properties":{"x":{"anyOf":[{"type":"string"}]},"y":{"$ref":"#/x"}}})", "{}"},
                    Row{"no_object", R"({"type":"string"})", "{}"}, Row{"no_schema", "null", "{}"}),
    [](const auto& row) { return row.param.name; });

TEST(Vocabulary, IsASchemaThatCedarReads) {
  const std::string text = schema_text({{"github", "delete \"repo\"", read_argument_type(parsed(R"({"type":"object","properties":{"repo":{"type":"string"}}})"))}});
  EXPECT_NE(text.find(R"(action "github/delete \"repo\"" in [call])"), std::string::npos) << text;
  const auto schema = cedar::Schema::parse(text);
  ASSERT_TRUE(schema) << schema.error().render();
  EXPECT_NE(schema->find_action(cedar::EntityUid("Writ::Action", "github/delete \"repo\"")), nullptr);
}

TEST(SeenArguments, OverTheLimitsIsUnseen) {
  const auto type = read_argument_type(parsed(R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"},"c":{"type":"array","items":{"type":"integer"}}}})"));
  cedar::Arena arena;
  const auto big = see(*type, parsed(R"({"a":")" + std::string(64 * 1024 + 1, 'x') + R"(","b":"y"})"), arena);
  EXPECT_EQ(big.unseen, (std::vector<std::string>{"/a", "/b"}));
  const auto fits = see(*type, parsed(R"({"a":")" + std::string(64 * 1024, 'x') + R"("})"), arena);
  EXPECT_TRUE(fits.unseen.empty());
  std::string numbers = "0";
  for (int i = 1; i < 10'001; ++i) numbers += "," + std::to_string(i);
  EXPECT_EQ(see(*type, parsed(R"({"c":[)" + numbers + "]}"), arena).unseen, std::vector<std::string>{"/c"});
}

TEST(SeenArguments, PointersAreEscaped) {
  cedar::Arena arena;
  EXPECT_EQ(see(ArgumentType{ArgumentType::Kind::record, nullptr, {}}, parsed(R"({"a/b":1,"c~d":2})"), arena).unseen, (std::vector<std::string>{"/a~1b", "/c~0d"}));
}

}  // namespace
}  // namespace writ::policy
