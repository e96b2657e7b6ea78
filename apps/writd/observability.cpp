#include "observability.h"

#include <algorithm>
#include <map>

#include "adapters/net/run_on.h"
#include "adapters/telemetry/process_metrics.h"
#include "adapters/yaml/yaml.h"
#include "admin/api.h"
#include "log.h"
#include "mcp/methods.h"
#include "observed_stores.h"
#include "parts.h"
#include "version.h"

namespace writ::writd {
namespace {

using telemetry::Samples;

constexpr std::span<const std::string> kNoLabels;
constexpr std::chrono::milliseconds kLastSpansWithin{3'000};

bool is_method(std::string_view name) { return mcp::find_method(name, false) || mcp::find_method(name, true) || name == "GET" || name == "DELETE" || name == "response"; }

double seconds_of(Instant instant) { return static_cast<double>(instant.time_since_epoch().count()) / 1e3; }

}  // namespace

Result<std::unique_ptr<Observability>, std::string> Observability::open(const config::Config& config, const Clock& clock) {
  std::unique_ptr<Observability> made(new Observability(config, clock));
  const bool has_access_log = config.log.access != config::Log::Access::off;
  if (has_access_log) made->access_log_ = TRY(telemetry::AccessLogFile::open(config.log.access_file, made->instruments_));
  if (config.telemetry.sampling > 0) {
    telemetry::SpanExporter::Settings settings;
    settings.url = config.telemetry.otlp;
    settings.resource = {"writ", kVersion, config.node};
    if (!config.telemetry.authorization_file.empty()) {
      // Read at each use, so a rotated secret needs no restart; once now, so that a wrong path stops the start.
      const auto read = [file = config.telemetry.authorization_file] { return yaml::read_secret_file(file, {}); };
      if (!read()) return unexpected("`" + config.telemetry.authorization_file + "` (telemetry.authorization_file) cannot be read, or is open to group or others");
      settings.authorization = [read]() -> Result<Secret, Unavailable> {
        auto secret = read();
        if (!secret) return unexpected(Unavailable{"a secret file cannot be read"});
        return std::move(*secret);
      };
    }
    made->outgoing_.emplace(outgoing::CurlOptions{});
    made->exporter_.emplace(*made->outgoing_, made->instruments_, std::move(settings));
  }
  const telemetry::RequestObserver::Settings settings{config.telemetry.sampling, config.telemetry.incoming == config::Telemetry::Incoming::parent, has_access_log};
  made->requests_.emplace(made->instruments_, clock, settings, made->access_log_.get(), made->exporter_ ? &*made->exporter_ : nullptr);
  return made;
}

LogMeters Observability::log_meters() {
  LogMeters meters;
  meters.on_batch = [this](std::size_t records, std::chrono::steady_clock::duration duration) {
    instruments_.log_batch_records.observe(static_cast<double>(records));
    instruments_.log_batch_durations.observe(duration);
  };
  meters.on_sync = [this](std::chrono::steady_clock::duration duration) { instruments_.log_sync_durations.observe(duration); };
  return meters;
}

void Observability::observe(Stores& stores) {
  log_.emplace(*stores.log, instruments_, is_method);
  stores.log = &*log_;
  auto documents = std::make_unique<ObservedDocuments>(std::move(stores.documents), instruments_);
  documents_ = documents.get();
  stores.documents = std::move(documents);
  stores.objects = std::make_unique<ObservedObjectStore>(std::move(stores.objects), instruments_);
}

void Observability::watch(Watched watched) {
  Deployment::Parts& parts = watched.parts;
  registry_.poll_gauge({"writ_build_info", "1, with the version that runs.", {"version"}}, [](Samples& samples) { samples.add({kVersion}, 1); });
  registry_.poll_gauge({"writ_connections", "Connections of clients."}, [&server = watched.server](Samples& samples) { samples.add(kNoLabels, static_cast<double>(server.connections())); });
  registry_.poll_gauge({"writ_tls_certificate_expiry_timestamp_seconds", "When the certificate of a listener ends.", {"listener"}}, [&server = watched.server](Samples& samples) {
    for (const auto& certificate : server.certificates()) samples.add({certificate.listener}, static_cast<double>(certificate.expires_seconds));
  });
  registry_.poll_gauge({"writ_gateway_live_exchanges", "Decided messages whose answers are not complete, streams that stand among them."}, [&parts](Samples& samples) {
    if (parts.gateway) samples.add(kNoLabels, static_cast<double>(parts.gateway->gateway->live_exchanges()));
  });
  registry_.poll_gauge({"writ_gateway_sessions", "MCP sessions."}, [&parts](Samples& samples) {
    if (parts.gateway) samples.add(kNoLabels, static_cast<double>(parts.gateway->gateway->session_count()));
  });
  registry_.poll_gauge({"writ_node_undelivered_records", "Records that wait in this node's spool for the database."}, [&parts](Samples& samples) {
    if (parts.stores.undelivered) samples.add(kNoLabels, static_cast<double>(parts.stores.undelivered()));
  });
  registry_.poll_gauge({"writ_idp_sessions", "Sign-in sessions."}, [&parts](Samples& samples) {
    if (parts.idp) samples.add(kNoLabels, static_cast<double>(parts.idp->sessions->size()));
  });
  registry_.poll_gauge({"writ_held_calls", "Calls that wait for approval, or were approved and not yet made again.", {"state"}}, [&parts, this](Samples& samples) {
    double pending = 0, approved = 0;
    for (const auto& request : parts.approvals->list()) {
      const auto state = request.state(clock_.now());
      pending += state == approvals::State::pending;
      approved += state == approvals::State::approved && !request.used;
    }
    samples.add({"pending"}, pending);
    samples.add({"approved"}, approved);
  });
  registry_.poll_gauge({"writ_definitions_pending_review", "Tools, prompts and instructions of a server that somebody must look at.", {"server"}}, [&parts](Samples& samples) {
    const auto snapshot = parts.registry.get();
    const auto& definitions = snapshot->definitions();
    for (const std::string& server : definitions.servers()) {
      const auto* shelf = definitions.of(server);
      double news = 0;
      for (const auto& [key, definition] : *shelf) news += definition->is_news();
      samples.add({server}, news);
    }
  });
  registry_.poll_gauge({"writ_signing_key_created_timestamp_seconds", "When the key was made that a role signs with now.", {"role"}}, [&keys = watched.keys, this](Samples& samples) {
    std::map<std::string, Instant> newest;
    for (const auto& key : keys.list(clock_.now())) {
      if (key.active) newest[key.use] = std::max(newest[key.use], key.created);
    }
    for (const auto& [role, created] : newest) samples.add({role}, seconds_of(created));
  });
  registry_.poll_gauge({"writ_remote_keys_last_success_timestamp_seconds", "When the keys of a trusted issuer were fetched last.", {"issuer"}}, [&parts](Samples& samples) {
    // Sources without an issuer are the documents of clients: as many as there are clients. An issuer may be asked at two places.
    std::map<std::string, Instant> newest;
    for (const auto& status : parts.remote_keys.status()) {
      if (!status.source.issuer.empty() && status.fetched_at) newest[status.source.issuer] = std::max(newest[status.source.issuer], *status.fetched_at);
    }
    for (const auto& [issuer, fetched_at] : newest) samples.add({issuer}, seconds_of(fetched_at));
  });
  registry_.poll_gauge({"writ_audit_sink_position", "The newest audit record that a sink has got.", {"sink"}}, [&sinks = watched.sinks](Samples& samples) {
    for (const auto& sink : sinks.states()) samples.add({sink.id}, static_cast<double>(sink.delivered_to));
  });
  registry_.poll_counter({"writ_audit_sink_failures_total", "Tries that a sink did not take.", {"sink"}}, [&sinks = watched.sinks](Samples& samples) {
    for (const auto& sink : sinks.states()) samples.add({sink.id}, static_cast<double>(sink.failures));
  });
  watch_policy(watched.administration);
  telemetry::add_disk_metrics(registry_, config_.data_directory);
  telemetry::add_process_metrics(registry_);
}

void Observability::watch_policy(admin::Administration& administration) {
  registry_.poll_gauge({"writ_policy_info", "1, with the version of the active policy.", {"version"}}, [&administration](Samples& samples) {
    samples.add({administration.policy()->version()}, 1);
  });
  registry_.poll_gauge({"writ_policy_loaded_timestamp_seconds", "Since when this process decides by the active policy."}, [this](Samples& samples) {
    samples.add(kNoLabels, static_cast<double>(policy_since_ms_.load()) / 1e3);
  });
  administration_ = &administration;
  note_policy();
  registry_.poll_gauge({"writ_objects_sequence", "How often objects or policy were changed."}, [&administration](Samples& samples) {
    samples.add(kNoLabels, static_cast<double>(administration.snapshot()->sequence()));
  });
}

http::Response Observability::metrics() const {
  http::Response response = http::no_store(http::text(200, registry_.text()));
  response.headers.set("Content-Type", telemetry::Registry::kMediaType);
  return response;
}

http::Response Observability::readiness() const {
  std::string text;
  if (documents_->is_failing()) text += "degraded: the state store takes no changes\n";
  if (log_->is_failing()) text += "degraded: the decisions log takes no records\n";
  http::Response response = http::no_store(http::text(text.empty() ? 200 : 503, text.empty() ? "ok\n" : text));
  if (!text.empty()) response.headers.set("Retry-After", "1");
  return response;
}

bool Observability::is_degraded() const { return documents_->is_failing() || log_->is_failing(); }

Task<void> Observability::try_again() {
  if (documents_->is_failing()) {
    auto trying = documents_->forget_expired(clock_.now());
    static_cast<void>(co_await trying);
  }
  if (log_->is_failing()) {
    audit::Commit commit;
    commit.record.event = audit::Event::service;
    commit.record.time = clock_.now();
    commit.record.reason = "log_recovered";
    auto trying = log_->commit(std::move(commit));
    static_cast<void>(co_await trying);
  }
}

void Observability::note_policy() {
  const auto policy = administration_->policy();
  if (policy->version() == policy_version_ && policy_since_ms_ != 0) return;
  policy_version_ = policy->version();
  policy_since_ms_ = clock_.now().time_since_epoch().count();
}

void Observability::tick(net::EventLoops& loops) {
  note_policy();
  for (std::size_t i = 0; i < loops.size(); ++i) {
    loops.executor(i).post([this, posted = std::chrono::steady_clock::now()] { instruments_.loop_lag.observe(std::chrono::steady_clock::now() - posted); });
  }
  if (!exporter_) return;
  loops.executor(0).post([this] { spawn(exporter_->flush(), [](std::exception_ptr) {}); });
}

void Observability::count_reload(std::string_view what, bool succeeded) {
  instruments_.reloads.of({what, succeeded ? std::string_view("success") : std::string_view("failure")}).add();
}

void Observability::reload() {
  if (!access_log_) return;
  const auto reopened = access_log_->reopen();
  if (!reopened) log_error("the access log goes on where it was: " + reopened.error());
  count_reload("access_log", reopened.has_value());
}

void Observability::stop(net::EventLoops& loops) {
  if (!exporter_ || !outgoing_) return;
  net::run_on(loops, exporter_->finish(kLastSpansWithin));
  // From here on nobody uses it: what is under way ends on loops that are still there.
  outgoing_.reset();
}

}  // namespace writ::writd
