#pragma once

// What the system says about this process, under the names that Prometheus' own clients use.

#include <string>

#include "telemetry/registry.h"

namespace writ::telemetry {

void add_process_metrics(Registry& registry);
// Space left where the deployment keeps things. `path` empty: no sample.
void add_disk_metrics(Registry& registry, std::string path);

}  // namespace writ::telemetry
