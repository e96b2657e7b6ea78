#include "adapters/net/event_loops.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace writ::net {
namespace {

// A container or `taskset` leaves a process fewer cores than the machine has: two loops on one core would only take turns.
TEST(EventLoopsTest, OneForEachCoreThatTheProcessMayUse) {
  std::size_t all = 0, on_one_core = 0;
  std::thread confined([&] {   // affinity belongs to a thread, and those it starts inherit it
    cpu_set_t cores;
    CPU_ZERO(&cores);
    ASSERT_EQ(sched_getaffinity(0, sizeof cores, &cores), 0);
    all = static_cast<std::size_t>(CPU_COUNT(&cores));
    ASSERT_EQ(EventLoops().size(), all);
    int first = 0;
    while (!CPU_ISSET(first, &cores)) ++first;
    CPU_ZERO(&cores);
    CPU_SET(first, &cores);
    ASSERT_EQ(sched_setaffinity(0, sizeof cores, &cores), 0);
    on_one_core = EventLoops().size();
  });
  confined.join();
  EXPECT_GE(all, 1U);
  EXPECT_EQ(on_one_core, 1U);
}

TEST(EventLoopsTest, AsManyAsWereAskedFor) { EXPECT_EQ(EventLoops(3).size(), 3U); }

}  // namespace
}  // namespace writ::net
