#include "policy/arguments_read.h"

#include <gtest/gtest.h>

#include "policy/cedar_policy.h"
#include "policy/recorded_arguments.h"

namespace writ::policy {
namespace {

json::Value parsed(const std::string& text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value) << text;
  return value ? *value : json::Value();
}

Question call(const char* tool = "delete_repo") {
  Question question;
  question.action = Action::call;
  question.principal.id = "usr_alice";
  question.agent.id = "cursor";
  question.server.id = "github";
  question.tool.emplace();
  question.tool->name = tool;
  question.tool->scopes = {"write"};
  return question;
}

// "repo", "body=digest", "*": in words, for the table below.
std::string read_by(const std::string& policies, const Question& question) {
  const auto compiled = CedarPolicy::compile({{}, {{"policies/test.cedar", policies}}, "v1"});
  if (!compiled) return "refused: " + compiled.error().front().message;
  const auto read = (*compiled)->arguments_read(question);
  const char* const words[] = {"", "=digest", "=never"};
  std::string told;
  for (const auto& [name, kept] : read->members) told += (told.empty() ? "" : " ") + name + words[static_cast<int>(kept)];
  if (read->others) told += (told.empty() ? "*" : " *") + std::string(words[static_cast<int>(*read->others)]);
  return told;
}

TEST(ArgumentsRead, AreThoseOfPoliciesThatTheCallCouldConcern) {
  struct Row {
    const char* name;
    const char* policies;
    const char* read;
  };
  const Row rows[] = {
      {"no policy reads arguments", R"(permit(principal, action, resource);)", ""},
      {"one member", R"(permit(principal, action, resource) when { context.args.repo == "x" };)", "repo"},
      {"below a member", R"(permit(principal, action, resource) when { context.args.to.domain == "x" };)", "to"},
      {"its presence", R"(forbid(principal, action, resource) when { context.args has force };)", "force"},
      {"in unless, under or", R"(permit(principal, action, resource) unless { principal.issuer == "x" || context.args.a && context.args.b };)", "a b"},
      {"as a whole", R"(permit(principal, action, resource) when { context.args == {} };)", "*"},
      {"of the whole context", R"(permit(principal, action, resource) when { context == {} };)", "*"},
      {"of this tool's action", R"(permit(principal, action == Writ::Action::"github/delete_repo", resource) when { context.args.repo == "x" };)", "repo"},
      {"of another tool's action", R"(permit(principal, action == Writ::Action::"github/other", resource) when { context.args.repo == "x" };)", ""},
      {"of a group of actions", R"(permit(principal, action in Writ::Action::"use", resource) when { context.args.repo == "x" };)", "repo"},
      {"of this server", R"(permit(principal, action, resource in Writ::Server::"github") when { context.args.repo == "x" };)", "repo"},
      {"of another server", R"(permit(principal, action, resource in Writ::Server::"jira") when { context.args.repo == "x" };)", ""},
      {"of the tool's scope", R"(permit(principal, action, resource in Writ::Scope::"github/write") when { context.args.repo == "x" };)", "repo"},
      {"whoever the policy is for", R"(permit(principal == Writ::User::"usr_bob", action, resource) when { context.args.repo == "x" };)", "repo"},
      {"of a shadow policy", R"(@shadow permit(principal, action, resource) when { context.args.repo == "x" };)", "repo"},
      {"by digest", R"(@record("digest") permit(principal, action, resource) when { context.args.repo == "x" };)", "repo=digest"},
      {"one never", R"(@record("token=never") permit(principal, action, resource) when { context.args.repo == context.args.token };)", "repo token=never"},
      {"whole, but one never", R"(@record("token=never") permit(principal, action, resource) when { context.args == {} };)", "token=never *"},
      {"the most careful policy counts", R"(@record("digest") permit(principal, action, resource) when { context.args.a };
                                            @record("a = never, value") permit(principal, action, resource) when { context.args.a };)", "a=never"},
  };
  for (const Row& row : rows) EXPECT_EQ(read_by(row.policies, call()), row.read) << row.name;
}

TEST(ArgumentsRead, FollowWhatIsKnownOfTheTool) {
  const auto compiled = CedarPolicy::compile({{}, {{"t.cedar", R"(forbid(principal, action, resource in Writ::ToolGroup::"risky") when { context.args.repo == "x" };)"}}, "v1"});
  ASSERT_TRUE(compiled);
  Question question = call();
  EXPECT_TRUE((*compiled)->arguments_read(question)->empty());
  question.tool->groups = {"risky"};
  EXPECT_FALSE((*compiled)->arguments_read(question)->empty()) << "an answer of before is not used";
}

TEST(ArgumentsRead, RefuseABundleWhoseAnnotationIsNotUnderstood) {
  for (const char* text : {"", "secret", "repo=", "=never", "repo=maybe", "never,,digest"}) {
    const std::string told = read_by("@record(\"" + std::string(text) + "\") permit(principal, action, resource);", call());
    EXPECT_NE(told.find("write `value`, `digest` or `never`"), std::string::npos) << text << ": " << told;
  }
}

TEST(ArgumentsRead, AreKeptAsPoliciesWantThem) {
  ArgumentsRead read;
  read.members = {{"repo", Kept::value}, {"body", Kept::digest}, {"token", Kept::never}, {"force", Kept::value}};
  const json::Value arguments = parsed(R"({"repo":"prod","body":"hello","token":"hunter2","other":1})");
  const std::string kept = record_arguments(arguments, read);
  const json::Value value = parsed(kept);
  EXPECT_EQ(json::write(*value.find("repo")), R"({"value":"prod"})");
  EXPECT_EQ(json::write(*value.find("force")), R"({"absent":true})");
  EXPECT_TRUE(value.find("body")->find_string("digest"));
  for (const char* hidden : {"hello", "hunter2", "token", "other"}) EXPECT_EQ(kept.find(hidden), std::string::npos) << hidden;
  read.others = Kept::value;
  const std::string whole = record_arguments(arguments, read);
  EXPECT_NE(whole.find(R"("other":{"value":1})"), std::string::npos) << whole;
  EXPECT_EQ(whole.find("hunter2"), std::string::npos);
}

TEST(ArgumentsRead, BecomeDigestsWhenTheyAreTooManyForARecord) {
  json::Object arguments;
  ArgumentsRead read;
  read.others = Kept::value;
  for (int i = 0; i < 60; ++i) arguments.push_back({"member" + std::to_string(i), std::string(200, 'x')});
  const std::string kept = record_arguments(arguments, read);
  EXPECT_EQ(kept.find("xxx"), std::string::npos);
  EXPECT_TRUE(read_recorded_arguments(parsed(kept)));
  for (int i = 60; i < 2000; ++i) arguments.push_back({"member" + std::to_string(i), 1});
  EXPECT_EQ(record_arguments(arguments, read), "") << "more than a record can keep";
}

}  // namespace
}  // namespace writ::policy
