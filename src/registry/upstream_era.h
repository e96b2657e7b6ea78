#pragma once

// `upstream.era` of a server: which protocol era it speaks, where that is not to be found out by asking it.

#include "encoding/json.h"
#include "registry/fields.h"
#include "registry/objects.h"

namespace writ::registry {

UpstreamAddress::Era read_era(Fields& upstream);
void write_era(json::Value& upstream, UpstreamAddress::Era era);   // nothing for `detect`

}  // namespace writ::registry
