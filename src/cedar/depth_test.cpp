#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "cedar/entity_validation.h"
#include "cedar/schema.h"
#include "cedar/value_json.h"

namespace writ::cedar {
namespace {

void read_schema(const std::string& text) {
  const auto from_text = Schema::parse(text);
  EXPECT_TRUE(from_text.has_value() || !from_text.error().text.empty());
  const auto from_json = Schema::parse_json(text);
  EXPECT_TRUE(from_json.has_value() || !from_json.error().text.empty());
}

void read_entity_file(const std::string& text) {
  const auto json = json::parse(text, {.bytes_max = 8 << 20, .depth_max = 100, .members_max = 1'000'000});
  EXPECT_TRUE(!json || read_entities(*json));
}

// Deep nesting is an error and never a stack overflow.
std::string repeat(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(CedarDepth, DeepSchemasAndEntitiesAreRefusedOrReadButNeverOverflow) {
  for (const std::size_t depth : {100u, 249u, 250u, 251u, 100'000u}) {
    read_schema("type T = " + repeat("Set<", depth) + "Long" + repeat(">", depth) + ";");
    read_schema("type T = " + repeat("{a: ", depth) + "Long" + repeat("}", depth) + ";");
    read_schema(repeat(R"({"type":"Set","element":)", depth) + R"({"type":"Long"})" + repeat("}", depth));
    read_schema(R"({"":{"entityTypes":{},"actions":{},"commonTypes":{"T":)" + repeat(R"({"type":"Set","element":)", depth) + R"({"type":"Long"})" + repeat("}", depth) + "}}}");
    read_entity_file(R"([{"uid":{"type":"User","id":"a"},"parents":[],"attrs":{"a":)" + repeat("[", depth) + repeat("]", depth) + "}}]");
    read_entity_file(R"([{"uid":{"type":"User","id":"a"},"parents":[],"attrs":{"a":)" + repeat(R"({"a":)", depth) + "1" + repeat("}", depth) + "}}]");
  }
  std::string chain;
  for (int i = 0; i < 5000; ++i) chain += "type T" + std::to_string(i) + " = Set<T" + std::to_string(i + 1) + ">; ";
  read_schema(chain + "type T5000 = Long;");
  read_schema("type T0 = Long; " + chain);
}

}  // namespace
}  // namespace writ::cedar
