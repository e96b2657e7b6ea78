#include "crypto/pkcs11_token.h"

#include <cassert>
#include <optional>
#include <vector>

#include "crypto/digest.h"
#include "crypto/key_state.h"
#include "crypto/openssl.h"
#include "crypto/pkcs11_connection.h"
#include "crypto/random.h"

namespace writ::crypto {
namespace {

using namespace std::string_view_literals;

constexpr CK_ULONG kRsaBits = 2048;
constexpr std::string_view kP256Oid = "\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07"sv;
constexpr std::string_view kP384Oid = "\x06\x05\x2B\x81\x04\x00\x22"sv;
constexpr std::string_view kEd25519Oid = "\x06\x03\x2B\x65\x70"sv;
constexpr CK_KEY_TYPE kEdwards = 0x40;                    // CKK_EC_EDWARDS and the mechanisms below: PKCS#11 v3.0
constexpr CK_MECHANISM_TYPE kEdwardsGeneration = 0x1055;
constexpr std::size_t kSignatureBytesMax = 1024;          // RSA of 8192 bits

CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size) { return {type, const_cast<void*>(value), size}; }

CK_KEY_TYPE type_of(KeyKind kind) { return kind == KeyKind::rsa ? CKK_RSA : kind == KeyKind::ed25519 ? kEdwards : CKK_EC; }

std::string_view curve_oid(KeyKind kind) { return kind == KeyKind::p256 ? kP256Oid : kind == KeyKind::p384 ? kP384Oid : kEd25519Oid; }

CK_RV read_bytes(CK_FUNCTION_LIST_PTR functions, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, std::string& bytes) {
  CK_ATTRIBUTE wanted{type, nullptr, 0};
  if (const CK_RV value = functions->C_GetAttributeValue(session, object, &wanted, 1); value != CKR_OK) return value;
  if (wanted.ulValueLen == CK_UNAVAILABLE_INFORMATION || wanted.ulValueLen > 65536) return CKR_ATTRIBUTE_VALUE_INVALID;
  bytes.assign(wanted.ulValueLen, '\0');
  wanted.pValue = bytes.data();
  return functions->C_GetAttributeValue(session, object, &wanted, 1);
}

std::string without_leading_zeros(std::string number) {
  const std::size_t first = number.find_first_not_of('\0');
  return first == std::string::npos ? std::string() : number.substr(first);
}

// A DER octet string around the point (PKCS#11 v2.40 §2.3.3); some modules give the point itself.
std::optional<std::string_view> point_of(std::string_view value, std::size_t size) {
  if (value.size() == size) return value;
  if (value.size() == size + 2 && value[0] == '\x04' && static_cast<unsigned char>(value[1]) == size) return value.substr(2);
  return std::nullopt;
}

CK_RV read_public_key(CK_FUNCTION_LIST_PTR functions, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, KeyKind kind, std::optional<PublicKey>& key) {
  if (kind == KeyKind::rsa) {
    std::string modulus, exponent;
    if (const CK_RV value = read_bytes(functions, session, object, CKA_MODULUS, modulus); value != CKR_OK) return value;
    if (const CK_RV value = read_bytes(functions, session, object, CKA_PUBLIC_EXPONENT, exponent); value != CKR_OK) return value;
    if (auto read = PublicKey::from_rsa(without_leading_zeros(std::move(modulus)), without_leading_zeros(std::move(exponent)))) key = std::move(*read);
    return key ? CKR_OK : CKR_KEY_TYPE_INCONSISTENT;
  }
  std::string point;
  if (const CK_RV value = read_bytes(functions, session, object, CKA_EC_POINT, point); value != CKR_OK) return value;
  if (kind == KeyKind::ed25519) {
    const auto x = point_of(point, 32);
    if (x) {
      if (auto read = PublicKey::from_ed25519(*x)) key = std::move(*read);
    }
    return key ? CKR_OK : CKR_KEY_TYPE_INCONSISTENT;
  }
  const Curve& curve = curve_of(kind);
  const auto both = point_of(point, 1 + 2 * curve.coordinate_bytes);
  if (!both || both->front() != '\x04') return CKR_KEY_TYPE_INCONSISTENT;
  if (auto read = PublicKey::from_ec(curve.jose_name, both->substr(1, curve.coordinate_bytes), both->substr(1 + curve.coordinate_bytes))) key = std::move(*read);
  return key ? CKR_OK : CKR_KEY_TYPE_INCONSISTENT;
}

// Two at most: whether there is exactly one is all that is asked.
CK_RV find_objects(CK_FUNCTION_LIST_PTR functions, CK_SESSION_HANDLE session, std::vector<CK_ATTRIBUTE> attributes, std::vector<CK_OBJECT_HANDLE>& found) {
  if (const CK_RV value = functions->C_FindObjectsInit(session, attributes.data(), attributes.size()); value != CKR_OK) return value;
  found.assign(2, CK_INVALID_HANDLE);
  CK_ULONG count = 0;
  const CK_RV value = functions->C_FindObjects(session, found.data(), found.size(), &count);
  functions->C_FindObjectsFinal(session);
  found.resize(count);
  return value;
}

std::size_t signature_bytes(KeyKind kind, const PublicKey& key) {
  if (kind == KeyKind::rsa) return key.parameters().n.size();
  return kind == KeyKind::ed25519 ? 64 : 2 * curve_of(kind).coordinate_bytes;
}

}  // namespace

