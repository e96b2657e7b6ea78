#pragma once

// Changes of access as sentences for people: "3 people lose github (tool delete_repo) through cursor: alice, bob, carol".

#include <string>

#include "policy/preview/access.h"

namespace writ::policy::preview {

struct DescribeLimits {
  std::size_t names = 10;    // of people; the others are counted
  std::size_t things = 6;    // of each kind; with more they are counted, and the first ones named
};
std::string describe(const AccessChange& change, const AccessDifference& difference, const DescribeLimits& limits);

// Whether it is more, less, or only otherwise than before: "gains", "loses", "conditions".
std::string_view direction(const AccessChange& change);

// "2 people lose access, nobody gains any, 1 person under other conditions".
std::string summary(const AccessDifference& difference);

}  // namespace writ::policy::preview
