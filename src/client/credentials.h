#pragma once

// How a client authenticates at a token endpoint: a value that one passes, not a mode.

#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "http/message.h"
#include "jose/jwt.h"

namespace writ::client {

struct NoAuthentication {};                                   // public: client_id in the body
struct ClientSecretBasic { Secret secret; };
struct ClientSecretPost { Secret secret; };
struct PrivateKeyJwt { jose::SigningKey key; };               // sole audience: the issuer (rfc7523bis)

struct ClientCredentials {
  std::string client_id;
  std::variant<NoAuthentication, ClientSecretBasic, ClientSecretPost, PrivateKeyJwt> method;
};

using FormFields = std::vector<std::pair<std::string, std::string>>;

// Adds what the method wants to the form or to the headers. `issuer` is that of the server, as its metadata says.
void authenticate(const ClientCredentials& credentials, const std::string& issuer, Instant now, FormFields& form, http::Headers& headers);

}  // namespace writ::client
