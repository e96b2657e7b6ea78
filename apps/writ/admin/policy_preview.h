#pragma once

// What a change would do, shown before it is made: `writ policy diff`, `writ policy replay`, `writ apply --diff`.

#include "context.h"
#include "encoding/json.h"

namespace writ::cli::admin {

// Words under `writ policy`.
void add_policy_preview(CLI::App& policy, Context& context);

// Asks for the difference and prints it. `request` is the body of POST /admin/v1/policy/diff.
void show_difference(Context& context, const json::Value& request);

}  // namespace writ::cli::admin
