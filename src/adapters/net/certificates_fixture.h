#pragma once

// Certificates for tests, made anew for each run: nothing secret lies in the repository, and nothing expires.

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace writ::net {

class TestAuthority {
 public:
  struct Files {
    std::string certificate_file, key_file;
  };

  TestAuthority() {
    static int count = 0;
    directory_ = std::filesystem::temp_directory_path() / ("writ-tls-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(directory_);
    key_.reset(EVP_EC_gen("P-256"));
    certificate_ = make("writ test authority", "", key_.get(), nullptr, 1);
    write_certificate(ca_file(), certificate_.get());
  }
  ~TestAuthority() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  TestAuthority(const TestAuthority&) = delete;
  TestAuthority& operator=(const TestAuthority&) = delete;

  std::string ca_file() const { return directory_ / "ca.pem"; }

  // `names` as in a subjectAltName extension: "DNS:localhost,IP:127.0.0.1". The same `file` is overwritten, as a renewal does.
  Files issue(const std::string& file, const std::string& names, long serial) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const auto certificate = make(file, names, key.get(), certificate_.get(), serial);
    Files files{directory_ / (file + ".pem"), directory_ / (file + ".key")};
    write_certificate(files.certificate_file, certificate.get());
    std::FILE* out = std::fopen(files.key_file.c_str(), "w");
    ::chmod(files.key_file.c_str(), 0600);
    PEM_write_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
    return files;
  }

 private:
  using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

  Certificate make(const std::string& name, const std::string& names, EVP_PKEY* key, X509* issuer, long serial) {
    Certificate certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), issuer ? X509_get_subject_name(issuer) : subject);
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer ? issuer : certificate.get(), certificate.get(), nullptr, nullptr, 0);
    const auto add = [&](int nid, const char* value) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
      X509_add_ext(certificate.get(), extension, -1);
      X509_EXTENSION_free(extension);
    };
    if (!issuer) add(NID_basic_constraints, "critical,CA:TRUE");
    if (!names.empty()) add(NID_subject_alt_name, names.c_str());
    X509_sign(certificate.get(), key_.get(), EVP_sha256());
    return certificate;
  }

  static void write_certificate(const std::string& file, X509* certificate) {
    std::FILE* out = std::fopen(file.c_str(), "w");
    PEM_write_X509(out, certificate);
    std::fclose(out);
  }

  std::filesystem::path directory_;
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_{nullptr, EVP_PKEY_free};
  Certificate certificate_{nullptr, X509_free};
};

}  // namespace writ::net
