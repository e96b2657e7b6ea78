#include "registry/shared_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "base/shared_cell.h"
#include "registry/shared_list.h"

namespace writ::registry {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

struct Thing {
  std::string id;
  int value = 0;
};

std::vector<std::string> ids(const SharedList<Thing>& list) {
  std::vector<std::string> out;
  for (const Thing& thing : list) out.push_back(thing.id);
  return out;
}

TEST(SharedBlocks, AreAsAVectorAfterAnyChanges) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    SharedBlocks<int> blocks;
    std::vector<int> vector;
    for (int step = 0; step < 3000; ++step) {
      const std::size_t at = random() % (vector.size() + 1);
      const auto place = vector.begin() + static_cast<std::ptrdiff_t>(at);
      switch (at == vector.size() ? 0 : random() % 5) {
        case 0:
        case 1:
        case 2: blocks.insert(blocks.nth(at), step), vector.insert(place, step); break;
        case 3: blocks.erase(blocks.nth(at)), vector.erase(place); break;
        default: blocks.edit(blocks.nth(at)) = -step, *place = -step;
      }
      ASSERT_EQ(blocks.size(), vector.size());
    }
    ASSERT_THAT(std::vector<int>(blocks.begin(), blocks.end()), ElementsAreArray(vector));
    std::vector<int> backwards;
    for (auto one = blocks.end(); one != blocks.begin();) backwards.push_back(*--one);
    ASSERT_THAT(backwards, ElementsAreArray(vector.rbegin(), vector.rend()));
  }
}

TEST(SharedBlocks, StayAsTheyWereWhenTheyWereCopied) {
  std::mt19937 random(11);
  std::vector<std::pair<SharedBlocks<int>, std::vector<int>>> copies;
  SharedBlocks<int> blocks;
  for (int step = 0; step < 4000; ++step) {
    const std::size_t at = random() % (blocks.size() + 1);
    const auto choice = at == blocks.size() ? 0 : random() % 4;
    if (choice < 2) blocks.insert(blocks.nth(at), step);
    else if (choice == 2) blocks.erase(blocks.nth(at));
    else blocks.edit(blocks.nth(at)) = step;
    if (step % 100 == 0) copies.emplace_back(blocks, std::vector<int>(blocks.begin(), blocks.end()));
  }
  for (const auto& [copy, then] : copies) EXPECT_THAT(std::vector<int>(copy.begin(), copy.end()), ElementsAreArray(then));
}

// As snapshots are used: one thread makes the next from its own copy, others read what was published, and whoever lets go last destroys it. For the thread sanitizer.
TEST(SharedBlocks, AreReadByOthersWhileTheirNextCopyIsChanged) {
  using Published = SharedBlocks<int>;
  SharedCell<const Published> current(std::make_shared<const Published>());
  std::atomic<bool> is_over{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!is_over) {
        const auto seen = current.load();
        int expected = 0;
        for (const int number : *seen) EXPECT_EQ(number, expected++);
        EXPECT_EQ(static_cast<std::size_t>(expected), seen->size());
      }
    });
  }
  Published next;
  for (int number = 0; number < 4000; ++number) {
    next.insert(next.end(), number);
    current.store(std::make_shared<const Published>(next));
  }
  is_over = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(current.load()->size(), 4000u);
}

TEST(SharedBlocks, FindTheBorderOfWhatComesFirst) {
  SharedBlocks<int> blocks;
  EXPECT_EQ(blocks.partition_point([](int) { return true; }), blocks.end());
  for (int i = 0; i < 1000; ++i) blocks.insert(blocks.end(), 2 * i);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(*blocks.partition_point([&](int one) { return one < 2 * i; }), 2 * i);
    ASSERT_EQ(*blocks.partition_point([&](int one) { return one < 2 * i - 1; }), 2 * i);
  }
  EXPECT_EQ(blocks.partition_point([](int one) { return one < 1999; }), blocks.end());
}

TEST(SharedBlocks, AreEmptyAgainWhenEverythingWentOneByOne) {
  SharedBlocks<int> blocks;
  for (int i = 0; i < 600; ++i) blocks.insert(blocks.begin(), i);
  while (!blocks.empty()) blocks.erase(std::prev(blocks.end()));
  EXPECT_EQ(blocks.begin(), blocks.end());
  blocks.insert(blocks.end(), 1);
  EXPECT_EQ(*blocks.begin(), 1);
}

TEST(SharedList, KeepsASortedListSorted) {
  std::mt19937 random(3);
  SharedList<Thing> list;
  std::set<std::string> set;
  for (int step = 0; step < 3000; ++step) {
    const std::string id = std::to_string(random() % 700);
    if (random() % 3 == 0) list.remove(id), set.erase(id);
    else list.put({id, step}), set.insert(id);
    const Thing* found = list.find(id);
    ASSERT_EQ(found != nullptr, set.contains(id));
    if (found) {
      ASSERT_EQ(found->value, step);
    }
  }
  EXPECT_THAT(ids(list), ElementsAreArray(set));
  EXPECT_EQ(list.find("x"), nullptr);
}

TEST(SharedList, WritesToWhatIsItsOwnAlone) {
  SharedList<Thing> list = {{"a", 1}, {"b", 2}, {"c", 3}};
  const SharedList<Thing> before = list;
  list[1].value = 20;
  list.back().value = 30;
  EXPECT_EQ(before[1].value, 2);
  EXPECT_EQ(before.back().value, 3);
  EXPECT_EQ(list.find("b")->value, 20);
  EXPECT_EQ(&list.front(), &before.front()) << "what did not change is one object";
  list.edit_each([](Thing& thing) { thing.value = 0; });
  EXPECT_EQ(before.front().value, 1);
  list.erase_if([](const Thing& thing) { return thing.id == "b"; });
  EXPECT_THAT(ids(list), ElementsAre("a", "c"));
  EXPECT_THAT(ids(before), ElementsAre("a", "b", "c"));
  list.erase(list.begin());
  EXPECT_THAT(ids(list), ElementsAre("c"));
  list = {};
  EXPECT_THAT(ids(list), IsEmpty());
}

}  // namespace
}  // namespace writ::registry
