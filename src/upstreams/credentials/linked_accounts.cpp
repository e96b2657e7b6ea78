#include "upstreams/credentials/linked_accounts.h"

#include <algorithm>

#include "encoding/base64url.h"
#include "encoding/json.h"

namespace writ::upstreams {
namespace {

using State = LinkedAccount::State;

constexpr const char* kTable = "upstream_accounts";
const Instant kNever{Milliseconds{253'402'300'799'000}};   // the end of the year 9999
constexpr int kAttemptsMax = 8;
constexpr Unavailable kContended{"linked accounts: other nodes change the same one all the time"};
constexpr Seconds kGoneKept{3600};                         // so that no older write of the same account comes after it

std::string purpose_of(const LinkedAccount& account) { return "upstream account of " + account.user + " at " + account.server + " of " + account.issuer; }

const char* to_text(State state) {
  switch (state) {
    case State::linked: return "linked";
    case State::lost: return "lost";
    case State::ending: return "ending";
    case State::gone: return "gone";
  }
  return "gone";
}
std::optional<State> to_state(std::string_view text) {
  for (const State state : {State::linked, State::lost, State::ending, State::gone}) {
    if (text == to_text(state)) return state;
  }
  return std::nullopt;
}

std::int64_t milliseconds(Instant instant) { return instant.time_since_epoch().count(); }

void forget_tokens(LinkedAccount& account) { account.access_token = Secret(), account.refresh_token = Secret(); }

// Absent: not as it was written.
std::optional<LinkedAccount> read(const registry::Document& document, const crypto::SealingKey& key) {
  const auto value = json::parse(document.json);
  if (!value || !value->is_object()) return std::nullopt;
  bool ok = true;
  const auto text = [&](const char* name) {
    const auto* found = value->find_string(name);
    ok = ok && found;
    return found ? *found : std::string();
  };
  const auto time = [&](const char* name) {
    const auto* found = value->find_int(name);
    ok = ok && found;
    return Instant{Milliseconds{found ? *found : 0}};
  };
  LinkedAccount account;
  account.user = text("user"), account.server = text("server"), account.link = text("link");
  account.issuer = text("issuer"), account.client_id = text("client_id");
  account.subject = text("subject"), account.label = text("label");
  account.linked = time("linked"), account.expires = time("expires"), account.ending_since = time("ending_since");
  const auto state = to_state(text("state"));
  const std::string sealed = text("tokens");
  if (!ok || !state) return std::nullopt;
  account.state = *state;
  if (sealed.empty()) return account;
  const auto bytes = base64url::decode(sealed);
  const auto opened = bytes ? key.open(*bytes, purpose_of(account)) : std::nullopt;
  const auto tokens = opened ? json::parse(opened->reveal()) : Result<json::Value, json::Problem>(unexpected(json::Problem::syntax));
  const auto* parts = tokens ? tokens->as_array() : nullptr;
  if (!parts || parts->size() != 2 || !(*parts)[0].as_string() || !(*parts)[1].as_string()) return std::nullopt;
  account.access_token = Secret(*(*parts)[0].as_string()), account.refresh_token = Secret(*(*parts)[1].as_string());
  return account;
}

}  // namespace

registry::Document LinkedAccounts::document_of(const Entry& entry) const {
  const LinkedAccount& account = entry.account;
  std::string sealed;
  if (account.state == State::linked || account.state == State::ending) {
    const Secret tokens(json::write(json::Array{std::string(account.access_token.reveal()), std::string(account.refresh_token.reveal())}));
    sealed = base64url::encode(sealing_key_.seal(tokens.reveal(), purpose_of(account)));
  }
  const json::Value value{{"user", account.user}, {"server", account.server}, {"link", account.link}, {"issuer", account.issuer}, {"client_id", account.client_id},
                          {"subject", account.subject}, {"label", account.label}, {"tokens", sealed}, {"state", to_text(account.state)},
                          {"linked", milliseconds(account.linked)}, {"expires", milliseconds(account.expires)}, {"ending_since", milliseconds(account.ending_since)}};
  const Instant keep = account.state == State::gone ? account.ending_since + kGoneKept : kNever;
  return {kTable, account.user + "/" + account.server, entry.version, keep, json::write(value)};
}

Result<std::unique_ptr<LinkedAccounts>, Unavailable> LinkedAccounts::open(registry::Documents& documents, crypto::SealingKey key) {
  std::unique_ptr<LinkedAccounts> accounts(new LinkedAccounts(documents, std::move(key)));
  for (const auto& document : TRY(documents.load(kTable))) {
    auto account = read(document, accounts->sealing_key_);
    if (!account) return unexpected(Unavailable{"a linked account cannot be read"});
    Key at{account->user, account->server};
    accounts->accounts_.emplace(std::move(at), Entry{std::move(*account), document.version, false});
  }
  return accounts;
}

std::string_view LinkedAccounts::table() const { return kTable; }

Result<void, Unavailable> LinkedAccounts::take_over(const registry::Document& document) {
  auto account = read(document, sealing_key_);
  if (!account) return unexpected(Unavailable{"a linked account cannot be read"});
  const std::lock_guard lock(mutex_);
  Entry& entry = accounts_[Key{account->user, account->server}];
  if (document.version > entry.version) entry = Entry{std::move(*account), document.version, false};
  return {};
}

std::optional<LinkedAccount> LinkedAccounts::find(std::string_view user, std::string_view server) const {
  const std::lock_guard lock(mutex_);
  const auto found = accounts_.find({std::string(user), std::string(server)});
  if (found == accounts_.end() || found->second.account.state == State::gone) return std::nullopt;
  return found->second.account;
}

std::vector<LinkedAccount> LinkedAccounts::of_user(std::string_view user) const {
  auto accounts = all();
  std::erase_if(accounts, [&](const LinkedAccount& account) { return account.user != user; });
  return accounts;
}

std::vector<LinkedAccount> LinkedAccounts::all() const {
  std::vector<LinkedAccount> accounts;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, entry] : accounts_) {
    if (entry.account.state != State::gone) accounts.push_back(entry.account);
  }
  return accounts;
}

