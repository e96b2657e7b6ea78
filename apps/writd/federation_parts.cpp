#include "federation_parts.h"

#include <algorithm>

#include "adapters/yaml/yaml.h"
#include "encoding/base64url.h"
#include "log.h"

namespace writ::writd {
namespace {

using Failure = AdministeredPeople::Failure;
using registry::ObjectKind;

admin::Actor actor_of(std::string name, std::string peer) {
  admin::Actor actor;
  actor.name = std::move(name);
  actor.role = admin::Actor::Role::admin;
  actor.peer = std::move(peer);
  return actor;
}

admin::Change change_of(const registry::User& user, const char* reason, std::optional<std::uint64_t> version) {
  registry::Reading reading;
  admin::Change change;
  change.declared.push_back(registry::read_object(ObjectKind::user, registry::from_json(registry::write(user)), reading));
  change.reason = reason;
  change.if_version = version;
  return change;
}

Failure failure_of(const admin::ChangeFailure& failure) {
  if (const auto* unavailable = std::get_if<Unavailable>(&failure)) return *unavailable;
  return token_service::idp::ChangeRefused{admin::describe(failure)};
}

bool is_same_link(const registry::User::Link& a, const registry::User::Link& b) { return a.issuer == b.issuer && a.tenant == b.tenant && a.subject == b.subject; }

}  // namespace

Task<Result<void, Failure>> AdministeredPeople::create(registry::User user, std::string connector, std::string peer) {
  auto created = co_await create_as(std::move(user), "first sign-in at an upstream provider", "connector:" + connector, std::move(peer));
  co_return created;
}

Task<Result<void, Failure>> AdministeredPeople::create_as(registry::User user, const char* reason, std::string name, std::string peer) {
  auto* administration = administration_.load();
  if (!administration) co_return unexpected(Failure(Unavailable{"the objects are not open yet"}));
  auto change = change_of(user, reason, std::nullopt);
  auto actor = actor_of(std::move(name), std::move(peer));
  const auto changed = co_await administration->change(std::move(actor), std::move(change));
  if (!changed) co_return unexpected(failure_of(changed.error()));
  co_return Result<void, Failure>{};
}

Task<Result<void, Failure>> AdministeredPeople::edit_as(std::string user_id, std::function<bool(registry::User&)> edit, const char* reason, std::string name, std::string peer) {
  auto* administration = administration_.load();
  if (!administration) co_return unexpected(Failure(Unavailable{"the objects are not open yet"}));
  Failure failure = token_service::idp::ChangeRefused{"there is no such person"};
  // Somebody else may change the same person at the same moment; nobody's change is lost.
  for (int attempt = 0; attempt < 3; ++attempt) {
    const auto catalogue = administration->catalogue();
    const registry::User* stored = catalogue->users.find(user_id);
    if (!stored) break;
    registry::User user = *stored;
    if (!edit(user)) co_return Result<void, Failure>{};
    auto change = change_of(user, reason, stored->version);
    auto actor = actor_of(name, peer);
    const auto changed = co_await administration->change(std::move(actor), std::move(change));
    if (changed) co_return Result<void, Failure>{};
    failure = failure_of(changed.error());
    const bool is_overtaken = std::holds_alternative<admin::VersionMismatch>(changed.error()) || std::holds_alternative<registry::Conflict>(changed.error());
    if (!is_overtaken) break;
  }
  co_return unexpected(std::move(failure));
}

Task<Result<void, Failure>> AdministeredPeople::set_link(std::string user_id, registry::User::Link link, std::string connector, std::string peer) {
  std::function<bool(registry::User&)> change = [link = std::move(link)](registry::User& user) {
    const auto same = std::find_if(user.links.begin(), user.links.end(), [&](const auto& other) { return is_same_link(other, link); });
    if (same == user.links.end()) {
      user.links.push_back(link);
    } else {
      *same = link;
    }
    return true;
  };
  auto changed = co_await edit_as(std::move(user_id), std::move(change), "what an upstream provider says of this person", "connector:" + connector, std::move(peer));
  co_return changed;
}

Task<Result<void, Failure>> AdministeredPeople::set_not_before(std::string user_id, Instant moment, std::string connector, std::string peer) {
  std::function<bool(registry::User&)> change = [moment](registry::User& user) {
    if (user.not_before && *user.not_before >= moment) return false;
    user.not_before = moment;
    return true;
  };
  auto changed = co_await edit_as(std::move(user_id), std::move(change), "signed out at an upstream provider", "connector:" + connector, std::move(peer));
  co_return changed;
}

Result<Secret, Unavailable> StoredConnectorSecrets::secret_of(const registry::IdentityConnector& connector) const {
  if (!connector.client_secret_file.empty()) {
    auto secret = yaml::read_secret_file(connector.client_secret_file, {});
    if (secret) return std::move(*secret);
    log_error("the client secret of identity connector " + connector.id + ": " + secret.error());
    return unexpected(Unavailable{"the client secret of an identity connector"});
  }
  const auto sealed = base64url::decode(connector.client_secret_sealed);
  auto opened = sealed ? key_.open(*sealed, registry::sealing_purpose(connector.issuer)) : std::nullopt;
  if (opened) return std::move(*opened);
  log_error("the client secret of identity connector " + connector.id + " does not open with this deployment's key: give it again");
  return unexpected(Unavailable{"the client secret of an identity connector"});
}

}  // namespace writ::writd
