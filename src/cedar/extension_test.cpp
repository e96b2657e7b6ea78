#include "cedar/extension.h"

#include <gtest/gtest.h>

#include <limits>

namespace writ::cedar {
namespace {

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(Decimal, TakesExactlyCedarsSpelling) {
  EXPECT_EQ(parse_decimal("1.5"), 15000);
  EXPECT_EQ(parse_decimal("1.0000"), 10000);
  EXPECT_EQ(parse_decimal("001.5"), 15000);
  EXPECT_EQ(parse_decimal("-0.5"), -5000) << "the whole part has no sign of its own";
  EXPECT_EQ(parse_decimal("-0.0"), 0);
  EXPECT_EQ(parse_decimal("922337203685477.5807"), kMax);
  EXPECT_EQ(parse_decimal("-922337203685477.5808"), kMin);
  for (const char* text : {"922337203685477.5808", "-922337203685477.5809", "1", "1.", ".5", "1.00000", "+1.0", " 1.0", "1e3", "1.0.0", "--1.0", "", "-", "-.5", "1,5", "1.-5"})
    EXPECT_EQ(parse_decimal(text), std::nullopt) << text;
}

TEST(IpAddress, TakesExactlyCedarsSpelling) {
  for (const char* text : {"1.2.3.4", "0.0.0.0/0", "255.255.255.255/32", "::", "::1", "1::", "1:2:3:4:5:6:7:8", "::2:3:4:5:6:7:8", "FF02::1/8", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"})
    EXPECT_TRUE(parse_ip(text)) << text;
  for (const char* text : {"1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "1.2.3.4/33", "1.2.3.4/08", "1.2.3.4/00", "1.2.3.4/+8", "1.2.3.4/", "1.2.3.4/032", "::ffff:1.2.3.4", ":::", "1::2::3",
                           "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4::5:6:7:8", "12345::", "g::", "::1/129", "::1/0128", "fe80::1%eth0", "[::1]", "", " 1.2.3.4", "1.2.3.4 ", ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:"})
    EXPECT_FALSE(parse_ip(text)) << text;
}

TEST(IpAddress, HostBitsCountInEqualityNotInRanges) {
  const auto host = *parse_ip("10.0.0.1/8"), network = *parse_ip("10.0.0.0/8");
  EXPECT_FALSE(host == network);
  EXPECT_TRUE(host.is_in_range(network));
  EXPECT_TRUE(network.is_in_range(host));
  EXPECT_TRUE(*parse_ip("127.0.0.1") == *parse_ip("127.0.0.1/32"));
  EXPECT_FALSE(parse_ip("10.0.0.0/7")->is_in_range(network));
  EXPECT_FALSE(parse_ip("::1")->is_in_range(network));
  EXPECT_TRUE(parse_ip("2001:db8::1")->is_in_range(*parse_ip("2001:db8::/32")));
}

TEST(IpAddress, LoopbackAndMulticastLookAtThePrefix) {
  EXPECT_TRUE(parse_ip("127.1.2.3")->is_loopback());
  EXPECT_TRUE(parse_ip("127.0.0.1/8")->is_loopback());
  EXPECT_FALSE(parse_ip("127.0.0.1/7")->is_loopback());
  EXPECT_TRUE(parse_ip("::1")->is_loopback());
  EXPECT_FALSE(parse_ip("::1/127")->is_loopback());
  EXPECT_TRUE(parse_ip("224.0.0.1/4")->is_multicast());
  EXPECT_FALSE(parse_ip("224.0.0.1/3")->is_multicast());
  EXPECT_FALSE(parse_ip("240.0.0.1")->is_multicast());
  EXPECT_TRUE(parse_ip("ff00::/8")->is_multicast());
  EXPECT_FALSE(parse_ip("ff00::/7")->is_multicast());
}

TEST(Datetime, TakesExactlyCedarsSpelling) {
  EXPECT_EQ(parse_datetime("1970-01-01"), 0);
  EXPECT_EQ(parse_datetime("2024-01-01T00:00:00+0100"), parse_datetime("2023-12-31T23:00:00Z"));
  EXPECT_EQ(parse_datetime("1970-01-01T00:00:00.001Z"), 1);
  EXPECT_EQ(parse_datetime("1969-12-31T23:59:59.999Z"), -1);
  EXPECT_TRUE(parse_datetime("0000-01-01"));
  EXPECT_TRUE(parse_datetime("9999-12-31T23:59:59.999-2359"));
  EXPECT_TRUE(parse_datetime("2024-02-29"));
  for (const char* text : {"2023-02-29", "2024-13-01", "2024-00-01", "2024-01-00", "2024-1-01", "24-01-01", "2024-01-01T", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z",
                           "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.1Z", "2024-01-01T00:00:00.1234Z", "2024-01-01T00:00:00+01:00", "2024-01-01T00:00:00+2400", "2024-01-01T00:00:00+0060", "2024-01-01t00:00:00Z",
                           "2024-01-01T00:00:00z", "2024-01-01 00:00:00Z", "2024-01-01Z", "+2024-01-01", "2024-01-01T00:00:00ZZ", ""})
    EXPECT_EQ(parse_datetime(text), std::nullopt) << text;
}

TEST(Datetime, MidnightIsBelowAndTimeIsNotNegative) {
  EXPECT_EQ(midnight_of(-1), -86'400'000);
  EXPECT_EQ(since_midnight(-1), 86'399'999);
  EXPECT_EQ(midnight_of(86'400'000), 86'400'000);
  EXPECT_EQ(midnight_of(kMin), std::nullopt);
  EXPECT_GE(since_midnight(kMin), 0);
}

TEST(Duration, TakesExactlyCedarsSpelling) {
  EXPECT_EQ(parse_duration("1d2h3m4s5ms"), 93'784'005);
  EXPECT_EQ(parse_duration("-1s"), -1000);
  EXPECT_EQ(parse_duration("0ms"), 0);
  EXPECT_EQ(parse_duration("000001ms"), 1);
  EXPECT_EQ(parse_duration("100h"), 360'000'000);
  EXPECT_EQ(parse_duration("9223372036854775807ms"), kMax);
  EXPECT_EQ(parse_duration("-9223372036854775808ms"), kMin);
  for (const char* text : {"9223372036854775808ms", "-9223372036854775809ms", "", "-", "1", "d", "1d1d", "1s1m", "+1d", "1.5d", "1D", " 1d", "1d ", "--1d", "1d-1h", "106751991168d", "1ms1s", "1sms"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(ExtensionTexts, ReadBackAsTheSameValue) {
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{15000}, std::int64_t{-5000}, kMin, kMax}) {
    EXPECT_EQ(parse_decimal(decimal_to_string(value)), value);
    EXPECT_EQ(parse_duration(duration_to_string(value)), value);
  }
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1'700'000'000'123}, std::int64_t{-62'167'219'200'000}})
    EXPECT_EQ(parse_datetime(datetime_to_string(value)), value);
  EXPECT_EQ(datetime_to_string(kMax), "");
  EXPECT_EQ(datetime_to_string(kMin), "");
  for (const char* text : {"1.2.3.4/7", "::1", "2001:db8::ff/64", "1:2:3:4:5:6:7:8"}) EXPECT_EQ(parse_ip(parse_ip(text)->to_string()), parse_ip(text)) << text;
}

}  // namespace
}  // namespace writ::cedar
