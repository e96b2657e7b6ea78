#include "crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <utility>

#include "crypto/key_state.h"

namespace writ::crypto {
namespace {

using namespace std::string_view_literals;

constexpr int kRsaBitsMin = 2048;     // RFC 7518 §3.3
constexpr int kRsaBitsMax = 8192;     // a larger modulus costs the verifier, not the one who chose it
constexpr std::size_t kRsaExponentBytesMax = 4;
constexpr int kRsaBitsGenerated = 2048;

constexpr std::array<std::pair<Algorithm, std::string_view>, 5> kNames = {{
    {Algorithm::es256, "ES256"},
    {Algorithm::es384, "ES384"},
    {Algorithm::rs256, "RS256"},
    {Algorithm::ps256, "PS256"},
    {Algorithm::eddsa, "EdDSA"},
}};

constexpr Curve kP256 = {
    "P-256", "P-256", 32,
    "\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xBC\xE6\xFA\xAD\xA7\x17\x9E\x84\xF3\xB9\xCA\xC2\xFC\x63\x25\x51"sv};
constexpr Curve kP384 = {
    "P-384", "P-384", 48,
    "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
    "\xC7\x63\x4D\x81\xF4\x37\x2D\xDF\x58\x1A\x0D\xB2\x48\xB0\xA7\x7A\xEC\xEC\x19\x6A\xCC\xC5\x29\x73"sv};
static_assert(kP256.order.size() == 32 && kP384.order.size() == 48);

struct FreeParameters {
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
};
struct FreeBuilder {
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
};
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreeBuilder>;

// Null when OpenSSL refuses, which for an elliptic curve means: not a point of it.
KeyHandle public_key_from(const char* type, OSSL_PARAM_BLD* builder) {
  const std::unique_ptr<OSSL_PARAM, FreeParameters> parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  must(parameters && context && EVP_PKEY_fromdata_init(context.get()) == 1, "key set-up");
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) return nullptr;
  return KeyHandle(key);
}

std::string big_number_bytes(const EVP_PKEY* key, const char* name, std::size_t width) {
  BIGNUM* raw = nullptr;
  must(EVP_PKEY_get_bn_param(key, name, &raw) == 1, "reading a key");
  const BigNumber number(raw);
  std::string bytes(width == 0 ? static_cast<std::size_t>(BN_num_bytes(number.get())) : width, '\0');
  must(BN_bn2binpad(number.get(), bytes_of(bytes), static_cast<int>(bytes.size())) >= 0, "reading a key");
  return bytes;
}

std::string ed25519_public_bytes(const EVP_PKEY* key) {
  std::string bytes(32, '\0');
  std::size_t size = bytes.size();
  must(EVP_PKEY_get_raw_public_key(key, bytes_of(bytes), &size) == 1 && size == 32, "reading a key");
  return bytes;
}

Result<KeyKind, KeyProblem> kind_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519")) return KeyKind::ed25519;
  if (EVP_PKEY_is_a(key, "RSA")) {
    if (EVP_PKEY_get_bits(key) < kRsaBitsMin) return unexpected(KeyProblem::too_small);
    if (EVP_PKEY_get_bits(key) > kRsaBitsMax) return unexpected(KeyProblem::unsupported);
    return KeyKind::rsa;
  }
  if (!EVP_PKEY_is_a(key, "EC")) return unexpected(KeyProblem::unsupported);
  char group[64] = {};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) return unexpected(KeyProblem::unsupported);
  const std::string_view name(group, size);
  if (name == "prime256v1" || name == "P-256") return KeyKind::p256;
  if (name == "secp384r1" || name == "P-384") return KeyKind::p384;
  return unexpected(KeyProblem::unsupported);
}

Result<PublicKey, KeyProblem> public_part(const EVP_PKEY* key, KeyKind kind) {
  switch (kind) {
    case KeyKind::rsa:
      return PublicKey::from_rsa(big_number_bytes(key, OSSL_PKEY_PARAM_RSA_N, 0), big_number_bytes(key, OSSL_PKEY_PARAM_RSA_E, 0));
    case KeyKind::ed25519: return PublicKey::from_ed25519(ed25519_public_bytes(key));
    case KeyKind::p256:
    case KeyKind::p384: break;
  }
  const Curve& curve = curve_of(kind);
  return PublicKey::from_ec(curve.jose_name, big_number_bytes(key, OSSL_PKEY_PARAM_EC_PUB_X, curve.coordinate_bytes),
                            big_number_bytes(key, OSSL_PKEY_PARAM_EC_PUB_Y, curve.coordinate_bytes));
}

