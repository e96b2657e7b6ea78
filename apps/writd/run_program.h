#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace writ::writd {

// Runs a program of the system to its end; what it says goes to our standard error. `environment` is added to our own. The error is a sentence:
// it could not be started, or did not end with 0. Blocks.
Result<void, std::string> run_program(const std::vector<std::string>& command, const std::vector<std::pair<std::string, std::string>>& environment);

}  // namespace writ::writd
