#pragma once

// What is run for a server object.

#include <functional>
#include <string>

#include "base/result.h"
#include "registry/objects.h"
#include "upstreams/stdio/program.h"

namespace writ::upstreams::stdio {

using ReadSecretFile = std::function<Result<Secret, std::string>(const std::string& file)>;

// Secrets are read now: a file that was changed counts from the next start on. The error is a sentence for the log.
Result<Launch, std::string> launch_of(const registry::Server& server, const ReadSecretFile& read_secret);

// Equal for equal programs: when it changes, what runs is ended.
std::string fingerprint_of(const registry::Server& server);

}  // namespace writ::upstreams::stdio
