#include <gmock/gmock.h>

#include "admin/admin_fixture.h"

namespace writ::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PolicyPreview : public AdminWorld {
 protected:
  void SetUp() override { fill(); }

  json::Value ask(const std::string& path, json::Value request, int status = 200) {
    const auto response = call("POST", path, kAuditorToken, json::write(request));
    EXPECT_EQ(response.status, status) << response.body;
    return body_of(response);
  }
  json::Value diff(json::Value request, int status = 200) { return ask("/admin/v1/policy/diff", std::move(request), status); }
  json::Value replay(json::Value request, int status = 200) { return ask("/admin/v1/policy/replay", std::move(request), status); }
  static json::Value files(const std::string& cedar, const std::string& grants = kGrants) { return json::Value{{"grants.yaml", grants}, {"more.cedar", cedar}}; }
  static std::vector<std::string> sentences(const json::Value& difference) {
    std::vector<std::string> found;
    for (const auto& change : *difference.find_array("changes")) found.push_back(*change.find_string("sentence"));
    return found;
  }
  void record_call(const std::string& tool, audit::Effect effect, Seconds ago, std::uint64_t sequence) {
    audit::Commit commit;
    commit.record.event = audit::Event::call;
    commit.record.effect = effect;
    commit.record.reason = effect == audit::Effect::allow ? "allowed" : "no_permit";
    commit.record.time = clock.time - ago;
    commit.record.user = "usr_alice";
    commit.record.user_name = "alice";
    commit.record.agent = "cursor";
    commit.record.server = "files";
    commit.record.tool = tool;
    commit.record.action = "call";
    commit.record.issuer = "https://idp.example";
    commit.record.object_sequence = sequence;
    ASSERT_TRUE((run<Result<audit::Committed, Unavailable>>(log.commit(std::move(commit)))));
  }
};

constexpr const char* kNothing = "grants: []\n";
constexpr const char* kForbidWrite = "@id(\"no-write\")\nforbid(principal, action == Writ::Action::\"files/write\", resource);\n";

TEST_F(PolicyPreview, ComparesACandidateWithTheActiveBundle) {
  const json::Value same = diff({{"files", json::Value{{"grants.yaml", kGrants}}}});
  EXPECT_FALSE(*same.find_bool("different"));
  const json::Value lost = diff({{"files", json::Value{{"grants.yaml", kNothing}}}});
  EXPECT_TRUE(*lost.find_bool("different"));
  EXPECT_EQ(*lost.find_int("people_losing"), 1);
  EXPECT_THAT(sentences(lost), ElementsAre(HasSubstr("1 person loses files (connect, scope read, all other tools")));
  const json::Value forbidden = diff({{"files", files(kForbidWrite)}});
  EXPECT_THAT(sentences(forbidden), ElementsAre("1 person loses files (tool write) through cursor: alice"));
}

TEST_F(PolicyPreview, ComparesVersionsByNumber) {
  Change change;
  change.policy = policy::BundleFiles{{"grants.yaml", kNothing}};
  ASSERT_TRUE(apply(std::move(change)));
  EXPECT_THAT(sentences(diff({{"from", 1}, {"to", 2}})), ElementsAre(HasSubstr("1 person loses files")));
  EXPECT_THAT(sentences(diff({{"from", 2}, {"to", 1}})), ElementsAre(HasSubstr("1 person gains files")));
  EXPECT_THAT(sentences(diff({{"from", 1}})), ElementsAre(HasSubstr("1 person loses files")));
  diff({{"from", 7}}, 404);
}

TEST_F(PolicyPreview, ComparesObjectsThatChange) {
  const json::Value joined = diff({{"objects", json::Value{{"users", json::Array{json::Value{{"name", "bob"}, {"groups", json::Array{"eng"}}}}}}}});
  EXPECT_THAT(sentences(joined), ElementsAre(HasSubstr("1 person gains files")));
  EXPECT_THAT(*(*joined.find_array("changes"))[0].find_array("users"), ElementsAre(json::Value("bob")));
  diff({{"objects", json::Value{{"users", json::Array{json::Value{{"name", "bob"}, {"groups", json::Array{"nobody"}}}}}}}}, 422);
  EXPECT_FALSE(may_connect("sales"));
  EXPECT_FALSE(*diff({{"objects", json::Value{{"groups", json::Array{json::Value{{"id", "eng"}}}}}}}).find_bool("different"));
}

