#pragma once

// Keys of the roles as the configuration wants them.

#include "config/config.h"
#include "token_service/key_rotation.h"
#include "token_service/resource_as/encrypted_assertion.h"

namespace writ::writd {

inline token_service::RotationRules rotation_rules(const config::Keys& keys, const config::Keys::Use& use) {
  token_service::RotationRules rules;
  rules.algorithm = use.algorithm.value_or(keys.algorithm);
  rules.age_max = use.rotate_after.value_or(keys.rotate_after);
  rules.publish_before = keys.publish_before;
  rules.keep_after = keys.keep_after;
  return rules;
}

// Of a role that signs tokens: its keys are in the PKCS#11 token where there is one.
inline token_service::RotationRules signing_rules(const config::Keys& keys, const config::Keys::Use& use, const std::shared_ptr<crypto::Pkcs11Token>& token) {
  token_service::RotationRules rules = rotation_rules(keys, use);
  if (use.in_token) rules.token = token, rules.key_label = use.key_label;
  return rules;
}

// Null: none is configured. The error is a sentence for the operator.
Result<std::shared_ptr<crypto::Pkcs11Token>, std::string> open_token(const config::Keys& keys);

// Keys for encryption are copied by hand to whoever encrypts (`encryption_jwks`), so they rotate by age only where that is asked for; and what was
// replaced decrypts for as long as such a copy may be somewhere.
inline token_service::RotationRules encryption_rules(const config::Keys& keys) {
  constexpr Milliseconds kNever = std::chrono::days{36500}, kCopies = std::chrono::days{90};
  token_service::RotationRules rules = rotation_rules(keys, keys.encryption);
  rules.algorithm = keys.encryption.algorithm.value_or(crypto::Algorithm::es256);
  rules.age_max = keys.encryption.rotate_after ? Milliseconds{*keys.encryption.rotate_after} : kNever;
  rules.keep_after = std::max(rules.keep_after, kCopies);
  return rules;
}

class RotatingAssertionKeys final : public token_service::resource_as::AssertionKeys {
 public:
  explicit RotatingAssertionKeys(const token_service::RotatingKeys& keys) : keys_(keys) {}
  std::vector<jose::DecryptionKey> current() const override {
    std::vector<jose::DecryptionKey> keys;
    for (const auto& held : keys_.held()) keys.push_back({held.kid, held.key});
    return keys;
  }

 private:
  const token_service::RotatingKeys& keys_;
};

}  // namespace writ::writd
