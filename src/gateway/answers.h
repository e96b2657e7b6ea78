#pragma once

// Answers that the gateway gives by itself.

#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "mcp/json_rpc.h"

namespace writ::gateway {

inline http::Response error_body(int status, const std::optional<mcp::RequestId>& id, int code, std::string_view message, json::Value data = nullptr) {
  return http::no_store(http::json(status, json::write(mcp::error_response(id, code, message, std::move(data)))));
}

inline http::Response decisions_unavailable() {
  http::Response response = http::no_store(http::text(503, "decisions cannot be recorded\n"));
  response.headers.add("Retry-After", "5");
  return response;
}

inline http::Response method_not_allowed(std::string allow) {
  http::Response response = http::text(405, "method not allowed\n");
  response.headers.add("Allow", std::move(allow));
  return response;
}

}  // namespace writ::gateway
