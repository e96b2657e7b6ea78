#pragma once

#include <memory>

#include "gateway/exchange.h"
#include "http/message.h"

namespace writ::gateway {

// While the handler works, a client that goes away ends the exchange: always for streams, and in the modern era, where closing is cancelling
// (TR-56). In the legacy era it is not (TR-35): the upstream is left to finish.
class ClientWatch {
 public:
  ClientWatch(http::Cancellation* client_gone, const std::shared_ptr<Exchange>& exchange) : client_gone_(client_gone) {
    const bool cancels = exchange->era == mcp::Era::modern || exchange->stands;
    if (!client_gone_ || !cancels) return;
    client_gone_->on_request([exchange] { exchange->stop(Stopped::client_gone); });
  }
  ~ClientWatch() {
    if (client_gone_) client_gone_->on_request(nullptr);
  }
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;

 private:
  http::Cancellation* client_gone_;
};

}  // namespace writ::gateway
