#include "client_registration_parts.h"

#include "oauth/identifiers.h"
#include "parts.h"
#include "registry/read.h"
#include "token_service/idp/device_grant/device_authorization.h"

namespace writ::writd {
namespace {

using token_service::EditRefused;
using Failure = std::variant<EditRefused, Unavailable>;

constexpr int kAttempts = 3;

admin::Change change_of(const std::string& reason, token_service::AgentEditing editing, std::shared_ptr<std::optional<EditRefused>> refusal) {
  using Prepared = admin::Change::Prepared;
  admin::Change change;
  change.reason = reason;
  change.provision = [editing = std::move(editing), refusal = std::move(refusal)](const registry::Snapshot& snapshot, const registry::Catalogue&) -> Result<Prepared, registry::Problems> {
    auto edit = editing(snapshot);
    if (!edit) {
      *refusal = edit.error();
      return unexpected(registry::Problems{{registry::Position{"/"}, "this registration is not possible now"}});
    }
    Prepared prepared;
    registry::Reading reading;
    if (edit->written) prepared.declared.push_back(registry::read_object(registry::ObjectKind::agent, registry::from_json(registry::write(*edit->written)), reading));
    if (registry::has_errors(reading.problems)) return unexpected(std::move(reading.problems));
    for (std::string& id : edit->removed) prepared.removals.emplace_back(registry::ObjectKind::agent, std::move(id));
    return prepared;
  };
  return change;
}

std::unique_ptr<token_service::ClientRegistration> offered(Deployment::Parts& parts, const std::optional<config::ClientRegistration>& configured, token_service::ClientRegistrationRules rules) {
  if (!configured) return nullptr;
  rules.without_token = configured->without_token;
  rules.waiting_max = static_cast<std::size_t>(configured->waiting_max);
  rules.waiting_for = configured->waiting_for;
  rules.per_hour = configured->per_hour;
  return std::make_unique<token_service::ClientRegistration>(std::move(rules), derive_key(parts.stores.sealing_key, "registration access tokens"), *parts.stores.log, parts.registry, parts.clock,
                                                             parts.registration.agents);
}

}  // namespace

Task<Result<void, Failure>> AdministeredAgents::change(std::string author, std::string peer, std::string reason, token_service::AgentEditing editing) {
  auto* administration = administration_.load();
  if (!administration) co_return unexpected(Failure(Unavailable{"the objects are not open yet"}));
  // Another node may change the store at the same moment; the change is then worked out anew.
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto refusal = std::make_shared<std::optional<EditRefused>>();
    auto change = change_of(reason, editing, refusal);
    admin::Actor actor;
    actor.name = author, actor.peer = peer, actor.role = admin::Actor::Role::admin;
    const auto changed = co_await administration->change(std::move(actor), std::move(change));
    if (changed) co_return Result<void, Failure>{};
    if (*refusal) co_return unexpected(Failure(**refusal));
    if (std::holds_alternative<registry::Conflict>(changed.error())) continue;
    if (const auto* unavailable = std::get_if<Unavailable>(&changed.error())) co_return unexpected(Failure(*unavailable));
    co_return unexpected(Failure(EditRefused{EditRefused::Why::not_accepted}));
  }
  co_return unexpected(Failure(Unavailable{"somebody else changes the store"}));
}

void build_client_registration(Deployment::Parts& parts) {
  using namespace token_service;
  ClientRegistrationParts& registration = parts.registration;
  if (parts.idp) {
    ClientRegistrationRules rules;
    rules.issuer = parts.config.idp.issuer;
    rules.at_idp = true;
    rules.grant_types = {std::string(oauth::kGrantAuthorizationCode), std::string(oauth::kGrantRefreshToken), std::string(oauth::kGrantTokenExchange), std::string(idp::kGrantDeviceCode)};
    registration.idp = offered(parts, parts.config.idp.registration, std::move(rules));
  }
  if (parts.resource_as) {
    ClientRegistrationRules rules;
    rules.issuer = parts.config.resource_as.issuer;
    rules.grant_types = {std::string(oauth::kGrantJwtBearer)};
    if (!parts.config.resource_as.agent.empty()) rules.grant_types.insert(rules.grant_types.begin(), std::string(oauth::kGrantAuthorizationCode));
    registration.resource_as = offered(parts, parts.config.resource_as.registration, std::move(rules));
  }
  for (const auto& [at, role] : {std::pair(registration.idp.get(), "idp"), std::pair(registration.resource_as.get(), "resource_as")}) {
    if (at == nullptr) continue;
    http::Router routes;
    token_service::add_routes(routes, *at);
    parts.public_routes.add_all(routes, role);
  }
}

}  // namespace writ::writd
