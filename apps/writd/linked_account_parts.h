#pragma once

// Accounts of other issuers' subjects, as parts of a deployment: the offers in its store, and links as changes of objects.

#include <memory>

#include "federation_parts.h"
#include "linked_accounts/accounts.h"
#include "token_service/idp/linked_accounts_page.h"

namespace writ::writd {

class AdministeredAccounts final : public linked_accounts::AccountChanges {
 public:
  explicit AdministeredAccounts(AdministeredPeople& people) : people_(people) {}

  using Failure = linked_accounts::ChangeFailure;
  Task<Result<void, Failure>> create(registry::User user, std::string actor, std::string peer) override;
  Task<Result<void, Failure>> add_link(std::string user_id, registry::LinkedSubject subject, std::string actor, std::string peer) override;
  Task<Result<void, Failure>> remove_link(std::string user_id, registry::LinkedSubject subject, std::string actor, std::string peer) override;

 private:
  AdministeredPeople& people_;
};

struct LinkedAccountParts {
  explicit LinkedAccountParts(AdministeredPeople& people) : changes(people) {}
  AdministeredAccounts changes;
  std::unique_ptr<linked_accounts::Offers> offers;
  std::unique_ptr<linked_accounts::LinkedAccounts> accounts;
  std::unique_ptr<token_service::idp::LinkedAccountsPage> page;   // where people sign in here
};

}  // namespace writ::writd
