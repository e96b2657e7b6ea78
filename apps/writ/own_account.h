#pragma once

// `writ connect --own-account`: for a server that knows nothing of the enterprise's identity provider, the person's own account there, by
// browser. Only where somebody asked for it, and never where the enterprise's way is known (docs/decisions/0038).

#include <string>

#include "client/grants/enterprise_first.h"
#include "client/grants/grant_access.h"
#include "client_world.h"
#include "command.h"
#include "loopback_browser.h"
#include "saved_accounts.h"

namespace writ::cli {

// What of the options this client is to the authorization server (MCPA-60). The error is a sentence.
Result<client::RegistrationSettings, std::string> registration_settings(const OwnAccountOptions& options);

class OwnAccount {
 public:
  OwnAccount(World& world, client::TokenSource& enterprise, client::RegistrationSettings registration, client::Possession& possession, bool may_open_browser)
      : browser_(may_open_browser),
        accounts_(world.person->login().idp_issuer + " " + world.person->login().user),
        grant_(world.outgoing, world.clock, browser_, accounts_, std::move(registration)),
        access_(world.outgoing, world.clock, grant_, {"", false, &possession}),
        first_(enterprise, access_) {}

  client::TokenSource& tokens() { return first_; }

 private:
  LoopbackBrowser browser_;
  SavedAccounts accounts_;
  client::AuthorizationCodeGrant grant_;
  client::GrantAccess access_;
  client::EnterpriseFirst first_;
};

}  // namespace writ::cli