Algorithm any_algorithm_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::p256: return Algorithm::es256;
    case KeyKind::p384: return Algorithm::es384;
    case KeyKind::rsa: return Algorithm::rs256;
    case KeyKind::ed25519: break;
  }
  return Algorithm::eddsa;
}

bool is_odd(std::string_view number) { return (static_cast<unsigned char>(number.back()) & 1) != 0; }

// CVE-2017-15361: chips that drew primes as k·M + (65537^a mod M), M a product of small primes. Such a modulus is a power of 65537 modulo
// each of these; a random one is with a probability of about 2^-28.
bool is_roca_modulus(const BIGNUM* modulus) {
  for (const unsigned int prime : {11U, 13U, 17U, 19U, 37U, 53U, 61U, 71U, 73U, 79U, 97U, 103U, 107U, 109U, 127U, 151U, 157U}) {
    const auto wanted = static_cast<unsigned int>(BN_mod_word(modulus, prime));
    unsigned int power = 1;
    bool is_power = false;
    for (unsigned int i = 0; i < prime && !is_power; ++i) {
      is_power = power == wanted;
      power = power * 65537U % prime;
    }
    if (!is_power) return false;
  }
  return true;
}

// With a point of small order as key, signatures can be computed without any private key. These are the y coordinates of all such
// points (0, 1, −1 and the two of order 8), little-endian, and the spellings of 0 and 1 that are not reduced.
bool is_small_order(std::string_view x) {
  static constexpr std::array kSmall = {
      "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"sv,
      "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"sv,
      "\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05"sv,
      "\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a"sv,
      "\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv,
      "\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv,
      "\xee\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"sv,
  };
  std::string y(x);
  y.back() = static_cast<char>(static_cast<unsigned char>(y.back()) & 0x7F);   // without the sign of the other coordinate
  return std::find(kSmall.begin(), kSmall.end(), y) != kSmall.end();
}

// A PEM that asks for a passphrase is refused rather than prompting on a terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

}  // namespace

std::string_view to_string(Algorithm algorithm) {
  for (const auto& [known, name] : kNames)
    if (known == algorithm) return name;
  return "unknown";
}

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  if (name == "Ed25519") return Algorithm::eddsa;   // RFC 9864
  for (const auto& [algorithm, known] : kNames)
    if (known == name) return algorithm;
  return std::nullopt;
}

std::string_view to_string(KeyProblem problem) {
  switch (problem) {
    case KeyProblem::malformed: return "malformed";
    case KeyProblem::unsupported: return "unsupported";
    case KeyProblem::too_small: return "too_small";
    case KeyProblem::not_on_curve: return "not_on_curve";
    case KeyProblem::weak: return "weak";
  }
  return "unknown";
}

const Curve& curve_of(KeyKind kind) {
  assert(kind == KeyKind::p256 || kind == KeyKind::p384);
  return kind == KeyKind::p256 ? kP256 : kP384;
}

KeyKind kind_for(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::es256: return KeyKind::p256;
    case Algorithm::es384: return KeyKind::p384;
    case Algorithm::rs256:
    case Algorithm::ps256: return KeyKind::rsa;
    case Algorithm::eddsa: break;
  }
  return KeyKind::ed25519;
}

std::uint64_t next_key_number() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

// ---- public keys

Result<PublicKey, KeyProblem> PublicKey::from_ec(std::string_view curve_name, std::string_view x, std::string_view y) {
  if (curve_name != kP256.jose_name && curve_name != kP384.jose_name) return unexpected(KeyProblem::unsupported);
  const KeyKind kind = curve_name == kP256.jose_name ? KeyKind::p256 : KeyKind::p384;
  const Curve& curve = curve_of(kind);
  // RFC 7518 §6.2.1.2: full size, leading zeros included
  if (x.size() != curve.coordinate_bytes || y.size() != curve.coordinate_bytes) return unexpected(KeyProblem::malformed);

  const ErrorQueueGuard guard;
  const std::string point = std::string("\x04").append(x).append(y);
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  must(builder && OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.group, 0) == 1 &&
           OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1,
       "key set-up");
  KeyHandle handle = public_key_from("EC", builder.get());
  if (!handle) return unexpected(KeyProblem::not_on_curve);

  PublicKey key;
  key.state_ = std::make_shared<State>(kind, std::move(handle), Parameters{"EC", std::string(curve_name), std::string(x), std::string(y), "", ""});
  return key;
}

