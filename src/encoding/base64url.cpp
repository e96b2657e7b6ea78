#include "encoding/base64url.h"

#include <array>
#include <cstdint>

namespace writ {
namespace {

constexpr std::string_view kUrlAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kStandardAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNotInAlphabet = 0xFF;

using Reverse = std::array<std::uint8_t, 256>;
constexpr Reverse reverse(std::string_view alphabet) {
  Reverse table{};
  for (auto& entry : table) entry = kNotInAlphabet;
  for (std::size_t i = 0; i < alphabet.size(); ++i) table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return table;
}
constexpr Reverse kUrlReverse = reverse(kUrlAlphabet);
constexpr Reverse kStandardReverse = reverse(kStandardAlphabet);

// Three bytes at a time into a text that has its length already.
std::string encode_with(std::string_view alphabet, std::string_view bytes) {
  const std::size_t rest = bytes.size() % 3;
  std::string text(bytes.size() / 3 * 4 + (rest == 0 ? 0 : rest + 1), '\0');
  char* out = text.data();
  const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    *out++ = alphabet[group >> 18];
    *out++ = alphabet[group >> 12 & 63];
    *out++ = alphabet[group >> 6 & 63];
    *out++ = alphabet[group & 63];
  }
  if (rest != 0) {
    const std::uint32_t group = at(i) << 16 | (rest == 2 ? at(i + 1) << 8 : 0);
    *out++ = alphabet[group >> 18];
    *out++ = alphabet[group >> 12 & 63];
    if (rest == 2) *out++ = alphabet[group >> 6 & 63];
  }
  return text;
}

// Four letters at a time: tokens are decoded on every request. What is no letter has bits above the six, which survive the ors.
std::optional<std::string> decode_with(const Reverse& table, std::string_view text) {
  const std::size_t whole = text.size() / 4;
  const std::size_t rest = text.size() % 4;
  if (rest == 1) return std::nullopt;
  std::string bytes(whole * 3 + (rest == 0 ? 0 : rest - 1), '\0');
  const auto six_bits = [&](std::size_t i) { return static_cast<std::uint32_t>(table[static_cast<unsigned char>(text[i])]); };
  std::uint32_t seen = 0;
  char* out = bytes.data();
  for (std::size_t i = 0; i < whole * 4; i += 4) {
    const std::uint32_t a = six_bits(i), b = six_bits(i + 1), c = six_bits(i + 2), d = six_bits(i + 3);
    seen |= a | b | c | d;
    const std::uint32_t group = a << 18 | b << 12 | c << 6 | d;
    *out++ = static_cast<char>(group >> 16 & 0xFF);
    *out++ = static_cast<char>(group >> 8 & 0xFF);
    *out++ = static_cast<char>(group & 0xFF);
  }
  if (rest != 0) {
    const std::size_t i = whole * 4;
    const std::uint32_t a = six_bits(i), b = six_bits(i + 1), c = rest == 3 ? six_bits(i + 2) : 0;
    seen |= a | b | c;
    const std::uint32_t group = a << 18 | b << 12 | c << 6;
    *out++ = static_cast<char>(group >> 16 & 0xFF);
    if (rest == 3) *out++ = static_cast<char>(group >> 8 & 0xFF);
    // Unused bits that are set: a second spelling of the same bytes (J5).
    if ((group & (rest == 3 ? 0xFFU : 0xFFFFU)) != 0) return std::nullopt;
  }
  if (seen > 63) return std::nullopt;
  return bytes;
}

}  // namespace

namespace base64url {
std::string encode(std::string_view bytes) { return encode_with(kUrlAlphabet, bytes); }
std::optional<std::string> decode(std::string_view text) { return decode_with(kUrlReverse, text); }
}  // namespace base64url

namespace base64 {
std::string encode(std::string_view bytes) {
  std::string text = encode_with(kStandardAlphabet, bytes);
  while (text.size() % 4 != 0) text += '=';
  return text;
}

std::optional<std::string> decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode_with(kStandardReverse, text);
}
}  // namespace base64

}  // namespace writ
