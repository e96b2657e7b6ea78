#include "encoding/hidden_text.h"

#include <algorithm>
#include <array>
#include <functional>

#include "encoding/utf8.h"

namespace writ::text {
namespace {

struct Range {
  char32_t first, last;
};
// Sorted. Unicode's general categories Cc, Cf, Zl, Zp, Zs but for the space, and letters and marks that are drawn as nothing.
constexpr std::array<Range, 27> kHidden = {{
    {0x0000, 0x001F}, {0x007F, 0x00A0}, {0x00AD, 0x00AD}, {0x034F, 0x034F}, {0x0600, 0x0605}, {0x061C, 0x061C}, {0x06DD, 0x06DD},
    {0x070F, 0x070F}, {0x08E2, 0x08E2}, {0x115F, 0x1160}, {0x1680, 0x1680}, {0x17B4, 0x17B5}, {0x180B, 0x180F}, {0x2000, 0x200F},
    {0x2028, 0x202F}, {0x205F, 0x206F}, {0x2800, 0x2800}, {0x3000, 0x3000}, {0x3164, 0x3164}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF},
    {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0x110BD, 0x110CD}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
}};

char32_t point_of(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0);
  char32_t point = byte(0) & (0x7F >> character.size());
  for (std::size_t i = 1; i < character.size(); ++i) point = (point << 6) | (byte(i) & 0x3F);
  return point;
}

void append_escape(std::string& out, char32_t unit) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(unit >> shift) & 0xF];
}

void for_each_character(std::string_view text, const std::function<void(std::string_view character, char32_t point)>& visit) {
  while (!text.empty()) {
    const std::size_t length = utf8::length_of_first(text);
    if (length == 0) {
      visit("\xEF\xBF\xBD", 0xFFFD);
      text.remove_prefix(1);
      continue;
    }
    visit(text.substr(0, length), point_of(text.substr(0, length)));
    text.remove_prefix(length);
  }
}

}  // namespace

bool is_hidden(char32_t point) {
  const auto found = std::upper_bound(kHidden.begin(), kHidden.end(), point, [](char32_t wanted, const Range& range) { return wanted < range.first; });
  return found != kHidden.begin() && point <= std::prev(found)->last;
}

std::string without_hidden(std::string_view text) {
  std::string out;
  for_each_character(text, [&](std::string_view character, char32_t point) {
    if (!is_hidden(point)) out += character;
  });
  return out;
}

std::string with_hidden_escaped(std::string_view json) {
  std::string out;
  for_each_character(json, [&](std::string_view character, char32_t point) {
    if (!is_hidden(point)) {
      out += character;
    } else if (point < 0x10000) {
      append_escape(out, point);
    } else {
      append_escape(out, 0xD800 + ((point - 0x10000) >> 10));
      append_escape(out, 0xDC00 + ((point - 0x10000) & 0x3FF));
    }
  });
  return out;
}

}  // namespace writ::text
