#include "telemetry/observed_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "adapters/memory/decisions_log.h"
#include "telemetry/trail.h"

namespace writ::telemetry {
namespace {

using testing::HasSubstr;
using testing::Not;

struct World {
  World() { trail->request_id = "r1"; }
  audit::Commit call(audit::Effect effect, std::string reason) const {
    audit::Commit commit;
    commit.record.event = audit::Event::call;
    commit.record.effect = effect;
    commit.record.reason = std::move(reason);
    commit.record.server = "notes", commit.record.method = "tools/call", commit.record.tool = "search", commit.record.user = "usr_1", commit.record.agent = "cursor";
    commit.record.trail = trail;
    return commit;
  }
  std::optional<audit::Committed> commit(audit::Commit commit) {
    const auto committed = run(log.commit(std::move(commit)));
    return committed ? std::optional(*committed) : std::nullopt;
  }
  std::string text() const { return registry.text(); }

  Registry registry;
  Instruments instruments{registry};
  memory::MemoryDecisionsLog inner;
  ObservedLog log{inner, instruments, [](std::string_view name) { return name == "tools/call" || name == "tools/list"; }};
  std::shared_ptr<Trail> trail = std::make_shared<Trail>();
};

TEST(ObservedDecisions, AreCountedByServerOutcomeAndReason) {
  World world;
  world.commit(world.call(audit::Effect::allow, "permitted"));
  world.commit(world.call(audit::Effect::deny, "no_permit"));
  world.commit(world.call(audit::Effect::deny, "no_permit"));
  EXPECT_THAT(world.text(), HasSubstr("writ_gateway_decisions_total{server=\"notes\",outcome=\"deny\",reason=\"no_permit\"} 2\n"));
  EXPECT_THAT(world.text(), HasSubstr("writ_gateway_decisions_total{server=\"notes\",outcome=\"allow\",reason=\"permitted\"} 1\n"));
  EXPECT_THAT(world.text(), HasSubstr("writ_gateway_messages_total{method=\"tools/call\",outcome=\"deny\"} 2\n"));
  EXPECT_THAT(world.text(), HasSubstr("writ_audit_commit_duration_seconds_count{durability=\"power\"} 3\n"));
}

TEST(ObservedDecisions, MakeNoLabelOfWhatAClientChose) {
  World world;
  for (int i = 0; i < 5'000; ++i) {
    auto commit = world.call(audit::Effect::deny, "unknown method " + std::to_string(i));
    commit.record.method = "evil" + std::to_string(i), commit.record.server = "S" + std::to_string(i), commit.record.tool = "t" + std::to_string(i);
    world.commit(std::move(commit));
  }
  EXPECT_THAT(world.text(), HasSubstr("writ_gateway_decisions_total{server=\"other\",outcome=\"deny\",reason=\"other\"} 5000\n"));
  EXPECT_THAT(world.text(), HasSubstr("writ_gateway_messages_total{method=\"other\",outcome=\"deny\"} 5000\n"));
  EXPECT_THAT(world.text(), Not(HasSubstr("evil")));
}

TEST(ObservedDecisions, LeaveOnTheTrailWhoItWasAndTheCodeOfADenial) {
  World world;
  const auto committed = world.commit(world.call(audit::Effect::deny, "no_permit"));
  ASSERT_TRUE(committed);
  EXPECT_EQ(world.trail->user, "usr_1");
  EXPECT_EQ(world.trail->agent, "cursor");
  EXPECT_EQ(world.trail->server, "notes");
  EXPECT_EQ(world.trail->reason, "no_permit");
  EXPECT_EQ(world.trail->effect, "deny");
  EXPECT_EQ(world.trail->code, audit::denial_code(committed->position));
  EXPECT_EQ(world.trail->tool, "") << "of what was denied the name is whatever the client wrote";
  world.commit(world.call(audit::Effect::allow, "permitted"));
  EXPECT_EQ(world.trail->tool, "search");
}

TEST(ObservedDecisions, SayInTheRecordWhichRequestItWas) {
  World world;
  world.commit(world.call(audit::Effect::deny, "no_permit"));
  auto outcome = world.call(audit::Effect::none, "completed");
  outcome.record.event = audit::Event::outcome;
  outcome.record.duration_us = 1'500, outcome.record.status = 200;
  world.commit(std::move(outcome));
  auto other = world.call(audit::Effect::deny, "no_permit");
  other.record.trail = nullptr;
  world.commit(std::move(other));
  const auto records = world.inner.records();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_THAT(audit::to_json_line(records[0], 1, "n"), HasSubstr("\"request_id\":\"r1\""));
  EXPECT_THAT(audit::to_json_line(records[1], 2, "n"), Not(HasSubstr("request_id"))) << "the decision's record has it";
  EXPECT_THAT(audit::to_json_line(records[2], 3, "n"), Not(HasSubstr("request_id")));
  EXPECT_THAT(world.text(), HasSubstr("writ_gateway_outcomes_total{server=\"notes\",reason=\"completed\",status_class=\"2xx\"} 1\n"));
  EXPECT_THAT(world.text(), HasSubstr("writ_gateway_exchange_duration_seconds_count{server=\"notes\"} 1\n"));
}

TEST(ObservedTokens, AreCountedAsIssuedOrRefused) {
  World world;
  for (const auto event : {audit::Event::id_jag, audit::Event::access_token}) {
    for (const auto effect : {audit::Effect::allow, audit::Effect::deny}) {
      auto commit = world.call(effect, effect == audit::Effect::allow ? "" : "bad_signature");
      commit.record.event = event;
      world.commit(std::move(commit));
    }
  }
  EXPECT_THAT(world.text(), HasSubstr("writ_id_jags_total{outcome=\"issued\",reason=\"none\"} 1\n"));
  EXPECT_THAT(world.text(), HasSubstr("writ_id_jags_total{outcome=\"refused\",reason=\"bad_signature\"} 1\n"));
  EXPECT_THAT(world.text(), HasSubstr("writ_access_tokens_total{outcome=\"issued\",reason=\"none\"} 1\n"));
  EXPECT_THAT(world.text(), HasSubstr("writ_access_tokens_total{outcome=\"refused\",reason=\"bad_signature\"} 1\n"));
}

TEST(ObservedTokens, ThatWereUsedBeforeCountAsWhatIsRecordedInstead) {
  World world;
  const auto redeem = [&] {
    auto commit = world.call(audit::Effect::allow, "");
    commit.record.event = audit::Event::access_token;
    commit.if_replayed = commit.record;
    commit.if_replayed->effect = audit::Effect::deny, commit.if_replayed->reason = "replayed";
    commit.claim = audit::make_claim(audit::Claim::Use::id_jag, "https://idp.example", "j1", from_unix_seconds(4'000'000'000));
    return world.commit(std::move(commit));
  };
  ASSERT_FALSE(redeem()->replayed);
  EXPECT_EQ(world.trail->code, "");
  const auto again = redeem();
  ASSERT_TRUE(again->replayed);
  EXPECT_EQ(world.trail->effect, "deny");
  EXPECT_EQ(world.trail->reason, "replayed");
  EXPECT_EQ(world.trail->code, audit::denial_code(again->position));
  EXPECT_THAT(world.text(), HasSubstr("writ_access_tokens_total{outcome=\"issued\",reason=\"none\"} 1\n"));
  EXPECT_THAT(world.text(), HasSubstr("writ_access_tokens_total{outcome=\"refused\",reason=\"replayed\"} 1\n"));
}

TEST(ObservedLimits, AreCountedByTheirId) {
  World world;
  auto commit = world.call(audit::Effect::deny, "rate_limited");
  commit.record.policy = "limit:per-user";
  world.commit(std::move(commit));
  EXPECT_THAT(world.text(), HasSubstr("writ_gateway_limits_hit_total{limit=\"per-user\"} 1\n"));
}

TEST(ObservedLog, CountsWhatCannotBeRecordedAndNoDecision) {
  World world;
  world.inner.fail_from_now_on(true);
  EXPECT_FALSE(world.commit(world.call(audit::Effect::allow, "permitted")));
  EXPECT_THAT(world.text(), HasSubstr("writ_audit_commit_refusals_total 1\n"));
  EXPECT_THAT(world.text(), HasSubstr("writ_gateway_decisions_total{server=\"notes\",outcome=\"allow\",reason=\"permitted\"} 0\n")) << "what is not recorded was not allowed";
  EXPECT_EQ(world.trail->reason, "cannot_be_recorded");
}

}  // namespace
}  // namespace writ::telemetry
