#pragma once

#include "context.h"

namespace writ::cli::admin {

// The words `shadow` and `promote` under `writ policy`.
void add_policy_shadow(CLI::App& policy, Context& context);

}  // namespace writ::cli::admin
