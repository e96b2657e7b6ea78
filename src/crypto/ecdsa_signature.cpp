#include "crypto/ecdsa_signature.h"

#include <algorithm>

namespace writ::crypto {
namespace {

constexpr char kSequence = 0x30;
constexpr char kInteger = 0x02;
constexpr std::size_t kShortLengthMax = 127;   // P-384 needs at most 2 * (2 + 49) = 102 bytes

bool is_high(char byte) { return static_cast<unsigned char>(byte) >= 0x80; }

bool is_in_range(std::string_view integer, std::string_view order) {
  const bool is_zero = std::all_of(integer.begin(), integer.end(), [](char byte) { return byte == 0; });
  return !is_zero && std::lexicographical_compare(integer.begin(), integer.end(), order.begin(), order.end(), [](char a, char b) {
    return static_cast<unsigned char>(a) < static_cast<unsigned char>(b);
  });
}

void append_integer(std::string& der, std::string_view integer) {
  while (integer.size() > 1 && integer[0] == 0) integer.remove_prefix(1);
  const bool needs_zero = is_high(integer[0]);   // else it would be negative
  der += kInteger;
  der += static_cast<char>(integer.size() + (needs_zero ? 1 : 0));
  if (needs_zero) der += '\0';
  der += integer;
}

std::optional<std::string_view> take(std::string_view& der, char tag) {
  if (der.size() < 2 || der[0] != tag || is_high(der[1])) return std::nullopt;
  const auto length = static_cast<std::size_t>(der[1]);
  if (der.size() - 2 < length) return std::nullopt;
  const std::string_view content = der.substr(2, length);
  der.remove_prefix(2 + length);
  return content;
}

std::optional<std::string> take_integer(std::string_view& der, std::size_t bytes) {
  auto content = take(der, kInteger);
  if (!content || content->empty() || is_high((*content)[0])) return std::nullopt;
  if (content->size() > 1 && (*content)[0] == 0) {
    if (!is_high((*content)[1])) return std::nullopt;   // a zero that is not needed
    content->remove_prefix(1);
  }
  if (content->size() > bytes) return std::nullopt;
  return std::string(bytes - content->size(), '\0').append(*content);
}

}  // namespace

std::optional<std::string> der_from_jose(std::string_view signature, std::string_view order) {
  const std::size_t bytes = order.size();
  if (signature.size() != 2 * bytes) return std::nullopt;
  const std::string_view r = signature.substr(0, bytes);
  const std::string_view s = signature.substr(bytes);
  if (!is_in_range(r, order) || !is_in_range(s, order)) return std::nullopt;
  std::string integers;
  integers.reserve(kShortLengthMax);
  append_integer(integers, r);
  append_integer(integers, s);
  std::string der;
  der.reserve(integers.size() + 2);
  der += kSequence;
  der += static_cast<char>(integers.size());
  der += integers;
  return der;
}

std::optional<std::string> jose_from_der(std::string_view der, std::size_t integer_bytes) {
  auto content = take(der, kSequence);
  if (!content || !der.empty()) return std::nullopt;
  const auto r = take_integer(*content, integer_bytes);
  const auto s = take_integer(*content, integer_bytes);
  if (!r || !s || !content->empty()) return std::nullopt;
  return *r + *s;
}

}  // namespace writ::crypto
