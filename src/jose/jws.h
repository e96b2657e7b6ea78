#pragma once

// JSON Web Signatures in compact serialisation (RFC 7515), with the rules of RFC 8725: the layer below JWTs, which does not look into the
// payload. Everybody but jwt.cpp wants jose/jwt.h.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/key.h"
#include "encoding/json.h"
#include "jose/jwk.h"

namespace writ::jose {

enum class JwtProblem {
  too_large,              // over 16 KiB
  not_compact,            // not exactly three parts of canonical base64url: JWE, JSON serialisation, padding, …
  header_not_json,        // strict JSON object; duplicates included
  payload_not_json,
  algorithm_not_allowed,  // absent, none, symmetric, or not in the list
  type_mismatch,          // `typ` is not the one that this use wants
  has_crit,               // `crit`, `b64` or `zip` present: none is understood (J9, J11)
  bad_kid,                // not a string of 1 to 256 bytes (J7)
  unknown_key,            // no key of that issuer with this kid and algorithm
  bad_signature,
};
std::string_view to_string(JwtProblem problem);

struct Jws {
  std::string compact;
  std::size_t signed_bytes = 0;       // how much of `compact` the signature is over
  json::Value header;
  std::string payload;
  std::string signature;
  crypto::Algorithm algorithm{};
  std::optional<std::string> kid;
  std::optional<std::string> type;   // lower case, without "application/"

  // Everything that can be checked without a key, cheap checks first. `jwk`, `jku`, `x5u`, `x5c` in the header are ignored (J6).
  static Result<Jws, JwtProblem> parse(std::string_view compact);
  // Media type compare: case-insensitive, an "application/" prefix is optional (RFC 7515 §4.1.9). Absent `typ` matches nothing.
  bool has_type(std::string_view type) const;
};

Result<void, JwtProblem> check_signature(const Jws& jws, const KeySet& keys, std::span<const crypto::Algorithm> allowed);
Result<void, JwtProblem> check_signature(const Jws& jws, const crypto::PublicKey& key, std::span<const crypto::Algorithm> allowed);

}  // namespace writ::jose
