#pragma once

// Objects that copies of the list share, each of them and the order that they are in: people and groups of one moment beside those of the moment before.
// What is read from it is const; `[]`, back() and edit_each() of a list that is not const hand out an object to be written to, which is this list's own
// from then on. Such a reference is good until the list is copied.

#include <functional>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "registry/shared_blocks.h"

namespace writ::registry {

template <class T>
class SharedList {
  using Blocks = SharedBlocks<std::shared_ptr<const T>>;

 public:
  class Iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    Iterator() = default;
    explicit Iterator(typename Blocks::Iterator at) : at_(at) {}
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    Iterator& operator++() { return ++at_, *this; }
    Iterator operator++(int) { return Iterator(at_++); }
    Iterator& operator--() { return --at_, *this; }
    Iterator operator--(int) { return Iterator(at_--); }
    friend bool operator==(const Iterator& a, const Iterator& b) = default;

   private:
    friend class SharedList;
    typename Blocks::Iterator at_;
  };
  using value_type = T;
  using const_iterator = Iterator;

  SharedList() = default;
  SharedList(std::initializer_list<T> objects) {
    for (const T& object : objects) push_back(object);
  }

  std::size_t size() const { return blocks_.size(); }
  bool empty() const { return blocks_.empty(); }
  Iterator begin() const { return Iterator(blocks_.begin()); }
  Iterator end() const { return Iterator(blocks_.end()); }
  const T& front() const { return *begin(); }
  const T& back() const { return *std::prev(end()); }
  const T& operator[](std::size_t number) const { return **blocks_.nth(number); }

  void push_back(T object) { blocks_.insert(blocks_.end(), std::make_shared<T>(std::move(object))); }
  void insert(Iterator before, T object) { blocks_.insert(before.at_, std::make_shared<T>(std::move(object))); }
  void erase(Iterator at) { blocks_.erase(at.at_); }
  void clear() { blocks_.clear(); }
  T& operator[](std::size_t number) { return edit(blocks_.nth(number)); }
  T& back() { return edit(std::prev(blocks_.end())); }
  void edit_each(const std::function<void(T&)>& change) {
    for (auto at = blocks_.begin(); at != blocks_.end(); ++at) change(edit(at));
  }
  void erase_if(const std::function<bool(const T&)>& is_to_go) {
    SharedList rest;
    for (auto at = blocks_.begin(); at != blocks_.end(); ++at) {
      if (!is_to_go(**at)) rest.blocks_.insert(rest.blocks_.end(), *at);
    }
    *this = std::move(rest);
  }

  // ---- of a list that is sorted by `id`

  // Null: there is none.
  const T* find(std::string_view id) const {
    const auto at = place_of(id);
    return at != blocks_.end() && (*at)->id == id ? at->get() : nullptr;
  }
  std::shared_ptr<const T> find_shared(std::string_view id) const {
    const auto at = place_of(id);
    return at != blocks_.end() && (*at)->id == id ? *at : nullptr;
  }
  // Takes the place of the one with its id.
  void put(T object) { put(std::make_shared<T>(std::move(object))); }
  void put(std::shared_ptr<const T> object) {
    const auto at = place_of(object->id);
    const bool is_there = at != blocks_.end() && (*at)->id == object->id;
    if (is_there) blocks_.edit(at) = std::move(object);
    else blocks_.insert(at, std::move(object));
  }
  void remove(std::string_view id) {
    const auto at = place_of(id);
    if (at != blocks_.end() && (*at)->id == id) blocks_.erase(at);
  }

 private:
  typename Blocks::Iterator place_of(std::string_view id) const {
    return blocks_.partition_point([&](const std::shared_ptr<const T>& object) { return object->id < id; });
  }
  T& edit(typename Blocks::Iterator at) {
    std::shared_ptr<const T>& object = blocks_.edit(at);
    if (!is_own(object)) object = std::make_shared<T>(*object);
    return const_cast<T&>(*object);   // every object here was made by this class, as one that is not const
  }

  Blocks blocks_;
};

}  // namespace writ::registry
