#include "scim_parts.h"

#include "parts.h"

namespace writ::writd {
namespace {

using Failure = scim::DirectoryFailure;

constexpr int kAttempts = 3;

admin::Actor actor_of(const scim::Author& author) {
  admin::Actor actor;
  actor.name = scim::name_of(author.connector);
  actor.role = admin::Actor::Role::admin;
  actor.peer = author.peer;
  return actor;
}

// An error of the directory's own leaves by `refusal`; what the objects would not be right with is a list of problems.
admin::Change change_of(const scim::Author& author, scim::Editing editing, std::shared_ptr<std::optional<scim::Error>> refusal) {
  using Prepared = admin::Change::Prepared;
  admin::Change change;
  change.reason = "SCIM " + author.method + " by token " + author.token;
  change.provision = [editing = std::move(editing), refusal = std::move(refusal)](const registry::Snapshot& snapshot,
                                                                                  const registry::Catalogue& catalogue) -> Result<Prepared, registry::Problems> {
    auto edit = editing(snapshot, catalogue);
    if (!edit) {
      *refusal = edit.error();
      return unexpected(registry::Problems{{registry::Position{"/"}, edit.error().detail}});
    }
    Prepared prepared;
    prepared.declared = scim::declarations_of(*edit);
    prepared.removals = std::move(edit->removed);
    prepared.note = std::move(edit->note);
    return prepared;
  };
  return change;
}

}  // namespace

Task<Result<void, Failure>> ProvisionedDirectory::change(scim::Author author, scim::Editing editing) {
  auto* administration = administration_.load();
  if (!administration) co_return unexpected(Failure(Unavailable{"the objects are not open yet"}));
  // Another node may change the store at the same moment; the change is then worked out anew.
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto refusal = std::make_shared<std::optional<scim::Error>>();
    auto change = change_of(author, editing, refusal);
    auto actor = actor_of(author);
    const auto changed = co_await administration->change(std::move(actor), std::move(change));
    if (changed) co_return Result<void, Failure>{};
    if (*refusal) co_return unexpected(Failure(**refusal));
    if (std::holds_alternative<registry::Conflict>(changed.error())) continue;
    if (const auto* unavailable = std::get_if<Unavailable>(&changed.error())) co_return unexpected(Failure(*unavailable));
    co_return unexpected(Failure(scim::NotAccepted{admin::describe(changed.error())}));
  }
  co_return unexpected(Failure(Unavailable{"somebody else changes the store"}));
}

Task<Result<std::vector<registry::ObjectVersion>, Unavailable>> ProvisionedDirectory::history(registry::ObjectKind kind, std::string id) {
  auto* administration = administration_.load();
  if (!administration) co_return unexpected(Unavailable{"the objects are not open yet"});
  auto versions = co_await administration->store().history(kind, std::move(id));
  co_return versions;
}

Result<void, std::string> build_scim(Deployment::Parts& parts) {
  auto kept = scim::KeptAttributes::open(*parts.stores.documents);
  if (!kept) return unexpected(std::string("cannot read what directories said of people: ") + kept.error().what);
  parts.scim.kept = std::move(*kept);
  parts.scim.endpoint.reset(new scim::Endpoint{parts.config.base_url, parts.clock, parts.registry, parts.scim.directory, *parts.scim.kept, *parts.stores.log});
  parts.public_routes.add_all(scim::routes(*parts.scim.endpoint), "scim");
  return {};
}

}  // namespace writ::writd
