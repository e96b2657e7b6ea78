#pragma once

#include "../server_words/server_words.h"

namespace writ::writd {

// `writ init` (docs/reference/init.md): writes the files of a first deployment, all or none, and none that exists already. The process's exit code: 2
// when an answer is missing or wrong.
int init(const InitOptions& options);

}  // namespace writ::writd
