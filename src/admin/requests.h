#pragma once

// What the operations of the admin API have in common: reading bodies, answering, problem details. Inside admin/ only.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/administration.h"
#include "http/message.h"

namespace writ::admin {

// What an operation gets: who asks, the braces of its path, and the request.
struct Call {
  const http::Request& request;
  Actor actor;
  std::vector<std::string> arguments;

  std::optional<std::string> query(std::string_view name) const;   // a parameter of the query, decoded
};

http::Response answer(json::Value body, int status = 200);
http::Response problem(int status, std::string_view title, std::string detail = "", json::Value members = nullptr);
http::Response unavailable();
http::Response to_response(const ChangeFailure& failure);

// The body as JSON, or the answer that says what is wrong with it.
Result<json::Value, http::Response> read_body(const http::Request& request);

json::Value to_json(const registry::Problems& problems);
json::Value to_json(const registry::Plan& plan);
json::Value to_json(const Changed& changed);
json::Value to_json(const registry::PolicyVersion& version, bool with_files);

}  // namespace writ::admin
