#pragma once

// A small MCP server over Streamable HTTP that speaks both protocol eras, for `writ demo` and for tests. It stands behind the gateway and
// knows nothing of authorization: bind it to loopback.

#include <functional>
#include <mutex>
#include <string>
#include <unordered_set>

#include "base/clock.h"
#include "base/task.h"
#include "demo_server/notes.h"
#include "http/message.h"
#include "mcp/json_rpc.h"
#include "mcp/methods.h"

namespace writ::demo_server {

struct Options {
  // Waits between two steps of slow_report; absent: it does not wait.
  std::function<Task<void>(Milliseconds)> wait;
  Milliseconds step{300};
};

// Safe to share between threads.
class DemoServer {
 public:
  explicit DemoServer(Options options) : options_(std::move(options)) {}
  // The MCP endpoint, whatever its path.
  Task<http::Response> handle(const http::Request& request);
  Notes& notes() { return notes_; }

 private:
  http::Response answer_post(const http::Request& request);
  http::Response answer_legacy(const http::Request& request, const mcp::Message& message);
  http::Response answer(const mcp::Message& message, mcp::Era era);
  http::Response call(const mcp::Message& message, mcp::Era era);
  http::Response end_session(const http::Request& request);

  static constexpr std::size_t kSessionsMax = 10'000;
  Options options_;
  Notes notes_;
  std::mutex mutex_;
  std::unordered_set<std::string> sessions_;
};

}  // namespace writ::demo_server
