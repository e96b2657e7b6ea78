#pragma once

#include <chrono>

#include "base/task.h"

namespace writ::net {

// Waits without blocking. Must run on an event loop.
Task<void> pause(std::chrono::milliseconds duration);

}  // namespace writ::net
