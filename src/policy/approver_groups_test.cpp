#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "policy/bundle.h"

namespace writ::policy {
namespace {

registry::Problems problems_of(const std::string& text) {
  const auto bundle = read_bundle({{"policies/a.cedar", text}}, [](std::string_view yaml, std::string name) { return yaml::parse(yaml, std::move(name)); });
  EXPECT_TRUE(bundle) << registry::to_string(bundle.error());
  registry::Objects objects;
  objects.groups = {{"ops", "", {}}};
  objects.servers.push_back({.id = "github"});
  return check_bundle(*bundle, registry::Snapshot(std::move(objects), 1));
}

struct Row {
  const char* name;
  const char* text;
  const char* says;   // "" : nothing
  bool is_error;
};
class ApproverGroups : public testing::TestWithParam<Row> {};
TEST_P(ApproverGroups, AreChecked) {
  const auto problems = problems_of(GetParam().text);
  if (*GetParam().says == '\0') {
    EXPECT_TRUE(problems.empty()) << registry::to_string(problems);
    return;
  }
  ASSERT_EQ(problems.size(), 1u) << registry::to_string(problems);
  EXPECT_NE(problems[0].message.find(GetParam().says), std::string::npos) << problems[0].message;
  EXPECT_EQ(problems[0].is_warning, !GetParam().is_error);
  EXPECT_EQ(problems[0].at.line, 2);
}
INSTANTIATE_TEST_SUITE_P(Rules, ApproverGroups,
                         testing::Values(Row{"known", "\n@require_approval(\"ops\") forbid(principal, action in Writ::Action::\"call\", resource);", "", false},
                                         Row{"unknown", "\n@require_approval(\"opps\") forbid(principal, action in Writ::Action::\"call\", resource);", "there is no group `opps`; did you mean `ops`?", true},
                                         Row{"unknown_in_a_shadow", "\n@shadow @require_approval(\"opps\") forbid(principal, action in Writ::Action::\"call\", resource);", "there is no group `opps`", true},
                                         Row{"of_every_action", "\n@require_approval(\"ops\") forbid(principal, action, resource);", "holds tool calls alone", false},
                                         Row{"of_resources_too", "\n@require_approval(\"ops\") forbid(principal, action in Writ::Action::\"use\", resource);", "holds tool calls alone", false}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace writ::policy
