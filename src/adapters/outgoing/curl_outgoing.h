#pragma once

// http::Outgoing with curl on one thread of its own: discovery, key sets, metadata, webhooks.
//
//   outgoing::CurlOutgoing outgoing({});
//   auto response = co_await outgoing.fetch({.url = "https://idp.example.com/.well-known/openid-configuration"});
//
// https, or http to a loopback address. Certificates are always checked. No redirects, cookies, .netrc, nor proxies of the environment; bodies
// and heads are bounded while they arrive; the time limit is for everything together.
//
// `public_addresses_only` (N1): https only, port 443 unless `public_ports` says otherwise, never through the proxy, a fresh connection each time.
// The address is judged where the socket is opened, so what was checked is what is connected to: there is no second look-up to rebind.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "http/message.h"

namespace writ::outgoing {

struct CurlOptions {
  std::string proxy;      // http://host:port for everything but loopback and public_addresses_only; empty: none
  std::string ca_file;    // PEM; empty: the system's
  std::vector<std::uint16_t> public_ports{443};
  std::string user_agent = "writ";
};

class CurlOutgoing final : public http::Outgoing {
 public:
  explicit CurlOutgoing(CurlOptions options);
  ~CurlOutgoing() override;   // what is under way ends as `broken`
  CurlOutgoing(const CurlOutgoing&) = delete;
  CurlOutgoing& operator=(const CurlOutgoing&) = delete;

  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest request) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace writ::outgoing
