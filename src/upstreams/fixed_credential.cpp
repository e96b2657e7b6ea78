#include "upstreams/fixed_credential.h"

namespace writ::upstreams {

Task<Result<http::UpstreamResponse, Failure>> FixedCredential::send(Request request) {
  const registry::UpstreamAddress& address = *request.server->upstream;
  if (!address.header_name.empty()) {
    auto secret = read_secret_(address.header_secret_file);
    if (!secret) co_return unexpected(Failure{Failure::Kind::credential, std::move(secret).error(), "", std::nullopt});
    request.http.headers.add(address.header_name, std::string(secret->reveal()));
  }
  auto sent = co_await below_.send(std::move(request));
  co_return sent;
}

}  // namespace writ::upstreams
