#include "upstreams/eras/era_bridge.h"

#include <utility>

#include "upstreams/eras/whole_body.h"

namespace writ::upstreams {
namespace {

// The server went away or is another one now: what was found out about it may be old.
bool is_doubtful(const Failure& failure) {
  using Kind = Failure::Kind;
  return failure.kind == Kind::connect || failure.kind == Kind::closed || failure.kind == Kind::tls || failure.kind == Kind::bad_response;
}

}  // namespace

Task<Result<http::UpstreamResponse, Failure>> EraBridge::send(Request request) {
  const auto found = co_await server_era_.find(request);
  if (!found) {
    if (found.error().failure) co_return unexpected(*found.error().failure);
    // The server's own judgement of the request, by status: 401 and 403 are about the gateway's credential.
    co_return whole_response(found.error().status, {}, "");
  }
  const std::string server_id = request.server->id;
  const http::Cancellation* cancellation = request.http.cancellation;
  auto task = speaks(*found, request.era)         ? parts_.below.send(std::move(request))
              : request.era == mcp::Era::modern ? for_modern_client_.send(std::move(request))
                                                 : for_legacy_client_.send(std::move(request));
  auto sent = co_await task;
  const bool has_left = cancellation && cancellation->is_requested();   // a client that goes away says nothing about the server
  if (!sent && !has_left && is_doubtful(sent.error())) server_era_.forget(server_id);
  co_return sent;
}

void EraBridge::tidy(Instant now) {
  for_modern_client_.tidy(now);
  for_legacy_client_.tidy(now);
}

}  // namespace writ::upstreams
