#pragma once

// One RemoteKeySets serves whoever needs the keys of others; each role sees it through its own interface.

#include "encoding/uri.h"
#include "jose/remote_key_set.h"
#include "token_service/client_authentication.h"
#include "token_service/resource_as/issuer_keys.h"

namespace writ::writd {

// Keys of trusted issuers, for the resource authorization server.
class TrustedIssuerKeys final : public token_service::resource_as::IssuerKeys {
 public:
  TrustedIssuerKeys(jose::RemoteKeySets& sets, const Clock& clock) : sets_(sets), clock_(clock) {}
  Task<Result<std::shared_ptr<const jose::KeySet>, Unavailable>> of(registry::TrustedIssuer issuer, std::optional<std::string> kid) override {
    jose::KeySource source{issuer.issuer, issuer.jwks_uri, false};
    auto keys = co_await sets_.find(std::move(source), std::move(kid), clock_.now());
    co_return keys;
  }

 private:
  jose::RemoteKeySets& sets_;
  const Clock& clock_;
};

// Keys that clients publish. An administrator registered the address, but the document behind it is the client's: only public addresses, and those of this
// machine where the configuration takes clients' documents there (`clients.documents_on_loopback`).
inline Task<std::shared_ptr<const jose::KeySet>> find_client_keys(jose::RemoteKeySets& sets, const Clock& clock, bool loopback_too, std::string jwks_uri,
                                                                  std::optional<std::string> kid) {
  const auto at = uri::parse(jwks_uri);
  const bool is_ours = loopback_too && at && at->is_loopback();
  jose::KeySource source{"", std::move(jwks_uri), !is_ours};
  auto keys = co_await sets.find(std::move(source), std::move(kid), clock.now());
  if (!keys) co_return nullptr;
  co_return *keys;
}

}  // namespace writ::writd
