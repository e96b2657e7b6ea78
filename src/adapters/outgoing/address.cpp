#include "adapters/outgoing/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

namespace writ::outgoing {
namespace {

struct Block {
  std::array<std::uint8_t, 16> prefix;
  unsigned bits;
  const char* use;
};

constexpr std::array kIpv4{
    Block{{0}, 8, "this network"},
    Block{{10}, 8, "private"},
    Block{{100, 64}, 10, "shared (carrier-grade NAT)"},
    Block{{127}, 8, "loopback"},
    Block{{169, 254}, 16, "link-local"},
    Block{{172, 16}, 12, "private"},
    Block{{192, 0, 0}, 24, "protocol assignments"},
    Block{{192, 0, 2}, 24, "documentation"},
    Block{{192, 31, 196}, 24, "AS112"},
    Block{{192, 52, 193}, 24, "AMT"},
    Block{{192, 88, 99}, 24, "6to4 relay"},
    Block{{192, 168}, 16, "private"},
    Block{{192, 175, 48}, 24, "AS112"},
    Block{{198, 18}, 15, "benchmarking"},
    Block{{198, 51, 100}, 24, "documentation"},
    Block{{203, 0, 113}, 24, "documentation"},
    Block{{224}, 4, "multicast"},
    Block{{240}, 4, "reserved or broadcast"},
};

// The named ones come first; the last rule is that only 2000::/3 is public.
constexpr std::array kIpv6{
    Block{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, "loopback"},
    Block{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 128, "unspecified"},
    Block{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96, "IPv4-mapped"},
    Block{{0}, 96, "IPv4-compatible"},
    Block{{0, 0x64, 0xFF, 0x9B}, 96, "NAT64"},
    Block{{0, 0x64, 0xFF, 0x9B, 0, 1}, 48, "local NAT64"},
    Block{{0x01, 0}, 64, "discard"},
    Block{{0x20, 0x01, 0, 0}, 32, "Teredo"},
    Block{{0x20, 0x01}, 23, "protocol assignments"},
    Block{{0x20, 0x01, 0x0D, 0xB8}, 32, "documentation"},
    Block{{0x20, 0x02}, 16, "6to4"},
    Block{{0x3F, 0xFF}, 20, "documentation"},
    Block{{0xFC}, 7, "unique local"},
    Block{{0xFE, 0x80}, 10, "link-local"},
    Block{{0xFE, 0xC0}, 10, "site-local"},
    Block{{0xFF}, 8, "multicast"},
};

bool is_in(const Address& address, const Block& block) {
  const unsigned whole = block.bits / 8;
  if (!std::equal(block.prefix.begin(), block.prefix.begin() + whole, address.bytes.begin())) return false;
  if (block.bits % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - block.bits % 8));
  return (block.prefix[whole] & mask) == (address.bytes[whole] & mask);
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  Address address;
  if (inet_pton(AF_INET, terminated.c_str(), address.bytes.data()) == 1) return address;
  address.is_v4 = false;
  if (inet_pton(AF_INET6, terminated.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

const char* special_use(const Address& address) {
  if (address.is_v4) {
    for (const Block& block : kIpv4) {
      if (is_in(address, block)) return block.use;
    }
    return nullptr;
  }
  for (const Block& block : kIpv6) {
    if (is_in(address, block)) return block.use;
  }
  return (address.bytes[0] & 0xE0) == 0x20 ? nullptr : "not global unicast";
}

bool is_loopback(const Address& address) {
  const char* use = special_use(address);
  return use && std::string_view(use) == "loopback";
}

}  // namespace writ::outgoing
