#pragma once

// Security event tokens (RFC 8417) in the profile of the Shared Signals Framework: one event, `sub_id` at the top, no `sub`, no `exp`.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/key.h"
#include "jose/jwt.h"
#include "signals/event.h"
#include "signals/subject.h"

namespace writ::signals {

inline constexpr std::string_view kTypSecurityEvent = "secevent+jwt";

struct SecurityEventToken {
  std::string issuer, audience, jti;
  std::int64_t issued_at = 0;
  std::string txn;                 // groups the tokens that one thing caused; may be empty
  Subject subject;
  Event event;
};

// The claims of a token that we send. `subject` is an identifier: complex subjects are not sent.
json::Value to_claims(const std::string& issuer, const std::string& audience, const std::string& jti, std::int64_t issued_at, const std::string& txn,
                      const Identifier& subject, const Event& event);
std::string sign(const json::Value& claims, const jose::SigningKey& key);

enum class TokenProblem {
  malformed,           // no JWS in compact form with a JSON object
  wrong_type,          // `typ` is not secevent+jwt: an ID token or an ID-JAG of the same issuer is no event
  wrong_issuer,
  wrong_audience,
  unknown_key,
  bad_signature,
  has_sub,             // the two claims that would let it pass for another kind of token (SSF)
  has_exp,
  bad_issued_at,       // absent, no number, or in the future
  bad_jti,
  no_event,
  several_events,
  bad_event,           // its value is no object, or its time is none
  bad_subject,
};
std::string_view to_string(TokenProblem problem);
// The error code that a receiver answers a push with (RFC 8935 §2.4).
std::string_view to_error_code(TokenProblem problem);

// What a genuine token must fit. The views outlive the call.
struct Expectations {
  std::string_view issuer;                          // whose keys are used
  std::span<const std::string> audiences;           // each of them means us
  std::span<const crypto::Algorithm> algorithms;    // that this issuer may use
  std::int64_t now_seconds = 0;
  std::int64_t skew_seconds = 30;
};

// Cheap refusals, before a key is looked for.
Result<jose::UnverifiedJwt, TokenProblem> parse(std::string_view compact);
Result<SecurityEventToken, TokenProblem> verify(jose::UnverifiedJwt token, const jose::KeySet& keys, const Expectations& expectations);

}  // namespace writ::signals
