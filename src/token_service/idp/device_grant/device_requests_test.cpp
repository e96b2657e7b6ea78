#include "token_service/idp/device_grant/device_requests.h"

#include <gtest/gtest.h>

#include <set>

namespace writ::token_service::idp {
namespace {

const Instant now = from_unix_seconds(1'795'000'000);
using Poll = DeviceRequests::Poll;
using State = DeviceRequest::State;

struct Waiting {
  DeviceRequests requests;
  DeviceRequests::New made = **run(requests.add("tv", "tv-agent", "openid", "192.0.2.7", now));
};

TEST(DeviceRequests, CodesAreLongReadableAndDifferent) {
  DeviceRequests requests;
  std::set<std::string> codes;
  for (int i = 0; i < 50; ++i) {
    const auto made = *run(requests.add("tv", "tv-agent", "openid", "192.0.2." + std::to_string(i), now));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->request.user_code.size(), 8u);
    EXPECT_EQ(made->request.user_code.find_first_not_of("BCDFGHJKLMNPQRSTVWXZ"), std::string::npos);
    EXPECT_EQ(made->device_code.size(), 43u);
    codes.insert(made->request.user_code);
  }
  EXPECT_EQ(codes.size(), 50u);
  EXPECT_EQ(shown_code("WDJBMJHT"), "WDJB-MJHT");
}

TEST(DeviceRequests, ACodeIsUnderstoodAsPeopleTypeIt) {
  Waiting w;
  const std::string code = w.made.request.user_code;
  std::string lower = code;
  for (char& c : lower) c = static_cast<char>(c - 'A' + 'a');
  for (const auto& typed : {code, shown_code(code), lower, " " + code.substr(0, 3) + " " + code.substr(3) + " "}) EXPECT_TRUE(w.requests.find_waiting(typed, now)) << typed;
  for (const auto& typed : {std::string(), code.substr(1), code + "B", std::string("AAAA-AAAA"), std::string(1000, 'B')}) EXPECT_FALSE(w.requests.find_waiting(typed, now)) << typed;
  EXPECT_FALSE(w.requests.find_waiting(code, now + Seconds{600}));
}

TEST(DeviceRequests, APollHearsWhatThePersonSaid) {
  Waiting w;
  EXPECT_EQ(w.requests.poll("other", "tv", now), Poll::unknown);
  EXPECT_EQ(w.requests.poll(w.made.device_code, "radio", now), Poll::of_another_client);
  EXPECT_EQ(w.requests.poll(w.made.device_code, "tv", now), Poll::waiting);
  EXPECT_TRUE(*run(w.requests.decide(w.made.request.user_code, State::approved, now)));
  EXPECT_FALSE(*run(w.requests.decide(w.made.request.user_code, State::denied, now)));   // the first answer counts
  EXPECT_FALSE(w.requests.find_waiting(w.made.request.user_code, now));
  EXPECT_EQ(w.requests.poll(w.made.device_code, "tv", now + Seconds{5}), Poll::approved);
  EXPECT_EQ(w.requests.poll(w.made.device_code, "tv", now + Seconds{600}), Poll::expired);
  w.requests.forget_expired(now + Seconds{659});
  EXPECT_EQ(w.requests.poll(w.made.device_code, "tv", now + Seconds{659}), Poll::expired);
  w.requests.forget_expired(now + Seconds{660});
  EXPECT_EQ(w.requests.poll(w.made.device_code, "tv", now + Seconds{660}), Poll::unknown);
}

TEST(DeviceRequests, ADeniedOneHearsIt) {
  Waiting w;
  EXPECT_TRUE(*run(w.requests.decide(w.made.request.user_code, State::denied, now)));
  EXPECT_EQ(w.requests.poll(w.made.device_code, "tv", now), Poll::denied);
}

TEST(DeviceRequests, AskingTooSoonMakesTheWaitLonger) {
  Waiting w;
  EXPECT_EQ(w.requests.poll(w.made.device_code, "tv", now), Poll::waiting);
  EXPECT_EQ(w.requests.poll(w.made.device_code, "tv", now + Seconds{3}), Poll::slow_down);   // now every ten seconds
  EXPECT_EQ(w.requests.poll(w.made.device_code, "tv", now + Seconds{12}), Poll::slow_down);  // fifteen
  EXPECT_EQ(w.requests.poll(w.made.device_code, "tv", now + Seconds{27}), Poll::waiting);
  EXPECT_EQ(w.requests.poll(w.made.device_code, "tv", now + Seconds{41}), Poll::waiting);
}

TEST(DeviceRequests, OneSourceDoesNotFillThePlaceOfOthers) {
  DeviceRequests requests;
  for (std::size_t i = 0; i < DeviceRequests::kOfOneSourceMax; ++i) EXPECT_TRUE(*run(requests.add("tv", "a", "openid", "192.0.2.7", now)));
  EXPECT_FALSE(*run(requests.add("tv", "a", "openid", "192.0.2.7", now)));
  EXPECT_TRUE(*run(requests.add("tv", "a", "openid", "192.0.2.8", now)));
  EXPECT_TRUE(*run(requests.add("tv", "a", "openid", "192.0.2.7", now + Seconds{600})));
}

TEST(CodeGuesses, AreTenInTenMinutes) {
  CodeGuesses guesses;
  for (int i = 0; i < CodeGuesses::kMax; ++i) {
    EXPECT_TRUE(guesses.may_try("usr_alice", now));
    guesses.failed("usr_alice", now);
  }
  EXPECT_FALSE(guesses.may_try("usr_alice", now + Seconds{599}));
  EXPECT_TRUE(guesses.may_try("usr_bob", now));
  EXPECT_TRUE(guesses.may_try("usr_alice", now + Seconds{600}));
}

}  // namespace
}  // namespace writ::token_service::idp
