#pragma once

// Text that stands in a JSON string as it is, found many bytes at a time: almost all that is ever written.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace writ {

// How many bytes at the beginning are printable ASCII without quote and backslash.
inline std::size_t plain_prefix(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U, kHighs = 0x8080808080808080U;
  const auto zero_bytes = [](std::uint64_t word) { return (word - kOnes) & ~word & kHighs; };
  std::size_t at = 0;
  // Whole blocks, in a form that compilers turn into vector instructions.
  constexpr std::size_t kBlock = 64;
  for (; at + kBlock <= text.size(); at += kBlock) {
    unsigned char is_special = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
      const auto byte = static_cast<unsigned char>(text[at + i]);
      is_special = static_cast<unsigned char>(is_special | (byte < 0x20) | (byte > 0x7E) | (byte == '"') | (byte == '\\'));
    }
    if (is_special != 0) break;
  }
  if constexpr (std::endian::native == std::endian::little) {
    for (; at + 8 <= text.size(); at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + at, 8);
      // A borrow reaches only bytes above the first that is meant, so the lowest mark is exact.
      const std::uint64_t marks = (word & kHighs) | ((word - kOnes * 0x20) & ~word & kHighs) | zero_bytes(word ^ kOnes * '"') | zero_bytes(word ^ kOnes * '\\') | zero_bytes(word ^ kOnes * 0x7F);
      if (marks != 0) return at + static_cast<std::size_t>(std::countr_zero(marks)) / 8;
    }
  }
  for (; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte >= 0x7F || byte == '"' || byte == '\\') break;
  }
  return at;
}

}  // namespace writ
