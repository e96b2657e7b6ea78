#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/clock.h"
#include "encoding/json.h"
#include "upstreams/stdio/backoff.h"

namespace writ::upstreams::stdio {

// Plain data, the same for all programs. Outlives them.
struct Settings {
  json::Limits limits{16 << 20, 64, 200'000};      // of a message from a program
  std::size_t waiting_bytes_max = 4 << 20;         // of messages that one reader has not taken
  std::size_t unsent_max = 64;                     // messages that wait for their session's stream
  std::size_t unsent_bytes_max = 64 << 10;         // of one of these
  Milliseconds era_answer{2'500};                  // a program that says nothing to `server/discover` is of the legacy era (TR-101)
  Seconds start_deadline{30};                      // until it can be used
  std::size_t sessions_max = 10'000;               // of one shared program; the one that was longest without use gives way
  std::string version = "1";                       // of the gateway, for `clientInfo`
  std::function<void(std::string)> log = [](const std::string&) {};
  std::function<SteadyTime()> now = [] { return std::chrono::steady_clock::now(); };
};

}  // namespace writ::upstreams::stdio
