#include "linked_account_parts.h"

#include <algorithm>

#include "parts.h"

namespace writ::writd {
namespace {

using Failure = AdministeredAccounts::Failure;

Failure failure_of(const AdministeredPeople::Failure& failure) {
  if (const auto* unavailable = std::get_if<Unavailable>(&failure)) return *unavailable;
  return linked_accounts::ChangeRefused{std::get<token_service::idp::ChangeRefused>(failure).why};
}

bool is_of(const registry::User::Link& link, const registry::LinkedSubject& subject) {
  return link.issuer == subject.issuer && link.tenant == subject.tenant && link.subject == subject.subject;
}

Result<void, Failure> outcome(const Result<void, AdministeredPeople::Failure>& changed) {
  if (!changed) return unexpected(failure_of(changed.error()));
  return {};
}

}  // namespace

Task<Result<void, Failure>> AdministeredAccounts::create(registry::User user, std::string actor, std::string peer) {
  const auto created = co_await people_.create_as(std::move(user), "first ID-JAG of a trusted issuer", std::move(actor), std::move(peer));
  co_return outcome(created);
}

Task<Result<void, Failure>> AdministeredAccounts::add_link(std::string user_id, registry::LinkedSubject subject, std::string actor, std::string peer) {
  std::function<bool(registry::User&)> add = [subject = std::move(subject)](registry::User& user) {
    const bool is_there = std::any_of(user.links.begin(), user.links.end(), [&](const auto& link) { return is_of(link, subject); });
    if (is_there) return false;
    registry::User::Link link;
    link.issuer = subject.issuer, link.tenant = subject.tenant, link.subject = subject.subject;
    user.links.push_back(std::move(link));
    return true;
  };
  const auto changed = co_await people_.edit_as(std::move(user_id), std::move(add), "an account of another issuer was linked", std::move(actor), std::move(peer));
  co_return outcome(changed);
}

Task<Result<void, Failure>> AdministeredAccounts::remove_link(std::string user_id, registry::LinkedSubject subject, std::string actor, std::string peer) {
  std::function<bool(registry::User&)> remove = [subject = std::move(subject)](registry::User& user) {
    return std::erase_if(user.links, [&](const auto& link) { return is_of(link, subject); }) > 0;
  };
  const auto changed = co_await people_.edit_as(std::move(user_id), std::move(remove), "an account of another issuer was unlinked", std::move(actor), std::move(peer));
  co_return outcome(changed);
}

Result<void, std::string> build_linked_accounts(Deployment::Parts& parts) {
  auto built = std::make_unique<LinkedAccountParts>(parts.people);
  auto offers = linked_accounts::Offers::open(*parts.stores.documents);
  if (!offers) return unexpected(std::string("cannot read the accounts that were offered: ") + offers.error().what);
  built->offers = std::move(*offers);
  built->accounts = std::make_unique<linked_accounts::LinkedAccounts>(*built->offers, built->changes, *parts.stores.log, parts.registry, parts.clock);
  parts.linked_accounts = std::move(built);
  return {};
}

void add_linked_accounts_page(Deployment::Parts& parts) {
  auto& linked = *parts.linked_accounts;
  linked.page.reset(new token_service::idp::LinkedAccountsPage{*parts.idp->idp, *linked.accounts, parts.config.base_url + "/linked-accounts"});
  parts.public_routes.add_all(token_service::idp::linked_account_routes(*linked.page));
}

}  // namespace writ::writd
