#pragma once

// What objects say about security events: `audience` of an API token with the role `signals`, `signals` of a trusted issuer.

#include <string>
#include <utility>
#include <vector>

#include "encoding/json.h"
#include "registry/fields.h"
#include "registry/objects.h"

namespace writ::registry {

void read_signals(Fields& fields, ApiToken& token);
void read_signals(Fields& fields, TrustedIssuer& issuer);
void write_signals(json::Value& out, const ApiToken& token);
void write_signals(json::Value& out, const TrustedIssuer& issuer);

// Path and sentence of what does not fit. `receivers`: the issuers of all resource authorization servers.
std::vector<std::pair<std::string, std::string>> problems_of_signals(const ApiToken& token, const std::vector<std::string>& receivers);

}  // namespace writ::registry
