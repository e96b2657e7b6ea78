#include "serve.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "adapters/net/pause.h"
#include "adapters/net/run_on.h"
#include "adapters/net/server.h"
#include "adapters/yaml/yaml.h"
#include "admin/shadow_log.h"
#include "audit_sinks.h"
#include "definition_reviews.h"
#include "deployment_rules.h"
#include "first_objects.h"
#include "gateway/handing_on.h"
#include "log.h"
#include "nodes.h"
#include "observability.h"
#include "parts.h"
#include "place.h"
#include "role_administration.h"
#include "signals.h"

namespace writ::writd {
namespace {

constexpr auto kDrainWithin = std::chrono::seconds(10);
constexpr auto kLookEvery = std::chrono::milliseconds(100);
constexpr int kTurnsPerTick = 5;
constexpr std::uint32_t kUsesBeforeTable = 32;

int wrong_configuration(const std::string& problems) {
  std::fprintf(stderr, "%s\nwrit serve: the configuration is not usable; nothing was started\n", problems.c_str());
  return 2;
}

net::Listener listener_of(const config::Listener& configured) {
  net::Listener listener;
  listener.address = configured.address;
  listener.port = configured.port;
  listener.hosts = configured.hosts;
  if (configured.tls) listener.tls = std::make_unique<net::TlsFiles>(
        net::TlsFiles{configured.tls->certificate, configured.tls->key, configured.tls->client_certificates, configured.tls->client_authorities});
  listener.trusted_proxies = configured.trusted_proxies;
  listener.forwarding_fields = configured.forwarding == config::Listener::Forwarding::forwarded ? net::Listener::ForwardingFields::forwarded
                                                                                                : net::Listener::ForwardingFields::x_forwarded;
  listener.proxy_protocol = configured.proxy_protocol;
  return listener;
}

// Documents of many objects come in one request.
std::size_t admin_body_bytes_max(std::string_view) { return 8 << 20; }

Task<http::Response> answer(http::Response response) { co_return response; }

// The first objects come before the roles, and nobody can have been given anything then.
Task<void> tell_change(Deployment* deployment, std::shared_ptr<const registry::Snapshot> before, std::shared_ptr<const registry::Snapshot> after, std::vector<std::string> ids) {
  if (!deployment || !deployment->parts().security_events->people) co_return;
  co_await deployment->parts().security_events->people->changed(std::move(before), std::move(after), std::move(ids));
}

Task<http::Response> healthy(const http::Request&) { co_return http::text(200, "ok\n"); }

// A stream takes two descriptors, and the usual limit of 1,024 is for the sake of programs that call select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Each connection may want another one to a server behind us, and whoever floods us with connections must leave descriptors for the log and the stores.
std::size_t connections_max(std::size_t wanted) {
  constexpr rlim_t kKept = 200;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  return std::min<std::size_t>(wanted, limit.rlim_cur > 2 * kKept ? (limit.rlim_cur - kKept) / 2 : kKept / 2);
}

// What one process serves, from its configuration to its listeners.
class Service {
 public:
  explicit Service(config::Config config) : config_(std::move(config)) {}
  ~Service() {
    while (comparing_) std::this_thread::sleep_for(std::chrono::milliseconds(10));   // it uses what goes now
    server_.drain(std::chrono::milliseconds(0));
    if (sinks_) sinks_->stop();
    if (membership_) membership_->stop();   // before those whom it tells
    if (observability_) observability_->stop(loops_);
  }

