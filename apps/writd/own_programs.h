#pragma once

// The programs on stdio that this process runs: the layer that speaks to them, and the thread that looks after them.

#include <atomic>
#include <memory>

#include "adapters/process/supervisor.h"
#include "upstreams/stdio/stdio_programs.h"

namespace writ::writd {

class OwnPrograms {
 public:
  // `objects` outlives it.
  OwnPrograms(const registry::Current& objects, upstreams::stdio::ReadSecretFile read_secret);
  ~OwnPrograms();   // ends them all
  upstreams::Upstream& layer() { return *layer_; }

 private:
  std::atomic<upstreams::stdio::StdioPrograms*> ticked_{nullptr};
  std::unique_ptr<upstreams::stdio::StdioPrograms> layer_;
  std::unique_ptr<process::Supervisor> supervisor_;   // goes first: its thread calls the layer
};

}  // namespace writ::writd
