#pragma once

// What this user may have through this agent at this server: the scopes of claim, request, ceiling and policy (rules §3.3, RAS-26, EMA-9).

#include <string>

#include "encoding/form.h"
#include "policy/decision.h"
#include "registry/snapshot.h"
#include "token_service/resource_as/proven_claims.h"
#include "token_service/resource_as/refusal.h"
#include "token_service/resource_as/resource.h"

namespace writ::token_service::resource_as {

// What everyone whom the decision is about turned out to be. The pointers are into the snapshot of the request.
struct Parties {
  const registry::TrustedIssuer* issuer = nullptr;
  const registry::User* user = nullptr;
  const registry::Agent* agent = nullptr;
  const registry::Server* server = nullptr;
};

// Whether they may connect: what policy is asked first.
policy::Question connect_question(const id_jag::IdJag& id_jag, const Parties& parties, const registry::Snapshot& snapshot, std::string_view agent_authentication, const std::string& peer,
                                  Instant now);

// The scopes that claim and request agree on for the chosen server, before ceiling and policy. A request never widens the claim.
Result<oauth::ScopeSet, Refusal> asked_scopes(const id_jag::IdJag& id_jag, const form::Parameters& parameters,
                                              const ChosenServer& chosen, const Settings& settings);

struct Entitlement {
  oauth::ScopeSet scopes;               // never empty
  policy::Decision connect;             // the decision that let the user in
  json::Array details;                  // authorization details (details.h)
  // What policy allowed, for whoever else must agree: `connect`, then one for each scope. Empty: nobody else is asked.
  std::vector<policy::Question> questions;
};
// Asks the policy: `connect` first (a no is a denial with its reasons), then `grant_scope` for each scope (a no drops the scope). The record gets what
// was asked, and the scopes that ceiling or policy took away (policy/recorded_questions.h).
Result<Entitlement, Failure> entitle(const ProvenClaims& id_jag, const Parties& parties, const oauth::ScopeSet& asked,
                                     const policy::Policy& policy, const registry::Snapshot& snapshot, std::string_view agent_authentication,
                                     const std::string& peer, Instant now, audit::Record& record);

}  // namespace writ::token_service::resource_as
