// Denial codes: what an agent prints, a person reads aloud on the phone and an administrator types into `writ why`.

#include <algorithm>
#include <array>

#include "audit/record.h"
#include "audit/record_name.h"

namespace writ::audit {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";   // Crockford: no I, L, O, U
constexpr int kNodeBits = 10;
constexpr std::size_t kDigitsMin = 5;
constexpr std::size_t kDigitsMax = 13;   // 64 bits

// Multiplication by x in GF(32) with x⁵ + x² + 1.
constexpr unsigned times_x(unsigned value) {
  value <<= 1;
  return value & 32 ? value ^ 0b100101 : value;
}

// A polynomial over GF(32), evaluated at x: any one wrong character and any two swapped neighbours change it.
unsigned check_digit(const std::vector<unsigned>& digits) {
  unsigned check = 0;
  for (const unsigned digit : digits) check = times_x(check ^ digit);
  return check;
}

std::optional<unsigned> digit_of(char character) {
  character = static_cast<char>(character >= 'a' && character <= 'z' ? character - 'a' + 'A' : character);
  if (character == 'I' || character == 'L') character = '1';
  if (character == 'O') character = '0';
  const auto at = kAlphabet.find(character);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<unsigned>(at);
}

}  // namespace

std::string denial_code(std::uint64_t position, std::uint32_t node) {
  // INVARIANT: positions stay below 2⁵⁴ and nodes below 2¹⁰, so nothing is cut off.
  std::uint64_t value = (position_of(position) << kNodeBits) | node_of(position) | node;
  std::vector<unsigned> digits;
  while (value != 0 || digits.size() < kDigitsMin) {
    digits.push_back(static_cast<unsigned>(value & 31));
    value >>= 5;
  }
  std::reverse(digits.begin(), digits.end());
  digits.push_back(check_digit(digits));

  std::string code = "W";
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i % 4 == 0) code += '-';
    code += kAlphabet[digits[i]];
  }
  return code;
}

std::optional<DenialPosition> parse_denial_code(std::string_view code) {
  if (!code.empty() && (code.front() == 'W' || code.front() == 'w') && code.size() > 1 && (code[1] == '-' || code[1] == ' ')) {
    code.remove_prefix(1);
  }
  std::vector<unsigned> digits;
  for (const char character : code) {
    if (character == '-' || character == ' ') continue;
    const auto digit = digit_of(character);
    if (!digit || digits.size() > kDigitsMax) return std::nullopt;
    digits.push_back(*digit);
  }
  if (digits.size() < kDigitsMin + 1) return std::nullopt;
  const unsigned check = digits.back();
  digits.pop_back();
  if (digits.size() == kDigitsMax && digits.front() > 15) return std::nullopt;   // more than 64 bits
  if (check_digit(digits) != check) return std::nullopt;
  std::uint64_t value = 0;
  for (const unsigned digit : digits) value = (value << 5) | digit;
  return DenialPosition{value >> kNodeBits, static_cast<std::uint32_t>(value & ((1U << kNodeBits) - 1))};
}

}  // namespace writ::audit
