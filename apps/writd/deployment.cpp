#include "deployment.h"

#include <thread>

#include "approvals/decide.h"
#include "approvals_page.h"
#include "parts.h"
#include "token_service/idp/housekeeping.h"
#include "why_page.h"

namespace writ::writd {

Deployment::Deployment(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Deployment::~Deployment() = default;

Result<std::unique_ptr<Deployment>, std::string> Deployment::build(config::Config config, Stores stores, registry::Current& registry, policy::Current& policy,
                                                                   const Clock& clock, net::EventLoops& loops, ReviewedDefinitions definitions,
                                                                   telemetry::Instruments* instruments) {
  auto parts = std::make_unique<Parts>(std::move(config), std::move(stores), registry, policy, clock, loops);

  parts->definitions = definitions;
  parts->instruments = instruments;
  auto revocations = registry::StoredRevocations::open(*parts->stores.documents);
  if (!revocations) return unexpected(std::string("cannot read the revocations: ") + revocations.error().what);
  parts->revocations = std::move(*revocations);
  auto device_keys = token_service::idp::StoredDeviceKeys::open(*parts->stores.documents);
  if (!device_keys) return unexpected(std::string("cannot read the device keys: ") + device_keys.error().what);
  parts->device_keys = std::move(*device_keys);
  auto approvals = approvals::Requests::open(*parts->stores.documents);
  if (!approvals) return unexpected(std::string("cannot read the calls that wait for approval: ") + approvals.error().what);
  parts->approvals = std::move(*approvals);

  auto ema_refusals = token_service::EmaRefusals::open(*parts->stores.documents);
  if (!ema_refusals) return unexpected(std::string("cannot read what was refused: ") + ema_refusals.error().what);
  parts->ema_refusals = std::move(*ema_refusals);
  parts->token_log = std::make_unique<token_service::EmaRefusalsLog>(*parts->stores.log, *parts->ema_refusals);

  build_authzen(*parts);
  TRY(build_linked_accounts(*parts));
  parts->token = TRY(open_token(parts->config.keys));
  if (parts->config.idp.enabled) TRY(build_idp(*parts));
  if (parts->config.idp.enabled) add_linked_accounts_page(*parts);
  if (parts->config.resource_as.enabled) TRY(build_resource_as(*parts));
  if (parts->config.gateway.enabled) TRY(build_gateway(*parts));
  TRY(build_security_events(*parts));
  TRY(build_scim(*parts));
  build_client_registration(*parts);
  parts->public_routes.add("GET", "/why/*", why_page);
  parts->public_routes.add("GET", "/approvals/*", approvals_page);
  return std::unique_ptr<Deployment>(new Deployment(std::move(parts)));
}

const http::Router& Deployment::public_routes() const { return parts_->public_routes; }

std::size_t Deployment::body_bytes_max(std::string_view path) {
  const bool is_token_endpoint = path.starts_with("/idp/") || path.starts_with("/ras/");
  return is_token_endpoint ? 256 * 1024 : gateway::Settings().message_bytes_max;
}

void Deployment::check_streams() {
  if (parts_->gateway) parts_->gateway->gateway->check_streams(parts_->clock.now());
  if (parts_->gateway && parts_->gateway->other_nodes) parts_->gateway->other_nodes->end_lost();
  parts_->security_events->check(parts_->registry.get());
}

void Deployment::stop() {
  constexpr int kLooksMax = 120;   // as long as one request to another deployment may take, and a little more
  parts_->security_events->stop();
  for (int look = 0; look < kLooksMax && !parts_->security_events->is_idle(); ++look) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

Task<void> Deployment::tick() {
  const Instant now = parts_->clock.now();
  check_streams();
  parts_->remote_keys.refresh_due(now);
  if (parts_->gateway) {
    parts_->gateway->era_bridge->tidy(now);
    parts_->gateway->http_sse->sweep(now);
    parts_->gateway->credentials->tick(*parts_->registry.get(), now);
  }
  // What merely saves memory and disk runs once a minute.
  if (now < parts_->tidied + Seconds{60}) co_return;
  parts_->tidied = now;
  parts_->revocations->forget_expired(now);
  parts_->linked_accounts->accounts->forget_expired(now);
  parts_->ema_refusals->forget_expired(now);
  for (const auto& request : parts_->approvals->take_expired(now)) {
    audit::Commit commit;
    commit.record = approvals::record_of(request, "expired", now);
    static_cast<void>(co_await parts_->stores.log->commit(std::move(commit)));
  }
  if (parts_->idp) {
    token_service::idp::forget_expired(*parts_->idp->idp, now);
    static_cast<void>(co_await parts_->idp->keys->tick(now));   // a store that is down is reported by the store
  }
  if (parts_->resource_as) {
    parts_->resource_as->pushed->forget_expired(now);
    static_cast<void>(co_await parts_->resource_as->keys->tick(now));
  }
  if (parts_->resource_as && parts_->resource_as->encryption_keys) static_cast<void>(co_await parts_->resource_as->encryption_keys->tick(now));
  if (parts_->security_events->keys) static_cast<void>(co_await parts_->security_events->keys->tick(now));
  parts_->security_events->seen->forget_expired(now);
  for (const auto* registration : {parts_->registration.idp.get(), parts_->registration.resource_as.get()})
    if (registration != nullptr) co_await registration->remove_waiting(now);
  static_cast<void>(co_await parts_->stores.documents->forget_expired(now));
}

}  // namespace writ::writd
