#pragma once

#include "../server_words/server_words.h"

namespace writ::writd {

// `writ serve`: runs the roles that the file names until it is told to stop. The process's exit code: 2 when the configuration is wrong (nothing
// was started), 1 when something else could not be had.
int serve(const ServeOptions& options);

}  // namespace writ::writd
