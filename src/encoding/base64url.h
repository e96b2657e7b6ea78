#pragma once

// base64url without padding (RFC 4648 §5, RFC 7515 §2) and standard base64 (RFC 4648 §4). Decoding accepts the canonical form only:
// no padding (base64url) or exact padding (base64), no whitespace, no other alphabet, and unused trailing bits are zero, so that a value
// has exactly one spelling (threat J5).

#include <optional>
#include <string>
#include <string_view>

namespace writ::base64url {
std::string encode(std::string_view bytes);
std::optional<std::string> decode(std::string_view text);
}  // namespace writ::base64url

namespace writ::base64 {
std::string encode(std::string_view bytes);
std::optional<std::string> decode(std::string_view text);
}  // namespace writ::base64
