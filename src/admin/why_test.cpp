// `can` and `why` over the admin API: today's policy for a question, and the policy and objects of then for a record.

#include <gmock/gmock.h>

#include "admin/admin_fixture.h"
#include "policy/recorded_questions.h"

namespace writ::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string text(const json::Value& object, std::string_view member) {
  const std::string* found = object.find_string(member);
  return found ? *found : "";
}

class Explanations : public AdminWorld {
 protected:
  Explanations() {
    fill();
    use_policy("grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: [read], tools: [get_*]}\n", R"(@id("no-prod") @message("ask ops") forbid(principal, action in Writ::Action::"call", resource)
when { context.args has repo && context.args.repo == "prod" };)");
  }
  void use_policy(const std::string& grants, const std::string& cedar = "") {
    Change change;
    change.policy = policy::BundleFiles{{"grants.yaml", grants}};
    if (!cedar.empty()) change.policy->emplace("policies/test.cedar", cedar);
    const auto done = apply(std::move(change));
    ASSERT_TRUE(done) << describe(done.error());
  }
  json::Value can(const std::string& body, int status = 200) {
    const auto answered = call("POST", "/admin/v1/can", kAuditorToken, body);
    EXPECT_EQ(answered.status, status) << answered.body;
    return body_of(answered);
  }
  // As the roles record it: what policy says to the question, with what asking again needs.
  std::string record(const policy::Inquiry& inquiry, audit::Event event, const std::function<void(audit::Record&)>& change = [](audit::Record&) {}) {
    const auto snapshot = administration->snapshot();
    const auto tools = administration->tools_of(*snapshot);
    const policy::World world{*snapshot, *tools, administration->issuer()};
    const auto question = policy::question_of(inquiry, world);
    EXPECT_TRUE(question);
    const auto active = administration->policy();
    const policy::Decision decision = active->decide(*question);
    audit::Commit commit;
    audit::Record& made = commit.record;
    made.event = event;
    made.effect = decision.allowed ? audit::Effect::allow : audit::Effect::deny;
    made.reason = std::string(policy::to_string(decision.kind));
    made.time = question->now;
    made.user = question->principal.id, made.user_name = "alice", made.agent = question->agent.id, made.server = question->server.id;
    made.tool = question->tool ? question->tool->name : "";
    made.scope = question->scope ? question->scope->name : "";
    for (const std::string& id : decision.policies) made.policy += id;
    made.policy_version = decision.version;
    made.object_sequence = snapshot->sequence();
    policy::record_question(*question, made);
    policy::record_arguments_of(*question, *active, made);
    change(made);
    const auto committed = run<Result<audit::Committed, Unavailable>>(log.commit(std::move(commit)));
    return audit::denial_code(committed->position);
  }
  json::Value why(const std::string& code) {
    const auto answered = call("GET", "/admin/v1/why/" + code, kAuditorToken);
    EXPECT_EQ(answered.status, 200) << answered.body;
    const json::Value body = body_of(answered);
    const json::Value* explanation = body.find("explanation");
    EXPECT_TRUE(explanation);
    return explanation ? *explanation : json::Value();
  }
  policy::Inquiry asked(policy::Action action, const std::string& what = "") {
    policy::Inquiry inquiry;
    inquiry.action = action;
    inquiry.user = "alice", inquiry.agent = "cursor", inquiry.server = "files";
    (action == policy::Action::call ? inquiry.tool : inquiry.scope) = what;
    if (action == policy::Action::call) inquiry.arguments = json::Value(json::Object{});   // as the gateway asks when a call has none
    inquiry.now = clock.now();
    return inquiry;
  }
};

TEST_F(Explanations, CanAnswersForTheWholeWay) {
  const json::Value denied = can(R"({"user":"alice","agent":"cursor","server":"files","tool":"delete_all"})");
  EXPECT_FALSE(*denied.find_bool("allowed"));
  ASSERT_EQ(denied.find_array("legs")->size(), 2u) << "no scope names the tool";
  EXPECT_TRUE(*(*denied.find_array("legs"))[0].find_bool("allowed"));
  EXPECT_THAT(text((*denied.find_array("legs"))[1], "sentence"), HasSubstr("alice may not call `delete_all`"));
  EXPECT_EQ(text(*denied.find("change"), "member"), "tools");
  EXPECT_EQ(text(*denied.find("change"), "value"), "delete_all");
  EXPECT_EQ(text(denied, "policy_version"), administration->catalogue()->policy->hash);
  const json::Value allowed = can(R"({"user":"alice","agent":"cursor","server":"files","tool":"get_x","arguments":{}})");
  EXPECT_TRUE(*allowed.find_bool("allowed"));
  EXPECT_FALSE(allowed.find("change"));
  const json::Value forbidden = can(R"({"user":"alice","agent":"cursor","server":"files","scope":"read"})");
  EXPECT_TRUE(*forbidden.find_bool("allowed"));
}

