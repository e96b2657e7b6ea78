#include "jose/jwk.h"

#include <algorithm>
#include <array>

#include "crypto/hash.h"
#include "encoding/base64url.h"

namespace writ::jose {
namespace {

constexpr std::size_t kKidBytesMax = 256;
constexpr std::size_t kKeysMax = 100;
constexpr json::Limits kSetLimits = {.bytes_max = 256 * 1024, .depth_max = 8, .members_max = 4'000};

// RFC 7518 §6.2.2, §6.3.2 and RFC 8037 §2: members that hold private parts
constexpr std::array<std::string_view, 8> kPrivateMembers = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

JwkProblem to_jwk_problem(crypto::KeyProblem problem) {
  switch (problem) {
    case crypto::KeyProblem::malformed: return JwkProblem::malformed;
    case crypto::KeyProblem::unsupported: return JwkProblem::unsupported;
    case crypto::KeyProblem::too_small: return JwkProblem::too_small;
    case crypto::KeyProblem::not_on_curve: return JwkProblem::not_on_curve;
    case crypto::KeyProblem::weak: return JwkProblem::weak;
  }
  return JwkProblem::malformed;
}

// `use` and `key_ops`, where present, must both allow verifying (RFC 7517 §4.2, §4.3).
Result<void, JwkProblem> check_use(const json::Value& value) {
  if (const json::Value* use = value.find("use")) {
    if (!use->is_string()) return unexpected(JwkProblem::malformed);
    if (*use->as_string() != "sig") return unexpected(JwkProblem::not_for_signatures);
  }
  if (const json::Value* operations = value.find("key_ops")) {
    const auto names = json::to_strings(*operations);
    if (!names) return unexpected(JwkProblem::malformed);
    if (std::find(names->begin(), names->end(), "verify") == names->end()) return unexpected(JwkProblem::not_for_signatures);
  }
  return {};
}

Result<std::string, JwkProblem> bytes_member(const json::Value& value, std::string_view name) {
  const std::string* text = value.find_string(name);
  if (text == nullptr) return unexpected(JwkProblem::malformed);
  auto bytes = base64url::decode(*text);
  if (!bytes) return unexpected(JwkProblem::malformed);
  return std::move(*bytes);
}

Result<crypto::PublicKey, JwkProblem> parse_key(const json::Value& value, const std::string& kty) {
  const auto made = [](Result<crypto::PublicKey, crypto::KeyProblem> key) -> Result<crypto::PublicKey, JwkProblem> {
    if (!key) return unexpected(to_jwk_problem(key.error()));
    return std::move(*key);
  };
  if (kty == "RSA") {
    const std::string n = TRY(bytes_member(value, "n"));
    const std::string e = TRY(bytes_member(value, "e"));
    return made(crypto::PublicKey::from_rsa(n, e));
  }
  if (kty != "EC" && kty != "OKP") return unexpected(JwkProblem::unsupported);
  const std::string* curve = value.find_string("crv");
  if (curve == nullptr) return unexpected(JwkProblem::malformed);
  const std::string x = TRY(bytes_member(value, "x"));
  if (kty == "OKP") {
    if (*curve != "Ed25519") return unexpected(JwkProblem::unsupported);
    return made(crypto::PublicKey::from_ed25519(x));
  }
  const std::string y = TRY(bytes_member(value, "y"));
  return made(crypto::PublicKey::from_ec(*curve, x, y));
}

Result<std::string, JwkProblem> parse_kid(const json::Value& value) {
  const json::Value* kid = value.find("kid");
  if (kid == nullptr) return std::string();
  if (!kid->is_string() || kid->as_string()->empty() || kid->as_string()->size() > kKidBytesMax) return unexpected(JwkProblem::malformed);
  return *kid->as_string();
}

// A key may state the one algorithm that it is for; then it must be one that fits it.
Result<std::optional<crypto::Algorithm>, JwkProblem> parse_algorithm_of(const json::Value& value, const crypto::PublicKey& key) {
  const json::Value* stated = value.find("alg");
  if (stated == nullptr) return std::optional<crypto::Algorithm>();
  if (!stated->is_string()) return unexpected(JwkProblem::malformed);
  const auto algorithm = crypto::parse_algorithm(*stated->as_string());
  if (!algorithm) return unexpected(JwkProblem::unsupported);
  if (!key.fits(*algorithm)) return unexpected(JwkProblem::malformed);
  return std::optional<crypto::Algorithm>(algorithm);
}

}  // namespace

std::string_view to_string(JwkProblem problem) {
  switch (problem) {
    case JwkProblem::malformed: return "malformed";
    case JwkProblem::symmetric: return "symmetric";
    case JwkProblem::not_for_signatures: return "not_for_signatures";
    case JwkProblem::has_private_part: return "has_private_part";
    case JwkProblem::too_small: return "too_small";
    case JwkProblem::not_on_curve: return "not_on_curve";
    case JwkProblem::weak: return "weak";
    case JwkProblem::unsupported: return "unsupported";
  }
  return "unknown";
}

Result<Jwk, JwkProblem> parse_jwk(const json::Value& value) {
  const std::string* kty = value.find_string("kty");
  if (kty == nullptr) return unexpected(JwkProblem::malformed);
  // A published symmetric key is no secret, and would make its reader a verifier of HMACs that anyone can compute (J2).
  if (*kty == "oct") return unexpected(JwkProblem::symmetric);
  // Whoever published the private part can no longer say that a signature is theirs.
  for (const std::string_view name : kPrivateMembers)
    if (value.find(name) != nullptr) return unexpected(JwkProblem::has_private_part);
  TRY(check_use(value));
  std::string kid = TRY(parse_kid(value));
  crypto::PublicKey key = TRY(parse_key(value, *kty));
  const std::optional<crypto::Algorithm> algorithm = TRY(parse_algorithm_of(value, key));
  return Jwk{std::move(kid), algorithm, std::move(key)};
}

json::Value to_json(const crypto::PublicKey& key) {
  const auto& parts = key.parameters();
  json::Value value{{"kty", parts.kty}};
  if (!parts.crv.empty()) value.set("crv", parts.crv);
  for (const auto& [name, bytes] : {std::pair("x", &parts.x), std::pair("y", &parts.y), std::pair("n", &parts.n), std::pair("e", &parts.e)})
    if (!bytes->empty()) value.set(name, base64url::encode(*bytes));
  return value;
}

json::Value to_json(const Jwk& jwk) {
  json::Value value = to_json(jwk.key);
  if (!jwk.kid.empty()) value.set("kid", jwk.kid);
  value.set("use", "sig");
  if (jwk.algorithm) value.set("alg", crypto::to_string(*jwk.algorithm));
  return value;
}

std::string thumbprint(const crypto::PublicKey& key) {
  // RFC 7638 §3: the required members only, in the order of their names, without white space
  return base64url::encode(crypto::sha256_bytes(json::write_canonical(to_json(key))));
}

std::optional<KeySet> KeySet::parse(std::string_view text) {
  const auto value = json::parse(text, kSetLimits);
  if (!value) return std::nullopt;
  return from_json(*value);
}

std::optional<KeySet> KeySet::from_json(const json::Value& value) {
  const json::Array* entries = value.find_array("keys");
  if (entries == nullptr || entries->size() > kKeysMax) return std::nullopt;
  std::vector<Jwk> keys;
  for (const json::Value& entry : *entries)
    if (auto key = parse_jwk(entry)) keys.push_back(std::move(*key));
  return KeySet(std::move(keys));
}

const Jwk* KeySet::find(const std::optional<std::string>& kid, crypto::Algorithm algorithm) const {
  const Jwk* found = nullptr;
  for (const Jwk& jwk : keys_) {
    if (!jwk.key.fits(algorithm) || (jwk.algorithm && *jwk.algorithm != algorithm)) continue;
    if (kid && jwk.kid != *kid) continue;
    if (found != nullptr) return nullptr;   // more than one fits: guessing would make verification depend on their order
    found = &jwk;
  }
  return found;
}

json::Value to_json(const KeySet& set) {
  json::Array keys;
  for (const Jwk& jwk : set.keys()) keys.push_back(to_json(jwk));
  return json::Value{{"keys", std::move(keys)}};
}

}  // namespace writ::jose
