#pragma once

#include "gateway/call_authorization.h"
#include "gateway/exchange.h"

namespace writ::gateway {

// Decides what an exchange holds: its message, the task that it is about, or the connection of a stream.
Verdict authorize_exchange(const Circumstances& asked, const Exchange& exchange);

}  // namespace writ::gateway
