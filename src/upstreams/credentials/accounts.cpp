#include "upstreams/credentials/accounts.h"

#include <algorithm>

#include "crypto/hash.h"
#include "encoding/form.h"
#include "oauth/identifiers.h"

namespace writ::upstreams {
namespace {

using State = LinkedAccount::State;

constexpr std::size_t kRefusedMax = 10'000;

bool is_account_of(const LinkedAccount& account, const registry::UpstreamOAuth& oauth) {
  return oauth.grant == registry::UpstreamOAuth::Grant::authorization_code && account.issuer == oauth.issuer && account.client_id == oauth.client_id;
}

// The address that the account's tokens were got with; absent when the server is gone or speaks for somebody else now.
std::optional<registry::UpstreamAddress> address_of(const LinkedAccount& account, const registry::Snapshot& snapshot) {
  const registry::Server* server = snapshot.server(account.server);
  if (!server || !server->upstream || !server->upstream->oauth || !is_account_of(account, *server->upstream->oauth)) return std::nullopt;
  return *server->upstream;
}

std::string digest_of(const Secret& token) { return crypto::sha256_bytes(token.reveal()); }

Task<void> record(audit::DecisionsLog& log, audit::Record record) {
  audit::Commit commit{std::move(record), std::nullopt, std::nullopt, audit::Durability::power};
  static_cast<void>(co_await log.commit(std::move(commit)));   // the safe side of an ending is the ended one, recorded or not
}

// Both; the refresh token first: with it the server drops the access tokens of the same grant (RFC 7009 §2.1).
Task<Result<bool, Failure>> revoke_tokens(std::shared_ptr<Core> core, registry::UpstreamAddress address, LinkedAccount account) {
  bool offered = false;
  const std::pair<const char*, const Secret*> tokens[] = {{"refresh_token", &account.refresh_token}, {"access_token", &account.access_token}};
  for (const auto& [hint, token] : tokens) {
    if (token->empty()) continue;
    const auto revoked = co_await core->servers->revoke(address, *token, hint, core->clock.now());
    if (!revoked) co_return unexpected(revoked.error());
    offered = *revoked;
    if (!offered) break;
  }
  co_return offered;
}

}  // namespace

audit::Record account_record(const LinkedAccount& account, audit::Effect effect, std::string reason, Instant now) {
  audit::Record record;
  record.event = audit::Event::upstream_account;
  record.effect = effect;
  record.time = now;
  record.reason = std::move(reason);
  record.user = account.user;
  record.server = account.server;
  record.issuer = account.issuer;
  if (!account.subject.empty()) record.more.emplace_back("account", account.subject);
  return record;
}

std::string Accounts::page_for(const std::string& server) const { return parts_.page + "?" + form::write({{"server", server}}); }

Failure Accounts::needs_account(const std::string& server, const char* why) const {
  return {Failure::Kind::needs_account, "server `" + server + "`: " + why, page_for(server), std::nullopt};
}

Result<Wanted, Failure> Accounts::wanted(const Request& request) {
  const registry::Server& server = *request.server;
  const auto account = parts_.store.find(request.user->id, server.id);
  if (!account || account->state == State::ending) return unexpected(needs_account(server.id, "the person has linked no account"));
  if (account->state == State::lost) return unexpected(needs_account(server.id, "the linked account no longer works"));
  if (!is_account_of(*account, *server.upstream->oauth)) return unexpected(needs_account(server.id, "the account was linked at another authorization server"));
  Wanted result;
  result.key = "account\n" + server.id + "\n" + request.user->id;
  result.basis = fingerprint(server) + " " + account->link;
  result.fetch = [self = shared_from_this(), address = *server.upstream, user = request.user->id, id = server.id] { return fetch(self, address, user, id); };
  return result;
}

void Accounts::note_refused(const Request& request, const AccessToken& token) {
  if (request.server->upstream->oauth->grant != registry::UpstreamOAuth::Grant::authorization_code) return;
  const std::lock_guard lock(mutex_);
  if (refused_.size() >= kRefusedMax) refused_.clear();
  refused_.insert(digest_of(token.value));
}

// One at a time for each account (TokenCache), so a refresh token that rotates is never used twice.
Task<TokenCache::Fetched> Accounts::fetch(std::shared_ptr<Accounts> self, registry::UpstreamAddress address, std::string user, std::string server) {
  const Instant now = self->parts_.core->clock.now();
  auto found = self->parts_.store.find(user, server);
  if (!found || found->state != State::linked) co_return unexpected(self->needs_account(server, "the person has linked no account"));
  LinkedAccount account = std::move(*found);
  bool is_refused = false;
  {
    const std::lock_guard lock(self->mutex_);
    is_refused = self->refused_.contains(digest_of(account.access_token));
  }
  if (!is_refused && now + TokenCache::kRenewBefore < account.expires) co_return AccessToken{account.access_token, account.expires, ""};
  std::string lost_because = "no_refresh_token";
  if (!account.refresh_token.empty()) {
    client::FormFields form{{"grant_type", std::string(oauth::kGrantRefreshToken)}, {"refresh_token", std::string(account.refresh_token.reveal())}};
    if (const std::string resource = resource_parameter(address); !resource.empty()) form.emplace_back("resource", resource);
    auto answer = co_await self->parts_.core->servers->ask_token(address, std::move(form), now);
    if (answer) {
      account.access_token = std::move(answer->access_token);
      if (!answer->refresh_token.empty()) account.refresh_token = Secret(std::move(answer->refresh_token));
      account.expires = now + answer->lifetime;
      const auto renewed = co_await self->parts_.store.renew(account);
      if (!renewed) {
        self->parts_.warn("the refreshed tokens of a linked account at server " + server + " could not be stored yet: " + renewed.error().what);
      } else if (!*renewed) {
        // Unlinked meanwhile: what came is nobody's.
        static_cast<void>(co_await revoke_tokens(self->parts_.core, address, account));
        co_return unexpected(self->needs_account(server, "the person has linked no account"));
      }
      co_return AccessToken{account.access_token, account.expires, ""};
    }
    const auto* refused = std::get_if<TokenRefused>(&answer.error());
    if (!refused || !refused->is_final) co_return unexpected(to_failure(answer.error(), server));
    lost_because = "refresh_refused";
  }
  static_cast<void>(co_await self->parts_.store.set_state(account, State::lost, now));
  auto lost = account_record(account, audit::Effect::none, lost_because, now);
  co_await record(self->parts_.log, std::move(lost));
  co_return unexpected(self->needs_account(server, "the linked account no longer works"));
}

Task<Result<bool, Unavailable>> Accounts::unlink(std::string user, std::string server, std::string reason, std::string peer) {
  const auto self = shared_from_this();
  const Instant now = parts_.core->clock.now();
  const auto account = parts_.store.find(user, server);
  if (!account || account->state == State::ending) co_return false;
  auto unlinked = account_record(*account, audit::Effect::none, std::move(reason), now);
  unlinked.peer = std::move(peer);
  co_await record(parts_.log, std::move(unlinked));
  // A lost one has no tokens left to revoke.
  auto ended = co_await parts_.store.set_state(*account, account->state == State::lost ? State::gone : State::ending, now);
  co_return ended;
}

// Revokes at the server, then forgets. Called again while the server does not answer, for a day.
Task<void> Accounts::end(std::shared_ptr<Accounts> self, LinkedAccount account, std::optional<registry::UpstreamAddress> address, std::string why) {
  const Instant now = self->parts_.core->clock.now();
  bool is_over = true;
  if (account.state == State::linked) {
    auto ending = account_record(account, audit::Effect::none, why, now);
    co_await record(self->parts_.log, std::move(ending));
    static_cast<void>(co_await self->parts_.store.set_state(account, State::ending, now));
    account.ending_since = now;
  }
  std::string how = account.access_token.empty() && account.refresh_token.empty() ? "deleted" : "deleted_not_revocable";
  if (address && how != "deleted") {
    const auto revoked = co_await revoke_tokens(self->parts_.core, *address, account);
    is_over = revoked || now - account.ending_since > kRevokeFor;
    if (revoked && *revoked) how = "revoked";
    if (!revoked) how = "deleted_not_revoked";
    if (!revoked) self->parts_.warn("the tokens of an ended account at server " + account.server + " could not be revoked" + (is_over ? ", and are given up: " : " yet: ") + revoked.error().detail);
  }
  if (is_over) {
    static_cast<void>(co_await self->parts_.store.set_state(account, State::gone, now));
    auto over = account_record(account, audit::Effect::none, how, now);
    co_await record(self->parts_.log, std::move(over));
  }
  const std::lock_guard lock(self->mutex_);
  if (is_over) self->ending_.erase(account.link);
  else self->ending_[account.link] = now;
}

Task<void> Accounts::write_again(std::shared_ptr<Accounts> self) {
  static_cast<void>(co_await self->parts_.store.write_again());
  const std::lock_guard lock(self->mutex_);
  self->is_writing_ = false;
}

void Accounts::tick(const registry::Snapshot& snapshot, Instant now) {
  struct Due {
    LinkedAccount account;
    std::optional<registry::UpstreamAddress> address;
    const char* why;
  };
  std::vector<Due> due;
  bool writes = false;
  {
    const bool has_ending = parts_.store.has_ending();
    const std::lock_guard lock(mutex_);
    const bool is_swept = swept_ == snapshot.sequence();
    std::vector<LinkedAccount> accounts;
    if (!is_swept || has_ending) accounts = parts_.store.all();
    swept_ = snapshot.sequence();
    writes = !std::exchange(is_writing_, true);
    std::size_t under_way = static_cast<std::size_t>(std::count_if(ending_.begin(), ending_.end(), [](const auto& item) { return item.second == Instant::max(); }));
    for (LinkedAccount& account : accounts) {
      if (under_way >= kRevokedAtOnce) {
        swept_ = 0;   // the rest at the next tick
        break;
      }
      const registry::User* user = snapshot.user(account.user);
      auto address = address_of(account, snapshot);
      const char* why = !user ? "user_removed" : !user->active ? "user_disabled" : !address ? "server_changed" : account.state == State::ending ? "" : nullptr;
      if (!why) continue;
      const auto [last, is_first] = ending_.try_emplace(account.link, Instant::max());
      if (!is_first && (last->second == Instant::max() || now - last->second < kRevokeEvery)) continue;
      last->second = Instant::max();
      ++under_way;
      due.push_back({std::move(account), std::move(address), why});
    }
  }
  for (Due& one : due) spawn(end(shared_from_this(), std::move(one.account), std::move(one.address), one.why), [](std::exception_ptr) {});
  if (writes) spawn(write_again(shared_from_this()), [](std::exception_ptr) {});
}

}  // namespace writ::upstreams
