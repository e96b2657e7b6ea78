#include "base/boxed.h"

#include <gtest/gtest.h>

#include <string>

namespace writ {
namespace {

TEST(ABox, IsEmptyOrHoldsAValueOfItsOwn) {
  const Boxed<std::string> empty, none = std::nullopt;
  EXPECT_FALSE(empty);
  EXPECT_FALSE(none.has_value());
  std::string text = "one";
  Boxed<std::string> box = text;
  text = "two";
  ASSERT_TRUE(box);
  EXPECT_EQ(*box, "one");
  EXPECT_EQ(box->size(), 3U);
  box = std::nullopt;
  EXPECT_FALSE(box);
}

TEST(ABox, IsCopiedWithItsValueAndMovedWithoutIt) {
  Boxed<std::string> box = std::string("one");
  const std::string* const where = &*box;
  Boxed<std::string> copy = box;
  *copy = "two";
  EXPECT_EQ(*box, "one");
  copy = box;
  EXPECT_EQ(*copy, "one");
  EXPECT_NE(&*copy, where);
  const Boxed<std::string> moved = std::move(box);
  EXPECT_EQ(&*moved, where) << "the value stays where it is";
  Boxed<std::string>& itself = copy;
  copy = itself;
  EXPECT_EQ(*copy, "one");
  copy = Boxed<std::string>();
  EXPECT_FALSE(copy);
}

}  // namespace
}  // namespace writ
