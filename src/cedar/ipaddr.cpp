#include <algorithm>

#include "cedar/extension.h"

// Language reference §6.2. An IPv4 address inside an IPv6 one (`::ffff:1.2.3.4`) is refused.

namespace writ::cedar {

namespace {

constexpr std::size_t kTextBytesMax = 43;
constexpr std::size_t kGroups = 8;

// One to `digits_max` digits, no leading zero except the single digit 0.
std::optional<int> parse_number(std::string_view text, std::size_t digits_max, int max) {
  if (text.empty() || text.size() > digits_max || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  if (value > max) return std::nullopt;
  return value;
}

bool parse_v4(std::string_view text, std::array<std::uint8_t, 16>& bytes) {
  for (int i = 0; i < 4; ++i) {
    const std::size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (i == 3)) return false;
    const auto octet = parse_number(text.substr(0, dot), 3, 255);
    if (!octet) return false;
    bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(*octet);
    if (i < 3) text.remove_prefix(dot + 1);
  }
  return true;
}

std::optional<std::uint16_t> parse_group(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9') value = value * 16 + static_cast<unsigned>(c - '0');
    else if (c >= 'a' && c <= 'f') value = value * 16 + static_cast<unsigned>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F') value = value * 16 + static_cast<unsigned>(c - 'A' + 10);
    else return std::nullopt;
  }
  return static_cast<std::uint16_t>(value);
}

struct Groups {
  std::array<std::uint16_t, kGroups> values{};
  std::size_t count = 0;
};

// Groups separated by single colons; empty text has none.
std::optional<Groups> parse_groups(std::string_view text) {
  Groups groups;
  if (text.empty()) return groups;
  for (;;) {
    if (groups.count == kGroups) return std::nullopt;
    const std::size_t colon = text.find(':');
    const auto group = parse_group(text.substr(0, colon));
    if (!group) return std::nullopt;
    groups.values[groups.count++] = *group;
    if (colon == std::string_view::npos) return groups;
    text.remove_prefix(colon + 1);
  }
}

bool parse_v6(std::string_view text, std::array<std::uint8_t, 16>& bytes) {
  const std::size_t gap = text.find("::");
  const bool has_gap = gap != std::string_view::npos;
  const auto head = parse_groups(text.substr(0, gap));
  const auto tail = parse_groups(has_gap ? text.substr(gap + 2) : std::string_view());
  if (!head || !tail) return false;
  const std::size_t count = head->count + tail->count;
  // `::` stands for at least one group.
  if (has_gap ? count >= kGroups : count != kGroups) return false;
  const auto put = [&bytes](std::size_t at, std::uint16_t group) {
    bytes[2 * at] = static_cast<std::uint8_t>(group >> 8);
    bytes[2 * at + 1] = static_cast<std::uint8_t>(group & 0xFF);
  };
  for (std::size_t i = 0; i < head->count; ++i) put(i, head->values[i]);
  for (std::size_t i = 0; i < tail->count; ++i) put(kGroups - tail->count + i, tail->values[i]);
  return true;
}

// The address with its host bits all 0 or all 1.
std::array<std::uint8_t, 16> with_host_bits(const IpAddress& address, bool set) {
  auto bytes = address.bytes;
  const std::size_t size = address.is_v6 ? 16 : 4;
  for (std::size_t bit = address.prefix; bit < size * 8; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> (bit % 8));
    bytes[bit / 8] = static_cast<std::uint8_t>(set ? bytes[bit / 8] | mask : bytes[bit / 8] & ~mask);
  }
  return bytes;
}

}  // namespace

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (text.size() > kTextBytesMax) return std::nullopt;
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  IpAddress ip;
  ip.is_v6 = address.find(':') != std::string_view::npos;
  if (!(ip.is_v6 ? parse_v6(address, ip.bytes) : parse_v4(address, ip.bytes))) return std::nullopt;
  const int prefix_max = ip.is_v6 ? 128 : 32;
  ip.prefix = static_cast<std::uint8_t>(prefix_max);
  if (slash == std::string_view::npos) return ip;
  const auto prefix = parse_number(text.substr(slash + 1), ip.is_v6 ? 3 : 2, prefix_max);
  if (!prefix) return std::nullopt;
  ip.prefix = static_cast<std::uint8_t>(*prefix);
  return ip;
}

bool IpAddress::is_loopback() const {
  if (!is_v6) return bytes[0] == 127 && prefix >= 8;
  constexpr std::array<std::uint8_t, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes == kLoopback && prefix == 128;
}

bool IpAddress::is_multicast() const {
  if (!is_v6) return bytes[0] >= 224 && bytes[0] <= 239 && prefix >= 4;
  return bytes[0] == 0xFF && prefix >= 8;
}

bool IpAddress::is_in_range(const IpAddress& other) const {
  if (is_v6 != other.is_v6) return false;
  return with_host_bits(other, false) <= with_host_bits(*this, false) && with_host_bits(*this, true) <= with_host_bits(other, true);
}

std::string IpAddress::to_string() const {
  std::string out;
  if (!is_v6) {
    for (std::size_t i = 0; i < 4; ++i) out += (i == 0 ? "" : ".") + std::to_string(bytes[i]);
  } else {
    static constexpr char kHexDigits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < kGroups; ++i) {
      const unsigned group = static_cast<unsigned>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
      if (i != 0) out += ':';
      bool started = false;
      for (int shift = 12; shift >= 0; shift -= 4) {
        const unsigned digit = group >> shift & 15;
        started = started || digit != 0 || shift == 0;
        if (started) out += kHexDigits[digit];
      }
    }
  }
  return out + "/" + std::to_string(prefix);
}

}  // namespace writ::cedar
