#pragma once

// The accounts that people linked, one of each person at each server. In memory, written through to Documents; tokens rest sealed, each for its own
// (person, server, issuer) alone. Safe to share between threads.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "crypto/seal.h"
#include "registry/documents.h"

namespace writ::upstreams {

struct LinkedAccount {
  enum class State {
    linked,
    lost,      // the server refuses its tokens for good: the person must link again. No tokens any more
    ending,    // unlinked or off-boarded; its tokens wait to be revoked there, and are used for nothing else
    gone,
  };
  std::string user, server;            // ids; together the key
  std::string link;                    // names this link: another one of the same account is another
  std::string issuer, client_id;       // credentials belong to the issuer and the client that they were given for (MCPA-61)
  std::string subject, label;          // whose account, and how the person knows it
  Secret access_token, refresh_token;  // the latter may be empty
  Instant linked{}, expires{};         // expires: the access token
  State state = State::linked;
  Instant ending_since{};
};

class LinkedAccounts final : public registry::DocumentOwner {
 public:
  static Result<std::unique_ptr<LinkedAccounts>, Unavailable> open(registry::Documents& documents, crypto::SealingKey key);

  // Not those that are gone.
  std::optional<LinkedAccount> find(std::string_view user, std::string_view server) const;
  std::vector<LinkedAccount> of_user(std::string_view user) const;
  std::vector<LinkedAccount> all() const;

  bool has_ending() const;
  // Somebody else has linked the same account: one account of two people would let one of them work as the other (G13).
  bool is_of_another(const LinkedAccount& account) const;

  enum class Added { yes, account_of_another };
  // Takes the place of what this person had at that server. An account that somebody else has linked stays theirs.
  Task<Result<Added, Unavailable>> add(LinkedAccount account);
  // New tokens of that link. In memory at once, whether they can be written or not: the server may have withdrawn the old ones. False: it is no link
  // any more.
  Task<Result<bool, Unavailable>> renew(LinkedAccount account);
  // Only while it is still that link.
  Task<Result<bool, Unavailable>> set_state(LinkedAccount account, LinkedAccount::State state, Instant now);
  // Writes again what could not be written.
  Task<Result<void, Unavailable>> write_again();

  std::string_view table() const override;
  Result<void, Unavailable> take_over(const registry::Document& document) override;

 private:
  struct Entry {
    LinkedAccount account;
    std::int64_t version = 0;
    bool is_unwritten = false;
  };
  using Key = std::pair<std::string, std::string>;
  LinkedAccounts(registry::Documents& documents, crypto::SealingKey key) : documents_(documents), sealing_key_(std::move(key)) {}
  registry::Document document_of(const Entry& entry) const;
  bool is_of_another_locked(const LinkedAccount& account) const;
  // False: another node has written this account meanwhile.
  Task<Result<bool, Unavailable>> write(registry::Document document, Key key);

  registry::Documents& documents_;
  crypto::SealingKey sealing_key_;
  mutable std::mutex mutex_;
  std::map<Key, Entry> accounts_;
};

}  // namespace writ::upstreams
