#pragma once

// Proof Key for Code Exchange (RFC 7636): method S256 and no other.

#include <string_view>

namespace writ::token_service {

bool is_code_verifier(std::string_view text);      // 43 to 128 unreserved characters
bool is_code_challenge(std::string_view text);     // base64url of 32 bytes
bool answers(std::string_view verifier, std::string_view challenge);

}  // namespace writ::token_service
