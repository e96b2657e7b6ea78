#include "upstreams/streamable_http.h"

namespace writ::upstreams {

Failure to_failure(http::UpstreamFailure failure) {
  using From = http::UpstreamFailure::Kind;
  Failure::Kind kind = Failure::Kind::closed;
  switch (failure.kind) {
    case From::connect: kind = Failure::Kind::connect; break;
    case From::tls: kind = Failure::Kind::tls; break;
    case From::timeout: kind = Failure::Kind::timeout; break;
    case From::bad_response: kind = Failure::Kind::bad_response; break;
    case From::closed: kind = Failure::Kind::closed; break;
  }
  return {kind, std::move(failure.detail), "", std::nullopt};
}

Task<Result<http::UpstreamResponse, Failure>> StreamableHttp::send(Request request) {
  const registry::UpstreamAddress& address = *request.server->upstream;
  request.http.url = address.url;
  request.http.ca_file = address.ca_file;
  // No two principals share a connection (G13).
  request.http.pool_key = request.server->id + "\n" + request.principal->key;
  auto sent = co_await http_.send(std::move(request.http));
  if (!sent) co_return unexpected(to_failure(std::move(sent).error()));
  co_return std::move(*sent);
}

}  // namespace writ::upstreams
