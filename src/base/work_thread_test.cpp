#include "base/work_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace writ {
namespace {

Task<std::thread::id> done_by(WorkThread& thread) {
  std::thread::id id;
  std::function<void()> work = [&] { id = std::this_thread::get_id(); };
  co_await thread.run(std::move(work));
  co_return id;
}

Task<std::thread::id> resumed_on(WorkThread& thread) {
  std::function<void()> work = [] {};
  co_await thread.run(std::move(work));
  co_return std::this_thread::get_id();
}

TEST(WorkThreads, WorkElsewhereAndResumeAtHome) {
  WorkThread thread;
  EXPECT_NE(run(done_by(thread)), std::this_thread::get_id());
  EXPECT_EQ(run(resumed_on(thread)), std::this_thread::get_id());
}

TEST(WorkThreads, WorkInOrder) {
  WorkThread thread;
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) thread.run_now([&order, i] { order.push_back(i); });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(WorkThreads, FinishWhatIsQueued) {
  std::atomic<int> done{0};
  QueueExecutor executor;
  int resumed = 0;
  {
    WorkThread thread;
    executor.post([&] {
      for (int i = 0; i < 50; ++i) {
        std::function<void()> work = [&done] { ++done; };
        spawn(thread.run(std::move(work)), [&resumed](std::exception_ptr) { ++resumed; });
      }
    });
    executor.run_until([&] { return resumed > 0; });
  }
  EXPECT_EQ(done, 50);
  executor.run_until([&] { return resumed == 50; });
}

}  // namespace
}  // namespace writ
