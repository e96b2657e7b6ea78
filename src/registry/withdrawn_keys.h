#pragma once

// Keys of this deployment that somebody else may have: everything that they signed is revoked (rules §7.4). Kept among the revoked tokens, for all roles
// read those on every request.

#include <string>
#include <string_view>

#include "registry/revocations.h"

namespace writ::registry {

// The name under which a key stands among revoked tokens. No `jti` of ours has a space in it.
std::string withdrawn_key_name(std::string_view issuer, std::string_view kid);
bool is_key_withdrawn(std::string_view issuer, std::string_view kid, const Revocations& revocations);

}  // namespace writ::registry
