#include "token_service/idp/totp.h"

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/hmac_sha1.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "encoding/form.h"

namespace writ::token_service::idp {
namespace {

constexpr std::size_t kDigits = 6;
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t kRecoveryCharacters = 20;   // five bits each

// Blanks are %20 in a URI; `+` would be shown as a plus by the apps.
std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : form::encode(text)) {
    if (c == '+') out += "%20";
    else out += c;
  }
  return out;
}

}  // namespace

std::int64_t totp_step(Instant now) { return to_unix_seconds(now) / kTotpStepSeconds; }

std::string totp_code(const Secret& secret, std::int64_t step) {
  std::string counter(8, '\0');
  for (int i = 7; i >= 0; --i, step >>= 8) counter[static_cast<std::size_t>(i)] = static_cast<char>(step & 0xFF);
  const std::string mac = crypto::hmac_sha1(secret.reveal(), counter);
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(mac[i])); };
  const std::size_t at = byte(19) & 0x0F;   // RFC 4226 §5.3: dynamic truncation
  const std::uint32_t number = ((byte(at) & 0x7F) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3)) % 1'000'000;
  std::string digits = std::to_string(number);
  return std::string(kDigits - digits.size(), '0') + digits;
}

CodeMatch match_totp(const Secret& secret, std::string_view code, Instant now, std::int64_t used) {
  const std::int64_t present = totp_step(now);
  CodeMatch match;
  for (const std::int64_t step : {present, present - 1, present + 1}) {
    if (!crypto::constant_time_equal(totp_code(secret, step), code)) continue;
    if (step > used) return {step, CodeProblem::wrong};
    match.problem = CodeProblem::replayed;
  }
  return match;
}

std::string base32(std::string_view bytes) {
  std::string out;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const char c : bytes) {
    buffer = buffer << 8 | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 5; bits -= 5) out += kBase32[buffer >> (bits - 5) & 31];
  }
  if (bits > 0) out += kBase32[buffer << (5 - bits) & 31];
  return out;
}

std::string grouped(std::string_view text, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += size) {
    if (i > 0) out += ' ';
    out += text.substr(i, size);
  }
  return out;
}

std::string otpauth_uri(std::string_view organisation, std::string_view user_name, const Secret& secret) {
  const std::string issuer = percent_encoded(organisation);
  return "otpauth://totp/" + issuer + ":" + percent_encoded(user_name) + "?secret=" + base32(secret.reveal()) + "&issuer=" + issuer;
}

std::vector<std::string> new_recovery_codes(std::size_t count) {
  std::vector<std::string> codes;
  for (std::size_t i = 0; i < count; ++i) {
    std::string code;
    for (const char random : crypto::random_bytes(kRecoveryCharacters)) code += kBase32[static_cast<unsigned char>(random) & 31];
    code = grouped(code, 5);
    std::replace(code.begin(), code.end(), ' ', '-');
    codes.push_back(std::move(code));
  }
  return codes;
}

std::string recovery_digest(std::string_view typed) {
  std::string plain;
  for (const char c : typed) {
    if (c == '-' || c == ' ') continue;
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    if (kBase32.find(upper) == std::string_view::npos || plain.size() == kRecoveryCharacters) return {};
    plain += upper;
  }
  return plain.size() == kRecoveryCharacters ? base64url::encode(crypto::sha256_bytes(plain)) : std::string();
}

std::string normalized_code(std::string_view typed) {
  std::string digits;
  for (const char c : typed) {
    if (c == ' ') continue;
    if (c < '0' || c > '9' || digits.size() == kDigits) return {};
    digits += c;
  }
  return digits.size() == kDigits ? digits : std::string();
}

}  // namespace writ::token_service::idp
