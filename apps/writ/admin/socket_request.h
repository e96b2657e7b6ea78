#pragma once

#include <string>

#include "base/result.h"
#include "http/message.h"

namespace writ::cli::admin {

// One request over a local socket, blocking. The error is a sentence.
Result<http::OutgoingResponse, std::string> socket_request(const std::string& path, const http::OutgoingRequest& request);

}  // namespace writ::cli::admin
