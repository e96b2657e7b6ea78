#pragma once

#include <functional>

#include "config/config.h"
#include "registry/check.h"
#include "registry/snapshot.h"

namespace writ::writd {

// What objects must fulfil because of this deployment's configuration (registry::PlanRules).
std::function<registry::Problems(const registry::Objects&, const registry::Places&)> deployment_rules(const config::Config& config);

}  // namespace writ::writd
