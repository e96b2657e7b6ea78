#include <array>

#include "cedar/extension.h"

// Language reference §6.4: `-`? then days, hours, minutes, seconds, milliseconds, each at most once and in that order.

namespace writ::cedar {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t milliseconds;
};
constexpr std::array<Unit, 5> kUnits{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

std::string_view take_while(std::string_view& text, bool (*matches)(char)) {
  std::size_t count = 0;
  while (count < text.size() && matches(text[count])) ++count;
  const std::string_view taken = text.substr(0, count);
  text.remove_prefix(count);
  return taken;
}

}  // namespace

std::optional<std::int64_t> parse_duration(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  while (!text.empty()) {
    const std::string_view digits = take_while(text, [](char c) { return c >= '0' && c <= '9'; });
    const std::string_view name = take_while(text, [](char c) { return c >= 'a' && c <= 'z'; });
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (digits.empty() || next_unit == kUnits.size()) return std::nullopt;
    // Signed from the first digit on, so that the smallest duration parses.
    std::int64_t count = 0;
    for (const char c : digits) {
      const int digit = c - '0';
      if (__builtin_mul_overflow(count, 10, &count) || __builtin_add_overflow(count, is_negative ? -digit : digit, &count))
        return std::nullopt;
    }
    if (__builtin_mul_overflow(count, kUnits[next_unit].milliseconds, &count) || __builtin_add_overflow(total, count, &total))
      return std::nullopt;
    ++next_unit;
  }
  return total;
}

std::string duration_to_string(std::int64_t milliseconds) {
  const bool is_negative = milliseconds < 0;
  std::uint64_t rest = is_negative ? 0 - static_cast<std::uint64_t>(milliseconds) : static_cast<std::uint64_t>(milliseconds);
  std::string out = is_negative ? "-" : "";
  if (rest == 0) return "0ms";
  for (const Unit& unit : kUnits) {
    const auto size = static_cast<std::uint64_t>(unit.milliseconds);
    if (rest / size == 0) continue;
    out += std::to_string(rest / size);
    out += unit.name;
    rest %= size;
  }
  return out;
}

}  // namespace writ::cedar
