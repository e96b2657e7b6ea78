#include "approvals/requests.h"

#include <gtest/gtest.h>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"
#include "approvals/decide.h"

namespace writ::approvals {
namespace {

using policy::ApprovalNeeded;

constexpr std::int64_t kNow = 1'800'000'000;
const ApprovalNeeded kOps{"ops-look", "ops"}, kSecurity{"security-look", "security"};

HeldCall a_call() { return {"usr_alice", "alice", "cursor", "github", "delete_repo", R"({"repo":"a"})", "", "d1"}; }

std::shared_ptr<registry::Objects> people() {
  auto objects = std::make_shared<registry::Objects>();
  const auto add = [&](std::string id, std::vector<std::string> groups) {
    registry::User user;
    user.id = "usr_" + id, user.name = std::move(id), user.groups = std::move(groups);
    objects->users.push_back(std::move(user));
  };
  add("alice", {"ops"}), add("olga", {"ops"}), add("sam", {"security"}), add("eve", {"eng"}), add("both", {"ops", "security"}), add("lead", {"ops-leads"});
  registry::User robot;
  robot.id = "usr_robot", robot.name = "robot", robot.kind = registry::User::Kind::service, robot.owner = "usr_olga", robot.groups = {"ops"};
  objects->users.push_back(robot);
  for (const char* id : {"ops", "security", "eng", "ops-leads"}) {
    registry::Group group;
    group.id = id;
    if (group.id == "ops-leads") group.parents = {"ops"};
    objects->groups.push_back(group);
  }
  return objects;
}

class ApprovalRequests : public testing::Test {
 protected:
  ApprovalRequests() : objects(people()) { open(); }
  void open(Limits limits = {}) {
    auto opened = Requests::open(documents, limits);
    ASSERT_TRUE(opened);
    requests = std::move(*opened);
  }
  std::shared_ptr<const registry::Snapshot> snapshot() const { return std::make_shared<const registry::Snapshot>(*objects, 1); }
  Instant now() const { return from_unix_seconds(seconds); }
  Requests::Holding hold(HeldCall call = a_call(), std::vector<ApprovalNeeded> needed = {kOps}) { return run<Requests::Holding>(requests->hold(std::move(call), std::move(needed), "ops look at this", now())); }
  std::string held_id(HeldCall call = a_call(), std::vector<ApprovalNeeded> needed = {kOps}) {
    const auto held = hold(std::move(call), std::move(needed));
    EXPECT_TRUE(held);
    return held ? held->request.id : "";
  }
  std::string say(const std::string& id, const std::string& user, Requests::Word word = Requests::Word::approve) {
    Decision decision;
    decision.id = id, decision.word = word, decision.user = user;
    return say(std::move(decision));
  }
  std::string say(Decision decision) {
    const auto done = run<Result<Request, std::variant<Refused, Unavailable>>>(decide(*requests, log, snapshot(), std::move(decision), now()));
    if (done) return std::string(to_string(done->state(now())));
    const auto* refused = std::get_if<Refused>(&done.error());
    return refused ? std::string(to_string(*refused)) : "unavailable";
  }
  bool is_valid(const HeldCall& call = a_call(), std::vector<ApprovalNeeded> needed = {kOps}) const { return requests->find_valid(digest_of(call), needed, *snapshot(), now()).has_value(); }
  registry::User& user(const std::string& id) {
    for (std::size_t i = 0; i < objects->users.size(); ++i) {
      if (registry::User& one = objects->users[i]; one.id == id) return one;
    }
    throw std::runtime_error("no such user");
  }
  std::string last_reason() const { return log.records().back().reason + "/" + log.records().back().detail; }

