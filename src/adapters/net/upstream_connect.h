#pragma once

// Opening a connection to an upstream server: name, address, TLS. Private to this folder.

#include <memory>
#include <optional>
#include <string>

#include "adapters/net/channel.h"
#include "adapters/net/tls.h"
#include "base/task.h"
#include "http/message.h"

namespace writ::net {

// What one exchange is stopped by: its deadline, or the caller. It owns the connection that is in use.
class Exchange {
 public:
  explicit Exchange(Loop& loop);
  void cancel();                 // by the caller
  bool is_stopped() const { return expired_ || cancelled_; }
  http::UpstreamFailure why_stopped(const char* doing) const;   // when is_stopped()

  Loop& loop;
  Deadline deadline;
  std::shared_ptr<Channel> channel;
  std::string input;             // received and not yet used
  bool asked = false;            // a request was written just now: its answer has to travel first
  // Wakes what waits for something else than the channel; called from within deadlines, so it must go by way of the loop.
  std::function<void()> wake;

 private:
  void stop();
  bool expired_ = false;
  bool cancelled_ = false;
};

struct Target {
  std::string host;              // IPv6 without brackets
  std::uint16_t port = 0;
  SslContext tls;                // null: plain
};

// Sets `exchange.channel` to a connected, verified channel within the exchange's deadline.
Task<Result<void, http::UpstreamFailure>> connect(Exchange& exchange, Target target);

// Reads more into `exchange.input`.
Task<IoResult::Kind> read_more(Exchange& exchange);

}  // namespace writ::net
