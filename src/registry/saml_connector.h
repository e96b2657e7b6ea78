#pragma once

// `saml` of an identity connector: whose assertions are exchanged for refresh tokens (docs/reference/saml.md). Inside registry/ only.

#include <optional>
#include <string>
#include <vector>

#include "registry/check_connector.h"
#include "registry/identity_connector.h"
#include "registry/read.h"

namespace writ::registry {

std::optional<IdentityConnector::Saml> read_saml(Fields& connector, Reading& reading);
void write_saml(json::Value& connector, const std::optional<IdentityConnector::Saml>& saml);
void check_saml(const IdentityConnector& connector, std::vector<ConnectorProblem>& problems);

}  // namespace writ::registry
