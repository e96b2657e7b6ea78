#include "crypto/random.h"

#include <sys/random.h>

#include <cerrno>

#include "crypto/openssl.h"
#include "encoding/base64url.h"

namespace writ::crypto {

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t filled = 0; filled < count;) {
    const ssize_t got = getrandom(bytes.data() + filled, count - filled, 0);
    if (got < 0 && errno == EINTR) continue;
    must(got > 0, "the operating system's random generator");
    filled += static_cast<std::size_t>(got);
  }
  return bytes;
}

std::string random_token(std::size_t bytes) { return base64url::encode(random_bytes(bytes)); }

}  // namespace writ::crypto
