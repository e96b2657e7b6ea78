#pragma once

// `upstream.program` of a server: a program on stdio that the gateway runs itself (docs/reference/stdio-servers.md).

#include <string>
#include <utility>
#include <vector>

#include "encoding/json.h"
#include "registry/fields.h"
#include "registry/objects.h"

namespace writ::registry {

void read_program(Fields& upstream, UpstreamAddress& address, Problems& problems);
json::Value write(const UpstreamProgram& program);

// Member below `upstream` and what would be right.
std::vector<std::pair<std::string, std::string>> problems_of_program(const UpstreamAddress& address);

}  // namespace writ::registry