Pkcs11Token::Pkcs11Token(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pkcs11Token::~Pkcs11Token() = default;

Result<std::shared_ptr<Pkcs11Token>, std::string> Pkcs11Token::open(Pkcs11Place place) {
  auto state = std::make_unique<State>(std::move(place));
  TRY(state->load());
  const Pkcs11Place& at = state->place;
  const std::string name = "PKCS#11 token `" + (at.label.empty() ? at.serial : at.label) + "` of `" + at.module + "`";
  // Read first for a message that says which file is meant; log-in reads it again.
  if (const auto pin = at.pin(); !pin) return unexpected("cannot use " + name + ": " + pin.error());
  if (const CK_RV value = state->connect(); value != CKR_OK) return unexpected("cannot use " + name + ": " + sentence_of(value));
  return std::shared_ptr<Pkcs11Token>(new Pkcs11Token(std::move(state)));
}

Result<Pkcs11Key, Unavailable> Pkcs11Token::generate(const std::shared_ptr<Pkcs11Token>& token, Algorithm algorithm, std::string_view label) {
  State& state = *token->state_;
  const KeyKind kind = kind_for(algorithm);
  const std::string id = random_bytes(16);
  const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
  const CK_KEY_TYPE type = type_of(kind);
  const CK_ULONG bits = kRsaBits;
  const std::string_view exponent = "\x01\x00\x01"sv, curve = curve_oid(kind);
  const auto name = attribute(CKA_LABEL, label.data(), label.size());
  const auto number = attribute(CKA_ID, id.data(), id.size());
  std::vector<CK_ATTRIBUTE> published = {attribute(CKA_TOKEN, &yes, sizeof yes), attribute(CKA_KEY_TYPE, &type, sizeof type), attribute(CKA_VERIFY, &yes, sizeof yes), name, number};
  if (kind == KeyKind::rsa) {
    published.push_back(attribute(CKA_MODULUS_BITS, &bits, sizeof bits));
    published.push_back(attribute(CKA_PUBLIC_EXPONENT, exponent.data(), exponent.size()));
  } else {
    published.push_back(attribute(CKA_EC_PARAMS, curve.data(), curve.size()));
  }
  std::vector<CK_ATTRIBUTE> hidden = {attribute(CKA_TOKEN, &yes, sizeof yes),     attribute(CKA_PRIVATE, &yes, sizeof yes), attribute(CKA_SENSITIVE, &yes, sizeof yes),
                                      attribute(CKA_EXTRACTABLE, &no, sizeof no), attribute(CKA_SIGN, &yes, sizeof yes),    name, number};
  CK_MECHANISM mechanism{kind == KeyKind::rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : kind == KeyKind::ed25519 ? kEdwardsGeneration : CKM_EC_KEY_PAIR_GEN, nullptr, 0};
  std::optional<PublicKey> made;
  TRY(state.perform(State::Access::writes, [&](CK_SESSION_HANDLE session) {
    CK_OBJECT_HANDLE public_object = CK_INVALID_HANDLE, private_object = CK_INVALID_HANDLE;
    const CK_RV value = state.functions->C_GenerateKeyPair(session, &mechanism, published.data(), published.size(), hidden.data(), hidden.size(), &public_object, &private_object);
    return value != CKR_OK ? value : read_public_key(state.functions, session, public_object, kind, made);
  }));
  return Pkcs11Key(token, id, std::move(*made));
}

Result<Pkcs11Key, Unavailable> Pkcs11Token::find(const std::shared_ptr<Pkcs11Token>& token, Algorithm algorithm, std::string_view label) {
  State& state = *token->state_;
  const KeyKind kind = kind_for(algorithm);
  const CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY, public_class = CKO_PUBLIC_KEY;
  const CK_KEY_TYPE type = type_of(kind);
  const char* problem = nullptr;
  std::string id;
  std::optional<PublicKey> read;
  TRY(state.perform(State::Access::reads, [&](CK_SESSION_HANDLE session) -> CK_RV {
    problem = nullptr;
    std::vector<CK_OBJECT_HANDLE> found;
    CK_RV value = find_objects(state.functions, session, {attribute(CKA_CLASS, &private_class, sizeof private_class), attribute(CKA_LABEL, label.data(), label.size())}, found);
    if (value != CKR_OK) return value;
    if (found.size() != 1) {
      problem = found.empty() ? "the PKCS#11 token has no private key of the configured `key_label`" : "the PKCS#11 token has several private keys of the configured `key_label`";
      return CKR_OK;
    }
    value = read_bytes(state.functions, session, found.front(), CKA_ID, id);
    if (value != CKR_OK) return value;
    if (id.empty()) {
      problem = "the key of the configured `key_label` has no CKA_ID, by which it could be found again";
      return CKR_OK;
    }
    value = find_objects(state.functions, session,
                         {attribute(CKA_CLASS, &public_class, sizeof public_class), attribute(CKA_ID, id.data(), id.size()), attribute(CKA_KEY_TYPE, &type, sizeof type)}, found);
    if (value != CKR_OK) return value;
    if (found.size() != 1 || read_public_key(state.functions, session, found.front(), kind, read) != CKR_OK) {
      problem = "the PKCS#11 token has no public key beside the key of the configured `key_label` that fits the configured algorithm";
    }
    return CKR_OK;
  }));
  if (problem) return unexpected(Unavailable{problem});
  return Pkcs11Key(token, std::move(id), std::move(*read));
}

Pkcs11Key::Pkcs11Key(std::shared_ptr<Pkcs11Token> token, std::string id, PublicKey public_key) : token_(std::move(token)), id_(std::move(id)), public_key_(std::move(public_key)) {}

Result<std::string, Unavailable> Pkcs11Key::sign(Algorithm algorithm, std::string_view message) const {
  must(fits(algorithm), "signing with a key that fits the algorithm");
  Pkcs11Token::State& state = *token_->state_;
  CK_RSA_PKCS_PSS_PARAMS salted{CKM_SHA256, CKG_MGF1_SHA256, 32};   // RFC 7518 §3.5: as long as the hash
  CK_MECHANISM mechanism{};
  std::string input(message);
  switch (algorithm) {
    case Algorithm::es256:
    case Algorithm::es384: {
      // CKM_ECDSA takes a hash and gives r‖s, which is the JOSE form.
      const Digest hashed = digest(algorithm == Algorithm::es256 ? DigestKind::sha256 : DigestKind::sha384, message);
      input.assign(reinterpret_cast<const char*>(hashed.bytes), hashed.size);
      mechanism.mechanism = CKM_ECDSA;
      break;
    }
    case Algorithm::rs256: mechanism.mechanism = CKM_SHA256_RSA_PKCS; break;
    case Algorithm::ps256: mechanism = {CKM_SHA256_RSA_PKCS_PSS, &salted, sizeof salted}; break;
    case Algorithm::eddsa: mechanism.mechanism = CKM_EDDSA; break;
  }
  std::string signature;
  TRY(state.perform(Pkcs11Token::State::Access::reads, [&](CK_SESSION_HANDLE session) -> CK_RV {
    Pkcs11Token::State::Handle key;
    if (const CK_RV value = state.find_private_key(session, id_, key); value != CKR_OK) return value;
    if (const CK_RV value = state.functions->C_SignInit(session, &mechanism, key.object); value != CKR_OK) return value;
    signature.assign(kSignatureBytesMax, '\0');
    CK_ULONG size = signature.size();
    if (const CK_RV value = state.functions->C_Sign(session, bytes_of(input), input.size(), bytes_of(signature), &size); value != CKR_OK) return value;
    signature.resize(size);
    // A token of the same name with another key must not sign under our key's name.
    if (size != signature_bytes(kind_for(algorithm), public_key_)) return CKR_KEY_CHANGED;
    if (!key.is_proved) {
      if (!public_key_.verify(algorithm, message, signature)) return CKR_KEY_CHANGED;
      state.note_proved(id_);
    }
    return CKR_OK;
  }));
  return signature;
}

}  // namespace writ::crypto
