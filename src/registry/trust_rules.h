#pragma once

// What a trusted issuer may say about whom, as part of its document: whose clients, tenants and addresses it speaks for, and what becomes of a subject
// that nobody here is linked to (docs/reference/trusted-issuers.md). Inside registry/ only.

#include <string>
#include <utility>
#include <vector>

#include "encoding/json.h"
#include "registry/fields.h"
#include "registry/objects.h"

namespace writ::registry {

void read_trust_rules(Fields& issuer, TrustedIssuer& rules, Problems& problems);
void write_trust_rules(const TrustedIssuer& rules, json::Value& issuer);

// Member and what would be right, for everything that can be said of the issuer alone; `client_map` against `agents`.
std::vector<std::pair<std::string, std::string>> problems_of_trust_rules(const TrustedIssuer& rules, const std::vector<std::string>& agents);

// `authorization_details_types` of a server.
std::vector<std::pair<std::string, std::string>> problems_of_details_types(const Server& server);

}  // namespace writ::registry