TEST_F(PolicyPreview, SaysWhatIsWrongWithARequest) {
  EXPECT_THAT(json::write(diff({{"files", files("forbid(principal, action, resource) when { };")}}, 422)), HasSubstr("more.cedar"));
  diff({{"files", files("")}, {"from", 1}}, 422);
  diff({{"fils", files("")}}, 422);
  replay({{"since", "7d"}}, 422);
  replay({{"files", files("")}, {"since", "yesterday"}}, 422);
}

TEST_F(PolicyPreview, ReplaysWhatWasRecorded) {
  const std::uint64_t sequence = registry.get()->sequence();
  record_call("write", audit::Effect::allow, std::chrono::hours(24), sequence);
  record_call("write", audit::Effect::allow, std::chrono::hours(2), sequence);
  record_call("read", audit::Effect::allow, std::chrono::hours(2), sequence);
  record_call("write", audit::Effect::allow, std::chrono::hours(24 * 8), sequence);   // before the time that is replayed
  const json::Value report = replay({{"files", files(kForbidWrite)}});
  EXPECT_TRUE(*report.find_bool("different"));
  EXPECT_TRUE(*report.find_bool("whole"));
  EXPECT_EQ(*report.find_int("decisions"), 3);
  EXPECT_EQ(*report.find_int("newly_denied"), 2);
  const auto& rows = *report.find_array("rows");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(*rows[0].find_string("subject"), "write");
  EXPECT_EQ(*rows[0].find_string("user_name"), "alice");
  EXPECT_EQ(*rows[0].find_int("count"), 2);
  EXPECT_EQ(*rows[0].find_string("outcome"), "newly_denied");
  EXPECT_EQ(json::write(*rows[0].find("policies")), "[\"no-write\"]");
  EXPECT_FALSE(*replay({{"files", json::Value{{"grants.yaml", kGrants}}}}).find_bool("different"));
  EXPECT_EQ(*replay({{"files", files(kForbidWrite)}, {"since", "3h"}}).find_int("newly_denied"), 1);
}

TEST_F(PolicyPreview, CannotTellWhereTheObjectsOfThenAreGone) {
  record_call("write", audit::Effect::allow, Seconds(60), registry.get()->sequence());
  record_call("write", audit::Effect::allow, Seconds(60), 999);
  const json::Value report = replay({{"files", json::Value{{"grants.yaml", kGrants}}}});
  EXPECT_EQ(*report.find_int("same"), 1);
  EXPECT_EQ(*report.find_int("cannot_tell"), 1);
  EXPECT_EQ(*(*report.find_array("rows"))[0].find_string("reason"), "objects_not_known");
}

TEST_F(PolicyPreview, ReplaysWithTheObjectsOfThen) {
  const std::uint64_t then = registry.get()->sequence();
  record_call("write", audit::Effect::allow, Seconds(60), then);
  ASSERT_TRUE(apply(documents("users: [{id: usr_alice, name: alice, groups: [sales], password_hash: $argon2id$x}]")));
  ASSERT_GT(registry.get()->sequence(), then);
  const json::Value report = replay({{"files", files(kForbidWrite)}});
  EXPECT_EQ(*report.find_int("newly_denied"), 1) << "she was in engineering when she called";
  EXPECT_EQ(*report.find_int("cannot_tell"), 0);
}

TEST_F(PolicyPreview, ReadsRecordsPageByPage) {
  for (int i = 0; i < 4'500; ++i) record_call(i % 3 == 0 ? "write" : "read", audit::Effect::allow, Seconds(5'000 - i), registry.get()->sequence());
  const json::Value report = replay({{"files", files(kForbidWrite)}});
  EXPECT_EQ(*report.find_int("decisions"), 4'500);
  EXPECT_EQ(*report.find_int("newly_denied"), 1'500);
}

}  // namespace
}  // namespace writ::admin
