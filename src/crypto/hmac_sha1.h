#pragma once

// HMAC-SHA-1 for one-time passwords (RFC 4226, RFC 6238) and nothing else: authenticator apps know no other. Never for signatures or hashes.

#include <string>
#include <string_view>

namespace writ::crypto {

std::string hmac_sha1(std::string_view key, std::string_view bytes);   // 20 bytes

}  // namespace writ::crypto
