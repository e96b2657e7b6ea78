#pragma once

#include <cstdint>

namespace writ::writd {

struct DemoOptions {
  std::uint16_t port = 8420;   // 0: the system chooses
  bool exit_after_walk = false;
};
// `writ demo`: everything in memory on one loopback port; walks the flow, then serves until it is told to stop. The process's exit code.
int demo(const DemoOptions& options);

}  // namespace writ::writd
