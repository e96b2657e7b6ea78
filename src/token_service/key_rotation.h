#pragma once

// Signing keys of an issuer and their life: published before they are used, used, published on until what they signed has expired, gone.
// Rotation is by itself (age, or another algorithm in the configuration) or asked for. Private keys rest sealed (rules §7.4).

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/shared_cell.h"
#include "crypto/pkcs11_token.h"
#include "crypto/seal.h"
#include "registry/documents.h"
#include "token_service/signing_keys.h"

namespace writ::token_service {

struct KeyTimes {
  std::string kid;
  Instant created{}, active_from{};
};
struct RotationRules {
  crypto::Algorithm algorithm = crypto::Algorithm::es256;
  Milliseconds publish_before = std::chrono::minutes{10};   // others refresh their copy every 5 minutes (rules §2)
  Milliseconds keep_after = std::chrono::hours{2};          // longer than anything that is signed lives (ID tokens: 1 h)
  Milliseconds age_max = std::chrono::days{90};
  std::shared_ptr<crypto::Pkcs11Token> token{};   // where keys are made and stay; null: in this process, sealed in the store
  std::string key_label{};                        // of a key that is in the token already and becomes ours, once. Empty: all are made
};

// ---- pure: which of the keys does what now. `keys` is ordered by active_from.
// The newest key whose time has come. Precondition: not empty; when none has come yet, the first.
std::size_t active_key(const std::vector<KeyTimes>& keys, Instant now);
// Published: not yet gone. A key is gone `keep_after` after its successor became active.
bool is_published(const std::vector<KeyTimes>& keys, std::size_t index, const RotationRules& rules, Instant now);
// Whether a successor must be made now, so that it is published long enough before the active key is too old.
bool needs_successor(const std::vector<KeyTimes>& keys, const RotationRules& rules, Instant now);

// The keys of one issuer in the deployment's documents. Safe to share between threads.
class RotatingKeys final : public SigningKeys, public registry::DocumentOwner {
 public:
  // Loads, or makes the first key at once. `use` keeps issuers apart ("idp", "ras"); it is bound into the seal. Blocks: for start-up.
  static Result<std::unique_ptr<RotatingKeys>, Unavailable> open(registry::Documents& documents, crypto::SealingKey sealing_key, std::string use,
                                                                 RotationRules rules, Instant now);

  std::shared_ptr<const KeyRing> current() const override;
  // Called every minute or so: makes a successor when it is time, lets keys become active and go.
  Task<Result<void, Unavailable>> tick(Instant now);
  // Makes a successor now; it signs after `publish_before`, or at once. Returns its kid.
  Task<Result<std::string, Unavailable>> rotate(Instant now, bool at_once);

  struct Listed {
    KeyTimes times;
    crypto::Algorithm algorithm;
    bool active, published, in_token;
  };
  std::vector<Listed> list(Instant now) const;

  // The key is in other hands: gone at once, from the key set and for ever, whatever it signed. When it was the active one a new key signs from now on.
  // Returns the kid that signs then; absent when there is no such key.
  Task<Result<std::optional<std::string>, Unavailable>> withdraw(std::string kid, Instant now);

  // All of this process that are not gone, newest last: for keys that decrypt.
  std::vector<jose::SigningKey> held() const;
  bool has(std::string_view kid) const;

  std::string_view table() const override;
  // Also of keys for another use, which it leaves alone.
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  struct Key {
    KeyTimes times;
    jose::IssuerKey signing_key;
    std::int64_t version = 1;   // of its document
  };
  RotatingKeys(registry::Documents& documents, crypto::SealingKey sealing_key, std::string use, RotationRules rules);
  registry::Document document_of(const Key& key) const;
  Result<std::optional<Key>, Unavailable> read(const registry::Document& document) const;
  Result<Key, Unavailable> make(Instant created, Instant active_from) const;
  bool was_ever_ours(const std::string& kid) const;
  void add(Key key, Instant now);
  void forget(const std::string& kid);
  void install(std::vector<Key> keys, Instant now);

  registry::Documents& documents_;
  crypto::SealingKey sealing_key_;
  std::string use_;
  RotationRules rules_;
  mutable std::mutex mutex_;   // never on the request path: guards keys_
  std::vector<Key> keys_;
  std::set<std::string, std::less<>> ever_;   // kids of every document that was seen, gone and withdrawn ones too
  Instant installed_{};        // when they were last looked at
  SharedCell<const KeyRing> ring_;
};

}  // namespace writ::token_service
