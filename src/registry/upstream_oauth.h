#pragma once

// How the gateway gets access to a server, as part of the server's document (docs/reference/upstream-credentials.md), and what is wrong with it
// taken by itself. Inside registry/ only.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "registry/objects.h"
#include "registry/read.h"

namespace writ::registry {

std::string_view to_string(UpstreamOAuth::Grant grant);

// `client_certificate` and `oauth` of `upstream`.
void read_credentials(Fields& upstream, Reading& reading, UpstreamAddress& address);
void write_credentials(const UpstreamAddress& address, json::Value& upstream);

// Member below `upstream` and what would be right. `resource_as`: the issuers that are registered.
std::vector<std::pair<std::string, std::string>> problems_of_credentials(const Server& server, const std::vector<std::string>& resource_as);

}  // namespace writ::registry
