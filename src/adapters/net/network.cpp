#include "adapters/net/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace writ::net {

std::optional<AddressBytes> parse_address(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') != std::string::npos) return std::nullopt;
  AddressBytes bytes{};
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return bytes;
  bytes = {};
  bytes[10] = bytes[11] = 0xFF;
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data() + 12) == 1) return bytes;
  return std::nullopt;
}

std::optional<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  const auto bytes = parse_address(address);
  if (!bytes) return std::nullopt;
  Network network;
  network.prefix_ = *bytes;
  if (slash == std::string_view::npos) return network;
  const std::string_view digits = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  const bool is_v4 = address.find(':') == std::string_view::npos;
  if (error != std::errc() || end != digits.data() + digits.size() || bits > (is_v4 ? 32U : 128U)) return std::nullopt;
  network.bits_ = is_v4 ? bits + 96 : bits;
  return network;
}

bool Network::contains(const AddressBytes& address) const {
  const unsigned whole = bits_ / 8;
  if (!std::equal(prefix_.begin(), prefix_.begin() + whole, address.begin())) return false;
  if (bits_ % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - bits_ % 8));
  return (prefix_[whole] & mask) == (address[whole] & mask);
}

bool contains(const std::vector<Network>& networks, std::string_view address) {
  if (networks.empty()) return false;
  const auto bytes = parse_address(address);
  return bytes && std::any_of(networks.begin(), networks.end(), [&](const Network& network) { return network.contains(*bytes); });
}

}  // namespace writ::net
