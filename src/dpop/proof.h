#pragma once

// A DPoP proof (RFC 9449 §4): a JWT by which whoever sends a request shows that it holds a key. Here is what can be judged of one proof by
// itself and against one request: pure, without memory. What was used before and which nonces are ours: verifier.h.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/key.h"

namespace writ::dpop {

inline constexpr const char* kProofHeader = "DPoP";
inline constexpr const char* kNonceHeader = "DPoP-Nonce";
inline constexpr std::string_view kScheme = "DPoP";        // of the Authorization field and of challenges
inline constexpr std::string_view kTokenType = "DPoP";     // `token_type` of what is bound to a key
inline constexpr std::string_view kType = "dpop+jwt";      // `typ` of a proof

// Asymmetric all of them; there is no other kind here (crypto/key.h).
std::span<const crypto::Algorithm> algorithms();
std::vector<std::string> algorithm_names();                // for metadata and challenges

// Why a proof is not accepted, one for each check of RFC 9449 §4.3. For audit; the caller hears of it as asks_for_nonce() says.
enum class Problem {
  repeated,               // more than one DPoP field
  malformed,              // no JWT: size, form, JSON, a member twice, critical headers
  wrong_type,
  algorithm_not_allowed,  // none, symmetric, unknown
  key_absent,             // no `jwk`, or no object
  key_private,            // it holds a private part
  key_unusable,           // not a public key that may be used, or not for this algorithm
  bad_signature,
  jti_invalid,            // absent or not a string of 1 to 256 bytes
  htm_invalid,            // absent or no string
  htu_invalid,            // absent or no absolute http(s) URI
  iat_invalid,            // absent or no integer
  ath_invalid,            // a token came along, and the claim is absent or no string
  nonce_invalid,          // there, and not a string of 1 to 256 bytes
  wrong_method,
  wrong_url,
  too_old,
  too_new,
  wrong_token,            // `ath` is of another access token
  // Judged with memory and nonces:
  nonce_needed,           // this endpoint demands one
  nonce_not_ours,         // not made by this deployment, or too long ago
  clock_ahead,            // the client's clock is ahead, so that its `iat` says too little
  cannot_tell,            // made before this node's memory begins
  replayed,
};
std::string_view to_string(Problem problem);
// Whether a fresh proof with the server's nonce may be accepted: `use_dpop_nonce`. Else it is `invalid_dpop_proof`.
bool asks_for_nonce(Problem problem);

struct Proof {
  std::string jkt;                     // RFC 7638 thumbprint of its key
  std::string jti, htm, htu;
  std::int64_t issued_at = 0;
  std::optional<std::string> nonce, ath;
};

// Everything that the proof itself tells, its signature included.
Result<Proof, Problem> parse_proof(std::string_view compact);

// The request that it must have been made for.
struct Expectations {
  std::string_view method;
  std::string_view url;                            // the public URL of the endpoint, from configuration (OB-98)
  std::optional<std::string_view> access_token;    // that is presented with it
  Instant now{};
  Seconds window{300};                             // how far `iat` may be from `now`, both ways (MCPA-142)
};
Result<void, Problem> check_use(const Proof& proof, const Expectations& expectations);

// A URL as `htu` is compared: without query and fragment, scheme and host in lower case, no default port, no empty path, escapes in one spelling
// (RFC 3986 §6.2.2, §6.2.3). Absent for what is no absolute http(s) URI, or names a user.
std::optional<std::string> comparable_url(std::string_view url);

// RFC 7638 thumbprints as they stand in `cnf.jkt` and `dpop_jkt`: 43 characters of base64url.
bool is_thumbprint(std::string_view text);

}  // namespace writ::dpop
