#pragma once

// Poll delivery (RFC 8936): a receiver takes its events, and says which it has.

#include "signals/transmitter/transmitter.h"

namespace writ::signals {

// Precondition: the stream is the caller's, and polled.
Task<http::Response> poll(Transmitter& transmitter, Stream stream, const http::Request& request);

}  // namespace writ::signals
