#include "audit_sinks.h"

#include <algorithm>
#include <thread>

#include "adapters/net/pause.h"
#include "adapters/net/run_on.h"
#include "adapters/net/sending_stream.h"
#include "adapters/yaml/yaml.h"
#include "audit_export/webhook.h"
#include "log.h"

namespace writ::writd {
namespace {

constexpr auto kStopWithin = std::chrono::seconds(5);

Task<void> pause_for(Milliseconds duration) { return net::pause(duration); }

// The trail's newest position now: behind it a sink begins that wants nothing of the past.
Result<std::uint64_t, std::string> newest_position(audit::AuditReader& reader, net::EventLoops& loops) {
  audit::Query query;
  query.limit = 1;
  const auto rows = net::run_on(loops, reader.query(std::move(query)));
  if (!rows) return unexpected(std::string("the audit trail cannot be read"));
  return rows->empty() ? 0 : rows->front().position;
}

std::function<Result<Secret, std::string>()> authorization_from(const std::string& file) {
  if (file.empty()) return nullptr;
  return [file] { return yaml::read_secret_file(file, {}); };
}

}  // namespace

Result<std::unique_ptr<AuditSinks>, std::string> AuditSinks::start(const config::Config& config, Stores& stores, net::EventLoops& loops) {
  std::unique_ptr<AuditSinks> sinks(new AuditSinks);
  for (const config::AuditSink& configured : config.audit.sinks) {
    const auto format = configured.as_ocsf ? audit_export::Format::ocsf : audit_export::Format::records;
    std::unique_ptr<audit_export::Sink> sink;
    if (!configured.webhook_url.empty()) {
      sink = std::make_unique<audit_export::Webhook>(
          audit_export::WebhookSettings{configured.id, configured.webhook_url, configured.ca_file, format, authorization_from(configured.authorization_file)}, sinks->outgoing_);
    } else {
      net::SendingAddress address{configured.syslog_host, configured.syslog_port, configured.ca_file, configured.client_certificate_file, configured.client_key_file};
      sinks->streams_.push_back(std::make_unique<net::SendingStream>(std::move(address)));
      sink = std::make_unique<audit_export::Syslog>(audit_export::SyslogSettings{config.node, format}, *sinks->streams_.back());
    }
    const std::uint64_t from = configured.from_beginning ? 0 : TRY(newest_position(*stores.audit_reader, loops));
    audit_export::ShipperOptions options;
    options.id = configured.id;
    auto shipper = audit_export::Shipper::open(std::move(options), from, *stores.audit_reader, *stores.documents, std::move(sink), [](std::string sentence) { log_warning(sentence); });
    if (!shipper) return unexpected("audit sink `" + configured.id + "`: " + shipper.error().what);
    sinks->shippers_.push_back(std::move(*shipper));
  }
  for (const auto& shipper : sinks->shippers_) {
    loops.executor(0).post([shipper] { spawn(shipper->run(pause_for), [](std::exception_ptr) {}); });
  }
  return sinks;
}

void AuditSinks::stop() {
  for (const auto& shipper : shippers_) shipper->stop();
  const auto until = std::chrono::steady_clock::now() + kStopWithin;
  const auto is_running = [](const auto& shipper) { return shipper->state().running; };
  while (std::any_of(shippers_.begin(), shippers_.end(), is_running) && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

std::vector<audit_export::Shipper::State> AuditSinks::states() const {
  std::vector<audit_export::Shipper::State> states;
  for (const auto& shipper : shippers_) states.push_back(shipper->state());
  return states;
}

}  // namespace writ::writd
