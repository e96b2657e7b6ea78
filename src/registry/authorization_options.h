#pragma once

// What an administrator says about authorization requests: that a server's resource authorization server also signs people in, that an agent's requests
// come pushed, and that its client_id is the address of a document about it.

#include "encoding/json.h"
#include "registry/check.h"
#include "registry/fields.h"
#include "registry/objects.h"

namespace writ::registry {

void read_authorization_options(Fields& fields, Server& server);
void write_authorization_options(json::Value& out, const Server& server);
void read_authorization_options(Fields& fields, Registration& registration);
void write_authorization_options(json::Value& out, const Registration& registration);
// A sentence for each rule that the registration breaks.
std::vector<std::string> problems_with_authorization_options(const Registration& registration);

// Who the resource authorization server is at the identity provider where it signs people in. The configuration says it, so it is no part of what all
// objects must fulfil everywhere (check.h).
struct SignInClient {
  bool has_idp = false;       // the identity provider is a role of this deployment
  std::string resource_as;    // issuer of this deployment's resource authorization server; empty: none
  std::string agent;          // `resource_as.agent`; empty: none
  std::string redirect_uri;   // where the identity provider sends people back to
  bool has_secret = false;    // `resource_as.agent_secret_file`
};
// Errors at the servers whose interactive grant could not work.
Problems check_interactive_grants(const Objects& objects, const SignInClient& client, const Places& places = {});

}  // namespace writ::registry
