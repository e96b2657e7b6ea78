#include "cedar/extension.h"

// Language reference §6.1: `-`? digits `.` one to four digits, as a count of ten-thousandths in 64 bits.

namespace writ::cedar {

namespace {
bool is_digit(char c) { return c >= '0' && c <= '9'; }
}  // namespace

std::optional<std::int64_t> parse_decimal(std::string_view text) {
  constexpr int kFractionDigits = 4;
  // The sign is taken from the text: the whole part of -0.5 is 0, which has none.
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos || point == 0 || point + 1 == text.size()) return std::nullopt;
  const std::size_t fraction_digits = text.size() - point - 1;
  if (fraction_digits > kFractionDigits) return std::nullopt;

  std::int64_t count = 0;
  // Counting down from zero for negative numbers, so that the smallest one parses.
  const auto append_digit = [&count, is_negative](int digit) {
    return !__builtin_mul_overflow(count, 10, &count) && !__builtin_add_overflow(count, is_negative ? -digit : digit, &count);
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == point) continue;
    if (!is_digit(text[i]) || !append_digit(text[i] - '0')) return std::nullopt;
  }
  for (std::size_t i = fraction_digits; i < kFractionDigits; ++i)
    if (!append_digit(0)) return std::nullopt;
  return count;
}

std::string decimal_to_string(std::int64_t ten_thousandths) {
  const bool is_negative = ten_thousandths < 0;
  const std::uint64_t magnitude = is_negative ? 0 - static_cast<std::uint64_t>(ten_thousandths) : static_cast<std::uint64_t>(ten_thousandths);
  std::string fraction = std::to_string(magnitude % 10'000);
  fraction.insert(0, 4 - fraction.size(), '0');
  while (fraction.size() > 1 && fraction.back() == '0') fraction.pop_back();
  return (is_negative ? "-" : "") + std::to_string(magnitude / 10'000) + "." + fraction;
}

}  // namespace writ::cedar
