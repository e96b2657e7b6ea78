#include "linked_accounts/accounts.h"

#include <algorithm>

#include "registry/identity_connector.h"

namespace writ::linked_accounts {
namespace {

using registry::User;

Account account_of(const Offer& offer, const registry::Snapshot& objects) {
  Account account;
  account.id = offer.id();
  account.of = offer.of;
  account.user = offer.user;
  if (const User* user = objects.user(offer.user)) account.user_name = user->name;
  account.email = offer.email, account.agent = offer.agent;
  account.state = offer.rejected_by.empty() ? Account::State::pending : Account::State::rejected;
  account.expires = offer.expires;
  return account;
}

Account account_of(const User& user, const User::Link& link) {
  Account account;
  account.of = {link.issuer, link.tenant, link.subject};
  account.id = registry::account_id(link.issuer, link.tenant, link.subject);
  account.user = user.id, account.user_name = user.name;
  return account;
}

bool is_same_address(std::string_view a, std::string_view b) {
  const auto lower = [](char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; };
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return lower(x) == lower(y); });
}

// Everything that made the offer a good one is asked again: it may have lain about for days.
Result<const User*, Refused> check_offer(const Offer& offer, const Speaker& speaker, const registry::Snapshot& objects) {
  const User* user = objects.user(offer.user);
  if (!speaker.user.empty() && speaker.user != offer.user) return unexpected(Refused::unknown);
  if (user == nullptr || !user->active || user->kind != User::Kind::person) return unexpected(Refused::person_disabled);
  if (!speaker.user.empty() && !offer.rejected_by.empty()) return unexpected(Refused::rejected);
  const registry::TrustedIssuer* issuer = objects.trusted_issuer(offer.of.issuer);
  if (issuer == nullptr || !issuer->active || !issuer->link_by_email) return unexpected(Refused::issuer_not_trusted);
  const std::string domain = registry::domain_of(offer.email);
  const bool may_speak = std::find(issuer->email_domains.begin(), issuer->email_domains.end(), domain) != issuer->email_domains.end();
  if (!may_speak) return unexpected(Refused::issuer_not_trusted);
  if (!user->email_verified || !is_same_address(user->email, offer.email)) return unexpected(Refused::address_changed);
  const auto is_elsewhere = [&](const User::Link& link) { return link.issuer == offer.of.issuer && link.tenant == offer.of.tenant; };
  if (std::any_of(user->links.begin(), user->links.end(), is_elsewhere)) return unexpected(Refused::linked_to_another);
  return user;
}

std::string actor_of(const Speaker& speaker) { return speaker.user.empty() ? speaker.actor : "user:" + speaker.user; }

WordFailure failure_of(const ChangeFailure& failure) {
  if (const auto* unavailable = std::get_if<Unavailable>(&failure)) return *unavailable;
  return Refused::change_refused;
}

}  // namespace

std::string_view to_string(Account::State state) {
  switch (state) {
    case Account::State::linked: return "linked";
    case Account::State::pending: return "pending";
    case Account::State::rejected: return "rejected";
  }
  return "linked";
}

json::Value to_json(const Account& account) {
  json::Value out{{"id", account.id}, {"state", to_string(account.state)}, {"issuer", account.of.issuer}, {"subject", account.of.subject}, {"user", account.user}, {"user_name", account.user_name}};
  if (!account.of.tenant.empty()) out.set("tenant", account.of.tenant);
  if (account.state == Account::State::linked) return out;
  out.set("email", account.email);
  out.set("agent", account.agent);
  out.set("expires", audit::to_iso8601(account.expires));
  return out;
}

std::string_view to_string(Refused refused) {
  switch (refused) {
    case Refused::unknown: return "unknown";
    case Refused::rejected: return "rejected";
    case Refused::person_disabled: return "person_disabled";
    case Refused::issuer_not_trusted: return "issuer_not_trusted";
    case Refused::address_changed: return "address_changed";
    case Refused::linked_to_another: return "linked_to_another";
    case Refused::change_refused: return "change_refused";
  }
  return "unknown";
}

