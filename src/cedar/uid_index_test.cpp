#include "cedar/uid_index.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace writ::cedar {
namespace {

// Either side of the number from which they are hashed.
TEST(UidIndex, NumbersReferencesInTheirOrder) {
  std::deque<std::string> names;
  std::deque<EntityUid> uids;
  UidIndex index;
  EXPECT_FALSE(index.contains(EntityUid("User", "0")));
  for (std::size_t count = 0; count < 3 * UidIndex::kFew; ++count) {
    uids.emplace_back("User", names.emplace_back(std::to_string(count)));
    index.add(&uids.back());
    for (std::size_t number = 0; number <= count; ++number) ASSERT_EQ(index.find(EntityUid("User", names[number])), number) << "of " << count + 1;
    ASSERT_FALSE(index.contains(EntityUid("User", "nobody"))) << "of " << count + 1;
    ASSERT_FALSE(index.contains(EntityUid("Group", names[count]))) << "the type counts, of " << count + 1;
  }
}

}  // namespace
}  // namespace writ::cedar
