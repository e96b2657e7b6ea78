#pragma once

// {base}/linked-accounts: where people see by which accounts of other issuers they are known here, and say whether one that was offered is theirs
// (docs/reference/trusted-issuers.md). Shown to the session that the browser has here.
//   GET  {base}/linked-accounts
//   POST {base}/linked-accounts/confirm, /reject, /unlink   {account, csrf}

#include <string>

#include "http/router.h"
#include "linked_accounts/accounts.h"
#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

struct LinkedAccountsPage {
  const Idp& idp;
  linked_accounts::LinkedAccounts& accounts;
  std::string base;                 // {base}/linked-accounts
};
// The page outlives what answers with it.
http::Router linked_account_routes(const LinkedAccountsPage& page);

}  // namespace writ::token_service::idp
