#include "adapters/log/spent_index.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "adapters/log/record_line.h"

namespace writ::log {
namespace {

constexpr std::uint32_t kNow = 1'795'000'000;

SpentClaim claim(int number, std::uint32_t forget_after = kNow + 330) {
  return {audit::make_claim(audit::Claim::Use::id_jag, "i", std::to_string(number), Instant{}).key, forget_after};
}

TEST(SpentIndex, GivesEachClaimOnceThroughEveryGrowth) {
  SpentIndex index;
  for (int i = 0; i < 50'000; ++i) ASSERT_TRUE(index.reserve(claim(i), kNow)) << i;
  for (int i = 0; i < 50'000; ++i) ASSERT_FALSE(index.reserve(claim(i), kNow)) << i;
  EXPECT_EQ(index.size(), 50'000U);
}

TEST(SpentIndex, OfManyThreadsOneGetsIt) {
  SpentIndex index;
  std::atomic<int> given{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i) given += index.reserve(claim(i), kNow);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(given, 5'000);
}

TEST(SpentIndex, ReleasesWhatNeverReachedTheDiskAndNothingElse) {
  SpentIndex index;
  for (int i = 0; i < 1'000; ++i) index.reserve(claim(i), kNow);
  for (int i = 0; i < 1'000; i += 2) index.release(claim(i).key);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(index.reserve(claim(i), kNow), i % 2 == 0) << i;
}

// S7, R12: forgotten when a part grows, never before an hour has passed since; a clock that stepped an hour ahead and back frees nothing.
TEST(SpentIndex, ForgetsOnlyWhatIsOldByAnHour) {
  const Instant now = from_unix_seconds(kNow);
  EXPECT_EQ(forgotten_before_seconds(now), kNow - 3'600);
  EXPECT_EQ(forget_after_seconds(now + Milliseconds{1}), kNow + 1) << "rounded up";
  SpentIndex index;
  for (int i = 0; i < 10'000; ++i) index.reserve(claim(i, kNow), forgotten_before_seconds(now + std::chrono::hours{1}));
  for (int i = 0; i < 10'000; ++i) ASSERT_FALSE(index.reserve(claim(i, kNow), forgotten_before_seconds(now)));
  for (int i = 10'000; i < 40'000; ++i) index.reserve(claim(i, kNow + 100'000), kNow + 1);
  EXPECT_LT(index.size(), 40'000U) << "what may be forgotten goes when there is no room";
  EXPECT_GE(index.size(), 30'000U);
}

TEST(RecordLine, HandsOnEachMemberWhole) {
  std::string seen;
  const auto members = [&](std::string_view line) {
    seen.clear();
    for_each_member(line, [&](std::string_view name, std::string_view value) { seen += std::string(name) + "=" + std::string(value) + ";"; });
    return seen;
  };
  EXPECT_EQ(members(R"({"position":7,"user":"a\"b\\","arguments":{"x":[1,{"y":"}\""}],"user":"no"},"code":"W-1"})"),
            R"(position=7;user=a\"b\\;arguments={"x":[1,{"y":"}\""}],"user":"no"};code=W-1;)");
  EXPECT_EQ(members(R"({"position":7})"), "position=7;");
  // Cut at every byte: never beyond the end.
  const std::string line = R"({"position":7,"user":"a\"b\\","arguments":{"x":[1,{"y":"}\""}]}})";
  for (std::size_t size = 0; size < line.size(); ++size) members(std::string_view(line).substr(0, size));
}

}  // namespace
}  // namespace writ::log
