#include <gtest/gtest.h>

#include "admin/admin_fixture.h"

namespace writ::admin {
namespace {

class HandSignals final : public SignalAdministration {
 public:
  std::vector<std::string> done;
  bool failing = false;
  std::vector<EventStream> streams() const override {
    EventStream stream;
    stream.id = "stm_1", stream.audience = "https://as.example", stream.delivery = "push", stream.status = "paused", stream.waiting = 3, stream.failures = 2;
    stream.last_problem = "the receiver answered 503", stream.held_by_administrator = true;
    return {stream};
  }
  std::vector<EventSubscription> subscriptions() const override { return {{"https://id.example", "poll", "stm_9", "", true, {}}}; }
  Task<Result<bool, Unavailable>> set_status(std::string stream, std::string status, std::string reason, std::string actor, std::string) override {
    if (failing) co_return unexpected(Unavailable{"store"});
    done.push_back(stream + " " + status + " " + reason + " " + actor);
    co_return stream == "stm_1";
  }
  Task<Result<bool, Unavailable>> remove(std::string stream, std::string actor, std::string) override {
    if (failing) co_return unexpected(Unavailable{"store"});
    done.push_back(stream + " removed " + actor);
    co_return stream == "stm_1";
  }
};

class AdminSignals : public AdminWorld {
 protected:
  void SetUp() override {
    fill();
    api->signals = &signals;
  }
  HandSignals signals;
};

TEST_F(AdminSignals, AreShownToAuditors) {
  const auto response = call("GET", "/admin/v1/signals", kAuditorToken);
  ASSERT_EQ(response.status, 200);
  const json::Value body = body_of(response);
  const json::Value& stream = body.find_array("streams")->at(0);
  EXPECT_EQ(*stream.find_string("id"), "stm_1");
  EXPECT_EQ(*stream.find_string("last_problem"), "the receiver answered 503");
  EXPECT_EQ(*stream.find_int("waiting"), 3);
  EXPECT_TRUE(*stream.find_bool("held_by_administrator"));
  EXPECT_EQ(stream.find("reason"), nullptr);
  EXPECT_EQ(*body.find_array("subscriptions")->at(0).find_string("stream_id"), "stm_9");
}

TEST_F(AdminSignals, AreChangedByAdministrators) {
  EXPECT_EQ(call("POST", "/admin/v1/signals/stm_1", kAdminToken, R"({"status":"disabled","reason":"incident"})").status, 200);
  EXPECT_EQ(call("DELETE", "/admin/v1/signals/stm_1").status, 200);
  EXPECT_EQ(signals.done, (std::vector<std::string>{"stm_1 disabled incident token:ci", "stm_1 removed token:ci"}));
  EXPECT_EQ(call("POST", "/admin/v1/signals/stm_2", kAdminToken, R"({"status":"paused"})").status, 404);
  EXPECT_EQ(call("DELETE", "/admin/v1/signals/stm_2").status, 404);
  for (const char* body : {"{}", R"({"status":"off"})", R"({"status":"paused","why":"x"})"}) EXPECT_EQ(call("POST", "/admin/v1/signals/stm_1", kAdminToken, body).status, 422) << body;
  signals.failing = true;
  EXPECT_EQ(call("DELETE", "/admin/v1/signals/stm_1").status, 503);
  EXPECT_EQ(call("POST", "/admin/v1/signals/stm_1", kAdminToken, R"({"status":"paused"})").status, 503);
}

// What a change takes away is told with what was there before and after, by the change itself.
TEST_F(AdminSignals, AChangeOfPeopleIsHandedOverBeforeItIsAcknowledged) {
  std::vector<std::string> seen;
  Administration::Parts parts{store, log, log, registry, policy, clock, [](std::string_view text, std::string name) { return yaml::parse(text, std::move(name)); }};
  parts.people_changed = [&](std::shared_ptr<const registry::Snapshot> before, std::shared_ptr<const registry::Snapshot> after, std::vector<std::string> ids) -> Task<void> {
    for (const auto& id : ids) seen.push_back(id + (before->user(id)->active ? " active" : "") + (after->user(id) && !after->user(id)->active ? " disabled" : ""));
    return []() -> Task<void> { co_return; }();
  };
  auto watched = std::move(*Administration::open(std::move(parts)));
  Change change = documents("users: [{id: usr_bob, name: bob, active: false}, {id: usr_new, name: new}]\n");
  Actor actor{"start", "", Actor::Role::admin, false, ""};
  ASSERT_TRUE(run(watched->change(std::move(actor), std::move(change))));
  EXPECT_EQ(seen, std::vector<std::string>{"usr_bob active disabled"}) << "whoever is new had nothing";
}

}  // namespace
}  // namespace writ::admin
