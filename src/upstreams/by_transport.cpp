#include "upstreams/by_transport.h"

namespace writ::upstreams {
namespace {

Upstream* find(const Transports& transports, registry::UpstreamAddress::Transport transport) {
  using Transport = registry::UpstreamAddress::Transport;
  switch (transport) {
    case Transport::streamable_http: return transports.streamable_http;
    case Transport::http_sse: return transports.http_sse;
    case Transport::stdio: return transports.stdio;
  }
  return nullptr;
}

}  // namespace

Task<Result<http::UpstreamResponse, Failure>> ByTransport::send(Request request) {
  Upstream* const transport = find(transports_, request.server->upstream->transport);
  if (!transport) co_return unexpected(Failure{Failure::Kind::connect, "this process does not serve the transport of `" + request.server->id + "`", "", std::nullopt});
  auto sent = co_await transport->send(std::move(request));
  co_return sent;
}

}  // namespace writ::upstreams
