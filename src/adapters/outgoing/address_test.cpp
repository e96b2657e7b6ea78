#include "adapters/outgoing/address.h"

#include <gtest/gtest.h>

#include <string>

namespace writ::outgoing {
namespace {

struct Row {
  const char* address;
  const char* use;   // null: public
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.address; }
class SpecialUse : public ::testing::TestWithParam<Row> {};

TEST_P(SpecialUse, is_known) {   // N1
  const auto address = parse_address(GetParam().address);
  ASSERT_TRUE(address);
  const char* use = special_use(*address);
  EXPECT_EQ(use ? std::string(use) : "public", GetParam().use ? std::string(GetParam().use) : "public");
}

// The first and last address of each block, and those just outside.
INSTANTIATE_TEST_SUITE_P(
    Ipv4, SpecialUse,
    testing::Values(Row{"0.0.0.0", "this network"}, Row{"0.255.255.255", "this network"}, Row{"1.0.0.0", nullptr}, Row{"9.255.255.255", nullptr}, Row{"10.0.0.0", "private"},
                    Row{"10.255.255.255", "private"}, Row{"11.0.0.0", nullptr}, Row{"100.63.255.255", nullptr}, Row{"100.64.0.0", "shared (carrier-grade NAT)"},
                    Row{"100.127.255.255", "shared (carrier-grade NAT)"}, Row{"100.128.0.0", nullptr}, Row{"126.255.255.255", nullptr}, Row{"127.0.0.1", "loopback"},
                    Row{"127.255.255.255", "loopback"}, Row{"128.0.0.0", nullptr}, Row{"169.253.255.255", nullptr}, Row{"169.254.169.254", "link-local"}, Row{"169.255.0.0", nullptr},
                    Row{"172.15.255.255", nullptr}, Row{"172.16.0.0", "private"}, Row{"172.31.255.255", "private"}, Row{"172.32.0.0", nullptr}, Row{"192.0.0.1", "protocol assignments"},
                    Row{"192.0.1.0", nullptr}, Row{"192.0.2.255", "documentation"}, Row{"192.88.99.1", "6to4 relay"}, Row{"192.167.255.255", nullptr}, Row{"192.168.0.0", "private"},
                    Row{"192.168.255.255", "private"}, Row{"192.169.0.0", nullptr}, Row{"198.17.255.255", nullptr}, Row{"198.18.0.0", "benchmarking"}, Row{"198.19.255.255", "benchmarking"},
                    Row{"198.20.0.0", nullptr}, Row{"198.51.100.1", "documentation"}, Row{"203.0.113.1", "documentation"}, Row{"223.255.255.255", nullptr}, Row{"224.0.0.1", "multicast"},
                    Row{"239.255.255.255", "multicast"}, Row{"240.0.0.1", "reserved or broadcast"}, Row{"255.255.255.255", "reserved or broadcast"}, Row{"8.8.8.8", nullptr}));

INSTANTIATE_TEST_SUITE_P(
    Ipv6, SpecialUse,
    testing::Values(Row{"::", "unspecified"}, Row{"::1", "loopback"}, Row{"::2", "IPv4-compatible"}, Row{"::127.0.0.1", "IPv4-compatible"}, Row{"::ffff:127.0.0.1", "IPv4-mapped"},
                    Row{"::ffff:8.8.8.8", "IPv4-mapped"}, Row{"::ffff:a9fe:a9fe", "IPv4-mapped"}, Row{"64:ff9b::8.8.8.8", "NAT64"}, Row{"64:ff9b::169.254.169.254", "NAT64"},
                    Row{"64:ff9b:1::1", "local NAT64"}, Row{"100::1", "discard"}, Row{"2001::1", "Teredo"}, Row{"2001:10::1", "protocol assignments"}, Row{"2001:1ff::1", "protocol assignments"},
                    Row{"2001:200::1", nullptr}, Row{"2001:db8::1", "documentation"}, Row{"2001:db9::1", nullptr}, Row{"2002:7f00:1::", "6to4"}, Row{"2003::1", nullptr},
                    Row{"2606:4700::1111", nullptr}, Row{"3fff::1", "documentation"}, Row{"3fff:fff::1", "documentation"}, Row{"3fff:1000::1", nullptr}, Row{"3ffe::1", nullptr},
                    Row{"4000::1", "not global unicast"}, Row{"1fff::1", "not global unicast"}, Row{"fc00::1", "unique local"}, Row{"fdff::1", "unique local"}, Row{"fe80::1", "link-local"},
                    Row{"febf::1", "link-local"}, Row{"fec0::1", "site-local"}, Row{"ff02::1", "multicast"}, Row{"fe00::1", "not global unicast"}, Row{"5f00::1", "not global unicast"}));

TEST(AddressText, is_strict) {
  for (const char* text : {"", "127.1", "0x7f.0.0.1", "2130706433", "127.0.0.01", "127.0.0.1 ", "::1%lo", "[::1]", "localhost", "1.2.3.4.5"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
  EXPECT_FALSE(parse_address(std::string_view("1.2.3.4\0x", 9)));
}

}  // namespace
}  // namespace writ::outgoing
