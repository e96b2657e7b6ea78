// Who is waited for, and for how long: rules §7.2, with this process's monotonic clock alone.
#include "nodes/peers.h"

#include <gmock/gmock.h>

#include "nodes/own_lease.h"

namespace writ::nodes {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using std::chrono::milliseconds;

const Peers::Steady::time_point kStart = Peers::Steady::now();

Peer peer(const char* name, std::int64_t renewal, std::int64_t confirmed, Milliseconds lease = Milliseconds{1000}) { return {std::string("inc-") + name, name, renewal, confirmed, lease}; }

TEST(Peers, NobodyElseIsNobodyToWaitFor) {
  Peers peers("inc-a");
  EXPECT_TRUE(peers.all_know(7, kStart));
  peers.look({peer("a", 1, 0)}, kStart);
  EXPECT_TRUE(peers.all_know(7, kStart)) << "this process knows what it has changed itself";
}

TEST(Peers, OneThatHasNotConfirmedIsWaitedFor) {
  Peers peers("inc-a");
  peers.look({peer("b", 1, 6), peer("c", 1, 7)}, kStart);
  EXPECT_THAT(peers.waiting_for(7, kStart), ElementsAre("b"));
  EXPECT_TRUE(peers.all_know(6, kStart));
  peers.look({peer("b", 2, 7), peer("c", 1, 7)}, kStart + milliseconds(10));
  EXPECT_TRUE(peers.all_know(7, kStart + milliseconds(10)));
}

TEST(Peers, ALeaseThatEndsIsNotWaitedForAndNotAMomentEarlier) {
  Peers peers("inc-a");
  peers.look({peer("b", 1, 6)}, kStart);
  EXPECT_FALSE(peers.all_know(7, kStart + milliseconds(1000)));
  peers.look({peer("b", 1, 6)}, kStart + milliseconds(1000));
  EXPECT_FALSE(peers.all_know(7, kStart + milliseconds(1054))) << "clocks of two machines run a little differently";
  EXPECT_TRUE(peers.all_know(7, kStart + milliseconds(1055)));
}

TEST(Peers, ASignOfLifeBeginsTheLeaseAnew) {
  Peers peers("inc-a");
  peers.look({peer("b", 1, 6)}, kStart);
  peers.look({peer("b", 2, 6)}, kStart + milliseconds(900));
  EXPECT_FALSE(peers.all_know(7, kStart + milliseconds(1800)));
  EXPECT_TRUE(peers.all_know(7, kStart + milliseconds(2000)));
}

TEST(Peers, ACountThatACrashOfTheDatabaseSetBackIsASignOfLifeToo) {
  Peers peers("inc-a");
  peers.look({peer("b", 9, 6)}, kStart);
  peers.look({peer("b", 8, 5)}, kStart + milliseconds(900));
  EXPECT_FALSE(peers.all_know(7, kStart + milliseconds(1500)));
}

TEST(Peers, TheLeaseThatCountsIsThatOfTheOtherNode) {
  Peers peers("inc-a");
  peers.look({peer("b", 1, 6, Milliseconds{60'000})}, kStart);
  EXPECT_FALSE(peers.all_know(7, kStart + std::chrono::seconds(60)));
  EXPECT_TRUE(peers.all_know(7, kStart + std::chrono::seconds(64)));
}

TEST(Peers, OneThatHasLeftIsNotWaitedFor) {
  Peers peers("inc-a");
  peers.look({peer("b", 1, 6)}, kStart);
  peers.look({}, kStart + milliseconds(1));
  EXPECT_TRUE(peers.all_know(7, kStart + milliseconds(1)));
}

TEST(Peers, OneThatWasNotSeenForAMinuteIsLongGone) {
  Peers peers("inc-a");
  peers.look({peer("b", 1, 6)}, kStart);
  EXPECT_THAT(peers.long_gone(kStart + std::chrono::seconds(61)), IsEmpty());
  ASSERT_EQ(peers.long_gone(kStart + std::chrono::seconds(62)).size(), 1U);
  EXPECT_EQ(peers.present(kStart).size(), 1U);
  EXPECT_THAT(peers.present(kStart + std::chrono::seconds(2)), IsEmpty());
}

TEST(OwnLease, HoldsUntilItsEndAndEachLapseBeginsAnotherTerm) {
  OwnLease lease;
  EXPECT_FALSE(lease.holds(kStart));
  EXPECT_TRUE(lease.extend(kStart + milliseconds(1000), kStart));
  const auto term = lease.term();
  EXPECT_TRUE(lease.holds(kStart + milliseconds(999)));
  EXPECT_FALSE(lease.holds(kStart + milliseconds(1000)));
  EXPECT_FALSE(lease.extend(kStart + milliseconds(1900), kStart + milliseconds(900)));
  EXPECT_EQ(lease.term(), term);
  EXPECT_TRUE(lease.extend(kStart + milliseconds(3000), kStart + milliseconds(2000)));
  EXPECT_NE(lease.term(), term);
  lease.give_up();
  EXPECT_FALSE(lease.holds(kStart + milliseconds(2001)));
}

}  // namespace
}  // namespace writ::nodes
