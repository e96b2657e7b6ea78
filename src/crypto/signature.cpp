// Signing and verifying. The measured cost of doing it naively is not the mathematics but what stands round it: fetching algorithms
// under a lock that all threads share, and contexts made per call. So each thread keeps a few prepared contexts per key.

#include <openssl/rsa.h>

#include <array>
#include <atomic>
#include <cassert>

#include "crypto/digest.h"
#include "crypto/ecdsa_signature.h"
#include "crypto/key_state.h"

namespace writ::crypto {
namespace {

enum class Use { sign, verify };

DigestKind digest_of(Algorithm algorithm) { return algorithm == Algorithm::es384 ? DigestKind::sha384 : DigestKind::sha256; }

// Null when OpenSSL refuses to set it up.
KeyContext prepare(EVP_PKEY* key, Algorithm algorithm, Use use) {
  KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!context) return nullptr;
  const int started = use == Use::sign ? EVP_PKEY_sign_init(context.get()) : EVP_PKEY_verify_init(context.get());
  if (started != 1) return nullptr;
  const EVP_MD* const md = algorithm == Algorithm::es384 ? EVP_sha384() : EVP_sha256();
  if (EVP_PKEY_CTX_set_signature_md(context.get(), md) != 1) return nullptr;
  if (algorithm == Algorithm::rs256 && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1) return nullptr;
  if (algorithm == Algorithm::ps256) {
    // RFC 7518 §3.5: MGF1 with the same hash, salt as long as the hash
    if (EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PSS_PADDING) != 1 || EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), md) != 1 ||
        EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) != 1)
      return nullptr;
  }
  return context;
}

// The contexts that this thread used last. Bounded: keys of strangers (DPoP proofs) come and go.
class PreparedContexts {
 public:
  EVP_PKEY_CTX* get(std::uint64_t key_number, EVP_PKEY* key, Algorithm algorithm, Use use) {
    for (Entry& entry : entries_) {
      if (entry.key_number == key_number && entry.algorithm == algorithm && entry.use == use && entry.context) {
        entry.used_at = ++uses_;
        return entry.context.get();
      }
    }
    Entry* oldest = &entries_[0];
    for (Entry& entry : entries_)
      if (entry.used_at < oldest->used_at) oldest = &entry;
    *oldest = Entry{key_number, algorithm, use, ++uses_, prepare(key, algorithm, use)};
    return oldest->context.get();
  }

 private:
  struct Entry {
    std::uint64_t key_number = 0;
    Algorithm algorithm{};
    Use use{};
    std::uint64_t used_at = 0;
    KeyContext context;
  };
  std::array<Entry, 32> entries_;
  std::uint64_t uses_ = 0;
};

PreparedContexts& contexts_of_this_thread() {
  thread_local PreparedContexts contexts;
  return contexts;
}

// Ed25519 has no digest step: it signs the message itself.
bool verify_ed25519(EVP_PKEY* key, std::string_view message, std::string_view signature) {
  if (signature.size() != 64) return false;
  const DigestContext context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
}

std::string sign_ed25519(EVP_PKEY* key, std::string_view message) {
  const DigestContext context(EVP_MD_CTX_new());
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  must(context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
           EVP_DigestSign(context.get(), bytes_of(signature), &size, bytes_of(message), message.size()) == 1 && size == 64,
       "signing");
  return signature;
}

std::atomic<std::uint32_t> uses_before_table{0};

// Null while there is none.
const VerificationTable* table_of(const PublicKey::Parameters& parameters, std::atomic<std::uint32_t>& verifications, std::atomic<const VerificationTable*>& table) {
  const std::uint32_t uses = uses_before_table.load(std::memory_order_relaxed);
  if (uses == 0) return nullptr;
  if (const auto* made = table.load(std::memory_order_acquire)) return made;
  if (verifications.load(std::memory_order_relaxed) > uses || verifications.fetch_add(1, std::memory_order_relaxed) + 1 != uses) return nullptr;
  table.store(VerificationTable::of(parameters.x, parameters.y).release(), std::memory_order_release);
  return table.load(std::memory_order_relaxed);
}

bool is_elliptic(KeyKind kind) { return kind == KeyKind::p256 || kind == KeyKind::p384; }

}  // namespace

void verify_by_tables(std::uint32_t uses) { uses_before_table.store(uses, std::memory_order_relaxed); }

bool PublicKey::verify(Algorithm algorithm, std::string_view message, std::string_view signature) const {
  if (!fits(algorithm)) return false;
  const ErrorQueueGuard guard;
  EVP_PKEY* const key = state_->handle.get();
  if (state_->kind == KeyKind::ed25519) return verify_ed25519(key, message, signature);
  if (state_->kind == KeyKind::p256) {
    const auto* table = table_of(state_->parameters, state_->verifications, state_->table);
    if (table) return table->verify(digest(DigestKind::sha256, message), signature);
  }

  std::string der;
  if (is_elliptic(state_->kind)) {
    auto converted = der_from_jose(signature, curve_of(state_->kind).order);
    if (!converted) return false;
    der = std::move(*converted);
    signature = der;
  } else if (signature.size() != state_->parameters.n.size()) {
    return false;   // RFC 8017 §8.2.2: exactly as long as the modulus
  }
  EVP_PKEY_CTX* const context = contexts_of_this_thread().get(state_->number, key, algorithm, Use::verify);
  if (context == nullptr) return false;
  const Digest hashed = digest(digest_of(algorithm), message);
  return EVP_PKEY_verify(context, bytes_of(signature), signature.size(), hashed.bytes, hashed.size) == 1;
}

std::string PrivateKey::sign(Algorithm algorithm, std::string_view message) const {
  must(fits(algorithm), "signing with a key that fits the algorithm");
  const ErrorQueueGuard guard;
  EVP_PKEY* const key = state_->handle.get();
  if (state_->kind == KeyKind::ed25519) return sign_ed25519(key, message);

  EVP_PKEY_CTX* const context = contexts_of_this_thread().get(state_->number, key, algorithm, Use::sign);
  const Digest hashed = digest(digest_of(algorithm), message);
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key)), '\0');
  std::size_t size = signature.size();
  must(context != nullptr && EVP_PKEY_sign(context, bytes_of(signature), &size, hashed.bytes, hashed.size) == 1, "signing");
  signature.resize(size);
  if (!is_elliptic(state_->kind)) return signature;
  auto jose = jose_from_der(signature, curve_of(state_->kind).coordinate_bytes);
  must(jose.has_value(), "signing");
  return std::move(*jose);
}

}  // namespace writ::crypto
