#include "base/task.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "base/result.h"

namespace writ {
namespace {

Task<int> ready(int value) { co_return value; }

Task<int> sum_of(int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    const int value = co_await ready(1);
    sum += value;
  }
  co_return sum;
}

Task<int> from_another_thread(int value) {
  Executor* origin = Executor::current();
  std::thread worker;
  const int result = co_await suspend_until<int>([&](std::function<void(int)> resume) {
    worker = std::thread([origin, resume, value] { origin->post([resume, value] { resume(value); }); });
  });
  worker.join();
  co_return result;
}

Task<int> throws() {
  throw std::runtime_error("broken");
  co_return 0;
}

Task<int> called_back_at_once() {
  const int value = co_await suspend_until<int>([](std::function<void(int)> resume) { resume(7); });
  co_return value;
}

TEST(Task, AMillionFinishedTasksUseNoStack) { EXPECT_EQ(run(sum_of(1'000'000)), 1'000'000); }
TEST(Task, ResumesOnTheExecutorItWasSuspendedOn) { EXPECT_EQ(run(from_another_thread(42)), 42); }
TEST(Task, ExceptionReachesTheOneWhoAwaits) { EXPECT_THROW(run(throws()), std::runtime_error); }
TEST(Task, CallbackMayComeBeforeStartReturns) { EXPECT_EQ(run(called_back_at_once()), 7); }

Result<int, const char*> half(int value) {
  if (value % 2 != 0) return unexpected("odd");
  return value / 2;
}
Result<int, const char*> quarter(int value) {
  const int once = TRY(half(value));
  return TRY(half(once));
}

TEST(Result, TryHandsOnTheValueOrReturnsTheError) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_STREQ(quarter(6).error(), "odd");
}

}  // namespace
}  // namespace writ
