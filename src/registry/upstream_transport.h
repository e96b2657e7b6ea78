#pragma once

// How a server behind the gateway is reached, as part of its document: `transport` and `url` of `upstream` (docs/reference/upstreams.md).
// Inside registry/ only.

#include <string>
#include <utility>
#include <vector>

#include "encoding/json.h"
#include "registry/fields.h"
#include "registry/objects.h"

namespace writ::registry {

// Where there is a `program` and no `transport`, the transport is stdio. `url` is required of the others.
void read_transport(Fields& upstream, UpstreamAddress& address);
void write_transport(const UpstreamAddress& address, json::Value& upstream);

// Member below `upstream` and what would be right.
std::vector<std::pair<std::string, std::string>> problems_of_transport(const UpstreamAddress& address);

}  // namespace writ::registry
