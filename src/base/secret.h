#pragma once

// A string that must not be printed: passwords, client secrets, tokens before they are hashed. It has no stream operator and no
// fmt formatter, does not compare, and overwrites its bytes when it goes away. `reveal()` is the one way in; search for it.

#include <string>
#include <string_view>
#include <utility>

namespace writ {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret& operator=(const Secret& other) {
    if (this != &other) wipe(), value_ = other.value_;
    return *this;
  }
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) wipe(), value_ = std::move(other.value_), other.wipe();
    return *this;
  }
  ~Secret() { wipe(); }

  std::string_view reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  void wipe() noexcept {
    volatile char* byte = value_.data();  // volatile: the compiler may not drop writes to memory that is about to be freed
    for (std::size_t i = 0; i < value_.size(); ++i) byte[i] = 0;
    value_.clear();
  }

  std::string value_;
};

}  // namespace writ
