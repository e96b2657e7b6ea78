#pragma once

// Inside config/ only: `keys` of writ.yaml (docs/reference/keys.md).

#include "config/config.h"
#include "registry/fields.h"

namespace writ::config {

// The file, the data directory and the roles of `config` have been read before.
void read_keys(const registry::Node& node, Config& config, registry::Problems& problems);

}  // namespace writ::config
