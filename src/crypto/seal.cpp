#include "crypto/seal.h"

#include "crypto/hash.h"
#include "crypto/openssl.h"
#include "crypto/random.h"

namespace writ::crypto {
namespace {

// version ‖ salt ‖ nonce ‖ ciphertext ‖ tag. Each value has its own key, derived with the salt: with random nonces alone one key would be
// worn out after 2^32 values, which sealed handles reach.
constexpr char kVersion = 1;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kHeadBytes = 1 + kSaltBytes + kNonceBytes;

const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

EVP_CIPHER_CTX* cipher_context() {
  thread_local const CipherContext context(EVP_CIPHER_CTX_new());
  return context.get();
}

Secret derive(const Secret& key, std::string_view salt) {
  return Secret(hmac_sha256(key.reveal(), std::string("writ.seal.1").append(salt)));
}

}  // namespace

SealingKey::SealingKey(const Secret& thirty_two_bytes) : key_(thirty_two_bytes) {
  must(key_.reveal().size() == 32, "a sealing key of 32 bytes");
}

std::string SealingKey::seal(std::string_view plain, std::string_view purpose) const {
  std::string sealed(1, kVersion);
  sealed += random_bytes(kSaltBytes + kNonceBytes);
  const std::string_view head(sealed);
  const Secret key = derive(key_, head.substr(1, kSaltBytes));
  std::string body(plain.size() + kTagBytes, '\0');
  EVP_CIPHER_CTX* const context = cipher_context();
  int length = 0;
  must(EVP_EncryptInit_ex2(context, aes_256_gcm(), bytes_of(key.reveal()), bytes_of(head) + 1 + kSaltBytes, nullptr) == 1 &&
           EVP_EncryptUpdate(context, nullptr, &length, bytes_of(purpose), static_cast<int>(purpose.size())) == 1 &&
           EVP_EncryptUpdate(context, bytes_of(body), &length, bytes_of(plain), static_cast<int>(plain.size())) == 1 &&
           EVP_EncryptFinal_ex(context, bytes_of(body) + length, &length) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, body.data() + plain.size()) == 1,
       "AES-GCM");
  EVP_CIPHER_CTX_reset(context);   // wipes the derived key
  return sealed + body;
}

std::optional<Secret> SealingKey::open(std::string_view sealed, std::string_view purpose) const {
  if (sealed.size() < kHeadBytes + kTagBytes || sealed[0] != kVersion) return std::nullopt;
  const ErrorQueueGuard guard;
  const Secret key = derive(key_, sealed.substr(1, kSaltBytes));
  const std::string_view nonce = sealed.substr(1 + kSaltBytes, kNonceBytes);
  const std::string_view body = sealed.substr(kHeadBytes, sealed.size() - kHeadBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  std::string plain(body.size(), '\0');
  EVP_CIPHER_CTX* const context = cipher_context();
  int length = 0;
  const bool opened =
      EVP_DecryptInit_ex2(context, aes_256_gcm(), bytes_of(key.reveal()), bytes_of(nonce), nullptr) == 1 &&
      EVP_DecryptUpdate(context, nullptr, &length, bytes_of(purpose), static_cast<int>(purpose.size())) == 1 &&
      EVP_DecryptUpdate(context, bytes_of(plain), &length, bytes_of(body), static_cast<int>(body.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context, bytes_of(plain) + length, &length) == 1;
  EVP_CIPHER_CTX_reset(context);
  Secret secret(std::move(plain));   // also wipes what did not authenticate
  if (!opened) return std::nullopt;
  return secret;
}

}  // namespace writ::crypto
