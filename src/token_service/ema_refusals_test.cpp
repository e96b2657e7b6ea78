#include "token_service/ema_refusals.h"

#include <gtest/gtest.h>

#include "adapters/memory/decisions_log.h"
#include "adapters/memory/documents.h"

namespace writ::token_service {
namespace {

constexpr std::int64_t kNow = 1'795'000'000;
const Instant now = from_unix_seconds(kNow);
const EmaRefusals::About about{"usr_alice", "cursor", "notes"};

struct Deployment {
  memory::MemoryDocuments documents;
  memory::MemoryDecisionsLog log;
  std::unique_ptr<EmaRefusals> refusals = std::move(*EmaRefusals::open(documents));
  EmaRefusalsLog noting{log, *refusals};

  static audit::Record refusal() {
    audit::Record record;
    record.event = audit::Event::id_jag, record.effect = audit::Effect::deny, record.reason = "no_permit", record.time = now;
    record.user = about.user, record.agent = about.agent, record.server = about.server, record.policy_version = "v1";
    return record;
  }
  void commit(audit::Record record) { ASSERT_TRUE(run(noting.commit({std::move(record), std::nullopt, std::nullopt, audit::Durability::power}))); }
  bool counts(std::string_view version = "v1", Instant at = now) const { return refusals->counts(about, version, at); }
};

TEST(EmaRefusals, CountUntilTheirDayIsOverOrThePolicyIsAnother) {
  Deployment deployment;
  EXPECT_FALSE(deployment.counts());
  deployment.commit(Deployment::refusal());
  EXPECT_TRUE(deployment.counts());
  EXPECT_TRUE(deployment.counts("v1", now + EmaRefusals::kCounts - Seconds{1}));
  EXPECT_FALSE(deployment.counts("v1", now + EmaRefusals::kCounts));
  EXPECT_FALSE(deployment.counts("v2"));
  EXPECT_FALSE(deployment.refusals->counts({"usr_alice", "cursor", "tickets"}, "v1", now));
  EXPECT_FALSE(deployment.refusals->counts({"usr_bob", "cursor", "notes"}, "v1", now));
}

TEST(EmaRefusals, SurviveARestartAndEndWithAYes) {
  Deployment deployment;
  deployment.commit(Deployment::refusal());
  auto reopened = std::move(*EmaRefusals::open(deployment.documents));
  EXPECT_TRUE(reopened->counts(about, "v1", now));
  auto yes = Deployment::refusal();
  yes.event = audit::Event::access_token, yes.effect = audit::Effect::allow, yes.reason = "issued";
  deployment.commit(yes);
  EXPECT_FALSE(deployment.counts());
  reopened = std::move(*EmaRefusals::open(deployment.documents));
  EXPECT_FALSE(reopened->counts(about, "v1", now));
  deployment.commit(Deployment::refusal());   // and can come again
  EXPECT_TRUE(deployment.counts());
}

struct Row {
  const char* name;
  std::function<void(audit::Record&)> change;
};
class OtherRecords : public testing::TestWithParam<Row> {};
TEST_P(OtherRecords, AreNoRefusals) {
  Deployment deployment;
  auto record = Deployment::refusal();
  GetParam().change(record);
  deployment.commit(record);
  EXPECT_FALSE(deployment.counts());
}
INSTANTIATE_TEST_SUITE_P(
    All, OtherRecords,
    testing::Values(Row{"a_step_up", [](auto& r) { r.reason = "insufficient_user_authentication"; }}, Row{"a_replay", [](auto& r) { r.reason = "replayed"; }},
                    Row{"an_outage", [](auto& r) { r.reason = "unavailable"; }}, Row{"an_outage_elsewhere", [](auto& r) { r.reason = "external_unavailable"; }}, Row{"a_call", [](auto& r) { r.event = audit::Event::call; }},
                    Row{"before_policy_was_asked", [](auto& r) { r.policy_version.clear(); }}, Row{"of_nobody", [](auto& r) { r.user.clear(); }},
                    Row{"of_the_interactive_grant", [](auto& r) { r.more.emplace_back(kInteractiveGrant, "redeem"); }}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace writ::token_service
