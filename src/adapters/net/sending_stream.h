#pragma once

// Sends bytes to a server over TLS and waits until it has read them: for what has no protocol of answers (syslog, RFC 5425).

#include <cstdint>
#include <string>

#include "audit_export/syslog.h"

namespace writ::net {

struct SendingAddress {
  std::string host;            // IPv6 without brackets
  std::uint16_t port = 6514;
  std::string ca_file;         // empty: the system's
  std::string client_certificate_file, client_key_file;   // both or neither
  int timeout_ms = 15'000;     // for all of it
};

// On an event loop.
class SendingStream final : public audit_export::Stream {
 public:
  explicit SendingStream(SendingAddress address);
  ~SendingStream() override;
  Task<Result<void, std::string>> send_and_close(std::string bytes) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace writ::net