Result<PublicKey, KeyProblem> PublicKey::from_rsa(std::string_view modulus, std::string_view exponent) {
  // RFC 7518 §2, Base64urlUInt: the fewest octets, so that a key has one spelling and one thumbprint.
  if (modulus.empty() || modulus[0] == 0 || exponent.empty() || exponent[0] == 0) return unexpected(KeyProblem::malformed);
  if (modulus.size() > kRsaBitsMax / 8 || exponent.size() > kRsaExponentBytesMax) return unexpected(KeyProblem::unsupported);
  if (!is_odd(modulus) || !is_odd(exponent) || exponent == "\x01") return unexpected(KeyProblem::malformed);

  const ErrorQueueGuard guard;
  const BigNumber n(BN_bin2bn(bytes_of(modulus), static_cast<int>(modulus.size()), nullptr));
  const BigNumber e(BN_bin2bn(bytes_of(exponent), static_cast<int>(exponent.size()), nullptr));
  must(n && e, "key set-up");
  if (BN_num_bits(n.get()) < kRsaBitsMin) return unexpected(KeyProblem::too_small);
  if (is_roca_modulus(n.get())) return unexpected(KeyProblem::weak);
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  must(builder && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
           OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1,
       "key set-up");
  KeyHandle handle = public_key_from("RSA", builder.get());
  if (!handle) return unexpected(KeyProblem::malformed);

  PublicKey key;
  key.state_ = std::make_shared<State>(KeyKind::rsa, std::move(handle), Parameters{"RSA", "", "", "", std::string(modulus), std::string(exponent)});
  return key;
}

Result<PublicKey, KeyProblem> PublicKey::from_ed25519(std::string_view x) {
  if (x.size() != 32) return unexpected(KeyProblem::malformed);
  if (is_small_order(x)) return unexpected(KeyProblem::weak);
  const ErrorQueueGuard guard;
  KeyHandle handle(EVP_PKEY_new_raw_public_key_ex(nullptr, "ED25519", nullptr, bytes_of(x), x.size()));
  if (!handle) return unexpected(KeyProblem::malformed);

  PublicKey key;
  key.state_ = std::make_shared<State>(KeyKind::ed25519, std::move(handle), Parameters{"OKP", "Ed25519", std::string(x), "", "", ""});
  return key;
}

bool PublicKey::fits(Algorithm algorithm) const { return kind_for(algorithm) == state_->kind; }
const PublicKey::Parameters& PublicKey::parameters() const { return state_->parameters; }

// ---- private keys

PrivateKey PrivateKey::generate(Algorithm algorithm) {
  const ErrorQueueGuard guard;
  const KeyKind kind = kind_for(algorithm);
  KeyHandle handle(kind == KeyKind::rsa       ? EVP_RSA_gen(static_cast<unsigned int>(kRsaBitsGenerated))
                   : kind == KeyKind::ed25519 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                              : EVP_EC_gen(curve_of(kind).group));
  must(handle != nullptr, "making a key");
  auto public_key = public_part(handle.get(), kind);
  must(public_key.has_value(), "making a key");
  PrivateKey key;
  key.state_ = std::make_shared<State>(State{kind, std::move(handle), std::move(*public_key)});
  return key;
}

Result<PrivateKey, KeyProblem> PrivateKey::from_pem(const Secret& pem) {
  const ErrorQueueGuard guard;
  const std::string_view text = pem.reveal();
  const Bio source(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  must(source != nullptr, "reading a key");
  KeyHandle handle(PEM_read_bio_PrivateKey(source.get(), nullptr, no_passphrase, nullptr));
  if (!handle) return unexpected(KeyProblem::malformed);
  const KeyKind kind = TRY(kind_of(handle.get()));
  PublicKey public_key = TRY(public_part(handle.get(), kind));

  PrivateKey key;
  key.state_ = std::make_shared<State>(State{kind, std::move(handle), public_key});
  // A file may hold a public half that is not this private key's; what it signs nobody could verify.
  const Algorithm algorithm = any_algorithm_of(kind);
  if (!public_key.verify(algorithm, "probe", key.sign(algorithm, "probe"))) return unexpected(KeyProblem::malformed);
  return key;
}

Secret PrivateKey::to_pem() const {
  const Bio sink(BIO_new(BIO_s_secmem()));
  must(sink && PEM_write_bio_PKCS8PrivateKey(sink.get(), state_->handle.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "writing a key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(sink.get(), &data);
  return Secret(std::string(data, static_cast<std::size_t>(size)));
}

PublicKey PrivateKey::public_key() const { return state_->public_key; }
bool PrivateKey::fits(Algorithm algorithm) const { return kind_for(algorithm) == state_->kind; }

}  // namespace writ::crypto
