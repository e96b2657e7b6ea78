#pragma once

// The texts of the extension types (language reference §6). Each parser takes exactly Cedar's spelling, else nothing.

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace writ::cedar {

// An address with its prefix. The host bits are kept and count in comparisons.
struct IpAddress {
  bool is_v6 = false;
  std::uint8_t prefix = 32;
  std::array<std::uint8_t, 16> bytes{};   // of IPv4 the first four, the others are 0

  bool is_loopback() const;
  bool is_multicast() const;
  // Whether every address of this range is one of `other`.
  bool is_in_range(const IpAddress& other) const;
  std::string to_string() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend std::strong_ordering operator<=>(const IpAddress&, const IpAddress&) = default;
};

std::optional<std::int64_t> parse_decimal(std::string_view text);    // ten-thousandths
std::optional<IpAddress> parse_ip(std::string_view text);
std::optional<std::int64_t> parse_datetime(std::string_view text);   // milliseconds since 1970
std::optional<std::int64_t> parse_duration(std::string_view text);   // milliseconds

// Texts that read back as the same value. A datetime outside the years 0000 to 9999 has none: an empty string.
std::string decimal_to_string(std::int64_t ten_thousandths);
std::string datetime_to_string(std::int64_t milliseconds);
std::string duration_to_string(std::int64_t milliseconds);

// Midnight before (or at) the instant; nothing on overflow. And the milliseconds since it.
std::optional<std::int64_t> midnight_of(std::int64_t milliseconds);
std::int64_t since_midnight(std::int64_t milliseconds);

}  // namespace writ::cedar
