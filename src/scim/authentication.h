#pragma once

// Who calls: an API token of role `scim` is one connector's directory, and that is all it is. Inside scim/ only.

#include <variant>

#include "http/message.h"
#include "registry/snapshot.h"

namespace writ::scim {

struct Caller {
  const registry::ApiToken* token = nullptr;                  // into the snapshot
  const registry::IdentityConnector* connector = nullptr;
};
struct Unauthenticated {
  const char* reason;    // machine-readable, for the record
  int status;            // 401, or 403 for a token that is known and for something else
  const char* detail;
};
std::variant<Caller, Unauthenticated> authenticate(const http::Request& request, const registry::Snapshot& snapshot);

// Whether anybody may provision here at all.
bool has_directory(const registry::Snapshot& snapshot);

}  // namespace writ::scim
