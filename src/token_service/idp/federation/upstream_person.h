#pragma once

// The person that a provider's claims describe, in our words: by the connector's names of claims, its allow-list of groups and its maps (rules §1.3).
// Pure.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encoding/json.h"
#include "registry/identity_connector.h"

namespace writ::token_service::idp {

struct UpstreamPerson {
  std::string issuer, tenant, subject;   // the link
  std::string user_name, email, display_name, department, title;
  bool email_verified = false;
  std::string match_value;               // of the connector's `match` claim
  std::vector<std::string> groups;       // of ours, each once
};

enum class PersonProblem {
  subject,             // the claim that people are known by is missing or no text
  tenant,
  required_claim,      // one that must be there is not, or says something else
  groups_elsewhere,    // Entra: too many groups for the token, only a hint where to ask
  claim_malformed,     // of another type than it should have
};
std::string_view to_string(PersonProblem problem);

Result<UpstreamPerson, PersonProblem> read_person(const registry::IdentityConnector& connector, const json::Value& claims);

// The ID token's claims with those of userinfo that it lacks. What is signed wins.
json::Value merged(json::Value id_token_claims, const json::Value& userinfo);

// Theirs to ours. An empty map takes everything as it is; otherwise what is not in it is nothing.
std::string mapped(const std::map<std::string, std::string>& map, const std::string& value);
std::vector<std::string> mapped(const std::map<std::string, std::string>& map, const std::vector<std::string>& values);
// Ours to theirs, for `acr_values`: all that mean one of `values`.
std::vector<std::string> unmapped(const std::map<std::string, std::string>& map, const std::vector<std::string>& values);

}  // namespace writ::token_service::idp
