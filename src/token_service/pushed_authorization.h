#pragma once

// The pushed authorization request endpoint (RFC 9126 §2): client authentication as at the token endpoint, the request checked whole, and a name for it back.

#include <functional>
#include <optional>

#include "http/message.h"
#include "token_service/grant.h"
#include "token_service/pushed_requests.h"
#include "token_service/token_endpoint.h"

namespace writ::token_service {

// What is wrong with a request, as the authorization endpoint would find it; absent: nothing.
using CheckPushed = std::function<std::optional<oauth::Error>(const form::Parameters& parameters, const registry::Snapshot& snapshot, Instant now)>;

// Safe to share between threads. `requests` outlives it.
class PushedAuthorization final : public Grant {
 public:
  PushedAuthorization(PushedRequests& requests, CheckPushed check) : requests_(requests), check_(std::move(check)) {}
  std::string_view grant_type() const override { return ""; }
  audit::Event event() const override { return audit::Event::client_authentication; }
  bool allows_public_clients() const override { return true; }
  Task<Outcome> decide(const TokenRequest& request, const Client& client) override;

 private:
  PushedRequests& requests_;
  CheckPushed check_;
};

// RFC 9126 §2.2: the request was created.
Task<http::Response> answer_pushed(const TokenEndpoint& endpoint, const http::Request& http);

// An error of the authorization endpoint in the words of this one.
oauth::Error pushed_error(std::string_view error, std::string description);

}  // namespace writ::token_service
