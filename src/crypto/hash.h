#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace writ::crypto {

using Sha256 = std::array<std::uint8_t, 32>;
Sha256 sha256(std::string_view bytes);
std::string sha256_bytes(std::string_view bytes);                                 // the same as a 32-byte string
std::string hmac_sha256(std::string_view key, std::string_view bytes);            // for our own sealed values, never for JWTs
// Takes the same time wherever the two differ. Different lengths are unequal.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace writ::crypto
