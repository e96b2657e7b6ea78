#include "registry/shared_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace writ::registry {
namespace {

TEST(SharedIndex, IsAsAMapAfterAnyChangesAndItsCopiesAreAsOfThen) {
  std::mt19937 random(5);
  SharedIndex<int> index;
  std::map<int, int> map;   // entry → how often it is there
  std::vector<std::pair<SharedIndex<int>, std::map<int, int>>> copies;
  std::size_t size = 0;
  const auto is = [](int number) { return [number](int entry) { return entry == number; }; };
  const auto hash = [](int number) { return hash_of(std::to_string(number)); };
  for (int step = 0; step < 20'000; ++step) {
    const int number = static_cast<int>(random() % 3000);
    if (random() % 3 == 0) {
      index.erase(hash(number), is(number));
      if (map[number] > 0) --map[number], --size;
    } else {
      index.insert(hash(number), number);
      ++map[number], ++size;
    }
    ASSERT_EQ(index.size(), size);
    if (step % 2000 == 0) copies.emplace_back(index, map);
  }
  copies.emplace_back(index, map);
  for (const auto& [copy, then] : copies) {
    for (int number = 0; number < 3000; ++number) {
      int times = 0;
      copy.for_each(hash(number), [&](int entry) { times += entry == number; });
      const auto was = then.find(number);
      ASSERT_EQ(times, was == then.end() ? 0 : was->second) << number;
      ASSERT_EQ(copy.find(hash(number), is(number)) != nullptr, times > 0);
    }
  }
}

TEST(SharedIndex, KeepsEntriesOfOneHashApart) {
  SharedIndex<int> index;
  for (int i = 0; i < 1000; ++i) index.insert(42, i);   // more than a shard takes: splitting them cannot separate these
  for (int i = 0; i < 1000; i += 2) index.erase(42, [&](int entry) { return entry == i; });
  EXPECT_EQ(index.size(), 500u);
  EXPECT_EQ(index.find(42, [](int entry) { return entry == 8; }), nullptr);
  EXPECT_EQ(*index.find(42, [](int entry) { return entry == 9; }), 9);
  EXPECT_EQ(index.find(43, [](int) { return true; }), nullptr);
}

TEST(SharedIndex, FindsNothingWhereNothingWasPut) {
  SharedIndex<int> index;
  EXPECT_EQ(index.find(1, [](int) { return true; }), nullptr);
  index.erase(1, [](int) { return true; });
  EXPECT_EQ(index.size(), 0u);
}

TEST(SharedIndex, HashesThatFoldLettersAreThoseOfTheFoldedText) {
  const auto fold = [](char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; };
  EXPECT_EQ(hash_of("Alice", fold), hash_of("alice"));
  EXPECT_NE(hash_of("Alice"), hash_of("alice"));
  EXPECT_NE(hash_of("b", fold, hash_of("a")), hash_of("ab"));
}

}  // namespace
}  // namespace writ::registry
