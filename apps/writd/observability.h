#pragma once

// Metrics, traces and the access log of a running server: built before everything that is observed, and there until the last answer has ended.

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "adapters/net/event_loops.h"
#include "adapters/net/server.h"
#include "adapters/outgoing/curl_outgoing.h"
#include "adapters/telemetry/access_log_file.h"
#include "admin/administration.h"
#include "audit_sinks.h"
#include "config/config.h"
#include "decisions_log.h"
#include "deployment.h"
#include "stores.h"
#include "telemetry/observed_log.h"
#include "telemetry/request_observer.h"
#include "telemetry/span_exporter.h"

namespace writ::admin {
class KeyAdministration;
}

namespace writ::writd {

class ObservedDocuments;

class Observability {
 public:
  // The error is a sentence for the operator.
  static Result<std::unique_ptr<Observability>, std::string> open(const config::Config& config, const Clock& clock);

  telemetry::Instruments& instruments() { return instruments_; }
  const telemetry::RequestObserver& requests() const { return *requests_; }
  LogMeters log_meters();
  // Puts itself around the stores.
  void observe(Stores& stores);

  struct Watched {
    Deployment::Parts& parts;
    admin::Administration& administration;
    const admin::KeyAdministration& keys;
    const net::Server& server;
    const AuditSinks& sinks;
  };
  // Adds what is read when somebody looks. All of it outlives the last request.
  void watch(Watched watched);

  http::Response metrics() const;
  // /readyz: 200 while what is decided can be stored, else 503 with what cannot.
  http::Response readiness() const;
  // Whether the state store or the decisions log refused the last time. What refuses may have recovered with nobody there to notice, as a load balancer
  // sends nobody: `try_again` writes a little to each that does.
  bool is_degraded() const;
  Task<void> try_again();

  // Twice a second, by one thread: how long the loops let work wait; finished traces go out.
  void tick(net::EventLoops& loops);
  // SIGHUP: the access log may have been moved away.
  void reload();
  void count_reload(std::string_view what, bool succeeded);
  // Before the loops end: sends what is left of the traces, for a few seconds at most, and nothing afterwards.
  void stop(net::EventLoops& loops);

 private:
  Observability(const config::Config& config, const Clock& clock) : config_(config), clock_(clock) {}
  void note_policy();
  void watch_policy(admin::Administration& administration);

  const config::Config& config_;
  const Clock& clock_;
  telemetry::Registry registry_;
  telemetry::Instruments instruments_{registry_};
  std::unique_ptr<telemetry::AccessLogFile> access_log_;
  std::optional<outgoing::CurlOutgoing> outgoing_;   // a connection of its own: a slow collector takes none from discovery and key sets
  std::optional<telemetry::SpanExporter> exporter_;
  std::optional<telemetry::RequestObserver> requests_;
  std::optional<telemetry::ObservedLog> log_;
  ObservedDocuments* documents_ = nullptr;
  const admin::Administration* administration_ = nullptr;
  std::string policy_version_;                       // touched by tick() alone
  std::atomic<std::int64_t> policy_since_ms_{0};
};

}  // namespace writ::writd
