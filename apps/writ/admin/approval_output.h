#pragma once

// Held calls on a terminal: what an approver must see to judge one, exactly as it will be sent, with everything unseen written as escapes.

#include "encoding/json.h"

namespace writ::cli::admin {

void print_approvals(const json::Value& items);    // an array
void print_approval(const json::Value& request);

}  // namespace writ::cli::admin
