#pragma once

// Time-based one-time passwords (RFC 6238: SHA-1, six digits, 30 seconds), and the recovery codes beside them. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"

namespace writ::token_service::idp {

inline constexpr std::int64_t kTotpStepSeconds = 30;
inline constexpr std::size_t kTotpSecretBytes = 20;     // RFC 4226 §4, R6: as long as the hash

std::int64_t totp_step(Instant now);
std::string totp_code(const Secret& secret, std::int64_t step);
// The step whose code this is: the present one, the one before or the one after (RFC 6238 §5.2: clocks differ, people are slow). Steps up to
// `used` are spent: a code is good once.
enum class CodeProblem { wrong, replayed };
struct CodeMatch {
  std::optional<std::int64_t> step;
  CodeProblem problem = CodeProblem::wrong;   // when there is no step
};
CodeMatch match_totp(const Secret& secret, std::string_view code, Instant now, std::int64_t used);

std::string base32(std::string_view bytes);             // RFC 4648 §6 without padding: how apps take the secret
std::string grouped(std::string_view text, std::size_t size);   // "ABCD EFGH": for eyes
// otpauth://totp/… as authenticator apps read it; without percent-encoded surprises in the label.
std::string otpauth_uri(std::string_view organisation, std::string_view user_name, const Secret& secret);

// 100 random bits each, in groups; enough that a fast hash protects them.
std::vector<std::string> new_recovery_codes(std::size_t count);
// What is kept of one. Spaces, dashes and case do not count, as people type them. Empty: this cannot be a recovery code.
std::string recovery_digest(std::string_view typed);

// Digits only, spaces left out; empty when it is no six-digit code.
std::string normalized_code(std::string_view typed);

}  // namespace writ::token_service::idp
