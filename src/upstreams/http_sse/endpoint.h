#pragma once

// Where the messages of an HTTP+SSE session are posted: the first event of its stream names a URI, absolute or relative to the stream's own.

#include <string>
#include <string_view>

#include "base/result.h"

namespace writ::upstreams::http_sse {

enum class EndpointProblem {
  malformed,       // no URI reference, too long, or with a fragment or user information
  other_origin,    // of the configured URL: messages and the gateway's credential would go to whoever the server likes
};
std::string_view to_string(EndpointProblem problem);

// The absolute URL. `stream_url` is the configured one.
Result<std::string, EndpointProblem> resolve_endpoint(std::string_view stream_url, std::string_view reference);

}  // namespace writ::upstreams::http_sse
