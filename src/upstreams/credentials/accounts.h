#pragma once

// Accounts of people at servers that know nothing of this deployment's identity provider (rules §3.8): used, refreshed, ended. How one comes to be
// linked is account_link.h. A token is one person's, and is used for nobody else.

#include <atomic>
#include <memory>
#include <set>
#include <string>

#include "audit/decisions_log.h"
#include "jose/remote_key_set.h"
#include "upstreams/credentials/core.h"
#include "upstreams/credentials/gateway_tokens.h"
#include "upstreams/credentials/linked_accounts.h"

namespace writ::upstreams {

class Accounts : public std::enable_shared_from_this<Accounts> {
 public:
  struct Parts {
    std::shared_ptr<Core> core;
    LinkedAccounts& store;
    audit::DecisionsLog& log;
    jose::RemoteKeySets& keys;                            // of the servers' ID tokens
    crypto::SealingKey sealing_key;                       // for what the browser carries
    std::string page;                                     // {base}/accounts
    std::function<void(const std::string&)> warn;         // the operator's log
  };
  explicit Accounts(Parts parts) : parts_(std::move(parts)) {}

  // Failure::needs_account when the person has linked none, or none that still works.
  Result<Wanted, Failure> wanted(const Request& request);
  // The server answered 401 to this token of the person's: the next one is a refreshed one.
  void note_refused(const Request& request, const AccessToken& token);

  // The person's own wish, or an administrator's. False: there was nothing. Revoked at the server as soon as that answers.
  Task<Result<bool, Unavailable>> unlink(std::string user, std::string server, std::string reason, std::string peer);

  // Once a second: ends the accounts of people who are disabled or gone, and of servers that are gone or are another's; revokes what waits for it.
  // Starts only: waits for nobody.
  void tick(const registry::Snapshot& snapshot, Instant now);

  const Parts& parts() const { return parts_; }
  std::string page_for(const std::string& server) const;

 private:
  static constexpr Seconds kRevokeEvery{30}, kRevokeFor{24 * 3600};
  static constexpr std::size_t kRevokedAtOnce = 4;
  static Task<TokenCache::Fetched> fetch(std::shared_ptr<Accounts> self, registry::UpstreamAddress address, std::string user, std::string server);
  static Task<void> end(std::shared_ptr<Accounts> self, LinkedAccount account, std::optional<registry::UpstreamAddress> address, std::string why);
  static Task<void> write_again(std::shared_ptr<Accounts> self);
  Failure needs_account(const std::string& server, const char* why) const;

  Parts parts_;
  std::mutex mutex_;
  std::set<std::string> refused_;                         // digests of access tokens that servers did not take
  std::map<std::string, Instant> ending_;                 // link → last attempt; Instant::max(): under way
  bool is_writing_ = false;
  std::uint64_t swept_ = 0;                               // sequence of the objects that all accounts were held against
};

// A record of something that happened to an account.
audit::Record account_record(const LinkedAccount& account, audit::Effect effect, std::string reason, Instant now);

}  // namespace writ::upstreams
