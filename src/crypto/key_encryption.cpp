#include "crypto/key_encryption.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cassert>

#include "crypto/hash.h"
#include "crypto/openssl.h"

namespace writ::crypto {
namespace {

struct FreeParameters {
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
};
struct FreeBuilder {
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
};

// Keys for encryption are made anew from what they consist of: they are used seldom, and the contexts that signing keeps are not for this.
KeyHandle handle_of(const PrivateKey& key) {
  const Secret pem = key.to_pem();
  const Bio bio(BIO_new_mem_buf(pem.reveal().data(), static_cast<int>(pem.reveal().size())));
  must(bio != nullptr, "reading a key");
  return KeyHandle(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}

KeyHandle handle_of(const PublicKey& key) {
  const auto& is = key.parameters();
  if (is.kty != "EC" && is.kty != "RSA") return nullptr;
  const std::unique_ptr<OSSL_PARAM_BLD, FreeBuilder> builder(OSSL_PARAM_BLD_new());
  must(builder != nullptr, "key set-up");
  const std::string point = "\x04" + is.x + is.y;
  const BigNumber n(BN_bin2bn(bytes_of(is.n), static_cast<int>(is.n.size()), nullptr)), e(BN_bin2bn(bytes_of(is.e), static_cast<int>(is.e.size()), nullptr));
  must(n && e, "key set-up");
  const bool set = is.kty == "EC" ? OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, is.crv.c_str(), 0) == 1 &&
                                        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1
                                  : OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
                                        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1;
  must(set, "key set-up");
  const std::unique_ptr<OSSL_PARAM, FreeParameters> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, is.kty.c_str(), nullptr));
  must(parameters && context && EVP_PKEY_fromdata_init(context.get()) == 1, "key set-up");
  EVP_PKEY* made = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) return nullptr;
  return KeyHandle(made);
}

bool set_oaep(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1;
}

std::string four_bytes(std::size_t number) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}
std::string with_length(std::string_view text) { return four_bytes(text.size()).append(text); }

const unsigned char* bytes_of(const Secret& secret) { return crypto::bytes_of(secret.reveal()); }

}  // namespace

std::optional<Secret> agree(const PrivateKey& own, const PublicKey& other) {
  const ErrorQueueGuard guard;
  const PublicKey mine = own.public_key();
  if (mine.parameters().kty != "EC" || other.parameters().kty != "EC" || mine.parameters().crv != other.parameters().crv) return std::nullopt;
  const KeyHandle private_key = handle_of(own), public_key = handle_of(other);
  if (!private_key || !public_key) return std::nullopt;
  const KeyContext context(EVP_PKEY_CTX_new(private_key.get(), nullptr));
  if (!context || EVP_PKEY_derive_init(context.get()) != 1 || EVP_PKEY_derive_set_peer(context.get(), public_key.get()) != 1) return std::nullopt;
  std::string agreed(other.parameters().x.size(), '\0');
  std::size_t size = agreed.size();
  const bool derived = EVP_PKEY_derive(context.get(), crypto::bytes_of(agreed), &size) == 1 && size == agreed.size();
  Secret secret(std::move(agreed));
  return derived ? std::optional(std::move(secret)) : std::nullopt;
}

Secret derive_key(const Secret& agreed, std::string_view algorithm_id, std::string_view apu, std::string_view apv, std::size_t bytes) {
  assert(bytes <= 32);   // one round of SHA-256
  std::string input = four_bytes(1).append(agreed.reveal());
  input += with_length(algorithm_id) + with_length(apu) + with_length(apv) + four_bytes(bytes * 8);
  const Secret hashed(sha256_bytes(input));
  const Secret wiped(std::move(input));
  return Secret(std::string(hashed.reveal().substr(0, bytes)));
}

std::string wrap_key(const Secret& under, const Secret& key) {
  const ErrorQueueGuard guard;
  const CipherContext context(EVP_CIPHER_CTX_new());
  must(context != nullptr, "AES key wrap");
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  std::string wrapped(key.reveal().size() + 8, '\0');
  int length = 0;
  must(under.reveal().size() == 32 && EVP_EncryptInit_ex2(context.get(), EVP_aes_256_wrap(), bytes_of(under), nullptr, nullptr) == 1 &&
           EVP_EncryptUpdate(context.get(), crypto::bytes_of(wrapped), &length, bytes_of(key), static_cast<int>(key.reveal().size())) == 1 &&
           static_cast<std::size_t>(length) == wrapped.size(),
       "AES key wrap");
  return wrapped;
}

