#include "crypto/certificate_chain.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

#include "crypto/openssl.h"

namespace writ::crypto {
namespace {

using CertificateHandle = std::unique_ptr<X509, Freed<X509_free>>;
using StoreHandle = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using Stack = std::unique_ptr<STACK_OF(X509), FreeStack>;

std::string text_of(const X509_NAME* name) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return {};
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(::timegm(&parts)) : 0;
}

bool names(X509& certificate, const std::string& host) {
  std::array<unsigned char, 16> address{};
  const bool numeric = ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 || ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
  if (numeric) return X509_check_ip_asc(&certificate, host.c_str(), 0) == 1;
  return X509_check_host(&certificate, host.c_str(), host.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

std::string distrust_of(const std::vector<CertificateHandle>& chain, Instant now) {
  const StoreHandle store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  const Stack rest(sk_X509_new_null());
  if (!store || !context || !rest || X509_STORE_set_default_paths(store.get()) != 1) return "the certificate authorities of this system cannot be read";
  for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(rest.get(), chain[i].get());
  if (X509_STORE_CTX_init(context.get(), store.get(), chain.front().get(), rest.get()) != 1) return "it cannot be checked";
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
  X509_STORE_CTX_set_time(context.get(), 0, static_cast<time_t>(to_unix_seconds(now)));
  if (X509_verify_cert(context.get()) == 1) return {};
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

bool key_fits(X509& certificate, const Secret& pem) {
  const Bio bio(BIO_new_mem_buf(pem.reveal().data(), static_cast<int>(pem.reveal().size())));
  // A key under a passphrase is none: nobody types it when the server starts.
  const KeyHandle key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, [](char*, int, int, void*) { return 0; }, nullptr) : nullptr);
  return key && X509_check_private_key(&certificate, key.get()) == 1;
}

}  // namespace

Result<CertificateChain, std::string> read_certificate_chain(std::string_view pem, const Secret& key, const std::vector<std::string>& hosts, Instant now) {
  const ErrorQueueGuard guard;
  constexpr std::size_t kCertificatesMax = 20;
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<CertificateHandle> chain;
  while (bio && chain.size() < kCertificatesMax) {
    CertificateHandle next(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!next) break;
    chain.push_back(std::move(next));
  }
  if (chain.empty()) return unexpected(std::string("holds no certificate in PEM"));
  CertificateChain read;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    X509& certificate = *chain[i];
    read.certificates.push_back({text_of(X509_get_subject_name(&certificate)), text_of(X509_get_issuer_name(&certificate)), seconds_of(X509_get0_notBefore(&certificate)),
                                 seconds_of(X509_get0_notAfter(&certificate)), X509_self_signed(&certificate, 1) == 1});
    if (i + 1 == chain.size() || read.broken_at) continue;
    X509& signer = *chain[i + 1];
    if (X509_check_issued(&signer, &certificate) != X509_V_OK || X509_verify(&certificate, X509_get0_pubkey(&signer)) != 1) read.broken_at = i;
  }
  for (const auto& host : hosts) {
    if (!names(*chain.front(), host)) read.hosts_not_named.push_back(host);
  }
  read.distrust = distrust_of(chain, now);
  read.key_fits = key_fits(*chain.front(), key);
  return read;
}

}  // namespace writ::crypto
