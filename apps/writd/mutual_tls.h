#pragma once

#include "config/config.h"
#include "token_service/mutual_tls.h"

namespace writ::writd {

// What the public listener asks of clients, as the roles say in their metadata.
inline token_service::MutualTls mutual_tls_of(const config::Config& config) {
  const auto& tls = config.public_listener.tls;
  if (!tls || !tls->client_certificates) return {};
  return {true, !tls->client_authorities.empty()};
}

}  // namespace writ::writd
