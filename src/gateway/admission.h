#pragma once

// An authenticated request to a server that exists. Pointers are into the snapshot.

#include <cstdint>
#include <memory>

#include "gateway/access_token.h"
#include "gateway/bearer_authentication.h"
#include "policy/tool_catalogue.h"
#include "registry/snapshot.h"

namespace writ::gateway {

struct Admission {
  std::shared_ptr<const registry::Snapshot> snapshot;
  const registry::Server* server = nullptr;
  // The combined server that the message came through on its way to `server`, one of its members; null: it came to the server's own address.
  const registry::Server* endpoint = nullptr;
  std::shared_ptr<const policy::ToolCatalogue> tools;
  std::shared_ptr<const AccessToken> token;
  Caller caller;
  Instant now{};
  std::uint64_t revocations = 0;   // the epoch before they were looked at
  bool renew_nonce = false;        // the answer should bring a new DPoP nonce

  // Whose resource the token is for.
  const registry::Server& addressed() const { return endpoint ? *endpoint : *server; }
};

}  // namespace writ::gateway