TEST_F(Explanations, CanRefusesQuestionsThatAreNone) {
  for (const char* body : {R"({})", R"({"user":"alice","agent":"cursor"})", R"({"user":"alice","agent":"cursor","server":"files","tool":"a","prompt":"b"})",
                           R"({"user":"alice","agent":"cursor","server":"files","tool":"a","arguments":[]})", R"({"user":"alice","agent":"cursor","server":"files","arguments":{}})",
                           R"({"user":"alice","agent":"cursor","server":"files","age":-1})", R"({"user":"alice","agent":"cursor","server":"files","age":"1h"})",
                           R"({"user":"alice","agent":"cursor","server":"files","at":"noon"})", R"({"user":"alice","agent":"cursor","server":"files","whatever":1})"}) {
    can(body, 422);
  }
  const json::Value unknown = can(R"({"user":"alise","agent":"cursor","server":"files"})");
  EXPECT_FALSE(*unknown.find_bool("allowed"));
  EXPECT_THAT(text(unknown.find_array("legs")->front(), "sentence"), HasSubstr("did you mean `alice`?"));
}

TEST_F(Explanations, WhyLooksAtObjectsAndPolicyOfThen) {
  const std::string code = record(asked(policy::Action::call, "delete_all"), audit::Event::call);
  // Since then everything changed: alice left the group, and the policy allows everybody everything.
  ASSERT_TRUE(apply(documents("users: [{id: usr_alice, name: alice, groups: [sales]}]")));
  use_policy("grants:\n  - {group: sales, agents: all, servers: [files], scopes: all, tools: all}\n");
  const json::Value told = why(code);
  EXPECT_TRUE(*told.find_bool("explained"));
  ASSERT_EQ(told.find_array("legs")->size(), 1u);
  const json::Value& leg = told.find_array("legs")->front();
  EXPECT_FALSE(*leg.find_bool("allowed"));
  EXPECT_EQ(text(leg, "asked_again"), "same");
  EXPECT_EQ(text(leg.find_array("near")->front(), "sentence"), "grants.yaml:2 is for group `eng`; it gives the tools `get_*`, not `delete_all`");
  ASSERT_TRUE(told.find("change")) << json::write(told);
  EXPECT_EQ(text(*told.find("change"), "value"), "delete_all");
  EXPECT_TRUE(*told.find("today")->find_bool("allowed"));
  EXPECT_FALSE(told.find("not_recorded"));
}

TEST_F(Explanations, WhyWorksForEachLeg) {
  using audit::Event;
  use_policy("grants:\n  - {group: sales, agents: [cursor], servers: [files], scopes: [], tools: []}\n");
  const json::Value connect = why(record(asked(policy::Action::connect), Event::id_jag));
  EXPECT_THAT(text(connect, "sentence"), HasSubstr("may not connect to `files`"));
  EXPECT_EQ(text(*connect.find("change"), "group"), "sales");
  use_policy("grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: [], tools: []}\n");
  for (const Event event : {Event::id_jag, Event::access_token}) {
    const json::Value scope = why(record(asked(policy::Action::grant_scope, "read"), event, [](audit::Record& made) {
      made.reason = "no_scope_granted";
      made.more.emplace_back(policy::kDroppedScopes, "read");
    }));
    ASSERT_EQ(scope.find_array("legs")->size(), 2u);
    EXPECT_TRUE(*(*scope.find_array("legs"))[0].find_bool("allowed")) << "the connection was";
    EXPECT_THAT(text(scope, "sentence"), HasSubstr("may not get scope `read`"));
    EXPECT_EQ(text(*scope.find("change"), "member"), "scopes");
  }
  policy::Inquiry call = asked(policy::Action::call, "get_x");
  const json::Value denied = why(record(call, Event::call));
  EXPECT_THAT(text(denied, "sentence"), HasSubstr("may not call `get_x`"));
  EXPECT_EQ(text(*denied.find("change"), "member"), "tools");
}

