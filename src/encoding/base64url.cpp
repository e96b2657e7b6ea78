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

std::string encode_with(std::string_view alphabet, std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  const auto at = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    for (const int shift : {18, 12, 6, 0}) text += alphabet[group >> shift & 63];
  }
  if (bytes.size() - i == 1) {
    const std::uint32_t group = at(i) << 16;
    for (const int shift : {18, 12}) text += alphabet[group >> shift & 63];
  } else if (bytes.size() - i == 2) {
    const std::uint32_t group = at(i) << 16 | at(i + 1) << 8;
    for (const int shift : {18, 12, 6}) text += alphabet[group >> shift & 63];
  }
  return text;
}

std::optional<std::string> decode_with(const Reverse& table, std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t group = 0;
  int bits = 0;
  for (const char letter : text) {
    const std::uint8_t six = table[static_cast<unsigned char>(letter)];
    if (six == kNotInAlphabet) return std::nullopt;
    group = group << 6 | six;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(group >> bits & 0xFF);
      group &= (1U << bits) - 1;
    }
  }
  if (group != 0) return std::nullopt;   // unused bits that are set: a second spelling of the same bytes
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
