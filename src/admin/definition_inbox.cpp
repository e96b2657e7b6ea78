#include "admin/definition_inbox.h"

namespace writ::admin {

Task<Result<void, Unavailable>> DefinitionInbox::keep(std::string server, std::vector<SeenNow> seen) {
  const auto snapshot = administration_.snapshot();
  const registry::Server* known = snapshot->server(server);
  if (!known) co_return Result<void, Unavailable>{};
  KeepRules rules = rules_;
  rules.approves_first = known->first_use == registry::Server::FirstUse::allow;
  const auto present = administration_.catalogue();
  const Instant now = administration_.clock().now();
  Kept kept = admin::keep(*present, server, seen, rules, now);
  if (kept.left_out > 0) co_await tell_full(server, kept.left_out);
  if (kept.declared.empty()) co_return Result<void, Unavailable>{};

  // Twice: an approval that the active policy does not stand is none, and the definition waits for a person (rules §4.8).
  for (const bool approves : {rules.approves_first, false}) {
    rules.approves_first = approves;
    Change change;
    change.reason = approves ? "first use" : "seen by the gateway";
    change.declare = [&](const registry::Catalogue& catalogue) -> Declarations { return admin::keep(catalogue, server, seen, rules, now).declared; };
    Actor actor{"gateway", "", Actor::Role::admin, false, ""};
    auto changed = co_await administration_.change(std::move(actor), std::move(change));
    if (changed) co_return Result<void, Unavailable>{};
    if (!approves || !std::holds_alternative<Invalid>(changed.error())) break;
  }
  co_return unexpected(Unavailable{"objects"});
}

Task<void> DefinitionInbox::tell_full(std::string server, std::size_t left_out) {
  {
    const std::lock_guard lock(mutex_);
    if (!told_.insert(server).second) co_return;
  }
  audit::Commit commit;
  commit.record.event = audit::Event::administration;
  commit.record.effect = audit::Effect::deny;
  commit.record.time = administration_.clock().now();
  commit.record.reason = "review_inbox_full";
  commit.record.detail = std::to_string(left_out) + " definitions were left out; what is left out is held";
  commit.record.server = std::move(server);
  commit.record.more = {{"actor", "gateway"}};
  static_cast<void>(co_await administration_.log().commit(std::move(commit)));
}

}  // namespace writ::admin
