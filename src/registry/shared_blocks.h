#pragma once

// A sequence whose copies share what they have in common: it is kept in small blocks, and a change copies the block that it is in and the list of the
// blocks. So a copy costs nothing, and a change of one in a hundred thousand costs what a few hundred pointers cost.
//
// Copies may be read and destroyed by different threads. One object is changed by one thread, which nobody reads it beside.

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace writ::registry {

// Whether nobody else holds it, so that it may be written to. Whoever has let go of it meanwhile has read it before: taking one more reference and giving it
// back orders this thread behind that.
template <class T>
bool is_own(const std::shared_ptr<T>& value) {
  if (value.use_count() > 1) return false;
  const std::shared_ptr<T> once_more = value;
  return true;
}

// A value that copies share until one of them is changed.
template <class T>
class Shared {
 public:
  Shared() = default;
  const T& operator*() const {
    static const T kNone{};
    return value_ ? *value_ : kNone;
  }
  const T* operator->() const { return &**this; }
  // To be changed: this object's own from here on.
  T& own() {
    if (!value_) value_ = std::make_shared<T>();
    else if (!is_own(value_)) value_ = std::make_shared<T>(*value_);
    return *value_;
  }
  bool is_shared_with(const Shared& other) const { return value_ == other.value_; }

 private:
  std::shared_ptr<T> value_;
};

template <class Element>
class SharedBlocks {
 public:
  static constexpr std::size_t kBlockMax = 256;   // elements; a full block is split into halves

  class Iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = Element;
    using difference_type = std::ptrdiff_t;
    using pointer = const Element*;
    using reference = const Element&;

    Iterator() = default;
    Iterator(const SharedBlocks* blocks, std::size_t block, std::size_t place) : blocks_(blocks), block_(block), place_(place) {}
    reference operator*() const { return (*blocks_->at(block_))[place_]; }
    pointer operator->() const { return &**this; }
    Iterator& operator++() {
      if (++place_ == blocks_->at(block_)->size()) ++block_, place_ = 0;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    Iterator& operator--() {
      if (place_ == 0) place_ = blocks_->at(--block_)->size();
      --place_;
      return *this;
    }
    Iterator operator--(int) {
      Iterator before = *this;
      --*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.block_ == b.block_ && a.place_ == b.place_; }

   private:
    friend class SharedBlocks;
    const SharedBlocks* blocks_ = nullptr;
    std::size_t block_ = 0, place_ = 0;
  };

  std::size_t size() const { return spine_->size; }
  bool empty() const { return size() == 0; }
  Iterator begin() const { return {this, 0, 0}; }
  Iterator end() const { return {this, spine_->blocks.size(), 0}; }

  // The first element for which `is_before` is false. Precondition: those for which it is true come first.
  template <class Predicate>
  Iterator partition_point(Predicate is_before) const {
    const auto& blocks = spine_->blocks;
    // The last block that begins with such an element has the border in it, or right behind it.
    const auto after = std::partition_point(blocks.begin(), blocks.end(), [&](const Shared<Block>& block) { return is_before(block->front()); });
    if (after == blocks.begin()) return begin();
    const auto number = static_cast<std::size_t>(after - blocks.begin()) - 1;
    const Block& block = *blocks[number];
    const auto place = static_cast<std::size_t>(std::partition_point(block.begin(), block.end(), is_before) - block.begin());
    return place == block.size() ? Iterator{this, number + 1, 0} : Iterator{this, number, place};
  }

  // Where the element of this number is. Walks over the blocks.
  Iterator nth(std::size_t number) const {
    assert(number <= size());
    std::size_t block = 0;
    while (block < spine_->blocks.size() && number >= at(block)->size()) number -= at(block++)->size();
    return {this, block, number};
  }

  // ---- changes; they end the life of iterators

  void insert(Iterator before, Element element) {
    Spine& spine = spine_.own();
    std::size_t block = before.block_, place = before.place_;
    // Between two blocks the earlier one takes it: so a list that grows at its end does not begin a block for each.
    if (place == 0 && block > 0) --block, place = spine.blocks[block]->size();
    if (spine.blocks.empty()) spine.blocks.emplace_back();
    if (spine.blocks[block]->size() >= kBlockMax) {
      // At its end nothing comes in between any more, as when sorted things are read: the block stays full.
      const bool is_at_end = block + 1 == spine.blocks.size() && place == spine.blocks[block]->size();
      const std::size_t kept = is_at_end ? kBlockMax : kBlockMax / 2;
      Block& full = spine.blocks[block].own();
      Shared<Block> rest;
      rest.own().assign(std::make_move_iterator(full.begin() + static_cast<std::ptrdiff_t>(kept)), std::make_move_iterator(full.end()));
      full.erase(full.begin() + static_cast<std::ptrdiff_t>(kept), full.end());
      spine.blocks.insert(spine.blocks.begin() + static_cast<std::ptrdiff_t>(block) + 1, std::move(rest));
      if (place > kept || is_at_end) ++block, place -= kept;
    }
    Block& own = spine.blocks[block].own();
    own.insert(own.begin() + static_cast<std::ptrdiff_t>(place), std::move(element));
    ++spine.size;
  }

  void erase(Iterator at) {
    Spine& spine = spine_.own();
    Block& own = spine.blocks[at.block_].own();
    own.erase(own.begin() + static_cast<std::ptrdiff_t>(at.place_));
    if (own.empty()) spine.blocks.erase(spine.blocks.begin() + static_cast<std::ptrdiff_t>(at.block_));
    --spine.size;
  }

  // To be written to: it stays where it is.
  Element& edit(Iterator at) { return spine_.own().blocks[at.block_].own()[at.place_]; }

  void clear() { spine_ = {}; }

 private:
  using Block = std::vector<Element>;   // never empty
  struct Spine {
    std::vector<Shared<Block>> blocks;
    std::size_t size = 0;
  };
  const Shared<Block>& at(std::size_t block) const { return spine_->blocks[block]; }

  Shared<Spine> spine_;
};

}  // namespace writ::registry
