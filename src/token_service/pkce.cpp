#include "token_service/pkce.h"

#include <algorithm>

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::token_service {

bool is_code_verifier(std::string_view text) {
  const auto is_unreserved = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
  };
  return text.size() >= 43 && text.size() <= 128 && std::all_of(text.begin(), text.end(), is_unreserved);
}

bool is_code_challenge(std::string_view text) {
  const auto bytes = base64url::decode(text);
  return bytes && bytes->size() == 32;
}

bool answers(std::string_view verifier, std::string_view challenge) {
  return crypto::constant_time_equal(base64url::encode(crypto::sha256_bytes(verifier)), challenge);
}

}  // namespace writ::token_service
