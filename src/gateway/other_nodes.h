#pragma once

// The other nodes of the deployment, as the gateway needs them: what a client carries may belong to one of them, which then answers (rules §7.3).

#include <cstdint>
#include <optional>

#include "base/task.h"
#include "http/message.h"

namespace writ::gateway {

// Safe to share between threads; resumes on the caller's executor.
class OtherNodes {
 public:
  virtual ~OtherNodes() = default;
  // Has that node answer the request as it came here; nothing is sent twice. Absent: it is not there, or could not be reached, and has not seen the request.
  virtual Task<std::optional<http::Response>> ask(std::uint32_t node, const http::Request& request) = 0;
};

}  // namespace writ::gateway
