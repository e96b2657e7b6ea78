#pragma once

// The access log: one line of JSON for each request, when its answer is complete. No query, no header, no body: no token gets in (S6).

#include <string>
#include <string_view>

#include "http/message.h"
#include "telemetry/trail.h"

namespace writ::telemetry {

struct Answered {
  std::string_view listener, role, route;
  std::string_view method, path, peer;
  int status = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::chrono::nanoseconds duration{0};
  bool is_stream = false, is_broken = false;
};
// Without a line feed.
std::string access_line(const Answered& answered, const Trail& trail);

// A path as it may be shown: what is longer than any name of ours, such as a token that was put in the wrong place, is left out.
std::string shown_path(std::string_view path);

class AccessLog {
 public:
  virtual ~AccessLog() = default;
  virtual void write(std::string line) = 0;   // never blocks; from any thread
};

}  // namespace writ::telemetry
