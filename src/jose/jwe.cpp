#include "jose/jwe.h"

#include <algorithm>
#include <array>

#include "crypto/key_encryption.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "jose/jwk.h"

namespace writ::jose {
namespace {

constexpr std::size_t kBytesMax = 32 * 1024;        // a JWT of 16 KiB, encoded once more
constexpr std::size_t kHeaderBytesMax = 4 * 1024;
constexpr std::size_t kKidBytesMax = 256, kPartyBytesMax = 256;
constexpr std::size_t kContentKeyBytes = 32, kWrappedBytes = 40;
constexpr json::Limits kLimits = {.bytes_max = kHeaderBytesMax, .depth_max = 8, .members_max = 100};

constexpr std::array<std::pair<KeyManagement, std::string_view>, 3> kNames = {{
    {KeyManagement::ecdh_es, "ECDH-ES"},
    {KeyManagement::ecdh_es_a256kw, "ECDH-ES+A256KW"},
    {KeyManagement::rsa_oaep_256, "RSA-OAEP-256"},
}};

bool is_rsa(const crypto::PublicKey& key) { return key.parameters().kty == "RSA"; }
bool fits(KeyManagement algorithm, const crypto::PublicKey& key) {
  return (algorithm == KeyManagement::rsa_oaep_256) == is_rsa(key) && (is_rsa(key) || key.parameters().kty == "EC");
}

// RFC 7518 §4.6.2: what is derived is either the content's key or the one that wraps it, and says so.
Secret derive(const Secret& agreed, KeyManagement algorithm, std::string_view apu, std::string_view apv) {
  const std::string_view id = algorithm == KeyManagement::ecdh_es ? std::string_view(kContentEncryption) : to_string(algorithm);
  return crypto::derive_key(agreed, id, apu, apv, kContentKeyBytes);
}

crypto::Algorithm on_curve_of(const crypto::PublicKey& key) { return key.parameters().crv == "P-384" ? crypto::Algorithm::es384 : crypto::Algorithm::es256; }

// ---- reading

struct Parts {
  std::string_view protected_header;
  std::string encrypted_key, nonce, encrypted, tag;
  json::Value header;
};

Result<Parts, JweProblem> split(std::string_view compact) {
  if (compact.size() > kBytesMax) return unexpected(JweProblem::too_large);
  if (!is_encrypted(compact)) return unexpected(JweProblem::not_compact);
  std::array<std::string_view, 5> texts;
  for (auto& text : texts) {
    const auto dot = std::min(compact.find('.'), compact.size());
    text = compact.substr(0, dot);
    compact.remove_prefix(std::min(dot + 1, compact.size()));
  }
  Parts parts;
  parts.protected_header = texts[0];
  const auto header = base64url::decode(texts[0]);
  if (!header) return unexpected(JweProblem::not_compact);
  for (const auto& [text, bytes] : {std::pair(texts[1], &parts.encrypted_key), std::pair(texts[2], &parts.nonce), std::pair(texts[3], &parts.encrypted), std::pair(texts[4], &parts.tag)}) {
    auto decoded = base64url::decode(text);
    if (!decoded) return unexpected(JweProblem::not_compact);
    *bytes = std::move(*decoded);
  }
  if (parts.nonce.size() != crypto::kGcmNonceBytes || parts.tag.size() != crypto::kGcmTagBytes) return unexpected(JweProblem::not_compact);
  auto parsed = json::parse(*header, kLimits);
  if (!parsed || !parsed->is_object()) return unexpected(JweProblem::header_not_json);
  parts.header = std::move(*parsed);
  return parts;
}

std::string lower(std::string text) {
  for (char& letter : text) letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  return text;
}

struct Header {
  KeyManagement algorithm{};
  std::optional<std::string> kid;
  std::string apu, apv;
};

Result<std::string, JweProblem> party(const json::Value& header, const char* name) {
  const json::Value* value = header.find(name);
  if (!value) return std::string();
  const auto* text = value->as_string();
  auto bytes = text ? base64url::decode(*text) : std::nullopt;
  if (!bytes || bytes->size() > kPartyBytesMax) return unexpected(JweProblem::header_not_json);
  return std::move(*bytes);
}

// Everything that can be said before a key is touched.
Result<Header, JweProblem> read_header(const json::Value& said) {
  for (const char* name : {"crit", "b64", "zip"}) {
    if (said.find(name)) return unexpected(JweProblem::has_crit);
  }
  Header header;
  const auto* alg = said.find_string("alg");
  const auto algorithm = alg ? parse_key_management(*alg) : std::nullopt;
  if (!algorithm) return unexpected(JweProblem::algorithm_not_allowed);
  header.algorithm = *algorithm;
  const auto* enc = said.find_string("enc");
  if (!enc || *enc != kContentEncryption) return unexpected(JweProblem::encryption_not_allowed);
  const auto* content = said.find_string("cty");
  if (!content || lower(*content) != "jwt") return unexpected(JweProblem::not_nested);   // RFC 7519 §5.2
  if (const json::Value* kid = said.find("kid")) {
    if (!kid->is_string() || kid->as_string()->empty() || kid->as_string()->size() > kKidBytesMax) return unexpected(JweProblem::bad_kid);
    header.kid = *kid->as_string();
  }
  header.apu = TRY(party(said, "apu"));
  header.apv = TRY(party(said, "apv"));
  return header;
}

const DecryptionKey* find(std::span<const DecryptionKey> keys, const Header& header) {
  const DecryptionKey* found = nullptr;
  for (const DecryptionKey& key : keys) {
    if (!fits(header.algorithm, key.key.public_key()) || (header.kid && key.kid != *header.kid)) continue;
    if (found) return nullptr;
    found = &key;
  }
  return found;
}

Result<crypto::PublicKey, JweProblem> ephemeral_key(const json::Value& header, const DecryptionKey& key) {
  const json::Value* said = header.find("epk");
  auto parsed = said && said->is_object() ? parse_jwk(*said) : Result<Jwk, JwkProblem>(unexpected(JwkProblem::malformed));
  // `parse_jwk` checks that it is a point of its curve, which must be ours.
  if (!parsed || parsed->key.parameters().crv != key.key.public_key().parameters().crv) return unexpected(JweProblem::bad_ephemeral_key);
  return std::move(parsed->key);
}

Result<Secret, JweProblem> content_key(const Parts& parts, const Header& header, const DecryptionKey& key) {
  if (header.algorithm == KeyManagement::rsa_oaep_256) {
    auto decrypted = crypto::decrypt_oaep(key.key, parts.encrypted_key);
    // RFC 7516 §11.5: as if it had been right, with another key; the content then does not open.
    if (!decrypted || decrypted->reveal().size() != kContentKeyBytes) return Secret(crypto::random_bytes(kContentKeyBytes));
    return std::move(*decrypted);
  }
  const crypto::PublicKey ephemeral = TRY(ephemeral_key(parts.header, key));
  const auto agreed = crypto::agree(key.key, ephemeral);
  if (!agreed) return unexpected(JweProblem::bad_ephemeral_key);
  Secret derived = derive(*agreed, header.algorithm, header.apu, header.apv);
  if (header.algorithm == KeyManagement::ecdh_es) {
    if (!parts.encrypted_key.empty()) return unexpected(JweProblem::not_compact);
    return derived;
  }
  if (parts.encrypted_key.size() != kWrappedBytes) return unexpected(JweProblem::not_compact);
  auto unwrapped = crypto::unwrap_key(derived, parts.encrypted_key);
  if (!unwrapped) return unexpected(JweProblem::cannot_decrypt);
  return std::move(*unwrapped);
}

}  // namespace

std::string_view to_string(KeyManagement algorithm) {
  for (const auto& [known, name] : kNames) {
    if (known == algorithm) return name;
  }
  return "unknown";
}

std::optional<KeyManagement> parse_key_management(std::string_view name) {
  for (const auto& [algorithm, known] : kNames) {
    if (known == name) return algorithm;
  }
  return std::nullopt;
}

std::string_view to_string(JweProblem problem) {
  switch (problem) {
    case JweProblem::too_large: return "jwe_too_large";
    case JweProblem::not_compact: return "jwe_not_compact";
    case JweProblem::header_not_json: return "jwe_header_not_json";
    case JweProblem::has_crit: return "jwe_has_crit";
    case JweProblem::algorithm_not_allowed: return "jwe_algorithm_not_allowed";
    case JweProblem::encryption_not_allowed: return "jwe_encryption_not_allowed";
    case JweProblem::not_nested: return "jwe_not_nested";
    case JweProblem::bad_kid: return "jwe_bad_kid";
    case JweProblem::bad_ephemeral_key: return "jwe_bad_ephemeral_key";
    case JweProblem::unknown_key: return "jwe_unknown_key";
    case JweProblem::cannot_decrypt: return "jwe_cannot_decrypt";
  }
  return "jwe_cannot_decrypt";
}

std::optional<EncryptionKey> choose_encryption_key(std::string_view jwks) {
  const auto set = json::parse(jwks);
  const auto* keys = set ? set->find_array("keys") : nullptr;
  if (!keys) return std::nullopt;
  for (json::Value value : *keys) {
    const auto* use = value.find("use");
    if (use && (!use->is_string() || *use->as_string() != "enc")) continue;
    const auto* alg = value.find("alg");
    const auto stated = alg && alg->is_string() ? parse_key_management(*alg->as_string()) : std::nullopt;
    if (alg && !stated) continue;
    for (const char* name : {"use", "alg", "key_ops"}) value.erase(name);   // those that `parse_jwk` reads as of a key for signatures
    auto parsed = parse_jwk(value);
    if (!parsed) continue;
    const KeyManagement usual = is_rsa(parsed->key) ? KeyManagement::rsa_oaep_256 : KeyManagement::ecdh_es_a256kw;
    const KeyManagement algorithm = stated.value_or(usual);
    if (fits(algorithm, parsed->key)) return EncryptionKey{std::move(parsed->kid), algorithm, std::move(parsed->key)};
  }
  return std::nullopt;
}

json::Value to_json(const EncryptionKey& key) {
  json::Value value = to_json(key.key);
  if (!key.kid.empty()) value.set("kid", key.kid);
  value.set("use", "enc");
  value.set("alg", to_string(key.algorithm));
  return value;
}

EncryptionKey public_half(const DecryptionKey& key) {
  crypto::PublicKey half = key.key.public_key();
  const KeyManagement algorithm = is_rsa(half) ? KeyManagement::rsa_oaep_256 : KeyManagement::ecdh_es_a256kw;
  return {key.kid, algorithm, std::move(half)};
}

std::string encrypt(const EncryptionKey& to, std::string_view type, std::string_view jwt) {
  json::Value header{{"alg", to_string(to.algorithm)}, {"enc", kContentEncryption}, {"typ", type}, {"cty", "JWT"}};
  if (!to.kid.empty()) header.set("kid", to.kid);
  Secret key(crypto::random_bytes(kContentKeyBytes));
  std::string encrypted_key;
  if (to.algorithm == KeyManagement::rsa_oaep_256) {
    encrypted_key = crypto::encrypt_oaep(to.key, key).value();
  } else {
    const auto ephemeral = crypto::PrivateKey::generate(on_curve_of(to.key));
    header.set("epk", to_json(ephemeral.public_key()));
    Secret derived = derive(crypto::agree(ephemeral, to.key).value(), to.algorithm, {}, {});
    if (to.algorithm == KeyManagement::ecdh_es) key = std::move(derived);
    else encrypted_key = crypto::wrap_key(derived, key);
  }
  const std::string protected_header = base64url::encode(json::write(header));
  const std::string nonce = crypto::random_bytes(crypto::kGcmNonceBytes);
  const std::string encrypted = crypto::encrypt_gcm(key, nonce, protected_header, jwt);
  const std::size_t body = encrypted.size() - crypto::kGcmTagBytes;
  return protected_header + "." + base64url::encode(encrypted_key) + "." + base64url::encode(nonce) + "." + base64url::encode(encrypted.substr(0, body)) + "." +
         base64url::encode(encrypted.substr(body));
}

Result<std::string, JweProblem> decrypt(std::string_view compact, std::span<const DecryptionKey> keys) {
  const Parts parts = TRY(split(compact));
  const Header header = TRY(read_header(parts.header));
  const DecryptionKey* key = find(keys, header);
  if (!key) return unexpected(JweProblem::unknown_key);
  const Secret content = TRY(content_key(parts, header, *key));
  auto opened = crypto::decrypt_gcm(content, parts.nonce, parts.protected_header, parts.encrypted + parts.tag);
  if (!opened) return unexpected(JweProblem::cannot_decrypt);
  return std::move(*opened);
}

bool is_encrypted(std::string_view compact) {
  std::size_t dots = 0;
  for (std::size_t at = compact.find('.'); at != compact.npos && dots <= 4; at = compact.find('.', at + 1)) ++dots;
  return dots == 4;
}

}  // namespace writ::jose
