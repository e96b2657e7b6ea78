#include "adapters/net/pause.h"
#include "adapters/yaml/yaml.h"
#include "encoding/uri.h"
#include "mutual_tls.h"
#include "parts.h"
#include "upstreams/by_transport.h"
#include "upstreams/observed.h"
#include "upstreams/streamable_http.h"

namespace writ::writd {
namespace {

gateway::Settings settings_of(const config::Config& config) {
  gateway::Settings settings;
  settings.base = config.gateway.base;
  // Pages that Writ itself serves. A name that was rebound to this address has another origin (G11).
  if (const auto own = uri::parse(config.base_url)) settings.allowed_origins = {own->origin()};
  settings.why_url = config.base_url + "/why";
  settings.approvals_url = config.base_url + "/approvals";
  settings.denials = config.gateway.denials == config::Gateway::Denials::code_only ? gateway::Settings::Denials::code_only : gateway::Settings::Denials::full;
  settings.own_resource_as = config.resource_as.enabled ? config.resource_as.issuer : "";
  settings.organisation = config.organisation;
  settings.denied_calls = config.gateway.denied_calls == config::Gateway::DeniedCalls::http_403 ? gateway::Settings::DeniedCalls::http_403
                                                                                                : gateway::Settings::DeniedCalls::result;
  settings.call_durability = config.gateway.call_durability == config::Gateway::CallDurability::power ? audit::Durability::power : audit::Durability::process;
  settings.dpop_nonce_demanded = config.gateway.dpop_nonce == config::DpopNonce::always;
  settings.certificates_asked = mutual_tls_of(config).offered;
  settings.skew_seconds = config.skew.count();
  settings.call_deadline = config.gateway.call_deadline;
  settings.member_deadline = config.gateway.member_deadline;
  return settings;
}

upstreams::health::Settings health_of(const config::Gateway::Upstreams& configured) {
  upstreams::health::Settings settings;
  settings.failures_max = configured.failures_max;
  settings.retry = configured.retry, settings.retry_max = configured.retry_max;
  settings.waiting_max = configured.waiting_max;
  settings.waiting_per_principal_max = configured.waiting_per_user_max;
  return settings;
}

Task<void> look(nodes::Membership& membership) {
  const auto caught_up = co_await membership.catch_up();
  static_cast<void>(caught_up);   // who cannot be heard of is not there
}

gateway::NodeForwarding::Board board_of(nodes::Membership& membership) {
  const auto find = [&membership](std::uint32_t node) -> std::optional<gateway::NodeAddress> {
    auto peer = membership.find(node);
    if (!peer || peer->url.empty()) return std::nullopt;
    return gateway::NodeAddress{std::move(peer->url), std::move(peer->incarnation)};
  };
  return {find, [&membership] { return look(membership); }};
}

gateway::NodeForwarding::Settings forwarding_of(const config::InternalListener& internal, const gateway::Settings& gateway) {
  constexpr Seconds kLonger{10};
  gateway::NodeForwarding::Settings settings;
  const config::TlsFiles& tls = *internal.listener.tls;
  settings.certificate_file = tls.certificate, settings.key_file = tls.key, settings.authorities_file = tls.client_authorities;
  settings.answer_within = gateway.call_deadline + kLonger;
  settings.answer_bytes_max = gateway.answer_bytes_max * 2;   // names of a combined server make an answer longer
  return settings;
}

}  // namespace

Result<void, std::string> build_gateway(Deployment::Parts& parts) {
  GatewayRole& role = parts.gateway.emplace();
  role.settings = settings_of(parts.config);
  role.keys = std::make_unique<gateway::RemoteIssuerKeys>(parts.remote_keys);
  auto read_secret = [](const std::string& file) { return yaml::read_secret_file(file, {}); };
  role.streamable_http = std::make_unique<upstreams::StreamableHttp>(parts.upstream);
  role.http_sse = std::make_unique<upstreams::http_sse::HttpSse>(parts.upstream, parts.clock);
  role.own_programs = std::make_unique<OwnPrograms>(parts.registry, read_secret);
  role.transports = std::make_unique<upstreams::ByTransport>(upstreams::Transports{role.streamable_http.get(), role.http_sse.get(), &role.own_programs->layer()});
  // Above the transports and below everything that changes a message: what is measured is the server, and each exchange with it has its span.
  upstreams::Upstream* measured = role.transports.get();
  if (parts.instruments) role.observed = std::make_unique<upstreams::Observed>(*role.transports, *parts.instruments), measured = role.observed.get();
  role.credentials = TRY(build_credentials(parts, *measured));
  // Of nodes each opens what another has sealed; a process alone forgets with its end what its handles were for.
  nodes::Membership* const membership = parts.stores.membership.get();
  const auto handles = membership ? std::make_shared<const crypto::Handles>(crypto::SealingKey(derive_key(parts.stores.sealing_key, "handles of clients")), parts.stores.node)
                                  : std::make_shared<const crypto::Handles>();
  role.era_bridge = std::make_unique<upstreams::EraBridge>(upstreams::EraParts{*role.credentials->layer, parts.registry, parts.clock, net::pause, handles});
  role.health = std::make_unique<upstreams::health::Health>(*role.era_bridge, parts.clock, health_of(parts.config.gateway.upstreams));
  gateway::Dependencies dependencies{role.settings, parts.clock, parts.registry, parts.policy, *parts.revocations,
                                                                          *parts.stores.log, *role.keys, *role.health};
  dependencies.tools = parts.definitions.tools;
  dependencies.reviews = parts.definitions.reviews;
  dependencies.decision_points = parts.decision_points.get();
  dependencies.approvals = parts.approvals.get();
  dependencies.handles = handles;
  if (membership) dependencies.may_serve = [membership] { return membership->may_serve(); };
  if (membership && parts.config.internal_listener) {
    role.other_nodes = std::make_unique<gateway::NodeForwarding>(parts.upstream, board_of(*membership), forwarding_of(*parts.config.internal_listener, role.settings));
    dependencies.other_nodes = role.other_nodes.get();
  }
  dependencies.proofs = &parts.proofs;
  role.gateway = std::make_unique<gateway::Gateway>(std::move(dependencies));
  parts.public_routes.add_all(gateway::routes(*role.gateway, role.settings), "gateway");
  return {};
}

}  // namespace writ::writd
