#pragma once

// What a trusted proxy says about the client: PROXY protocol v2 before the first byte, or forwarding fields in the request. Pure functions;
// whether the proxy is trusted was decided before.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/net/network.h"
#include "base/result.h"
#include "http/message.h"

namespace writ::net {

struct ProxiedClient {
  std::string address;            // empty: the proxy speaks for itself (health checks)
  std::optional<bool> secure;     // absent: not said
};

inline constexpr std::size_t kProxyHeaderStart = 16;
// The length of the whole header, from its first 16 bytes; absent when they are not the start of one, or it is over 1 KiB.
std::optional<std::size_t> proxy_header_size(std::string_view start);
// `header` has exactly the length that its start announces.
std::optional<ProxiedClient> parse_proxy_header(std::string_view header);

// The client according to X-Forwarded-For and X-Forwarded-Proto: read from the right, over further trusted proxies, to the first address that
// no trusted proxy has. Everything left of it is the client's own claim.
ProxiedClient from_x_forwarded(const http::Headers& headers, const std::vector<Network>& trusted);
// The same for Forwarded (RFC 7239).
ProxiedClient from_forwarded(const http::Headers& headers, const std::vector<Network>& trusted);

}  // namespace writ::net
