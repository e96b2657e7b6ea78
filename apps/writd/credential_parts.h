#pragma once

// What credentials for upstream servers need of the rest of the program: the identity provider as the source of ID-JAGs, and the page for accounts.

#include <memory>
#include <string>

#include "token_service/idp/accounts.h"
#include "token_service/idp/gateway_grant.h"
#include "upstreams/credentials/account_link.h"
#include "upstreams/credentials/credentials.h"

namespace writ::writd {

class IdpIdJags final : public upstreams::IdJagSource {
 public:
  IdpIdJags(const token_service::idp::Idp& idp, std::string gateway_agent) : idp_(idp), gateway_agent_(std::move(gateway_agent)) {}
  Task<Result<upstreams::IssuedIdJag, upstreams::Failure>> issue(upstreams::IdJagWanted wanted) override;
  std::string decided_on() const override;

 private:
  const token_service::idp::Idp& idp_;
  std::string gateway_agent_;
};

class PageAccounts final : public token_service::idp::UpstreamAccounts {
 public:
  explicit PageAccounts(std::shared_ptr<upstreams::Accounts> accounts) : accounts_(std::move(accounts)) {}
  std::vector<Linked> of(const std::string& user) const override;
  Task<Result<Begun, Refused>> begin(std::shared_ptr<const registry::Snapshot> snapshot, std::string server, Person person) override;
  Task<Result<std::string, Refused>> finish(std::shared_ptr<const registry::Snapshot> snapshot, std::string server, form::Parameters answer, std::string sealed, Person person) override;
  Task<Result<bool, Unavailable>> unlink(std::string server, Person person) override;

 private:
  std::shared_ptr<upstreams::Accounts> accounts_;
};

struct CredentialParts {
  std::unique_ptr<IdpIdJags> id_jags;                     // null: no IdP here, or the gateway is no agent
  std::unique_ptr<upstreams::LinkedAccounts> store;
  std::shared_ptr<upstreams::Accounts> accounts;          // null: no IdP here
  std::unique_ptr<PageAccounts> page_accounts;
  std::unique_ptr<token_service::idp::AccountsPage> page;
  std::unique_ptr<upstreams::Credentials> layer;

  void tick(const registry::Snapshot& snapshot, Instant now);
};

}  // namespace writ::writd
