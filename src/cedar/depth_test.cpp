#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "cedar/entity_validation.h"
#include "cedar/parser.h"
#include "cedar/policy_json.h"
#include "cedar/print.h"
#include "cedar/schema.h"
#include "cedar/validation.h"
#include "cedar/value_json.h"

namespace writ::cedar {
namespace {

// Everything that walks what has been read.
void read_policies(const std::string& text) {
  const auto policies = parse_policies(text);
  if (!policies) {
    EXPECT_FALSE(policies.error().text.empty());
    return;
  }
  EXPECT_TRUE(parse_policies(print(*policies)));
  for (const ast::Policy& policy : policies->policies) {
    const auto again = read_policy(to_json(policy));
    EXPECT_TRUE(again) << again.error().text << " for " << text.size() << " bytes: " << text.substr(0, 80);
  }
  const auto schema = Schema::parse("entity User { a?: User }; action view appliesTo { principal: User, resource: User };");
  validate(*schema, *policies);
}

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

TEST(CedarDepth, DeepPoliciesAreRefusedOrReadButNeverOverflow) {
  for (const std::size_t depth : {100u, 249u, 250u, 251u, 100'000u}) {
    const auto nest = [&](std::string_view open, std::string_view middle, std::string_view close) {
      read_policies("permit(principal, action, resource) when { " + repeat(open, depth) + std::string(middle) + repeat(close, depth) + " };");
    };
    nest("(", "true", ")");
    nest("[", "1", "]");
    nest("{a: ", "1", "}");
    nest("!(", "true", ")");
    nest("-(", "1", ")");
    nest("if true then ", "1", " else 1");
    nest("if ", "true", " then true else true");
    nest("true && (", "true", ")");
    nest("1 + (", "1", ")");
    nest("[1].contains(", "1", ")");
    nest("ip(", "\"1.2.3.4\"", ")");
    nest("", "principal", ".a");
    nest("", "principal", " is User in principal");
    nest("", "1", " + 1");
    nest("", "true", " && true");
    nest("", "principal has a", ".a");
  }
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
