#pragma once

// Inside crypto/ only: ECDSA signatures, JOSE form (r‖s, RFC 7518 §3.4) and DER.

#include <optional>
#include <string>
#include <string_view>

namespace writ::crypto {

// `order` is the group's, big-endian; its size is that of r and of s. Absent unless the length is exact and 0 < r, s < order (J3, J4).
std::optional<std::string> der_from_jose(std::string_view signature, std::string_view order);
// Absent for anything but the one DER spelling of two positive integers that fit.
std::optional<std::string> jose_from_der(std::string_view der, std::size_t integer_bytes);

}  // namespace writ::crypto
