#include "cedar/position.h"

#include <gtest/gtest.h>

namespace writ::cedar {
namespace {

struct Place {
  std::size_t offset;
  Position position;
};

// a CR LF, b é x CR, c LF, d: every kind of line end, and a letter of two bytes.
constexpr std::string_view kText = "a\r\nb\xC3\xA9x\rc\nd";
constexpr Place kPlaces[] = {{0, {1, 1}}, {1, {1, 2}}, {2, {1, 3}}, {3, {2, 1}}, {4, {2, 2}}, {6, {2, 3}}, {8, {3, 1}}, {9, {3, 2}}, {10, {4, 1}}, {11, {4, 2}}, {99, {4, 2}}};

TEST(Positions, CountLinesAndCharacters) {
  for (const auto& [offset, position] : kPlaces) EXPECT_EQ(locate(kText, offset), position) << offset;
}

TEST(Positions, AreTheSameWhenAskedInTurnAndOutOfTurn) {
  Locator in_turn(kText);
  for (const auto& [offset, position] : kPlaces) EXPECT_EQ(in_turn.at(offset), position) << offset;
  for (const auto& [first, _] : kPlaces) {
    for (const auto& [offset, position] : kPlaces) {
      Locator locator(kText);
      static_cast<void>(locator.at(first));
      EXPECT_EQ(locator.at(offset), position) << offset << " after " << first;
    }
  }
}

}  // namespace
}  // namespace writ::cedar