TEST_F(Explanations, WhyShowsTheValuesThatWereRecorded) {
  use_policy("grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: all, tools: all}\n", R"(@id("no-prod") forbid(principal, action in Writ::Action::"call", resource) when { context.auth.acr == "urn:weak" };)");
  policy::Inquiry inquiry = asked(policy::Action::call, "get_x");
  inquiry.authentication.acr = "urn:weak";
  const json::Value told = why(record(inquiry, audit::Event::call));
  EXPECT_THAT(text(told, "sentence"), HasSubstr("forbidden by policies/test.cedar:1:1 `no-prod`"));
  const json::Value& deciding = told.find_array("legs")->front().find_array("deciding")->front();
  EXPECT_EQ(json::write(*(*deciding.find_array("parts"))[1].find("looked_at")), R"([{"what":"context.auth.acr","value":"\"urn:weak\""}])");
  EXPECT_FALSE(told.find("change")) << "what a forbid protects is not opened";
  EXPECT_THAT(text(told, "no_change"), HasSubstr("`no-prod` forbids"));
}

TEST_F(Explanations, WhySaysWhatWasNotRecorded) {
  use_policy("grants:\n  - {group: eng, agents: [cursor], servers: [files], scopes: all, tools: []}\n", R"(@id("small") @record("body=digest, token=never") permit(principal, action in Writ::Action::"call", resource)
when { context.args has size && context.args has body && context.args has token };)");
  policy::Inquiry inquiry = asked(policy::Action::call, "get_x");
  inquiry.arguments = json::Value{{"body", "secret text"}};
  const std::string code = record(inquiry, audit::Event::call);
  const json::Value told = why(code);
  EXPECT_THAT(json::write(*told.find("not_recorded")), HasSubstr("the argument `body`: its digest only"));
  EXPECT_THAT(json::write(*told.find("not_recorded")), HasSubstr("the argument `token`\""));
  EXPECT_EQ(json::write(told).find("secret text"), std::string::npos);
  EXPECT_EQ(text(told, "no_change"), "no change is suggested, because what was recorded is not enough to verify one");
}

TEST_F(Explanations, WhySaysThatAScopeWasMissing) {
  const json::Value told = why(record(asked(policy::Action::call, "get_x"), audit::Event::call, [](audit::Record& made) {
    made.effect = audit::Effect::deny, made.reason = "insufficient_scope", made.scope = "read";
  }));
  EXPECT_THAT(text(told, "sentence"), HasSubstr("the agent's token has none of the scopes that `get_x` needs"));
  EXPECT_EQ(text(*told.find("change"), "kind"), "acquire_scope");
  EXPECT_EQ(text(*told.find("change"), "value"), "read");
}

TEST_F(Explanations, WhySaysWhenItCannotTell) {
  struct Row {
    const char* name;
    std::function<void(audit::Record&)> change;
    const char* sentence;
  };
  const Row rows[] = {
      {"before any policy", [](audit::Record& made) { made.action.clear(), made.reason = "bad_signature"; }, "no policy was asked: this was refused before, for the reason `bad_signature`"},
      {"objects of no time", [](audit::Record& made) { made.object_sequence = 999; }, "(change 999) cannot be read any more"},
      {"another policy", [](audit::Record& made) { made.policy_version = "0123456789abcdef"; }, "the policy of then (version 0123456789ab) is not in the history"},
  };
  for (const Row& row : rows) {
    const json::Value told = why(record(asked(policy::Action::call, "delete_all"), audit::Event::call, row.change));
    EXPECT_FALSE(*told.find_bool("explained")) << row.name;
    EXPECT_THAT(text(told, "sentence"), HasSubstr(row.sentence)) << row.name;
  }
  const json::Value replayed = why(record(asked(policy::Action::grant_scope, "read"), audit::Event::access_token, [](audit::Record& made) { made.effect = audit::Effect::deny, made.reason = "replayed"; }));
  EXPECT_EQ(text(replayed, "sentence"), "policy allowed what it was asked; the refusal has a reason of its own: `replayed`");
}

TEST_F(Explanations, AreUnavailableWithoutTheStore) {
  const std::string code = record(asked(policy::Action::call, "delete_all"), audit::Event::call);
  store.fail_from_now_on(true);
  EXPECT_EQ(call("GET", "/admin/v1/why/" + code).status, 503);
}

}  // namespace
}  // namespace writ::admin
