#pragma once

#include "../server_words/server_words.h"

namespace writ::writd {

// `writ demo`: everything in memory on one loopback port; walks the flow, then serves until it is told to stop. The process's exit code.
int demo(const DemoOptions& options);

}  // namespace writ::writd
