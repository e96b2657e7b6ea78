#include "registry/signals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "registry/check.h"
#include "registry/plan.h"
#include "registry/read.h"

namespace writ::registry {
namespace {

using testing::HasSubstr;

constexpr const char* kRas = "resource_authorization_servers: [{issuer: https://ras.example}]\n";
constexpr const char* kValue = "token_sha256: 1111111111111111111111111111111111111111111111111111111111111111";

std::string problems_in(const std::string& text) {
  Reading reading;
  const auto declared = read_objects(*yaml::parse(text, "f.yaml"), reading);
  const Plan planned = plan(Catalogue{}, declared, PlanRules{});
  Problems problems = reading.problems;
  problems.insert(problems.end(), planned.problems.begin(), planned.problems.end());
  std::erase_if(problems, [](const Problem& problem) { return problem.is_warning; });
  return to_string(problems);
}

std::string token(const std::string& members) { return std::string(kRas) + "api_tokens: [{id: b, " + kValue + ", " + members + "}]\n"; }

TEST(SignalsToken, NamesItsReceiver) {
  EXPECT_EQ(problems_in(token("role: signals, audience: https://ras.example")), "");
  EXPECT_THAT(problems_in(token("role: signals")), HasSubstr("an API token with `role: signals` needs `audience`"));
  EXPECT_THAT(problems_in(token("role: signals, audience: ''")), HasSubstr("an API token with `role: signals` needs `audience`"));
  EXPECT_THAT(problems_in(token("role: signals, audience: https://ras.exampl")), HasSubstr("there is no resource authorization server `https://ras.exampl`"));
  EXPECT_THAT(problems_in(token("role: signals, audience: [https://ras.example]")), HasSubstr("`audience` must be text"));
  for (const char* role : {"admin", "auditor", "evaluator"})
    EXPECT_THAT(problems_in(token(std::string("audience: https://ras.example, role: ") + role)), HasSubstr("`audience` is for API tokens with `role: signals`")) << role;
}

TEST(SignalsOfAnIssuer, AreObeyedOnlyWhereTheObjectSaysSo) {
  const auto read = [](const std::string& members) {
    Reading reading;
    const auto declared = read_objects(*yaml::parse("trusted_issuers: [{issuer: https://i.example, clients: all" + members + "}]\n", "f.yaml"), reading);
    EXPECT_EQ(to_string(reading.problems), "");
    const auto objects = read_all({{ObjectKind::trusted_issuer, declared.front().document}});
    EXPECT_TRUE(objects);
    return objects->trusted_issuers.front().signals;
  };
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read(", signals: false"));
  EXPECT_TRUE(read(", signals: true"));
  EXPECT_THAT(problems_in("trusted_issuers: [{issuer: https://i.example, clients: all, signals: 1}]\n"), HasSubstr("`signals` must be"));
}

TEST(SignalsToken, ComesBackFromTheDocumentThatIsWritten) {
  Reading reading;
  const auto declared = read_objects(*yaml::parse(token("role: signals, audience: https://ras.example"), "f.yaml"), reading);
  std::vector<std::pair<ObjectKind, json::Value>> documents;
  for (const auto& object : declared) documents.emplace_back(object.kind, object.document);
  const auto objects = read_all(documents);
  ASSERT_TRUE(objects);
  EXPECT_EQ(objects->api_tokens.front().role, "signals");
  EXPECT_EQ(objects->api_tokens.front().audience, "https://ras.example");
  EXPECT_EQ(write(objects->api_tokens.front()), documents.back().second);
}

}  // namespace
}  // namespace writ::registry
