#include "admin/admin_fixture.h"

namespace writ::admin {
namespace {

Task<http::Response> numbers(const http::Request&) { co_return http::text(200, "numbers\n"); }

class MetricsAccess : public AdminWorld {};

TEST_F(MetricsAccess, IsForAuditorsAndRecorded) {
  fill();
  router.add("GET", "/metrics", for_auditors(*api, numbers));
  for (const char* token : {kAdminToken, kAuditorToken, "socket"}) {
    const std::size_t records = log.records().size();
    const auto response = call("GET", "/metrics", token);
    EXPECT_EQ(response.status, 200) << token;
    EXPECT_EQ(response.body, "numbers\n");
    EXPECT_EQ(log.records().size(), records) << "looking is no decision";
  }
  for (const auto& [token, reason] : {std::pair{"", "no_token"}, {kInactiveToken, "inactive_token"}, {"somebody-elses-token-0123", "unknown_token"}}) {
    const auto response = call("GET", "/metrics", token);
    EXPECT_EQ(response.status, 401) << token;
    EXPECT_EQ(response.body.find("numbers"), std::string::npos);
    const audit::Record refused = log.records().back();
    EXPECT_EQ(refused.reason, reason);
    EXPECT_EQ(refused.resource, "/metrics");
    EXPECT_EQ(refused.effect, audit::Effect::deny);
  }
  EXPECT_EQ(call("POST", "/metrics", kAdminToken).status, 405);
}

TEST_F(MetricsAccess, IsRefusedWhenTheRefusalCannotBeRecorded) {
  fill();
  router.add("GET", "/metrics", for_auditors(*api, numbers));
  log.fail_from_now_on(true);
  EXPECT_EQ(call("GET", "/metrics", "").status, 503);
}

}  // namespace
}  // namespace writ::admin
