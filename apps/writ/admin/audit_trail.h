#pragma once

// writ audit verify and export: the trail as a whole, apart from the questions of `query` and `tail`.

#include "context.h"

namespace writ::cli::admin {

void add_audit_trail(CLI::App& audit, Context& context);

}  // namespace writ::cli::admin
