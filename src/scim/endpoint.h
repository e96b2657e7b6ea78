#pragma once

// The SCIM 2.0 server at {base}/scim/v2 (RFC 7643, RFC 7644; EN-01 to EN-12): the directory of a company's identity provider makes people and groups here, changes
// them, and takes access away. Whoever asks has an API token of role `scim`; it sees and writes what its connector keeps. There is no such path while there is no such token.

#include <memory>
#include <string>

#include "audit/decisions_log.h"
#include "base/clock.h"
#include "base/serial.h"
#include "http/router.h"
#include "scim/directory.h"
#include "scim/kept_attributes.h"

namespace writ::scim {

// Everything outlives the routes and is safe to share between threads.
struct Endpoint {
  std::string base_url;             // no slash at the end
  const Clock& clock;
  const registry::Current& registry;
  Directory& directory;
  KeptAttributes& kept;
  audit::DecisionsLog& log;
  std::unique_ptr<Serial> turns = std::make_unique<Serial>();   // of changes
};

http::Router routes(const Endpoint& endpoint);

}  // namespace writ::scim
