#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace writ::upstreams {

// Reads a file that holds a secret, each time it is needed, so that it can be changed while the service runs. The error is a sentence for the log
// that names the file, never what is in it. Safe to call from several threads.
using ReadSecret = std::function<Result<Secret, std::string>(const std::string& file)>;

}  // namespace writ::upstreams