  // Everything up to accepting connections. The error is a sentence; `exit` is 2 when the configuration is to blame.
  Result<void, std::string> start(int& exit) {
    exit = 2;
    auto first = TRY(read_first_objects(config_));
    observability_ = TRY(Observability::open(config_, clock_));
    exit = 1;
    auto stores = TRY(open_stores(place_of(config_, observability_->log_meters()), clock_, [](const std::string& failure) { log_error(failure); }));
    auto parse_yaml = [](std::string_view text, std::string name) { return yaml::parse(text, std::move(name)); };
    crypto::verify_by_tables(config_.keys.issuer_tables ? kUsesBeforeTable : 0);
    sealing_key_.emplace(stores.sealing_key);
    nodes::Membership* const membership = stores.membership.get();
    const auto has_started = stores.node_has_started;
    shadow_log_ = std::make_unique<admin::ShadowLog>(*stores.log);
    stores.log = shadow_log_.get();
    observability_->observe(stores);
    const auto check_deployment = deployment_rules(config_);
    auto people_changed = [this](std::shared_ptr<const registry::Snapshot> before, std::shared_ptr<const registry::Snapshot> after, std::vector<std::string> ids) {
      return tell_change(deployment_.get(), std::move(before), std::move(after), std::move(ids));
    };
    admin::Administration::Parts administered{*stores.objects, *stores.log, *stores.audit_reader, registry_, policy_, clock_, parse_yaml, &*sealing_key_, config_.idp.issuer, &tools_, stores.documents.get(), check_deployment, people_changed};
    if (membership) administered.everywhere = [membership] { return membership->everywhere(); }, administered.node = config_.node;
    administration_ = TRY(admin::Administration::open(std::move(administered)));
    // The configuration may have changed since: those servers answer with the same reason, and all else goes on.
    for (const auto& problem : check_deployment(registry_.get()->objects(), {})) log_error("a server cannot be used: " + registry::to_string(problem));
    if (administration_->tries_something_out() && !net::run_on(loops_, shadow_log_->count_again(*stores.audit_reader, clock_.now()))) {
      log_warning("what would have been decided otherwise before this start could not be counted");
    }
    reviews_ = std::make_unique<InboxReviews>(*administration_);
    const bool was_empty = administration_->is_empty();
    if (was_empty) {
      exit = 2;
      TRY(net::run_on(loops_, apply_first_objects(*administration_, std::move(first))));
      exit = 1;
    }
    deployment_ = TRY(Deployment::build(config_, std::move(stores), registry_, policy_, clock_, loops_, {&tools_, reviews_.get()}, &observability_->instruments()));
    deployment_->parts().people.use(*administration_);
    deployment_->parts().scim.directory.use(*administration_);
    deployment_->parts().registration.agents.use(*administration_);
    const auto aborted = net::run_on(loops_, administration_->note_aborted());
    if (!aborted) return unexpected(std::string("the decisions log does not answer"));
    if (membership) {
      following_ = std::make_unique<NodeFollowing>(*membership, deployment_->parts(), *administration_, loops_);
      membership_ = membership;
      TRY(membership_->start());
      has_started();
    }
    if (*aborted > 0) log_warning(fmt::format("{} recorded changes had not reached the store; they are marked as aborted", *aborted));
    TRY(listen());
    // Nobody waits for it: to compare a password with its hash takes as long as a sign-in, and `objects:` may name many.
    if (!was_empty) {
      comparing_ = true;
      loops_.executor(0).post([this, named = std::make_shared<FirstObjects>(std::move(first))] {
        spawn(apply_first_objects(*administration_, std::move(*named)), [this](std::exception_ptr, std::optional<Result<std::vector<std::string>, std::string>> differences) {
          if (differences && *differences) {
            for (const auto& difference : **differences) log_warning("the configuration differs from the store (writ apply changes it): " + difference);
          }
          comparing_ = false;
        });
      });
    }
    return {};
  }

  // Apart from the ticks: these may wait for a slow store, and what was revoked ends within a second (rules §5.3).
  void check_streams() {
    loops_.executor(0).post([this] { deployment_->check_streams(); });
  }
  void tick() {
    observability_->tick(loops_);
    if (observability_->is_degraded() && !trying_.exchange(true)) {
      loops_.executor(0).post([this] { spawn(observability_->try_again(), [this](std::exception_ptr) { trying_ = false; }); });
    }
    loops_.executor(0).post([this] {
      if (ticking_.exchange(true)) return;   // the one before still waits for a slow store
      spawn(deployment_->tick(), [this](std::exception_ptr) { ticking_ = false; });
    });
  }
  void reload() {
    observability_->reload();
    const auto reloaded = server_.reload_certificates();
    observability_->count_reload("certificates", reloaded.has_value());
    if (reloaded) log_info("certificates were read again");
    else log_error("the certificates were kept as they are: " + reloaded.error());
  }
  void drain() {
    server_.drain(kDrainWithin);
    sinks_->stop();
    deployment_->stop();
    observability_->stop(loops_);
  }

