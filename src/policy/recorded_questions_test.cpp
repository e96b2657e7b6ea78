#include "policy/recorded_questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/cedar_policy.h"

namespace writ::policy {
namespace {

using testing::ElementsAre;

json::Value line_of(const audit::Record& record) {
  auto value = json::parse(audit::to_json_line(record, 17, "node"));
  EXPECT_TRUE(value);
  return value ? *value : json::Value();
}

Question call() {
  Question question;
  question.action = Action::call;
  question.principal.id = "usr_alice";
  question.agent.id = "cursor";
  question.agent.authentication = "private_key_jwt";
  question.server.id = "github";
  question.tool.emplace();
  question.tool->name = "delete_repo";
  question.authentication = {"urn:mfa", {"pwd", "otp"}, Seconds{90}};
  question.ip = "10.0.0.7";
  question.issuer = "https://idp.example";
  question.now = Instant{Milliseconds{1'795'000'000'123}};
  return question;
}

audit::Record record_of(const Question& question, audit::Event event = audit::Event::call, audit::Effect effect = audit::Effect::deny) {
  audit::Record record;
  record.event = event;
  record.effect = effect;
  record.time = question.now;
  record.user = question.principal.id;
  record.agent = question.agent.id;
  record.server = question.server.id;
  record.peer = question.ip;
  record.tool = question.tool ? question.tool->name : "";
  record.policy_version = "v1";
  record.object_sequence = 9;
  record_question(question, record);
  return record;
}

// "connect=yes grant_scope:read=no": the questions in words.
std::vector<std::string> told(const audit::Record& record) {
  std::vector<std::string> all;
  const auto recorded = read_recorded_questions(line_of(record));
  if (!recorded) return all;
  for (const RecordedQuestion& one : recorded->questions) {
    const Inquiry& asked = one.inquiry;
    all.push_back(std::string(to_string(asked.action)) + ":" + asked.scope + asked.tool + asked.uri_or_prompt + (one.allowed ? "=yes" : "=no"));
  }
  return all;
}

TEST(RecordedQuestions, ComeBackAsTheyWereAsked) {
  const auto compiled = CedarPolicy::compile({{}, {{"t.cedar", R"(permit(principal, action, resource) when { context.args.repo == "x" && context.args has force };)"}}, "v1"});
  ASSERT_TRUE(compiled);
  Question question = call();
  const json::Value arguments{{"repo", "prod"}, {"token", "hunter2"}};
  question.arguments = &arguments;
  audit::Record record = record_of(question);
  record_arguments_of(question, **compiled, record);
  EXPECT_EQ(audit::to_json_line(record, 17, "node").find("hunter2"), std::string::npos);
  const auto recorded = read_recorded_questions(line_of(record));
  ASSERT_TRUE(recorded);
  EXPECT_TRUE(recorded->is_whole);
  EXPECT_EQ(recorded->policy_version, "v1");
  EXPECT_EQ(recorded->object_sequence, 9u);
  ASSERT_EQ(recorded->questions.size(), 1u);
  const RecordedQuestion& one = recorded->questions.front();
  EXPECT_EQ(one.inquiry.user, "usr_alice");
  EXPECT_EQ(one.inquiry.agent, "cursor");
  EXPECT_EQ(one.inquiry.agent_authentication, "private_key_jwt");
  EXPECT_EQ(one.inquiry.server, "github");
  EXPECT_EQ(one.inquiry.tool, "delete_repo");
  EXPECT_EQ(one.inquiry.authentication.acr, "urn:mfa");
  EXPECT_THAT(one.inquiry.authentication.amr, ElementsAre("pwd", "otp"));
  EXPECT_EQ(one.inquiry.authentication.age, Seconds{90});
  EXPECT_EQ(one.inquiry.ip, "10.0.0.7");
  EXPECT_EQ(one.inquiry.issuer, "https://idp.example");
  EXPECT_EQ(one.inquiry.now, question.now);
  ASSERT_TRUE(one.inquiry.arguments);
  EXPECT_EQ(json::write(*one.inquiry.arguments), R"({"repo":"prod"})");
  EXPECT_THAT(one.arguments_recorded, ElementsAre("force", "repo"));
  EXPECT_THAT(one.arguments_not_kept, ElementsAre());
}

TEST(RecordedQuestions, DoNotKnowWhatWasNotKnown) {
  Question question = call();
  question.authentication = {};
  const auto recorded = read_recorded_questions(line_of(record_of(question)));
  ASSERT_TRUE(recorded);
  EXPECT_EQ(recorded->questions.front().inquiry.authentication.age, Authentication{}.age);
  EXPECT_FALSE(recorded->questions.front().inquiry.arguments);
}

TEST(RecordedQuestions, OfOneRecordMayBeSeveral) {
  using audit::Effect;
  using audit::Event;
  Question connect = call(), scopes = call();
  connect.action = Action::connect, scopes.action = Action::grant_scope;
  EXPECT_THAT(told(record_of(connect, Event::id_jag)), ElementsAre("connect:=no"));
  audit::Record granted = record_of(scopes, Event::access_token, Effect::allow);
  granted.scope = "read write";
  granted.more.emplace_back(kDroppedScopes, "admin");
  EXPECT_THAT(told(granted), ElementsAre("connect:=yes", "grant_scope:read=yes", "grant_scope:write=yes", "grant_scope:admin=no"));
  audit::Record refused = record_of(scopes, Event::access_token);
  refused.scope = "admin owner read";   // all that were asked for
  refused.more.emplace_back(kDroppedScopes, "admin,read");
  refused.more.emplace_back(kScopesAboveCeiling, "owner");
  EXPECT_THAT(told(refused), ElementsAre("connect:=yes", "grant_scope:admin=no", "grant_scope:read=no"));
  audit::Record unscoped = record_of(call());
  unscoped.reason = "insufficient_scope";
  EXPECT_THAT(told(unscoped), ElementsAre("call:delete_repo=yes")) << "policy allowed the call";
}

TEST(RecordedQuestions, AreNoneWherePolicyWasNotAsked) {
  audit::Record record = record_of(call());
  record.action.clear();
  EXPECT_FALSE(read_recorded_questions(line_of(record)));
  record = record_of(call(), audit::Event::administration);
  EXPECT_FALSE(read_recorded_questions(line_of(record)));
  record = record_of(call());
  record.user.clear();
  EXPECT_FALSE(read_recorded_questions(line_of(record)));
}

TEST(RecordedQuestions, SayWhenTheRecordCutThem) {
  Question question = call();
  question.tool->name = std::string(300, 'x');
  const auto recorded = read_recorded_questions(line_of(record_of(question)));
  ASSERT_TRUE(recorded);
  EXPECT_FALSE(recorded->is_whole);
}

}  // namespace
}  // namespace writ::policy
