#include "gateway/issuer_keys.h"

namespace writ::gateway {

Task<Result<std::shared_ptr<const jose::KeySet>, Unavailable>> RemoteIssuerKeys::find(std::string issuer, std::optional<std::string> kid, Instant now) {
  jose::KeySource source(std::move(issuer), "", false);   // configured by an administrator, not chosen by a stranger
  auto keys = co_await sets_.find(std::move(source), std::move(kid), now);
  co_return keys;
}

}  // namespace writ::gateway