bool LinkedAccounts::has_ending() const {
  const std::lock_guard lock(mutex_);
  return std::any_of(accounts_.begin(), accounts_.end(), [](const auto& item) { return item.second.account.state == State::ending; });
}

bool LinkedAccounts::is_of_another(const LinkedAccount& account) const {
  const std::lock_guard lock(mutex_);
  return is_of_another_locked(account);
}

bool LinkedAccounts::is_of_another_locked(const LinkedAccount& account) const {
  return std::any_of(accounts_.begin(), accounts_.end(), [&](const auto& item) {
    const LinkedAccount& other = item.second.account;
    const bool is_in_use = other.state == State::linked || other.state == State::lost;
    return is_in_use && other.user != account.user && other.issuer == account.issuer && other.subject == account.subject;
  });
}

Task<Result<bool, Unavailable>> LinkedAccounts::write(registry::Document document, Key key) {
  const std::int64_t version = document.version;
  const auto written = co_await documents_.put_on_top(std::move(document));
  const std::lock_guard lock(mutex_);
  const auto found = accounts_.find(key);
  if (found != accounts_.end() && found->second.version == version) found->second.is_unwritten = !written;
  co_return written;
}

// Each change is made once more when another node was quicker: by then the entry is what that node wrote.
Task<Result<LinkedAccounts::Added, Unavailable>> LinkedAccounts::add(LinkedAccount account) {
  for (int attempts = 0; attempts < kAttemptsMax; ++attempts) {
    Key key{account.user, account.server};
    registry::Document document;
    {
      const std::lock_guard lock(mutex_);
      if (is_of_another_locked(account)) co_return Added::account_of_another;
      Entry& entry = accounts_[key];
      entry.account = account;
      ++entry.version;
      document = document_of(entry);
    }
    const auto written = co_await write(std::move(document), std::move(key));
    if (!written) co_return unexpected(written.error());
    if (*written) co_return Added::yes;
  }
  co_return unexpected(kContended);
}

Task<Result<bool, Unavailable>> LinkedAccounts::renew(LinkedAccount account) {
  for (int attempts = 0; attempts < kAttemptsMax; ++attempts) {
    Key key{account.user, account.server};
    registry::Document document;
    {
      const std::lock_guard lock(mutex_);
      const auto found = accounts_.find(key);
      if (found == accounts_.end() || found->second.account.link != account.link || found->second.account.state != State::linked) co_return false;
      found->second.account = account;
      ++found->second.version;
      document = document_of(found->second);
    }
    const auto written = co_await write(std::move(document), std::move(key));
    if (!written) co_return unexpected(written.error());
    if (*written) co_return true;
  }
  co_return unexpected(kContended);
}

Task<Result<bool, Unavailable>> LinkedAccounts::set_state(LinkedAccount account, State state, Instant now) {
  for (int attempts = 0; attempts < kAttemptsMax; ++attempts) {
    Key key{account.user, account.server};
    registry::Document document;
    {
      const std::lock_guard lock(mutex_);
      const auto found = accounts_.find(key);
      if (found == accounts_.end() || found->second.account.link != account.link || found->second.account.state == State::gone) co_return false;
      LinkedAccount& kept = found->second.account;
      if (kept.state == state) co_return true;
      // What ends does not come to life again.
      if (kept.state == State::ending && state != State::gone) co_return false;
      kept.state = state;
      kept.ending_since = now;
      if (state == State::lost || state == State::gone) forget_tokens(kept);
      ++found->second.version;
      document = document_of(found->second);
    }
    const auto written = co_await write(std::move(document), std::move(key));
    if (!written) co_return unexpected(written.error());
    if (*written) co_return true;
  }
  co_return unexpected(kContended);
}

Task<Result<void, Unavailable>> LinkedAccounts::write_again() {
  std::vector<std::pair<Key, registry::Document>> unwritten;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [key, entry] : accounts_) {
      if (entry.is_unwritten) unwritten.emplace_back(key, document_of(entry));
    }
  }
  Result<void, Unavailable> all;
  for (auto& [key, document] : unwritten) {
    Key at = key;
    registry::Document again = std::move(document);
    const auto written = co_await write(std::move(again), std::move(at));
    if (!written) all = unexpected(written.error());
  }
  co_return all;
}

}  // namespace writ::upstreams
