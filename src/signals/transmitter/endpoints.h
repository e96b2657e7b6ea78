#pragma once

// What receivers call (SSF §8): configuration, status, subjects, verification, and poll delivery (RFC 8936). A receiver authenticates with
// an API token of the role `signals`; it sees and changes the stream of that token's audience and nothing else.

#include <string>

#include "http/router.h"
#include "signals/transmitter/transmitter.h"

namespace writ::signals {

// The document at /.well-known/ssf-configuration.
json::Value transmitter_metadata(const std::string& issuer);

// `key_set`: the JWK set that the tokens are verified with, as text. The transmitter outlives the routes.
http::Router transmitter_routes(Transmitter& transmitter, std::function<std::string()> key_set);

}  // namespace writ::signals
