#include "policy/shadow_counts.h"

#include <gtest/gtest.h>

#include "policy/promote.h"

namespace writ::policy {
namespace {

audit::Record a_record(std::int64_t seconds = 1'800'000'000) {
  audit::Record record;
  record.event = audit::Event::call;
  record.effect = audit::Effect::allow;
  record.reason = "allowed";
  record.user = "usr_alice", record.user_name = "alice", record.agent = "cursor", record.server = "github", record.tool = "delete_repo";
  record.time = from_unix_seconds(seconds);
  record.more = {{"shadow_effect", "deny"}, {"shadow_policy", "no-deletes"}};
  return record;
}

struct Row {
  const char* name;
  void (*change)(audit::Record&);
  std::string seen;   // decided→would, or nothing
};
class ShadowsInRecords : public testing::TestWithParam<Row> {};
TEST_P(ShadowsInRecords, AreReadAlikeFromRecordAndLine) {
  audit::Record record = a_record();
  GetParam().change(record);
  const auto line = json::parse(audit::to_json_line(record, 7, "n"));
  ASSERT_TRUE(line);
  for (const auto& all : {shadows_in(record, 7), shadows_in(*line)}) {
    std::string text;
    for (const auto& seen : all) {
      text += (text.empty() ? "" : " ") + seen.decided + ">" + seen.would;
      EXPECT_EQ(seen.position, 7u);
      EXPECT_EQ(seen.user_name, "alice");
      EXPECT_EQ(seen.time, record.time);
    }
    EXPECT_EQ(text, GetParam().seen);
  }
}
INSTANTIATE_TEST_SUITE_P(
    Rules, ShadowsInRecords,
    testing::Values(Row{"would_block", [](audit::Record&) {}, "allow>deny"}, Row{"no_shadow", [](audit::Record& r) { r.more.clear(); }, ""},
                    Row{"would_allow", [](audit::Record& r) { r.effect = audit::Effect::deny, r.more[0].second = "allow"; }, "deny>allow"},
                    Row{"would_hold", [](audit::Record& r) { r.more[0].second = "hold"; }, "allow>hold"},
                    Row{"lacking_its_scope_it_was_allowed_by_policy", [](audit::Record& r) { r.effect = audit::Effect::deny, r.reason = "insufficient_scope"; }, "allow>deny"},
                    Row{"approved_it_was_held", [](audit::Record& r) { r.reason = "approved", r.more[0].second = "allow"; }, "hold>allow"},
                    Row{"an_outcome_is_no_decision", [](audit::Record& r) { r.effect = audit::Effect::none; }, ""},
                    Row{"about_a_scope", [](audit::Record& r) { r.more.emplace_back("shadow_scope", "write"), r.more[0].second = "allow"; }, "deny>allow"},
                    Row{"both_kinds", [](audit::Record& r) { r.more.emplace_back("candidate_effect", "deny"); }, "allow>deny allow>deny"}),
    [](const auto& row) { return row.param.name; });

TEST(ShadowCount, SaysHowManyCallsByHowManyPeople) {
  ShadowCounts counts;
  std::uint64_t position = 0;
  for (const char* user : {"usr_alice", "usr_bob", "usr_carol"}) {
    for (int i = 0; i < 5; ++i) {
      audit::Record record = a_record();
      record.user = user;
      for (const auto& seen : shadows_in(record, ++position)) counts.add(seen);
    }
  }
  const auto summary = counts.summary(from_unix_seconds(1'800'000'100), {"no-deletes"}, "");
  EXPECT_EQ(summary.would_block.calls, 15u);
  EXPECT_EQ(summary.would_block.people, 3u);
  EXPECT_EQ(summary.would_allow.calls, 0u);
  ASSERT_EQ(summary.rows.size(), 3u);
  EXPECT_EQ(summary.rows[0].example.position, 5u);
  EXPECT_TRUE(counts.summary(from_unix_seconds(1'800'000'100), {"another"}, "").rows.empty());
}

TEST(ShadowCount, ForgetsAfterADay) {
  ShadowCounts counts;
  for (const auto& seen : shadows_in(a_record(), 1)) counts.add(seen);
  EXPECT_EQ(counts.summary(from_unix_seconds(1'800'000'000 + 23 * 3600), {"no-deletes"}, "").would_block.calls, 1u);
  EXPECT_EQ(counts.summary(from_unix_seconds(1'800'000'000 + 24 * 3600), {"no-deletes"}, "").would_block.calls, 0u);
  for (const auto& seen : shadows_in(a_record(1'800'000'000 + 25 * 3600), 2)) counts.add(seen);
  EXPECT_EQ(counts.summary(from_unix_seconds(1'800'000'000 + 25 * 3600), {"no-deletes"}, "").would_block.calls, 1u);
}

TEST(ShadowCount, ACandidateIsKnownByItsVersion) {
  ShadowCounts counts;
  audit::Record record = a_record();
  record.more = {{"candidate_effect", "deny"}, {"candidate_policy", "x"}, {"candidate_version", "v2"}};
  for (const auto& seen : shadows_in(record, 1)) counts.add(seen);
  EXPECT_EQ(counts.summary(record.time, {}, "v2").would_block.calls, 1u);
  EXPECT_EQ(counts.summary(record.time, {}, "v3").would_block.calls, 0u);
  EXPECT_EQ(counts.summary(record.time, {}, "").would_block.calls, 0u);
}

struct Promoted {
  const char* name;
  const char* before;
  const char* id;
  const char* after;
};
class Promoting : public testing::TestWithParam<Promoted> {};
TEST_P(Promoting, TakesExactlyTheAnnotationAway) {
  const BundleFiles files{{"grants.yaml", "grants: []\n"}, {"policies/a.cedar", GetParam().before}, {"policies/b.cedar", "// untouched\n"}};
  const auto changed = without_shadow(files, GetParam().id);
  ASSERT_TRUE(changed) << changed.error();
  EXPECT_EQ(changed->at("policies/a.cedar"), GetParam().after);
  EXPECT_EQ(changed->at("policies/b.cedar"), "// untouched\n");
  EXPECT_EQ(changed->size(), files.size());
}
INSTANTIATE_TEST_SUITE_P(
    Text, Promoting,
    testing::Values(Promoted{"on_a_line_of_its_own", "// why\n@id(\"a\")\n  @shadow\nforbid(principal, action, resource);\n", "a", "// why\n@id(\"a\")\nforbid(principal, action, resource);\n"},
                    Promoted{"in_a_line", "@id(\"a\") @shadow forbid(principal, action, resource);", "a", "@id(\"a\") forbid(principal, action, resource);"},
                    Promoted{"with_a_value", "@shadow( \"since \\\"May\\\" (5)\" )\n@id(\"a\") forbid(principal, action, resource);", "a", "@id(\"a\") forbid(principal, action, resource);"},
                    Promoted{"by_its_place", "\n@shadow forbid(principal, action, resource);", "policies/a.cedar:2", "\nforbid(principal, action, resource);"},
                    Promoted{"of_two_the_one", "@id(\"a\") @shadow forbid(principal, action, resource);\n@id(\"b\") @shadow forbid(principal, action, resource);\n", "b",
                             "@id(\"a\") @shadow forbid(principal, action, resource);\n@id(\"b\") forbid(principal, action, resource);\n"},
                    Promoted{"between_others", "@id(\"a\")@shadow@message(\"@shadow\") forbid(principal, action, resource);", "a", "@id(\"a\")@message(\"@shadow\") forbid(principal, action, resource);"}),
    [](const auto& row) { return row.param.name; });

TEST(Promotion, SaysWhatIsWrong) {
  const BundleFiles files{{"p.cedar", "@id(\"live\") permit(principal, action, resource);\n@shadow permit(principal, action, resource); @shadow permit(principal, action, resource);"}};
  EXPECT_NE(without_shadow(files, "live").error().find("enforced already"), std::string::npos);
  EXPECT_NE(without_shadow(files, "nothing").error().find("there is no policy `nothing`"), std::string::npos);
  EXPECT_NE(without_shadow(files, "p.cedar:2").error().find("several policies"), std::string::npos);
}

}  // namespace
}  // namespace writ::policy
