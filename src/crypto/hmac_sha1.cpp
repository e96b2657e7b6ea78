#include "crypto/hmac_sha1.h"

#include <openssl/hmac.h>

#include "crypto/openssl.h"

namespace writ::crypto {

std::string hmac_sha1(std::string_view key, std::string_view bytes) {
  std::string result(20, '\0');
  unsigned int written = 0;
  const unsigned char none = 0;   // a null pointer would mean "the key of last time"
  const auto* made = HMAC(EVP_sha1(), key.empty() ? &none : bytes_of(key), static_cast<int>(key.size()), bytes_of(bytes), bytes.size(), bytes_of(result), &written);
  must(made != nullptr && written == result.size(), "HMAC");
  return result;
}

}  // namespace writ::crypto
