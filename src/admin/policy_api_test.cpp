// Versions of the policy and its tests through the admin API.

#include <gmock/gmock.h>

#include "admin/admin_fixture.h"

namespace writ::admin {
namespace {

using testing::HasSubstr;

class PolicyApi : public AdminWorld {
 protected:
  void SetUp() override { fill(); }
  static std::string files(const std::vector<std::pair<std::string, std::string>>& named, const std::string& reason = "") {
    json::Value texts = json::Object{};
    for (const auto& [name, text] : named) texts.set(name, text);
    return json::write(json::Value{{"files", std::move(texts)}, {"reason", reason}});
  }
  int activate(const std::string& grants) { return call("PUT", "/admin/v1/policy", kAdminToken, files({{"grants.yaml", grants}}, "next")).status; }
};

constexpr const char* kSales = "grants:\n  - {group: sales, agents: [cursor], servers: [files], scopes: all, tools: all}\n";
constexpr const char* kFailing = "tests:\n  - {name: sales connects, user: {groups: [sales]}, agent: cursor, server: files, expect: allow}\n";

TEST_F(PolicyApi, AFailingTestIsToldApartFromAWrongBundle) {
  const auto refused = call("PUT", "/admin/v1/policy", kAdminToken, files({{"grants.yaml", kGrants}, {"policy-tests.yaml", kFailing}}));
  EXPECT_EQ(refused.status, 422);
  const json::Value body = body_of(refused);
  EXPECT_EQ(*body.find_string("kind"), "failed_tests");
  const json::Value& problem = body.find_array("problems")->front();
  EXPECT_EQ(*problem.find_string("file"), "policy-tests.yaml");
  EXPECT_EQ(*problem.find_int("line"), 2);
  EXPECT_EQ(*problem.find_string("id"), "failed-test");
  const auto wrong = call("POST", "/admin/v1/policy/check", kAdminToken, files({{"grants.yaml", "grants:\n  - {group: no}\n"}}));
  EXPECT_EQ(wrong.status, 422);
  EXPECT_EQ(*body_of(wrong).find_string("kind"), "invalid");
}

TEST_F(PolicyApi, TestsAreRunWithoutActivation) {
  const auto answered = call("POST", "/admin/v1/policy/test", kAuditorToken, files({{"grants.yaml", kGrants}, {"policy-tests.yaml", kFailing}}));
  ASSERT_EQ(answered.status, 200);
  const json::Value body = body_of(answered);
  EXPECT_EQ(*body.find_int("passed"), 0);
  EXPECT_EQ(*body.find_int("failed"), 1);
  const json::Value& test = body.find_array("tests")->front();
  EXPECT_EQ(*test.find_string("outcome"), "failed");
  EXPECT_EQ(*test.find_string("message"), "expected allow, but it is denied: no policy permits it");
  const json::Value& coverage = *body.find("coverage");
  EXPECT_EQ(*coverage.find_int("policies"), 1);
  EXPECT_EQ(*coverage.find_int("exercised"), 0);
  EXPECT_EQ(*coverage.find_array("unexercised")->front().find_string("id"), "grants.yaml:2");
  EXPECT_EQ(*body_of(call("POST", "/admin/v1/policy/test", kAuditorToken, "{}")).find_int("passed"), 0) << "the active bundle has no tests";
  EXPECT_EQ(call("POST", "/admin/v1/policy/test", kAuditorToken, files({{"policy-tests.yaml", "tests: 1\n"}})).status, 422);
}

TEST_F(PolicyApi, AnOldVersionComesBackAsANewOne) {
  ASSERT_EQ(activate(kSales), 200);
  EXPECT_TRUE(may_connect("sales"));
  EXPECT_EQ(call("POST", "/admin/v1/policy/versions/1/restore", kAdminToken, "{}").status, 400) << "nobody would know why";
  ASSERT_EQ(call("POST", "/admin/v1/policy/versions/1/restore", kAdminToken, R"({"reason":"too open"})").status, 200);
  EXPECT_FALSE(may_connect("sales"));
  const json::Value active = body_of(call("GET", "/admin/v1/policy"));
  EXPECT_EQ(*active.find_int("number"), 3) << "history only grows";
  EXPECT_EQ(*active.find_string("reason"), "restores version 1: too open");
  EXPECT_EQ(*body_of(call("GET", "/admin/v1/policy/versions/2")).find("files")->find_string("grants.yaml"), kSales);
}

TEST_F(PolicyApi, ARestoredVersionMustPassTodaysChecks) {
  ASSERT_EQ(activate("grants: []\n"), 200);
  Change change;
  change.removal = std::pair(registry::ObjectKind::server, std::string("files"));
  ASSERT_TRUE(apply(std::move(change)));
  const auto refused = call("POST", "/admin/v1/policy/versions/1/restore", kAdminToken, R"({"reason":"back"})");
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.body, HasSubstr("there is no server `files`"));
}

TEST_F(PolicyApi, VersionsThatDoNotExistAreNotFound) {
  for (const char* number : {"0", "2", "x", "1x", "-1", "18446744073709551615", "99999999999999999999"}) {
    EXPECT_EQ(call("GET", std::string("/admin/v1/policy/versions/") + number).status, 404) << number;
  }
}

TEST_F(PolicyApi, HistoryGoesBackPageByPage) {
  ASSERT_EQ(activate(kSales), 200);
  ASSERT_EQ(activate("grants: []\n"), 200);
  const auto page = [&](const std::string& query) {
    std::vector<std::int64_t> numbers;
    const json::Value body = body_of(call("GET", "/admin/v1/policy/history?" + query));
    for (const auto& item : *body.find_array("items")) numbers.push_back(*item.find_int("number"));
    return numbers;
  };
  EXPECT_EQ(page("limit=2"), (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(page("limit=2&before=2"), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(call("GET", "/admin/v1/policy/history?before=0").status, 400);
}

}  // namespace
}  // namespace writ::admin
