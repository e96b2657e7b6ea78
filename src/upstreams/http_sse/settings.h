#pragma once

#include <cstddef>

#include "base/clock.h"
#include "encoding/json.h"

namespace writ::upstreams::http_sse {

struct Settings {
  std::size_t sessions_max = 10'000;
  std::size_t sessions_per_owner_max = 50;       // of one principal at one server
  Seconds session_idle{3600};                    // with nothing in flight and no standing stream
  std::size_t waiting_max = 256;                 // requests of one session at once
  std::size_t backlog_bytes_max = 1 << 20;       // read and not taken yet, of one session
  std::size_t early_messages_max = 64;           // for a standing stream that is not there yet
  std::size_t early_bytes_max = 256 * 1024;
  std::size_t event_bytes_max = 16 << 20;        // the one that goes beyond ends its session
  json::Limits message{16 << 20, 64, 200'000};
};

}  // namespace writ::upstreams::http_sse
