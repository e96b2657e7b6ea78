#pragma once

// Who calls the admin API. Inside admin/ only.

#include <variant>

#include "admin/administration.h"
#include "http/message.h"

namespace writ::admin {

struct Unauthenticated {
  const char* reason;   // machine-readable, for the record
};
std::variant<Actor, Unauthenticated> authenticate(const http::Request& request, const registry::Snapshot& snapshot);

}  // namespace writ::admin
