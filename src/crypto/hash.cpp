#include "crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include <algorithm>

#include "crypto/digest.h"
#include "crypto/openssl.h"

namespace writ::crypto {
namespace {

// Fetched once: a fetch takes a lock that all threads share and costs more than a short hash.
const EVP_MD* fetched(DigestKind kind) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const sha384 = EVP_MD_fetch(nullptr, "SHA384", nullptr);
  return kind == DigestKind::sha256 ? sha256 : sha384;
}

EVP_MAC_CTX* hmac_context() {
  thread_local const MacContext context = [] {
    EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    MacContext made(EVP_MAC_CTX_new(mac));
    EVP_MAC_free(mac);
    char name[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0), OSSL_PARAM_construct_end()};
    must(made && EVP_MAC_CTX_set_params(made.get(), parameters) == 1, "HMAC set-up");
    return made;
  }();
  return context.get();
}

}  // namespace

Digest digest(DigestKind kind, std::string_view message) {
  thread_local const DigestContext context(EVP_MD_CTX_new());
  Digest result;
  must(EVP_DigestInit_ex2(context.get(), fetched(kind), nullptr) == 1 &&
           EVP_DigestUpdate(context.get(), message.data(), message.size()) == 1 &&
           EVP_DigestFinal_ex(context.get(), result.bytes, &result.size) == 1,
       "digest");
  return result;
}

Sha256 sha256(std::string_view bytes) {
  const Digest computed = digest(DigestKind::sha256, bytes);
  Sha256 result;
  std::copy_n(computed.bytes, result.size(), result.begin());
  return result;
}

std::string sha256_bytes(std::string_view bytes) {
  const Digest computed = digest(DigestKind::sha256, bytes);
  return {reinterpret_cast<const char*>(computed.bytes), computed.size};
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  EVP_MAC_CTX* const context = hmac_context();
  const unsigned char none = 0;   // a null pointer would mean "the key of last time"
  std::string result(32, '\0');
  std::size_t written = 0;
  must(EVP_MAC_init(context, key.empty() ? &none : bytes_of(key), key.size(), nullptr) == 1 &&
           EVP_MAC_update(context, bytes_of(bytes), bytes.size()) == 1 &&
           EVP_MAC_final(context, bytes_of(result), &written, result.size()) == 1 && written == result.size(),
       "HMAC");
  return result;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace writ::crypto
