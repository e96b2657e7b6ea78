#pragma once

// Which addresses belong to the public internet (threat N1): whatever has a special use is refused for URLs that a stranger chose.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace writ::outgoing {

struct Address {
  bool is_v4 = true;
  std::array<std::uint8_t, 16> bytes{};   // IPv4 uses the first four
};

std::optional<Address> parse_address(std::string_view text);   // strict numeric forms

// The name of the special use (IANA special-purpose registries, RFC 6890), or null for a public address. IPv6 is public only inside 2000::/3;
// whatever embeds an IPv4 address (mapped, NAT64, 6to4, Teredo) is special, because it can be another way to write a private one.
const char* special_use(const Address& address);
bool is_loopback(const Address& address);

}  // namespace writ::outgoing
