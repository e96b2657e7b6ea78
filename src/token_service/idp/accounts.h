#pragma once

// {base}/accounts: the page where people link the accounts that they have at upstream servers, and unlink them (docs/reference/upstream-credentials.md).
// Shown to the session that the browser has here; links are offered where policy lets the person connect through at least one agent.
//   GET  {base}/accounts                      the list; ?server=ID names the one that somebody was sent for
//   POST {base}/accounts/link, /unlink        {server, csrf}
//   GET  {base}/accounts/callback/{server}    the browser comes back from the server's authorization server

#include <string>
#include <vector>

#include "encoding/form.h"
#include "http/router.h"
#include "token_service/idp/idp.h"

namespace writ::token_service::idp {

// What the page needs of whoever keeps the accounts. The program plugs it in. Safe to share between threads.
class UpstreamAccounts {
 public:
  struct Person {
    std::string user, session, peer;
  };
  struct Linked {
    std::string server, label;
    Instant since{};
    bool works = true;              // false: it has to be linked again
  };
  struct Begun {
    std::string location, state, sealed;
  };
  struct Refused {
    int status = 400;
    std::string told;               // a sentence for the person
  };
  virtual ~UpstreamAccounts() = default;
  virtual std::vector<Linked> of(const std::string& user) const = 0;
  virtual Task<Result<Begun, Refused>> begin(std::shared_ptr<const registry::Snapshot> snapshot, std::string server, Person person) = 0;
  virtual Task<Result<std::string, Refused>> finish(std::shared_ptr<const registry::Snapshot> snapshot, std::string server, form::Parameters answer, std::string sealed, Person person) = 0;
  virtual Task<Result<bool, Unavailable>> unlink(std::string server, Person person) = 0;
};

struct AccountsPage {
  const Idp& idp;
  UpstreamAccounts& accounts;
  std::string base;                 // {base}/accounts
};
// The page outlives what answers with it.
http::Router account_routes(const AccountsPage& page);

}  // namespace writ::token_service::idp
