#include "adapters/net/event_loops.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <future>
#include <string>
#include <thread>
#include <vector>

#include "adapters/net/loop.h"
#include "base/task.h"

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

Task<void> write_at_turn_end(Loop& loop, std::vector<std::string>& done, std::string name) {
  done.push_back("work " + name);
  co_await loop.turn_end();
  done.push_back("write " + name);
}

// Otherwise each of them would wake the one who waits for it between two pieces of work.
TEST(TurnEnd, LetsAllThatIsReadyRunFirstAndKeepsTheOrder) {
  EventLoops loops(1);
  Loop& loop = loops.loop(0);
  std::vector<std::string> done;
  std::promise<void> over;
  loop.post([&] {
    for (const char* name : {"a", "b"}) loop.post([&, name] { spawn(write_at_turn_end(loop, done, name), [](std::exception_ptr) {}); });
    loop.post([&] { loop.post([&] { loop.post([&] { over.set_value(); }); }); });
  });
  over.get_future().wait();
  EXPECT_EQ(done, (std::vector<std::string>{"work a", "work b", "write a", "write b"}));
}

// What is resumed may come back: it waits for the end of the next turn, and is resumed there.
Task<void> write_twice(Loop& loop, int& writes) {
  for (int i = 0; i < 2; ++i) {
    co_await loop.turn_end();
    ++writes;
  }
}

TEST(TurnEnd, CanBeAwaitedAgainByWhatItResumed) {
  EventLoops loops(1);
  Loop& loop = loops.loop(0);
  int writes = 0;
  std::promise<void> over;
  loop.post([&] {
    for (int i = 0; i < 2; ++i) spawn(write_twice(loop, writes), [&](std::exception_ptr) {
      if (writes == 4) over.set_value();
    });
  });
  over.get_future().wait();
  EXPECT_EQ(writes, 4);
}

}  // namespace
}  // namespace writ::net
