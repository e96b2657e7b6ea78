#include "upstreams/eras/conduit.h"

#include <gtest/gtest.h>

#include <thread>

#include "upstreams/eras/handover.h"
#include "upstreams/eras/loop_thread_fixture.h"

namespace writ::upstreams {
namespace {

using http::StreamEnd;

Task<void> produce(Conduit& conduit, int count, bool& was_open) {
  for (int i = 0; i < count; ++i) {
    was_open = co_await conduit.ready();
    if (!was_open) co_return;
    conduit.write(std::string(1'000, static_cast<char>('a' + i % 26)));
  }
  conduit.finish(StreamEnd::complete);
}

Task<std::string> consume(http::BodyStream& body, std::size_t bytes_max) {
  std::string all;
  while (all.size() < bytes_max) {
    auto piece = co_await body.next();
    if (!piece) co_return all + (piece.error() == StreamEnd::complete ? "." : "!");
    all += *piece;
  }
  co_return all;
}

TEST(ConduitTest, CarriesAllBytesInOrderFromOneLoopToAnother) {
  Conduit conduit(3'000);
  const auto body = conduit.body();
  bool was_open = false;
  LoopThread writer;
  writer.executor.post([&] {
    auto task = produce(conduit, 5'000, was_open);
    spawn(std::move(task), [](std::exception_ptr) {});
  });
  const std::string all = run(consume(*body, 1 << 30));
  ASSERT_EQ(all.size(), 5'000'001u);
  EXPECT_EQ(all.back(), '.');
  for (std::size_t i = 0; i < 5'000; ++i) ASSERT_EQ(all[i * 1'000], static_cast<char>('a' + i % 26));
}

TEST(ConduitTest, AWriterWaitsForASlowReaderAndHearsWhenItLeaves) {
  QueueExecutor executor;
  const Executor::Scope scope(executor);
  Conduit conduit(2'000);
  auto body = conduit.body();
  bool was_open = false, is_done = false, is_told = false;
  conduit.on_closed([&] { is_told = true; });
  auto task = produce(conduit, 10, was_open);
  spawn(std::move(task), [&](std::exception_ptr) { is_done = true; });
  EXPECT_FALSE(is_done);
  EXPECT_EQ(run(executor, consume(*body, 1)).size(), 2'000u);
  body.reset();
  executor.run_until([&] { return is_done && is_told; });
  EXPECT_FALSE(was_open);
  EXPECT_FALSE(conduit.write("x"));
}

TEST(ConduitTest, WhoReadsHearsThatItWasCancelled) {
  QueueExecutor executor;
  const Executor::Scope scope(executor);
  Conduit conduit;
  const auto body = conduit.body();
  executor.post([&] { body->cancel(); });
  EXPECT_EQ(run(executor, consume(*body, 1)), "!");
}

TEST(ConduitTest, AReaderThatLeavesAfterTheEndIsNoNews) {
  QueueExecutor executor;
  const Executor::Scope scope(executor);
  Conduit conduit;
  auto body = conduit.body();
  bool is_told = false;
  conduit.on_closed([&] { is_told = true; });
  conduit.write("x");
  conduit.finish(StreamEnd::broken);
  EXPECT_EQ(run(executor, consume(*body, 10)), "x!");
  body.reset();
  bool is_done = false;
  executor.post([&] { is_done = true; });
  executor.run_until([&] { return is_done; });
  EXPECT_FALSE(is_told);
}

TEST(HandoverTest, HandsTheFirstValueToAnotherLoop) {
  for (int i = 0; i < 200; ++i) {
    const auto handover = std::make_shared<Handover<std::unique_ptr<int>>>();
    std::thread other([handover] {
      handover->set(std::make_unique<int>(7));
      handover->set(std::make_unique<int>(8));
    });
    const auto value = run(Handover<std::unique_ptr<int>>::get(handover));
    EXPECT_EQ(*value, 7);
    other.join();
  }
}

}  // namespace
}  // namespace writ::upstreams
