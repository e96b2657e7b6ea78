#include "crypto/client_certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::crypto {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kBegins = 1'800'000'000;

struct Made {
  std::vector<std::pair<const char*, std::string>> subject{{"O", "Acme, Inc."}, {"CN", "desk"}};
  std::string names;       // as openssl.cnf has them
  bool names_twice = false;
};

std::string certificate(const Made& made) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), X509_free);
  X509_set_version(x509.get(), 2);
  ASN1_TIME_set(X509_getm_notBefore(x509.get()), kBegins);
  ASN1_TIME_set(X509_getm_notAfter(x509.get()), kBegins + 100);
  X509_set_pubkey(x509.get(), key.get());
  for (const auto& [type, value] : made.subject) {
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509.get()), type, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size()), -1, 0);
  }
  for (int i = 0; !made.names.empty() && i < (made.names_twice ? 2 : 1); ++i) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, made.names.c_str());
    X509_add_ext(x509.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(x509.get(), key.get(), EVP_sha256());
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509.get(), &der);
  std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

TEST(ClientCertificate, SaysWhoItIs) {
  const std::string der = certificate({.names = "DNS:desk.acme.example,DNS:*.acme.example,URI:spiffe://acme.example/desk,IP:192.0.2.7,IP:2001:DB8:0:0:0:0:0:7,email:desk@acme.example,RID:1.2.3"});
  const auto read = read_client_certificate(der, true);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->sha256, sha256_bytes(der));
  EXPECT_EQ(read->x5t, base64url::encode(sha256_bytes(der)));
  EXPECT_EQ(read->subject, R"(CN=desk,O=Acme\, Inc.)");
  EXPECT_THAT(read->dns_names, ElementsAre("desk.acme.example", "*.acme.example"));
  EXPECT_THAT(read->uris, ElementsAre("spiffe://acme.example/desk"));
  EXPECT_THAT(read->ip_addresses, ElementsAre("192.0.2.7", "2001:db8::7"));
  EXPECT_THAT(read->emails, ElementsAre("desk@acme.example"));
  EXPECT_EQ(to_unix_seconds(read->not_before), kBegins);
  EXPECT_EQ(to_unix_seconds(read->not_after), kBegins + 100);
  EXPECT_TRUE(read->trusted);
  EXPECT_FALSE(read_client_certificate(der, false)->trusted);
}

TEST(ClientCertificate, MayHaveNoNames) {
  const auto read = read_client_certificate(certificate({.subject = {}}), false);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->subject, "");
  EXPECT_THAT(read->dns_names, IsEmpty());
}

TEST(ClientCertificate, LettersBeyondAsciiStandForThemselvesAndANulIsSeen) {
  EXPECT_EQ(read_client_certificate(certificate({.subject = {{"CN", "Bj\xC3\xB6rk"}}}), false)->subject, "CN=Bj\xC3\xB6rk");
  EXPECT_EQ(read_client_certificate(certificate({.subject = {{"CN", std::string("desk\0x", 6)}}}), false)->subject, R"(CN=desk\00x)");
}

TEST(ClientCertificate, WithNamesInTwoPlacesIsNone) { EXPECT_FALSE(read_client_certificate(certificate({.names = "DNS:a.example", .names_twice = true}), true)); }

TEST(ClientCertificate, IsReadWholeOrNotAtAll) {
  const std::string der = certificate({.names = "DNS:desk.acme.example"});
  for (std::size_t size = 0; size < der.size(); ++size) EXPECT_FALSE(read_client_certificate(der.substr(0, size), true)) << size;
  EXPECT_FALSE(read_client_certificate(der + "x", true));
}

}  // namespace
}  // namespace writ::crypto
