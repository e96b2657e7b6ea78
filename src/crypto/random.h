#pragma once

#include <cstddef>
#include <string>

namespace writ::crypto {

// Bytes from the operating system's generator. Aborts the process when it fails: there is no safe way on.
std::string random_bytes(std::size_t count);
// `bytes` random bytes as base64url: identifiers, states, secrets. 16 bytes are 128 bits.
std::string random_token(std::size_t bytes = 16);

}  // namespace writ::crypto
