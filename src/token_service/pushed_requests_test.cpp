#include "token_service/pushed_requests.h"

#include <gtest/gtest.h>

namespace writ::token_service {
namespace {

const Instant now = from_unix_seconds(1'795'000'000);
using Use = PushedRequests::Use;

struct Store {
  PushedRequests requests;
  std::string push(const std::string& client = "desk") {
    const auto uri = *run(requests.add(client, form::Parameters({{"client_id", client}, {"state", "s"}}), now));
    return uri ? *uri : std::string();
  }
};

TEST(PushedRequests, AreTheirClientsForAMinute) {
  Store store;
  const auto uri = store.push();
  EXPECT_TRUE(uri.starts_with("urn:ietf:params:oauth:request_uri:"));
  EXPECT_NE(uri, store.push());
  EXPECT_FALSE(store.requests.find(uri, "other", Use::begins, now));
  EXPECT_FALSE(store.requests.find(uri + "x", "desk", Use::begins, now));
  EXPECT_FALSE(store.requests.find(uri, "desk", Use::begins, now + Seconds{60}));
  const auto found = store.requests.find(uri, "desk", Use::begins, now + Seconds{59});
  ASSERT_TRUE(found);
  EXPECT_EQ(*found->find("state"), "s");
}

TEST(PushedRequests, ASignInThatBeganMayTakeTenMinutes) {
  Store store;
  const auto uri = store.push();
  ASSERT_TRUE(run(store.requests.begin(uri, "other", now)));
  EXPECT_FALSE(store.requests.find(uri, "desk", Use::goes_on, now + Seconds{60})) << "begun by its own client alone";
  ASSERT_TRUE(run(store.requests.begin(uri, "desk", now)));
  EXPECT_TRUE(store.requests.find(uri, "desk", Use::begins, now));
  ASSERT_TRUE(run(store.requests.begin(uri, "desk", now + Seconds{59})));   // loaded again
  EXPECT_TRUE(store.requests.find(uri, "desk", Use::goes_on, now + Seconds{599}));
  EXPECT_FALSE(store.requests.find(uri, "desk", Use::begins, now + Seconds{60}));
  EXPECT_FALSE(store.requests.find(uri, "desk", Use::goes_on, now + Seconds{600}));
  const auto never_begun = store.push();
  EXPECT_FALSE(store.requests.find(never_begun, "desk", Use::goes_on, now + Seconds{60}));
}

TEST(PushedRequests, GiveOneCode) {
  Store store;
  const auto uri = store.push();
  EXPECT_TRUE(*run(store.requests.take(uri, now)));
  EXPECT_FALSE(*run(store.requests.take(uri, now)));
  EXPECT_FALSE(store.requests.find(uri, "desk", Use::begins, now));
  EXPECT_FALSE(*run(store.requests.take(store.push(), now + Seconds{60})));
}

TEST(PushedRequests, OneClientDoesNotFillThePlaceOfOthers) {
  Store store;
  for (std::size_t i = 0; i < PushedRequests::kOfOneClientMax; ++i) EXPECT_NE(store.push(), "");
  EXPECT_EQ(store.push(), "");
  EXPECT_NE(store.push("other"), "");
  EXPECT_TRUE(*run(store.requests.add("desk", {}, now + Seconds{60})));   // those of a minute ago are gone
}

}  // namespace
}  // namespace writ::token_service