std::optional<Secret> unwrap_key(const Secret& under, std::string_view wrapped) {
  const ErrorQueueGuard guard;
  if (wrapped.size() < 24 || wrapped.size() % 8 != 0 || wrapped.size() > 72) return std::nullopt;
  const CipherContext context(EVP_CIPHER_CTX_new());
  must(context != nullptr, "AES key wrap");
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  std::string key(wrapped.size() + 8, '\0');
  int length = 0;
  const bool unwrapped = EVP_DecryptInit_ex2(context.get(), EVP_aes_256_wrap(), bytes_of(under), nullptr, nullptr) == 1 &&
                         EVP_DecryptUpdate(context.get(), crypto::bytes_of(key), &length, crypto::bytes_of(wrapped), static_cast<int>(wrapped.size())) == 1 &&
                         static_cast<std::size_t>(length) == wrapped.size() - 8;
  const Secret all(std::move(key));
  if (!unwrapped) return std::nullopt;
  return Secret(std::string(all.reveal().substr(0, wrapped.size() - 8)));
}

std::optional<std::string> encrypt_oaep(const PublicKey& to, const Secret& key) {
  const ErrorQueueGuard guard;
  if (to.parameters().kty != "RSA") return std::nullopt;
  const KeyHandle handle = handle_of(to);
  const KeyContext context(handle ? EVP_PKEY_CTX_new(handle.get(), nullptr) : nullptr);
  if (!context || EVP_PKEY_encrypt_init(context.get()) != 1 || !set_oaep(context.get())) return std::nullopt;
  std::string encrypted(to.parameters().n.size(), '\0');
  std::size_t size = encrypted.size();
  if (EVP_PKEY_encrypt(context.get(), crypto::bytes_of(encrypted), &size, bytes_of(key), key.reveal().size()) != 1) return std::nullopt;
  encrypted.resize(size);
  return encrypted;
}

std::optional<Secret> decrypt_oaep(const PrivateKey& own, std::string_view encrypted) {
  const ErrorQueueGuard guard;
  if (own.public_key().parameters().kty != "RSA") return std::nullopt;
  const KeyHandle handle = handle_of(own);
  const KeyContext context(handle ? EVP_PKEY_CTX_new(handle.get(), nullptr) : nullptr);
  if (!context || EVP_PKEY_decrypt_init(context.get()) != 1 || !set_oaep(context.get())) return std::nullopt;
  std::string key(static_cast<std::size_t>(EVP_PKEY_get_size(handle.get())), '\0');
  std::size_t size = key.size();
  const bool decrypted = EVP_PKEY_decrypt(context.get(), crypto::bytes_of(key), &size, crypto::bytes_of(encrypted), encrypted.size()) == 1;
  const Secret all(std::move(key));
  if (!decrypted) return std::nullopt;
  return Secret(std::string(all.reveal().substr(0, size)));
}

std::string encrypt_gcm(const Secret& key, std::string_view nonce, std::string_view authenticated, std::string_view plain) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  std::string encrypted(plain.size() + kGcmTagBytes, '\0');
  int length = 0;
  must(context && key.reveal().size() == 32 && nonce.size() == kGcmNonceBytes &&
           EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), bytes_of(key), crypto::bytes_of(nonce), nullptr) == 1 &&
           EVP_EncryptUpdate(context.get(), nullptr, &length, crypto::bytes_of(authenticated), static_cast<int>(authenticated.size())) == 1 &&
           EVP_EncryptUpdate(context.get(), crypto::bytes_of(encrypted), &length, crypto::bytes_of(plain), static_cast<int>(plain.size())) == 1 &&
           EVP_EncryptFinal_ex(context.get(), crypto::bytes_of(encrypted) + length, &length) == 1 &&
           EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kGcmTagBytes, encrypted.data() + plain.size()) == 1,
       "AES-GCM");
  return encrypted;
}

std::optional<std::string> decrypt_gcm(const Secret& key, std::string_view nonce, std::string_view authenticated, std::string_view encrypted) {
  if (key.reveal().size() != 32 || nonce.size() != kGcmNonceBytes || encrypted.size() < kGcmTagBytes) return std::nullopt;
  const ErrorQueueGuard guard;
  const CipherContext context(EVP_CIPHER_CTX_new());
  const std::string_view body = encrypted.substr(0, encrypted.size() - kGcmTagBytes);
  std::string tag(encrypted.substr(body.size())), plain(body.size(), '\0');
  int length = 0;
  const bool opened = context && EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), bytes_of(key), crypto::bytes_of(nonce), nullptr) == 1 &&
                      EVP_DecryptUpdate(context.get(), nullptr, &length, crypto::bytes_of(authenticated), static_cast<int>(authenticated.size())) == 1 &&
                      EVP_DecryptUpdate(context.get(), crypto::bytes_of(plain), &length, crypto::bytes_of(body), static_cast<int>(body.size())) == 1 &&
                      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kGcmTagBytes, tag.data()) == 1 &&
                      EVP_DecryptFinal_ex(context.get(), crypto::bytes_of(plain) + length, &length) == 1;
  if (!opened) return std::nullopt;
  return plain;
}

}  // namespace writ::crypto
