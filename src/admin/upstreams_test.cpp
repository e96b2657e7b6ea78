#include <gtest/gtest.h>

#include "admin/admin_fixture.h"

namespace writ::admin {
namespace {

class HandUpstreams final : public UpstreamStates {
 public:
  std::vector<UpstreamState> list(Instant now) const override {
    UpstreamState down{"files", "open", 5, now - Seconds{30}, now + Seconds{10}, "connect", 2, 7, 5, 3};
    UpstreamState unused;
    unused.server = "wiki", unused.circuit = "closed";
    return {down, unused};
  }
};

class AdminUpstreams : public AdminWorld {
 protected:
  void SetUp() override { fill(); }
};

TEST_F(AdminUpstreams, AreShownToAuditorsWithWhatIsKnownOfThem) {
  const HandUpstreams upstreams;
  api->upstreams = &upstreams;
  const auto response = call("GET", "/admin/v1/upstreams", kAuditorToken);
  ASSERT_EQ(response.status, 200);
  const json::Value body = body_of(response);
  const json::Array& items = *body.find_array("items");
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(*items[0].find_string("server"), "files");
  EXPECT_EQ(*items[0].find_string("circuit"), "open");
  EXPECT_EQ(*items[0].find_int("failures"), 5);
  EXPECT_EQ(*items[0].find_string("failing_since"), audit::to_iso8601(clock.now() - Seconds{30}));
  EXPECT_EQ(*items[0].find_string("retry_at"), audit::to_iso8601(clock.now() + Seconds{10}));
  EXPECT_EQ(*items[0].find_string("last_failure"), "connect");
  EXPECT_EQ(*items[0].find_int("waiting"), 2);
  EXPECT_EQ(*items[0].find_int("requests"), 7);
  EXPECT_EQ(*items[0].find_int("failed"), 5);
  EXPECT_EQ(*items[0].find_int("turned_away"), 3);
  for (const char* absent : {"failing_since", "retry_at", "last_failure"}) EXPECT_FALSE(items[1].find(absent)) << absent;
}

TEST_F(AdminUpstreams, AreNoneWhereThereIsNoGateway) {
  const auto response = call("GET", "/admin/v1/upstreams", kAuditorToken);
  ASSERT_EQ(response.status, 200);
  EXPECT_TRUE(body_of(response).find_array("items")->empty());
}

}  // namespace
}  // namespace writ::admin
