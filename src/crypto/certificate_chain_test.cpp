#include "crypto/certificate_chain.h"

#include <gtest/gtest.h>

#include <fstream>

#include "adapters/net/certificates_fixture.h"

namespace writ::crypto {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class CertificateChains : public testing::Test {
 protected:
  net::TestAuthority authority_, other_;
  net::TestAuthority::Files files_ = authority_.issue("writ.example.com", "DNS:writ.example.com,DNS:*.apps.example.com,IP:127.0.0.1", 2);
  const Instant now_ = SystemClock().now();

  CertificateChain read(const std::string& pem, const std::vector<std::string>& hosts = {}) {
    auto chain = read_certificate_chain(pem, Secret(text_of(files_.key_file)), hosts, now_);
    EXPECT_TRUE(chain) << chain.error();
    return chain ? std::move(*chain) : CertificateChain{};
  }
};

TEST_F(CertificateChains, SayWhoTheyAreAndWhenTheyCount) {
  const auto chain = read(text_of(files_.certificate_file) + text_of(authority_.ca_file()));
  ASSERT_EQ(chain.certificates.size(), 2U);
  EXPECT_EQ(chain.certificates[0].subject, "CN=writ.example.com");
  EXPECT_EQ(chain.certificates[0].issuer, "CN=writ test authority");
  EXPECT_FALSE(chain.certificates[0].self_signed);
  EXPECT_TRUE(chain.certificates[1].self_signed);
  EXPECT_NEAR(static_cast<double>(chain.certificates[0].not_after), static_cast<double>(to_unix_seconds(now_) + 3600), 5);
  EXPECT_NEAR(static_cast<double>(chain.certificates[0].not_before), static_cast<double>(to_unix_seconds(now_) - 3600), 5);
  EXPECT_FALSE(chain.broken_at);
  EXPECT_TRUE(chain.key_fits);
}

TEST_F(CertificateChains, NameWhomTheyAreFor) {
  const auto chain = read(text_of(files_.certificate_file), {"writ.example.com", "one.apps.example.com", "127.0.0.1", "apps.example.com", "example.com", "127.0.0.2", "two.one.apps.example.com"});
  EXPECT_EQ(chain.hosts_not_named, (std::vector<std::string>{"apps.example.com", "example.com", "127.0.0.2", "two.one.apps.example.com"}));
}

TEST_F(CertificateChains, AreBrokenWhereTheNextOneDidNotSign) {
  EXPECT_EQ(read(text_of(files_.certificate_file) + text_of(other_.ca_file())).broken_at, std::optional<std::size_t>(0)) << "the same name, another key";
  EXPECT_EQ(read(text_of(authority_.ca_file()) + text_of(files_.certificate_file)).broken_at, std::optional<std::size_t>(0)) << "the wrong way round";
}

TEST_F(CertificateChains, AreNotTrustedBecauseTheySaySo) {
  EXPECT_FALSE(read(text_of(files_.certificate_file) + text_of(authority_.ca_file())).distrust.empty());
}

TEST_F(CertificateChains, BelongToOneKey) {
  const auto another = authority_.issue("another", "DNS:another", 3);
  const auto pem = text_of(files_.certificate_file);
  EXPECT_FALSE(read_certificate_chain(pem, Secret(text_of(another.key_file)), {}, now_)->key_fits);
  EXPECT_FALSE(read_certificate_chain(pem, Secret("no key"), {}, now_)->key_fits);
  EXPECT_FALSE(read_certificate_chain(pem, Secret(""), {}, now_)->key_fits);
}

TEST_F(CertificateChains, AreNotThereInOtherTexts) {
  for (const std::string text : {"", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate"}) {
    EXPECT_FALSE(read_certificate_chain(text, Secret(""), {}, now_)) << text;
  }
  EXPECT_FALSE(read_certificate_chain(text_of(files_.key_file), Secret(""), {}, now_));
}

}  // namespace
}  // namespace writ::crypto
