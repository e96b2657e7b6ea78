#pragma once

// Which MCP server the token will be for: exactly one (rules §3.2, EMA-4, EMA-28).

#include "encoding/form.h"
#include "id_jag/claims.h"
#include "registry/snapshot.h"
#include "token_service/resource_as/refusal.h"

namespace writ::token_service::resource_as {

struct ChosenServer {
  const registry::Server* server = nullptr;             // the one that the token is for
  std::vector<const registry::Server*> granted;         // all that the claim names
};
// The claim is the authority, the parameter only chooses within it (RAS-28): a wrong claim is invalid_grant, a wrong parameter invalid_target.
Result<ChosenServer, Refusal> choose_server(const id_jag::IdJag& id_jag, const form::Parameters& parameters,
                                                       const registry::Snapshot& snapshot, const Settings& settings);

}  // namespace writ::token_service::resource_as
