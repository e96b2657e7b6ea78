#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

namespace writ::cedar {

// The index of an item whose key an earlier item has too; nothing when keys are unique. `key_of(item)` is the key.
template <class Items, class KeyOf>
std::optional<std::size_t> find_repeated_key(const Items& items, KeyOf key_of) {
  std::vector<std::size_t> order(items.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto by_key = key_of(items[a]) <=> key_of(items[b]);
    return by_key != 0 ? by_key < 0 : a < b;
  });
  std::optional<std::size_t> first;
  for (std::size_t i = 1; i < order.size(); ++i)
    if (key_of(items[order[i]]) == key_of(items[order[i - 1]])) first = std::min(first.value_or(order[i]), order[i]);
  return first;
}

}  // namespace writ::cedar
