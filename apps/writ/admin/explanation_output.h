#pragma once

// Explanations of the admin API, for people.

#include "encoding/json.h"

namespace writ::cli::admin {

// The legs, each with its sentence, the policies that decided as they are written, and those that came near.
void print_legs(const json::Value& explanation);
// What would help, or why nothing single would; what was not recorded; notes.
void print_ways(const json::Value& explanation);

}  // namespace writ::cli::admin