 private:
  Result<void, std::string> listen() {
    auto& parts = deployment_->parts();
    keys_ = std::make_unique<RoleKeys>(parts);
    sessions_ = std::make_unique<RoleSessions>(parts);
    upstreams_ = std::make_unique<RoleUpstreams>(parts);
    signals_ = std::make_unique<RoleSignals>(*parts.security_events);
    api_ = std::make_unique<admin::Api>(admin::Api{*administration_, keys_.get(), sessions_.get(), [](Milliseconds duration) { return net::pause(duration); },
                                                      &shadow_log_->counts(), parts.approvals.get(), upstreams_.get(), signals_.get()});
    api_->accounts = parts.linked_accounts->accounts.get();
    admin_routes_.add_all(admin::routes(*api_), "admin");
    public_routes_ = deployment_->public_routes();
    for (http::Router* router : {&admin_routes_, &public_routes_}) {
      router->add("GET", "/healthz", healthy);
      router->add("GET", "/readyz", [this](const http::Request&) { return answer(observability_->readiness()); });
    }
    sinks_ = TRY(AuditSinks::start(config_, parts.stores, loops_));
    observability_->watch({parts, *administration_, *keys_, server_, *sinks_});
    admin_routes_.add("GET", "/metrics", admin::for_auditors(*api_, [this](const http::Request&) { return answer(observability_->metrics()); }));
    if (!config_.admin_listener.socket.empty()) {
      // A socket that a crash left behind is not in use: nobody answers on it.
      std::error_code ignored;
      std::filesystem::remove(config_.admin_listener.socket, ignored);
      net::Listener local;
      local.unix_path = config_.admin_listener.socket;
      observe(local, "local", admin_routes_);
      local.body_bytes_max = admin_body_bytes_max;
      TRY(server_.listen(std::move(local)));
    }
    if (!config_.admin_listener.address.empty()) {
      net::Listener remote = listener_of(config_.admin_listener);
      observe(remote, "admin", admin_routes_);
      remote.body_bytes_max = admin_body_bytes_max;
      TRY(server_.listen(std::move(remote)));
    }
    if (config_.internal_listener && parts.gateway) {
      net::Listener internal = listener_of(config_.internal_listener->listener);
      between_nodes_.add_all(gateway::routes(*parts.gateway->gateway, parts.gateway->settings), "gateway");
      observe(internal, "internal", between_nodes_);
      internal.handler = gateway::for_other_nodes(std::move(internal.handler), [this](const crypto::ClientCertificate& certificate) { return is_of_a_node(*membership_, certificate); });
      internal.handler = while_serving(*membership_, std::move(internal.handler));
      // A node hands on its own request ids and traces.
      internal.begin = [this](http::Request& request, bool) { observability_->requests().begin(request, true); };
      internal.body_bytes_max = Deployment::body_bytes_max;
      TRY(server_.listen(std::move(internal)));
    }
    net::Listener open = listener_of(config_.public_listener);
    observe(open, "public", public_routes_);
    open.body_bytes_max = Deployment::body_bytes_max;
    TRY(server_.listen(std::move(open)));
    log_info(fmt::format("serving {} as `{}` on {}:{}", config_.base_url, config_.node, config_.public_listener.address, config_.public_listener.port));
    return {};
  }

  void observe(net::Listener& listener, const char* name, const http::Router& router) {
    listener.begin = [this](http::Request& request, bool proxied) { observability_->requests().begin(request, proxied); };
    listener.handler = observability_->requests().observe(name, router);
    // Administration goes on: what it changes is decided by the database, and whoever looks for the reason must be able to.
    if (membership_ && &router == &public_routes_) listener.handler = while_serving(*membership_, std::move(listener.handler));
  }

  // In the order of their dependence: what is below uses what is above.
  config::Config config_;
  SystemClock clock_;
  std::unique_ptr<Observability> observability_;   // what is observed may still be ending on the loops
  net::EventLoops loops_;
  registry::Current registry_{std::make_shared<registry::Snapshot>(registry::Objects{}, 0)};
  policy::Current policy_;
  policy::CurrentTools tools_;
  std::optional<crypto::SealingKey> sealing_key_;
  std::unique_ptr<admin::ShadowLog> shadow_log_;
  std::unique_ptr<InboxReviews> reviews_;
  std::unique_ptr<Deployment> deployment_;   // owns the stores
  std::unique_ptr<admin::Administration> administration_;
  std::unique_ptr<NodeFollowing> following_;
  nodes::Membership* membership_ = nullptr;   // the deployment's, once it runs; null: this process is alone
  std::unique_ptr<AuditSinks> sinks_;
  std::unique_ptr<RoleKeys> keys_;
  std::unique_ptr<RoleSessions> sessions_;
  std::unique_ptr<RoleUpstreams> upstreams_;
  std::unique_ptr<RoleSignals> signals_;
  std::unique_ptr<admin::Api> api_;
  http::Router admin_routes_, public_routes_, between_nodes_;
  std::atomic<bool> ticking_{false}, trying_{false}, comparing_{false};
  net::Server server_{loops_, [this] {
                        net::ServerOptions options;
                        options.limits.connections_max = connections_max(options.limits.connections_max);
                        options.refused = [this](int status) { observability_->instruments().http_rejected.of({std::to_string(status)}).add(); };
                        options.log = [](std::string_view line) { log_warning(std::string(line)); };
                        return options;
                      }()};
};

}  // namespace

int serve(const ServeOptions& options) {
  const Signals signals;
  raise_descriptor_limit();
  auto root = yaml::parse_file(options.config_file);
  if (!root) return wrong_configuration(registry::to_string(root.error()));
  auto config = config::read_config(*root, options.config_file, options.data_directory);
  if (!config) return wrong_configuration(registry::to_string(config.error()));
  set_up_log(config->log);

  Service service(std::move(*config));
  int exit = 1;
  if (const auto started = service.start(exit); !started) {
    if (exit == 2) return wrong_configuration(started.error());
    log_error(started.error());
    return exit;
  }
  for (int turn = 1;; ++turn) {
    const int signal = signals.wait(kLookEvery);
    if (signal == SIGTERM || signal == SIGINT) break;
    if (signal == SIGHUP) service.reload();
    service.check_streams();
    if (turn % kTurnsPerTick == 0) service.tick();
  }
  log_info("stopping: requests in flight are finished");
  service.drain();
  return 0;
}

}  // namespace writ::writd
