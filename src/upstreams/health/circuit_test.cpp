#include "upstreams/health/circuit.h"

#include <gtest/gtest.h>

namespace writ::upstreams::health {
namespace {

constexpr Instant kNow = Instant{Milliseconds{1'800'000'000'000}};
using State = Circuit::State;
using Passage = Circuit::Passage;

class Circuits : public testing::Test {
 public:
  Settings settings;
  Circuit circuit;
  void fail(int times, Instant now = kNow) {
    for (int i = 0; i < times; ++i) circuit.fail(settings, Passage::ordinary, now);
  }
};

TEST_F(Circuits, OpenAfterFailuresInARow) {
  fail(4);
  EXPECT_EQ(circuit.state(kNow), State::closed);
  EXPECT_TRUE(circuit.enter(settings, kNow));
  fail(1);
  EXPECT_EQ(circuit.state(kNow), State::open);
  const auto entered = circuit.enter(settings, kNow);
  ASSERT_FALSE(entered);
  EXPECT_EQ(entered.error(), Seconds{10});
  EXPECT_EQ(circuit.failing_since(), kNow);
}

TEST_F(Circuits, ASuccessBetweenStartsCountingAgain) {
  fail(4);
  circuit.succeed();
  EXPECT_EQ(circuit.failures(), 0);
  EXPECT_FALSE(circuit.failing_since());
  fail(4);
  EXPECT_EQ(circuit.state(kNow), State::closed);
}

TEST_F(Circuits, OneProbeGoesWhenTheTimeIsOver) {
  fail(5);
  const auto almost = circuit.enter(settings, kNow + Milliseconds{9'999});
  ASSERT_FALSE(almost);
  EXPECT_EQ(almost.error(), Seconds{1}) << "rounded up: never a Retry-After of 0";
  const Instant later = kNow + Seconds{10};
  EXPECT_EQ(circuit.enter(settings, later).value_or(Passage::ordinary), Passage::probe);
  EXPECT_EQ(circuit.state(later), State::half_open);
  EXPECT_FALSE(circuit.enter(settings, later)) << "one";
}

TEST_F(Circuits, AProbeThatSucceedsClosesIt) {
  fail(5);
  ASSERT_TRUE(circuit.enter(settings, kNow + Seconds{10}));
  circuit.succeed();
  EXPECT_EQ(circuit.state(kNow + Seconds{10}), State::closed);
  EXPECT_EQ(circuit.enter(settings, kNow + Seconds{10}).value_or(Passage::probe), Passage::ordinary);
}

TEST_F(Circuits, EachProbeThatFailsDoublesTheWaitUpToAMost) {
  fail(5);
  Instant now = kNow;
  for (const int seconds : {10, 20, 40, 80, 120, 120}) {
    ASSERT_FALSE(circuit.enter(settings, now + Seconds{seconds} - Milliseconds{1})) << seconds;
    now += Seconds{seconds};
    ASSERT_TRUE(circuit.enter(settings, now)) << seconds;
    circuit.fail(settings, Passage::probe, now);
    EXPECT_EQ(circuit.state(now), State::open);
  }
}

TEST_F(Circuits, WhatWasOnItsWayWhenItOpenedDoesNotKeepItOpen) {
  fail(5);
  fail(3, kNow + Seconds{9});
  EXPECT_TRUE(circuit.enter(settings, kNow + Seconds{10}));
}

TEST_F(Circuits, AProbeThatSaysNothingLetsTheNextOneTry) {
  fail(5);
  const Instant later = kNow + Seconds{10};
  ASSERT_TRUE(circuit.enter(settings, later));
  circuit.leave(Passage::probe);
  EXPECT_EQ(circuit.enter(settings, later).value_or(Passage::ordinary), Passage::probe);
}

TEST_F(Circuits, AProbeThatNeverEndsIsNotWaitedFor) {
  fail(5);
  const Instant later = kNow + Seconds{10};
  ASSERT_TRUE(circuit.enter(settings, later));
  EXPECT_FALSE(circuit.enter(settings, later + Milliseconds{9'999}));
  EXPECT_TRUE(circuit.enter(settings, later + Seconds{10}));
}

TEST_F(Circuits, CanBeSwitchedOff) {
  settings.failures_max = 0;
  fail(100);
  EXPECT_EQ(circuit.state(kNow), State::closed);
  EXPECT_TRUE(circuit.enter(settings, kNow));
  EXPECT_EQ(circuit.failures(), 100);
}

}  // namespace
}  // namespace writ::upstreams::health
