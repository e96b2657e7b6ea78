#pragma once

// The credentials of a document: in clear, from a file, or as a hash. Inside registry/ only.

#include <optional>
#include <vector>

#include "registry/identity_connector.h"
#include "registry/read.h"

namespace writ::registry {

// `password`, `password_file` or `password_hash`; at most one.
void read_password(Fields& fields, Reading& reading, User& user, std::optional<Secret>& clear);
// `secret`, `secret_file`, `secret_sha256`, or a list `secrets` of mappings with one of these (or `sha256`) and `expires`.
std::vector<ClientSecret> read_secrets(Fields& fields, Reading& reading);
// `token`, `token_file` or `token_sha256`; exactly one.
void read_token(Fields& fields, Reading& reading, ApiToken& token);

// `client_secret` in clear (returned), `client_secret_file` (a file that is read at use), or `client_secret_sealed`; at most one.
std::optional<Secret> read_client_secret(Fields& fields, IdentityConnector& connector);

}  // namespace writ::registry
