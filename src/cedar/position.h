#pragma once

// Where something stands in a text.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace writ::cedar {

// The longest text that the parsers accept, so that offsets fit 32 bits.
inline constexpr std::size_t kTextBytesMax = 64u << 20;

// Bytes [begin, end) of a text. Trees keep only this; line and column are counted when a message is made.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// From the beginning of `first` to the end of `last`.
constexpr Span join(Span first, Span last) { return {first.begin, last.end}; }

// Both count from 1; columns count characters, not bytes.
struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend bool operator==(const Position&, const Position&) = default;
};

Position locate(std::string_view text, std::size_t offset);

// The same for many places of one text: it is read once for all that are asked about in their order.
class Locator {
 public:
  explicit Locator(std::string_view text) : text_(text) {}
  Position at(std::size_t offset);

 private:
  std::string_view text_;
  std::size_t read_ = 0, line_begin_ = 0;
  std::uint32_t line_ = 1;
};

}  // namespace writ::cedar