std::string_view sentence(Refused refused) {
  switch (refused) {
    case Refused::unknown: return "there is no such account to link";
    case Refused::rejected: return "linking this account was refused before; an administrator can still approve it";
    case Refused::person_disabled: return "the person is disabled here";
    case Refused::issuer_not_trusted: return "the issuer is no longer trusted to link people by this address";
    case Refused::address_changed: return "the address is no longer that person's; the account is offered again when it is next used";
    case Refused::linked_to_another: return "the person is linked to another account of this issuer; unlink that one first";
    case Refused::change_refused: return "the link does not fit what is there now; look at the list again";
  }
  return "not possible";
}

Task<Result<void, Unavailable>> LinkedAccounts::record(const char* what, audit::Effect effect, const Account& account, const Speaker& speaker) {
  audit::Commit commit;
  audit::Record& record = commit.record;
  record.event = audit::Event::linked_account;
  record.effect = effect;
  record.time = clock_.now();
  record.reason = what;
  record.user = account.user, record.user_name = account.user_name;
  record.agent = account.agent;
  record.issuer = account.of.issuer;
  record.peer = speaker.peer;
  record.more = {{"account", account.id}, {"subject", account.of.subject}, {"actor", actor_of(speaker)}};
  if (!account.of.tenant.empty()) record.more.emplace_back("tenant", account.of.tenant);
  const auto committed = co_await log_.commit(std::move(commit));
  if (!committed) co_return unexpected(committed.error());
  co_return Result<void, Unavailable>{};
}

Task<Result<Met, Unavailable>> LinkedAccounts::meet(Newcomer newcomer) {
  auto meeting = newcomer.offered_to.empty() ? create(std::move(newcomer)) : offer(std::move(newcomer));
  auto met = co_await meeting;
  co_return met;
}

Task<Result<Met, Unavailable>> LinkedAccounts::offer(Newcomer newcomer) {
  Offer wanted;
  wanted.of = newcomer.of;
  wanted.user = newcomer.offered_to, wanted.email = newcomer.email, wanted.agent = newcomer.agent;
  auto made = co_await offers_.make(std::move(wanted), clock_.now());
  if (!made) {
    if (const auto* unavailable = std::get_if<Unavailable>(&made.error())) co_return unexpected(*unavailable);
    co_return Met::too_many;
  }
  if (!made->is_new) co_return made->offer.rejected_by.empty() ? Met::pending : Met::rejected;
  const auto objects = registry_.get();
  const Account account = account_of(made->offer, *objects);
  const Speaker issuer{"", "issuer:" + newcomer.of.issuer, newcomer.peer};
  const auto recorded = co_await record("offered", audit::Effect::none, account, issuer);
  if (!recorded) co_return unexpected(recorded.error());
  co_return Met::pending;
}

Task<Result<Met, Unavailable>> LinkedAccounts::create(Newcomer newcomer) {
  const Speaker issuer{"", "issuer:" + newcomer.of.issuer, newcomer.peer};
  User user = newcomer.created;
  User::Link link;
  link.issuer = newcomer.of.issuer, link.tenant = newcomer.of.tenant, link.subject = newcomer.of.subject;
  user.links = {std::move(link)};
  const auto created = co_await changes_.create(std::move(user), issuer.actor, newcomer.peer);
  const auto objects = registry_.get();
  const User* there = objects->user_by_link(newcomer.of.issuer, newcomer.of.tenant, newcomer.of.subject);
  if (!created) {
    if (const auto* unavailable = std::get_if<Unavailable>(&created.error())) co_return unexpected(*unavailable);
    // Two first ID-JAGs of one subject can meet, and then the other one has done it.
    co_return there != nullptr ? Met::created : Met::change_refused;
  }
  if (there == nullptr) co_return unexpected(Unavailable{"a person who was just created"});
  Account account;
  account.id = registry::account_id(newcomer.of.issuer, newcomer.of.tenant, newcomer.of.subject);
  account.of = newcomer.of;
  account.user = there->id, account.user_name = there->name, account.agent = newcomer.agent;
  const auto recorded = co_await record("created", audit::Effect::allow, account, issuer);
  if (!recorded) co_return unexpected(recorded.error());
  co_return Met::created;
}

