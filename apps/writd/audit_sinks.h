#pragma once

// The configured sinks of the audit trail, each with a shipper of its own on the first event loop.

#include <memory>
#include <string>
#include <vector>

#include "adapters/net/event_loops.h"
#include "adapters/outgoing/curl_outgoing.h"
#include "audit_export/shipper.h"
#include "audit_export/syslog.h"
#include "config/config.h"
#include "stores.h"

namespace writ::writd {

class AuditSinks {
 public:
  // Begins at once. Stores and loops outlive the object. The error is a sentence for the operator.
  static Result<std::unique_ptr<AuditSinks>, std::string> start(const config::Config& config, Stores& stores, net::EventLoops& loops);
  // Before the loops end: what is under way is finished, for a few seconds at most.
  void stop();
  std::vector<audit_export::Shipper::State> states() const;

 private:
  AuditSinks() = default;
  outgoing::CurlOutgoing outgoing_{{}};   // a client of its own: a slow sink takes no connection from discovery and key sets
  std::vector<std::unique_ptr<audit_export::Stream>> streams_;
  std::vector<std::shared_ptr<audit_export::Shipper>> shippers_;
};

}  // namespace writ::writd
