#pragma once

// One metric with labels: a bounded set of children, one for each combination of label values. A child is found without a lock; children are
// never removed. What would be one too many is counted under `other`, so that nobody can make the set grow by what they send.

#include <atomic>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/metric.h"

namespace writ::telemetry {

constexpr std::string_view kOther = "other";

// Safe to share between threads. T is Counter, Gauge or Histogram; `arguments` makes one.
template <class T>
class Family {
 public:
  using Labels = std::initializer_list<std::string_view>;
  struct Child {
    std::vector<std::string> values;
    std::unique_ptr<T> metric;
  };

  Family(std::size_t labels, std::size_t children_max, std::function<std::unique_ptr<T>()> make)
      : children_max_(children_max), make_(std::move(make)), slots_(slots_for(children_max)), other_{std::vector<std::string>(labels, std::string(kOther)), make_()} {}

  // As many values as the metric has labels. The reference stays good.
  T& of(Labels values) {
    const std::size_t hash = hash_of(values);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
      const Child* child = slots_[at].load(std::memory_order_acquire);
      if (!child) break;
      if (is_of(*child, values)) return *child->metric;
    }
    if (count_.load(std::memory_order_relaxed) >= children_max_) return other();
    return insert(values, hash);
  }

  // All that were ever asked for, the oldest first.
  void visit(const std::function<void(std::span<const std::string>, const T&)>& see) const {
    const std::lock_guard lock(mutex_);
    for (const Child& child : children_) see(child.values, *child.metric);
    if (other_used_.load(std::memory_order_relaxed)) see(other_.values, *other_.metric);
  }

 private:
  static std::size_t slots_for(std::size_t children) {
    std::size_t slots = 16;
    while (slots < children * 2) slots *= 2;
    return slots;
  }
  static std::size_t hash_of(Labels values) {
    std::size_t hash = 14695981039346656037ULL;
    for (const std::string_view value : values) hash = (hash ^ std::hash<std::string_view>()(value)) * 1099511628211ULL;
    return hash ^ (hash >> 29);
  }
  static bool is_of(const Child& child, Labels values) {
    if (child.values.size() != values.size()) return false;
    std::size_t i = 0;
    for (const std::string_view value : values) {
      if (child.values[i++] != value) return false;
    }
    return true;
  }
  T& other() {
    if (!other_used_.load(std::memory_order_relaxed)) other_used_.store(true, std::memory_order_relaxed);
    return *other_.metric;
  }
  T& insert(Labels values, std::size_t hash) {
    constexpr std::size_t kValueBytesMax = 128;
    for (const std::string_view value : values) {
      if (value.size() > kValueBytesMax) return other();
    }
    const std::lock_guard lock(mutex_);
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    for (; const Child* child = slots_[at].load(std::memory_order_relaxed); at = (at + 1) & mask) {
      if (is_of(*child, values)) return *child->metric;
    }
    if (children_.size() >= children_max_) return other();
    children_.push_back({std::vector<std::string>(values.begin(), values.end()), make_()});
    slots_[at].store(&children_.back(), std::memory_order_release);
    count_.store(children_.size(), std::memory_order_relaxed);
    return *children_.back().metric;
  }

  const std::size_t children_max_;
  const std::function<std::unique_ptr<T>()> make_;
  std::vector<std::atomic<const Child*>> slots_;   // open addressing, at most half full
  std::atomic<std::size_t> count_{0};
  mutable std::mutex mutex_;
  std::deque<Child> children_;
  Child other_;
  std::atomic<bool> other_used_{false};
};

}  // namespace writ::telemetry
