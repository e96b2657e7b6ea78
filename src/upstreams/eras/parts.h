#pragma once

// What the layer between the eras is built from. Everything outlives it and is safe to share between threads.

#include <functional>
#include <memory>

#include "base/clock.h"
#include "crypto/handles.h"
#include "registry/snapshot.h"
#include "upstreams/upstream.h"

namespace writ::upstreams {

// Of one message from a server or to it: what the gateway allows too.
inline constexpr json::Limits kMessageLimits{16 << 20, 64, 200'000};
// Of an answer that is no content: errors, `initialize`, `server/discover`.
inline constexpr json::Limits kSmallAnswerLimits{1 << 20, 64, 20'000};

struct EraParts {
  Upstream& below;                               // speaks to the server in the server's own era
  const registry::Current& objects;
  const Clock& clock;
  std::function<Task<void>(Milliseconds)> pause; // on an event loop: waits without blocking
  std::shared_ptr<const crypto::Handles> handles = std::make_shared<const crypto::Handles>();   // what clients carry of calls that wait; never null
};

}  // namespace writ::upstreams