  memory::MemoryDocuments documents;
  memory::MemoryDecisionsLog log;
  std::shared_ptr<registry::Objects> objects;
  std::unique_ptr<Requests> requests;
  std::int64_t seconds = kNow;
};

TEST_F(ApprovalRequests, TheSameCallIsTheSameRequest) {
  const auto first = hold(), again = hold();
  ASSERT_TRUE(first && again);
  EXPECT_TRUE(first->is_new);
  EXPECT_FALSE(again->is_new);
  EXPECT_EQ(first->request.id, again->request.id);
  EXPECT_EQ(requests->list().size(), 1u);
}

struct Change {
  const char* name;
  void (*change)(HeldCall&);
};
class AnotherCall : public ApprovalRequests, public testing::WithParamInterface<Change> {};
TEST_P(AnotherCall, IsNotApprovedByThisOne) {
  EXPECT_EQ(say(held_id(), "usr_olga"), "approved");
  ASSERT_TRUE(is_valid());
  HeldCall other = a_call();
  GetParam().change(other);
  EXPECT_FALSE(is_valid(other));
  const auto held = hold(other);
  ASSERT_TRUE(held);
  EXPECT_TRUE(held->is_new);
}
INSTANTIATE_TEST_SUITE_P(Digest, AnotherCall,
                         testing::Values(Change{"other_user", [](HeldCall& c) { c.user = "usr_eve"; }}, Change{"other_agent", [](HeldCall& c) { c.agent = "desk"; }},
                                         Change{"other_server", [](HeldCall& c) { c.server = "gitlab"; }}, Change{"other_tool", [](HeldCall& c) { c.tool = "delete_org"; }},
                                         Change{"other_arguments", [](HeldCall& c) { c.arguments = R"({"repo":"b"})"; }}, Change{"other_parameters", [](HeldCall& c) { c.more = R"({"task":{}})"; }},
                                         Change{"changed_definition", [](HeldCall& c) { c.definition_digest = "d2"; }},
                                         Change{"parts_that_join_to_the_same_text", [](HeldCall& c) { c.server = "githu", c.tool = "bdelete_repo"; }}),
                         [](const auto& row) { return row.param.name; });

struct Approver {
  const char* name;
  const char* user;
  const char* outcome;
  void (*change)(ApprovalRequests&, registry::Objects&) = nullptr;
};
registry::User& of(registry::Objects& objects, std::string_view id) {
  std::size_t number = 0;
  while (std::as_const(objects).users[number].id != id) ++number;
  return objects.users[number];
}
class WhoMayApprove : public ApprovalRequests, public testing::WithParamInterface<Approver> {};
TEST_P(WhoMayApprove, IsDecided) {
  const std::string id = held_id();
  if (GetParam().change) GetParam().change(*this, *objects);
  const std::string outcome = say(id, GetParam().user);
  EXPECT_EQ(outcome, GetParam().outcome);
  EXPECT_EQ(is_valid(), outcome == "approved");
  // On record either way, with who and for what.
  const auto record = log.records().back();
  EXPECT_EQ(record.event, audit::Event::approval);
  EXPECT_EQ(last_reason(), outcome == "approved" ? "approved/" : std::string("refused/") + GetParam().outcome);
}
INSTANTIATE_TEST_SUITE_P(
    Rules, WhoMayApprove,
    testing::Values(Approver{"a_member", "usr_olga", "approved"}, Approver{"a_member_of_a_group_within", "usr_lead", "approved"}, Approver{"the_requester", "usr_alice", "own_request"},
                    Approver{"no_member", "usr_eve", "not_in_group"}, Approver{"a_member_of_another_group", "usr_sam", "not_in_group"}, Approver{"a_service_account", "usr_robot", "approver_disabled"},
                    Approver{"a_disabled_member", "usr_olga", "approver_disabled", [](ApprovalRequests&, registry::Objects& all) { of(all, "usr_olga").active = false; }},
                    Approver{"for_a_disabled_requester", "usr_olga", "requester_disabled", [](ApprovalRequests&, registry::Objects& all) { of(all, "usr_alice").active = false; }},
                    Approver{"for_a_service_account_of_theirs", "usr_olga", "own_request", [](ApprovalRequests&, registry::Objects& all) { of(all, "usr_alice").owner = "usr_olga"; }}),
    [](const auto& row) { return row.param.name; });

TEST_F(ApprovalRequests, AnApprovalExpires) {
  const std::string id = held_id();
  seconds += 14 * 60;
  EXPECT_EQ(say(id, "usr_olga"), "approved");
  seconds += 15 * 60 - 1;
  EXPECT_TRUE(is_valid());
  seconds += 1;
  EXPECT_FALSE(is_valid());
  EXPECT_NE(held_id(), id);
}

TEST_F(ApprovalRequests, ARequestExpires) {
  const std::string id = held_id();
  seconds += 15 * 60;
  EXPECT_EQ(say(id, "usr_olga"), "expired");
  EXPECT_TRUE(hold()->is_new);
  const auto expired = requests->take_expired(now());
  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(expired[0].id, id);
  EXPECT_TRUE(requests->take_expired(now()).empty());   // told once
}

TEST_F(ApprovalRequests, UsedOnceIsGone) {
  const std::string id = held_id();
  EXPECT_EQ(say(id, "usr_olga"), "approved");
  ASSERT_TRUE((run<Result<void, Unavailable>>(requests->use(id, now()))));
  EXPECT_FALSE(is_valid());
  EXPECT_EQ(say(id, "usr_lead"), "decided");
  EXPECT_TRUE(hold()->is_new);
  open();
  EXPECT_FALSE(is_valid());
}

TEST_F(ApprovalRequests, TwoForbidsNeedBothGroups) {
  const std::string id = held_id(a_call(), {kOps, kSecurity});
  EXPECT_EQ(say(id, "usr_olga"), "pending");
  EXPECT_FALSE(is_valid(a_call(), {kOps, kSecurity}));
  EXPECT_EQ(say(id, "usr_lead"), "decided");      // ops has approved already
  seconds += 60;
  EXPECT_EQ(say(id, "usr_sam"), "approved");
  EXPECT_TRUE(is_valid(a_call(), {kOps, kSecurity}));
  seconds += 15 * 60 - 60;
  EXPECT_FALSE(is_valid(a_call(), {kOps, kSecurity}));   // the older of the two has run out
}

TEST_F(ApprovalRequests, OneMemberOfBothGroupsApprovesForBoth) {
  EXPECT_EQ(say(held_id(a_call(), {kOps, kSecurity}), "usr_both"), "approved");
  EXPECT_TRUE(is_valid(a_call(), {kOps, kSecurity}));
}

// A valid approval lifts exactly that forbid: a policy that is activated afterwards needs its own.
TEST_F(ApprovalRequests, LiftsExactlyTheForbidThatItWasGivenFor) {
  const std::string id = held_id();
  EXPECT_EQ(say(id, "usr_olga"), "approved");
  const ApprovalNeeded other{"another-forbid", "ops"};
  EXPECT_FALSE(is_valid(a_call(), {kOps, other}));
  EXPECT_FALSE(is_valid(a_call(), {other}));
  EXPECT_EQ(held_id(a_call(), {kOps, other}), id);
  EXPECT_FALSE(is_valid(a_call(), {kOps, other}));
  EXPECT_EQ(say(id, "usr_olga"), "approved");
  EXPECT_TRUE(is_valid(a_call(), {kOps, other}));
}

TEST_F(ApprovalRequests, AnApproverWhoLeavesTakesTheApprovalAlong) {
  const std::string id = held_id();
  EXPECT_EQ(say(id, "usr_olga"), "approved");
  user("usr_olga").groups = {};
  EXPECT_FALSE(is_valid());
  user("usr_olga").groups = {"ops"};
  EXPECT_TRUE(is_valid());
  user("usr_olga").active = false;
  EXPECT_FALSE(is_valid());
  EXPECT_EQ(say(id, "usr_lead"), "approved");   // another one can stand in
  EXPECT_TRUE(is_valid());
}

TEST_F(ApprovalRequests, ANoStaysUntilItExpires) {
  const std::string id = held_id();
  EXPECT_EQ(say(id, "usr_olga", Requests::Word::reject), "rejected");
  EXPECT_FALSE(is_valid());
  EXPECT_EQ(say(id, "usr_lead"), "decided");
  const auto again = hold();
  EXPECT_FALSE(again->is_new);
  EXPECT_EQ(again->request.state(now()), State::rejected);
  seconds += 15 * 60;
  EXPECT_TRUE(hold()->is_new);
}

TEST_F(ApprovalRequests, WhatWasApprovedAndNotUsedCanStillBeStopped) {
  const std::string id = held_id();
  EXPECT_EQ(say(id, "usr_olga"), "approved");
  EXPECT_EQ(say(id, "usr_lead", Requests::Word::reject), "rejected");
  EXPECT_FALSE(is_valid());
}

TEST_F(ApprovalRequests, OnlyTheLocalSocketApprovesWithoutAPerson) {
  const std::string id = held_id(a_call(), {kOps, kSecurity});
  Decision token;
  token.id = id, token.word = Requests::Word::approve, token.actor = "token:ci";
  EXPECT_EQ(say(token), "not_in_group");
  Decision local = token;
  local.actor = "local", local.break_glass = true;
  EXPECT_EQ(say(local), "approved");
  EXPECT_TRUE(is_valid(a_call(), {kOps, kSecurity}));
  const auto record = log.records().back();
  EXPECT_NE(std::find(record.more.begin(), record.more.end(), std::pair<std::string, std::string>("break_glass", "true")), record.more.end());
  Decision rejection = token;
  rejection.id = held_id({"usr_eve", "eve", "cursor", "github", "x", "{}", "", ""}), rejection.word = Requests::Word::reject;
  EXPECT_EQ(say(rejection), "rejected");
}

TEST_F(ApprovalRequests, ARestartKeepsThem) {
  const std::string id = held_id(a_call(), {kOps, kSecurity});
  EXPECT_EQ(say(id, "usr_olga"), "pending");
  open();
  EXPECT_EQ(held_id(a_call(), {kOps, kSecurity}), id);
  EXPECT_EQ(say(id, "usr_sam"), "approved");
  open();
  EXPECT_TRUE(is_valid(a_call(), {kOps, kSecurity}));
  const auto request = requests->find(id);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->call.arguments, a_call().arguments);
  EXPECT_EQ(request->needs[0].approval->user_name, "olga");
}

TEST_F(ApprovalRequests, WhatTheStoreDidNotTakeNeverWas) {
  const std::string id = held_id();
  documents.fail_from_now_on(true);
  EXPECT_EQ(say(id, "usr_olga"), "unavailable");
  EXPECT_FALSE(is_valid());
  EXPECT_EQ(log.records().back().event, audit::Event::aborted);
  EXPECT_FALSE(hold({"usr_eve", "eve", "cursor", "github", "x", "{}", "", ""}));
  EXPECT_EQ(requests->list().size(), 1u);
  documents.fail_from_now_on(false);
  EXPECT_EQ(say(id, "usr_olga"), "approved");
}

TEST_F(ApprovalRequests, WithoutItsRecordAnApprovalDoesNotCount) {
  const std::string id = held_id();
  log.fail_from_now_on(true);
  EXPECT_EQ(say(id, "usr_olga"), "unavailable");
  EXPECT_FALSE(is_valid());
}

TEST_F(ApprovalRequests, AreBounded) {
  Limits limits;
  limits.pending_per_user_max = 2, limits.pending_max = 3, limits.arguments_bytes_max = 20;
  open(limits);
  const auto of_user = [&](const char* name, const char* arguments) {
    const auto held = hold({name, name, "cursor", "github", "x", arguments, "", ""});
    return held ? std::string("held") : std::string(to_string(std::get<NotHeld>(held.error())));
  };
  EXPECT_EQ(of_user("a", "{\"n\":1}"), "held");
  EXPECT_EQ(of_user("a", "{\"n\":2}"), "held");
  EXPECT_EQ(of_user("a", "{\"n\":3}"), "too_many_calls_pending");
  EXPECT_EQ(of_user("a", "{\"n\":1}"), "held");   // the same call again is no further one
  EXPECT_EQ(of_user("b", "{\"n\":\"aaaaaaaaaaaaaaaaaaaaa\"}"), "arguments_too_large_for_approval");
  EXPECT_EQ(of_user("b", "{}"), "held");
  EXPECT_EQ(of_user("c", "{}"), "too_many_calls_pending_in_all");
  seconds += 15 * 60;
  EXPECT_EQ(of_user("c", "{}"), "held");
}

// What an approver sees is what will be sent; what the log keeps is the digest.
TEST_F(ApprovalRequests, ShowEverythingAndRecordNoArgument) {
  HeldCall call = a_call();
  call.arguments = json::write_canonical(json::Value{{"repo", "prod\xE2\x80\xAE" "gpj.exe"}});
  const std::string id = held_id(call);
  const json::Value shown = to_json(*requests->find(id), now());
  EXPECT_EQ(*shown.find_string("arguments_text"), "{\"repo\":\"prod\\u202egpj.exe\"}");
  EXPECT_EQ(*shown.find_string("state"), "pending");
  const std::string line = audit::to_json_line(record_of(*requests->find(id), "requested", now()), 1, "n");
  EXPECT_EQ(line.find("prod"), std::string::npos);
  EXPECT_NE(line.find(digest_of(call)), std::string::npos);
  EXPECT_NE(line.find(R"("event":"approval","reason":"requested")"), std::string::npos) << line;
}

TEST(ApprovalClaims, TwoRequestsOfOneCallHaveTwo) {
  Request a, b;
  a.id = "apr_1", b.id = "apr_2";
  EXPECT_NE(claim_of(a).key, claim_of(b).key);
  EXPECT_NE(claim_of(a).key, audit::make_claim(audit::Claim::Use::id_jag, "approvals", "apr_1", {}).key);
}

}  // namespace
}  // namespace writ::approvals
