#pragma once

// The browser, and the place on loopback where it comes back to (RFC 8252 §7.3).

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/net/server.h"
#include "client_world.h"

namespace writ::cli {

// B1: only https or loopback http, as one argument, without a shell. Waits for the opener, which does not wait for the browser.
void open_browser(const std::string& url);

// One path on a port that the system chose, answered once. Lives on the world's loop; whoever calls blocks.
class RedirectListener {
 public:
  RedirectListener(World& world, QueueExecutor& here) : server_(world.loops, {}), here_(here) {}

  // The redirect URI; the error is a sentence.
  Result<std::string, std::string> listen();
  // The query of the redirect; absent when nobody came in five minutes.
  std::optional<std::string> wait();

 private:
  Task<http::Response> answer(const http::Request& request);

  net::Server server_;
  QueueExecutor& here_;
  std::optional<std::string> query_;
  bool timed_out_ = false, stop_ = false;
  std::mutex mutex_;
  std::condition_variable stopped_;
};

}  // namespace writ::cli
