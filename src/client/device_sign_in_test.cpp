#include "client/device_sign_in.h"

#include <gtest/gtest.h>

#include <functional>

namespace writ::client {
namespace {

http::OutgoingResponse answer(int status, const json::Value& body) { return {status, {}, json::write(body)}; }
json::Value good() {
  return {{"device_code", "d"}, {"user_code", "WDJB-MJHT"}, {"verification_uri", "https://id.example/device"}, {"verification_uri_complete", "https://id.example/device?user_code=WDJB-MJHT"}, {"expires_in", 600}, {"interval", 7}};
}

TEST(DeviceSignIn, ReadsWhatIsShown) {
  const auto begun = read_device_authorization(answer(200, good()));
  ASSERT_TRUE(begun);
  EXPECT_EQ(begun->user_code, "WDJB-MJHT");
  EXPECT_EQ(begun->interval, Seconds{7});
  EXPECT_EQ(begun->expires_in, Seconds{600});
  auto other = good();
  other.set("verification_uri_complete", "javascript:alert(1)");
  EXPECT_EQ(read_device_authorization(answer(200, other))->verification_uri_complete, "");
}

struct Row {
  const char* name;
  std::function<void(json::Value&)> change;
};
class BadAnswers : public testing::TestWithParam<Row> {};
TEST_P(BadAnswers, AreThrownAway) {
  auto body = good();
  GetParam().change(body);
  const auto begun = read_device_authorization(answer(200, body));
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().kind, FailureKind::protocol);
}
INSTANTIATE_TEST_SUITE_P(
    All, BadAnswers,
    testing::Values(Row{"no_device_code", [](auto& b) { b.erase("device_code"); }}, Row{"no_user_code", [](auto& b) { b.erase("user_code"); }},
                    Row{"a_user_code_that_moves_the_cursor", [](auto& b) { b.set("user_code", "\x1b[2J"); }}, Row{"no_address", [](auto& b) { b.erase("verification_uri"); }},
                    Row{"plain_http", [](auto& b) { b.set("verification_uri", "http://id.example/device"); }}, Row{"another_scheme", [](auto& b) { b.set("verification_uri", "file:///etc/passwd"); }},
                    Row{"no_expiry", [](auto& b) { b.erase("expires_in"); }}, Row{"a_list", [](auto& b) { b = json::Array{}; }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(DevicePoll, WaitsOrEnds) {
  Seconds interval{5};
  const auto poll = [&](int status, const char* error) { return read_device_poll(answer(status, json::Value{{"error", error}}), interval); };
  EXPECT_FALSE(*poll(400, "authorization_pending"));
  EXPECT_EQ(interval, Seconds{5});
  EXPECT_FALSE(*poll(400, "slow_down"));
  EXPECT_EQ(interval, Seconds{10});
  EXPECT_FALSE(*poll(503, "temporarily_unavailable"));
  EXPECT_EQ(poll(400, "access_denied").error().kind, FailureKind::denied);
  EXPECT_EQ(poll(400, "expired_token").error().kind, FailureKind::sign_in_needed);
  EXPECT_EQ(poll(400, "invalid_grant").error().kind, FailureKind::refused);
  const auto tokens = read_device_poll(answer(200, json::Value{{"id_token", "i"}, {"refresh_token", "r"}, {"device_id", "dev_1"}}), interval);
  EXPECT_EQ((*tokens)->device_id, "dev_1");
}

}  // namespace
}  // namespace writ::client
