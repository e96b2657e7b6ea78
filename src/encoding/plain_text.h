#pragma once

// Text that stands in a JSON string as it is, found many bytes at a time: almost all that is ever written.

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace writ {
namespace plain_text {

// A mark for each byte of a word that is no printable ASCII, or a quote or a backslash: in the byte's highest bit, exact up to the lowest of them.
inline std::uint64_t marks(const char* at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U, kHighs = 0x8080808080808080U;
  const auto zero_bytes = [](std::uint64_t word) { return (word - kOnes) & ~word & kHighs; };
  std::uint64_t word = 0;
  std::memcpy(&word, at, 8);
  // A borrow reaches only bytes above the first that is meant, so the lowest mark is exact.
  return (word & kHighs) | ((word - kOnes * 0x20) & ~word & kHighs) | zero_bytes(word ^ kOnes * '"') | zero_bytes(word ^ kOnes * '\\') | zero_bytes(word ^ kOnes * 0x7F);
}

#if defined(__SSE2__)
// The same for sixteen bytes, one bit each, all exact.
inline std::uint32_t marks_of_16(const char* at) {
  __m128i bytes;
  std::memcpy(&bytes, at, 16);
  const __m128i control_or_beyond = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));   // signed: above 0x7F is below zero
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')), backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  const __m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7F));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(control_or_beyond, del), _mm_or_si128(quote, backslash))));
}
#endif

}  // namespace plain_text

// How many bytes at the beginning are printable ASCII without quote and backslash.
inline std::size_t plain_prefix(std::string_view text) {
  std::size_t at = 0;
#if defined(__SSE2__)
  for (; at + 16 <= text.size(); at += 16) {
    if (const std::uint32_t found = plain_text::marks_of_16(text.data() + at); found != 0) return at + static_cast<std::size_t>(std::countr_zero(found));
  }
#endif
  if constexpr (std::endian::native == std::endian::little) {
    for (; at + 8 <= text.size(); at += 8) {
      if (const std::uint64_t found = plain_text::marks(text.data() + at); found != 0) return at + static_cast<std::size_t>(std::countr_zero(found)) / 8;
    }
    if (at < text.size() && text.size() >= 8) {   // the last ones together with some that are known to be plain
      const std::uint64_t found = plain_text::marks(text.data() + text.size() - 8);
      return found == 0 ? text.size() : text.size() - 8 + static_cast<std::size_t>(std::countr_zero(found)) / 8;
    }
  }
  for (; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte >= 0x7F || byte == '"' || byte == '\\') break;
  }
  return at;
}

}  // namespace writ
