#pragma once

#include <string>

#include "base/result.h"

namespace writ::registry {

// A file that holds a secret must not be open to others (S10): a regular file without any bit for group or others. The error is a
// sentence for the operator that says what to do.
Result<void, std::string> check_secret_file(const std::string& path);

}  // namespace writ::registry
