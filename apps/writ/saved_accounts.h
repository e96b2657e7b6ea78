#pragma once

// The person's own accounts at servers without enterprise-managed authorization, as `writ connect --own-account` keeps them: accounts.json beside
// the sign-in, its owner's alone. Bridges of several hosts share it: each reads it anew, and changes it under a lock.

#include <optional>
#include <string>

#include "client/grants/authorization_code_grant.h"
#include "crypto/key.h"

namespace writ::cli {

class SavedAccounts final : public client::Accounts {
 public:
  // `signed_in`: issuer and person that the accounts are of; somebody else who signs in here has none of them.
  explicit SavedAccounts(std::string signed_in) : signed_in_(std::move(signed_in)) {}

  std::optional<client::Account> find(const std::string& issuer, const std::string& resource) override;
  Result<void, client::Failure> save(const client::Account& account) override;
  void forget(const client::Account& account) override;

 private:
  std::string signed_in_;
};

// The key that refresh tokens of these accounts are bound to where a server binds them (DPoP): made once, and kept with them, for a token that is bound to
// a key of the last run is good for nothing. The error is a sentence.
Result<crypto::PrivateKey, std::string> account_proof_key();

// With the sign-in go the accounts, and their key (`writ logout`).
Result<void, std::string> forget_accounts();

}  // namespace writ::cli
