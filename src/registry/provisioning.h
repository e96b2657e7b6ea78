#pragma once

// What objects say about the company's directory that keeps them (SCIM): `provisioned_by` of people and groups, `external_id` of groups, `connector` of a token.

#include <string>
#include <utility>
#include <vector>

#include "encoding/json.h"
#include "registry/fields.h"
#include "registry/identity_connector.h"
#include "registry/objects.h"

namespace writ::registry {

void read_provisioning(Fields& fields, User& user);
void read_provisioning(Fields& fields, Group& group);
void read_provisioning(Fields& fields, ApiToken& token);
void write_provisioning(const User& user, json::Value& document);
void write_provisioning(const Group& group, json::Value& document);
void write_provisioning(const ApiToken& token, json::Value& document);

// Whose people a directory keeps are not a file's to miss: `writ apply` neither lists nor prunes them.
bool is_provisioned(const json::Value& document);

// (path inside the object, message) of what does not fit the connectors that there are.
using ProvisioningProblems = std::vector<std::pair<std::string, std::string>>;
ProvisioningProblems problems_of_provisioning(const User& user, const std::vector<IdentityConnector>& connectors);
ProvisioningProblems problems_of_provisioning(const Group& group, const std::vector<IdentityConnector>& connectors);
ProvisioningProblems problems_of_provisioning(const ApiToken& token, const std::vector<IdentityConnector>& connectors);

}  // namespace writ::registry
