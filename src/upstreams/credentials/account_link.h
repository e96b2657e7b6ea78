#pragma once

// Linking an account: authorization code with PKCE at the server's own authorization server, begun and ended in one browser and one session.
// What is under way lives sealed in a cookie of that browser (docs/decisions/0027).

#include <string>

#include "encoding/form.h"
#include "registry/snapshot.h"
#include "upstreams/credentials/accounts.h"

namespace writ::upstreams {

inline constexpr Seconds kLinkPendingFor{600};

struct LinkingPerson {
  std::string user, session;      // ids: who is signed in here, in which session
  std::string peer;
};
struct BegunLink {
  std::string location;           // the authorization request
  std::string state;              // names the cookie
  std::string sealed;             // its content
};
struct LinkRefused {
  int status = 400;
  std::string reason;             // for the record
  std::string told;               // a sentence for the person
};

// The redirect URI of a server: one of its own for each, so that an answer that arrives at another's is noticed (OB-141).
std::string link_redirect_uri(const Accounts& accounts, const std::string& server);

Task<Result<BegunLink, LinkRefused>> begin_link(std::shared_ptr<Accounts> accounts, std::shared_ptr<const registry::Snapshot> snapshot, std::string server, LinkingPerson person);

// `sealed`: the cookie of the answer's `state`; empty when this browser has none. How the person knows the account, when it is linked. Refusals are recorded.
Task<Result<std::string, LinkRefused>> finish_link(std::shared_ptr<Accounts> accounts, std::shared_ptr<const registry::Snapshot> snapshot, std::string server, form::Parameters answer,
                                                   std::string sealed, LinkingPerson person);

}  // namespace writ::upstreams
