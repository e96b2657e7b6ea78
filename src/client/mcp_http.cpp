#include "client/mcp_http.h"

#include "oauth/scope.h"

namespace writ::client {
namespace {

constexpr int kAuthorizationAttemptsMax = 3;   // MCPA-123

bool is_step_up(int status, const Challenge& challenge) { return status == 403 && challenge.parameter("error") == "insufficient_scope"; }

// MCPA-125: more scope was asked for and not granted. Asking again changes nothing.
bool lacks(const std::string& granted, const std::string& challenged) {
  const auto have = oauth::ScopeSet::parse(granted);
  const auto want = oauth::ScopeSet::parse(challenged);
  return want && !want->empty() && (!have || !want->is_subset_of(*have));
}

}  // namespace

Task<Result<http::UpstreamResponse, Failure>> McpHttp::send(std::string method, http::Headers headers, std::string body,
                                                            http::Cancellation* cancellation) {
  TokenSource::StepUp may_step_up = TokenSource::StepUp::may;   // once for each request: never a loop of sign-ins
  for (int attempt = 0;; ++attempt) {
    http::UpstreamRequest request;
    request.method = method;
    request.url = url_;
    request.headers = headers;
    request.body = body;
    request.cancellation = cancellation;
    if (!token_.empty()) request.headers.set("Authorization", "Bearer " + token_);
    auto answer = co_await upstream_.send(std::move(request));
    if (!answer && cancellation && cancellation->is_requested()) co_return unexpected(Failure{FailureKind::cancelled, "cancelled", {}, {}, {}, {}});
    if (!answer) co_return unexpected(Failure{FailureKind::unreachable, "cannot reach " + url_ + ": " + answer.error().detail, {}, {}, {}, {}});

    Challenge challenge = bearer_challenge(answer->headers);
    const bool step_up = is_step_up(answer->status, challenge);
    if ((answer->status != 401 && !step_up) || attempt == kAuthorizationAttemptsMax) co_return std::move(*answer);

    answer->body->cancel();
    const std::string challenged_scope = step_up ? challenge.parameter("scope") : std::string();
    auto granted = co_await tokens_.token_for(url_, challenge, token_, may_step_up);
    if (!granted) co_return unexpected(granted.error());
    if (granted->stepped_up) may_step_up = TokenSource::StepUp::may_not;
    if (step_up && lacks(granted->scope, challenged_scope)) {
      token_ = granted->access_token;
      co_return unexpected(Failure{FailureKind::denied, "your organization does not grant `" + challenged_scope + "` at " + url_, "insufficient_scope", {}, {}, {}});
    }
    token_ = granted->access_token;
  }
}

}  // namespace writ::client
