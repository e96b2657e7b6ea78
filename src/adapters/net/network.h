#pragma once

// Networks in CIDR notation, for trusted proxies.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace writ::net {

// An address as 16 bytes, IPv4 mapped into IPv6 (::ffff:a.b.c.d), so that both spellings of one address compare equal.
using AddressBytes = std::array<std::uint8_t, 16>;
std::optional<AddressBytes> parse_address(std::string_view text);

class Network {
 public:
  static std::optional<Network> parse(std::string_view text);   // 10.0.0.0/8, 2001:db8::/32, or a single address
  bool contains(const AddressBytes& address) const;

 private:
  AddressBytes prefix_{};
  unsigned bits_ = 128;
};

bool contains(const std::vector<Network>& networks, std::string_view address);

}  // namespace writ::net
