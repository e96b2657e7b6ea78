#include "upstreams/eras/for_modern_client.h"

#include <utility>

namespace writ::upstreams {

Task<Result<http::UpstreamResponse, Failure>> ForModernClient::send(Request request) {
  static_cast<void>(request);
  static_cast<void>(parts_);
  co_return unexpected(Failure{Failure::Kind::not_translatable, "the server speaks another revision of the protocol", "", std::nullopt});
}

void ForModernClient::tidy(Instant) {}

}  // namespace writ::upstreams