std::vector<Account> LinkedAccounts::list(const std::string& user) const {
  const auto objects = registry_.get();
  std::vector<Account> accounts;
  const auto add_links = [&](const User& one) {
    for (const auto& link : one.links) accounts.push_back(account_of(one, link));
  };
  if (user.empty()) {
    for (const User& one : objects->objects().users) add_links(one);
  } else if (const User* one = objects->user(user)) {
    add_links(*one);
  }
  for (const Offer& offer : offers_.list(clock_.now()))
    if (user.empty() || offer.user == user) accounts.push_back(account_of(offer, *objects));
  return accounts;
}

std::optional<Account> LinkedAccounts::find(const std::string& id) const {
  const auto objects = registry_.get();
  for (const User& user : objects->objects().users)
    for (const auto& link : user.links)
      if (registry::account_id(link.issuer, link.tenant, link.subject) == id) return account_of(user, link);
  const auto offer = offers_.find(id, clock_.now());
  if (!offer) return std::nullopt;
  return account_of(*offer, *objects);
}

Task<Result<Account, WordFailure>> LinkedAccounts::confirm(std::string id, Speaker speaker) {
  const Instant now = clock_.now();
  const auto objects = registry_.get();
  const auto offer = offers_.find(id, now);
  if (!offer) co_return unexpected(WordFailure(Refused::unknown));
  const auto user = check_offer(*offer, speaker, *objects);
  if (!user) co_return unexpected(WordFailure(user.error()));
  Account account = account_of(*offer, *objects);
  const auto added = co_await changes_.add_link(offer->user, offer->of, actor_of(speaker), speaker.peer);
  if (!added) co_return unexpected(failure_of(added.error()));
  const auto recorded = co_await record("linked", audit::Effect::allow, account, speaker);
  if (!recorded) co_return unexpected(WordFailure(recorded.error()));
  // The link is there; an offer that stays behind could only say it once more.
  const auto ended = co_await offers_.end(id, now);
  static_cast<void>(ended);
  account.state = Account::State::linked;
  co_return account;
}

Task<Result<Account, WordFailure>> LinkedAccounts::reject(std::string id, Speaker speaker) {
  const Instant now = clock_.now();
  const auto objects = registry_.get();
  const auto offer = offers_.find(id, now);
  if (!offer || (!speaker.user.empty() && speaker.user != offer->user)) co_return unexpected(WordFailure(Refused::unknown));
  Account account = account_of(*offer, *objects);
  const auto recorded = co_await record("refused", audit::Effect::deny, account, speaker);
  if (!recorded) co_return unexpected(WordFailure(recorded.error()));
  const auto rejected = co_await offers_.reject(id, actor_of(speaker), now);
  if (!rejected) co_return unexpected(WordFailure(rejected.error()));
  account.state = Account::State::rejected;
  account.expires = now + kRejectionLifetime;
  co_return account;
}

Task<Result<Account, WordFailure>> LinkedAccounts::unlink(std::string id, Speaker speaker) {
  const auto account = find(id);
  if (!account || account->state != Account::State::linked || (!speaker.user.empty() && speaker.user != account->user)) co_return unexpected(WordFailure(Refused::unknown));
  const auto removed = co_await changes_.remove_link(account->user, account->of, actor_of(speaker), speaker.peer);
  if (!removed) co_return unexpected(failure_of(removed.error()));
  const auto recorded = co_await record("unlinked", audit::Effect::none, *account, speaker);
  if (!recorded) co_return unexpected(WordFailure(recorded.error()));
  co_return *account;
}

}  // namespace writ::linked_accounts
