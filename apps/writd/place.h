#pragma once

#include <string>

#include "config/config.h"
#include "stores.h"

namespace writ::writd {

// Where the deployment of this configuration keeps things.
Place place_of(const config::Config& config, LogMeters meters = {});

}  // namespace writ::writd
