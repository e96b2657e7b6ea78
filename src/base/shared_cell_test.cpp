#include "base/shared_cell.h"

#include <gtest/gtest.h>

#include <vector>

namespace writ {
namespace {

struct Counted {
  explicit Counted(int number) : value(number), copy(number) { ++alive; }
  ~Counted() { --alive; }
  int value, copy;
  static inline std::atomic<int> alive{0};
};

TEST(SharedCell, HoldsNothingAtFirst) { EXPECT_EQ(SharedCell<const Counted>().load(), nullptr); }

TEST(SharedCell, LetsGoOfWhatItReplaces) {
  {
    SharedCell<const Counted> cell(std::make_shared<const Counted>(1));
    const auto kept = cell.load();
    cell.store(std::make_shared<const Counted>(2));
    EXPECT_EQ(kept->value, 1);
    EXPECT_EQ(cell.load()->value, 2);
    EXPECT_EQ(Counted::alive, 2);
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(SharedCell, ReadersSeeWholeValuesInOrder) {
  SharedCell<const Counted> cell(std::make_shared<const Counted>(0));
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      int newest = 0;
      while (!done) {
        const auto seen = cell.load();
        ASSERT_EQ(seen->value, seen->copy);
        ASSERT_GE(seen->value, newest);
        newest = seen->value;
      }
    });
  }
  for (int i = 1; i <= 20'000; ++i) cell.store(std::make_shared<const Counted>(i));
  done = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(Counted::alive, 1);
}

}  // namespace
}  // namespace writ
