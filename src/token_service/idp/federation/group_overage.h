#pragma once

// Entra leaves the groups out of a token when there are more than fit, and says so. They are asked for at Microsoft Graph then, with the access token of
// this very sign-in: the connector has no rights of its own there. Where Graph is, the provider's metadata say by its userinfo endpoint; the address that
// the token itself names is never asked.

#include <string>
#include <vector>

#include "token_service/idp/federation/code_exchange.h"

namespace writ::token_service::idp {

// `claim`: the connector's name for groups.
bool says_groups_are_elsewhere(const json::Value& claims, const std::string& claim);

// Ids of all groups of the person, those by nesting too, page after page. All of them or an error: a group less could be one that something is
// forbidden to.
Task<Result<std::vector<std::string>, ExchangeProblem>> fetch_groups(Federation& federation, std::string userinfo_endpoint, std::string access_token);

// The claims with these groups in the place of the hint.
json::Value with_groups(json::Value claims, const std::string& claim, const std::vector<std::string>& groups);

}  // namespace writ::token_service::idp
