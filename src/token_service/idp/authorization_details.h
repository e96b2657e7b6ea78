#pragma once

// Which authorization details an ID-JAG carries (RFC 9396; IDJAG-47 to IDJAG-50): those that are asked for, understood at the server, and granted by policy.

#include "encoding/form.h"
#include "policy/decision.h"
#include "registry/snapshot.h"
#include "token_service/idp/refusal.h"

namespace writ::token_service::idp {

// Asked for: parsed strictly, of types that one of the servers registers; `locations`, where they are there, name these servers.
Result<json::Array, Refusal> asked_details(const form::Parameters& parameters, const std::vector<const registry::Server*>& servers);

// What policy grants of them, each as a question about its server: in `connect`, by which the person was let in there. The record gets the types of those
// that it does not. All denied: the first denial. With decision points for a server none are granted: they are asked in words that have no details.
Result<json::Array, Refusal> permitted_details(json::Array asked, const std::vector<const registry::Server*>& servers, const std::vector<policy::Question>& connects, const policy::Policy& policy,
                                               const registry::Snapshot& snapshot, const Settings& settings, audit::Record& record);

}  // namespace writ::token_service::idp
