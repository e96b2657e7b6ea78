#pragma once

// A browser without a person: the suite's authorization server signs everybody in at once, so one request brings the redirect.

#include "client/grants/authorization_code_grant.h"

namespace conformance {

class HeadlessBrowser final : public writ::client::UserAgent {
 public:
  explicit HeadlessBrowser(writ::http::Outgoing& outgoing) : outgoing_(outgoing) {}

  writ::Result<std::string, writ::client::Failure> redirect_uri() override { return kRedirectUri; }

  writ::Task<writ::Result<std::string, writ::client::Failure>> visit(std::string url) override {
    writ::http::OutgoingRequest request;
    request.url = url;
    const auto answer = co_await outgoing_.fetch(std::move(request));
    if (!answer) co_return failure("cannot reach the authorization endpoint: " + answer.error().detail);
    const auto* location = answer->headers.find_single("Location");
    if (!location || !location->starts_with(kRedirectUri + "?")) co_return failure("the authorization endpoint did not come back to " + kRedirectUri);
    co_return location->substr(kRedirectUri.size() + 1);
  }

 private:
  static writ::Unexpected<writ::client::Failure> failure(std::string message) {
    return writ::unexpected(writ::client::Failure{writ::client::FailureKind::protocol, std::move(message), {}, {}, {}, {}});
  }
  inline static const std::string kRedirectUri = "http://localhost:3000/callback";   // nobody listens there: the redirect is read, not followed
  writ::http::Outgoing& outgoing_;
};

}  // namespace conformance
