#pragma once

#include "encoding/json.h"

namespace writ::cli::admin {

// One record in one line for people.
void print_record(const json::Value& record);

}  // namespace writ::cli::admin
