#pragma once

// HTTP exchanges with a protected MCP server: every request carries a token (MCPA-100), a 401 or a step-up is answered by getting a better
// one, and the request is sent again a bounded number of times (MCPA-123). The answer's body is streamed.

#include <string>

#include "client/token_source.h"
#include "http/message.h"

namespace writ::client {

class McpHttp {
 public:
  // All of them outlive this object; used on one executor.
  McpHttp(http::Upstream& upstream, TokenSource& tokens, std::string url) : upstream_(upstream), tokens_(tokens), url_(std::move(url)) {}

  // Whatever the server answers in the end, unless a token could not be had. A 401 for a fresh token, or a 403 that stays after a step-up,
  // is handed to the caller as it is when more scope was granted, and becomes FailureKind::denied when the organisation refuses the scope.
  // `cancellation` may be null; it ends the wait for the head of an answer.
  Task<Result<http::UpstreamResponse, Failure>> send(std::string method, http::Headers headers, std::string body,
                                                     http::Cancellation* cancellation = nullptr);

  const std::string& url() const { return url_; }

 private:
  http::Upstream& upstream_;
  TokenSource& tokens_;
  std::string url_;
  std::string token_;
};

}  // namespace writ::client
