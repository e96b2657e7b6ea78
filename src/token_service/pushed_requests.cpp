#include "token_service/pushed_requests.h"

#include "crypto/hash.h"
#include "crypto/random.h"
#include "encoding/base64url.h"
#include "encoding/json.h"

namespace writ::token_service {
namespace {

constexpr std::string_view kPrefix = "urn:ietf:params:oauth:request_uri:";

std::string key_of(std::string_view request_uri) { return base64url::encode(crypto::sha256_bytes(request_uri)); }

}  // namespace

bool is_pushed_request_uri(std::string_view text) { return text.starts_with(kPrefix); }

registry::Document PushedRequests::document_of(const Entries::value_type& item) const {
  const Entry& entry = item.second;
  const json::Value value{{"client", entry.client_id}, {"request", form::write(entry.parameters.pairs())}, {"begins_until", to_unix_seconds(entry.begins_until)}, {"ends", to_unix_seconds(entry.ends)}, {"taken", entry.taken}};
  return {std::string(table()), item.first, entry.version, entry.ends, json::write(value)};
}

Result<void, Unavailable> PushedRequests::take_over(const registry::Document& document) {
  const auto unreadable = [] { return unexpected(Unavailable{"a stored authorization request cannot be read"}); };
  const auto value = json::parse(document.json);
  const auto* client = value ? value->find_string("client") : nullptr;
  const auto* request = value ? value->find_string("request") : nullptr;
  const auto* begins_until = value ? value->find_int("begins_until") : nullptr;
  const auto* ends = value ? value->find_int("ends") : nullptr;
  const auto* taken = value ? value->find_bool("taken") : nullptr;
  if (!client || !request || !begins_until || !ends || !taken) return unreadable();
  auto parameters = form::parse(*request);
  if (!parameters) return unreadable();
  const std::lock_guard lock(mutex_);
  const auto known = entries_.find(document.key);
  if (known != entries_.end() && document.version <= known->second.version) return {};
  put_in(document.key, Entry{*client, std::move(*parameters), from_unix_seconds(*begins_until), from_unix_seconds(*ends), *taken, document.version});
  return {};
}

Result<std::shared_ptr<PushedRequests>, Unavailable> PushedRequests::open(RequestHome home) {
  std::shared_ptr<PushedRequests> requests(new PushedRequests(std::move(home)));
  for (const auto& document : TRY(requests->home_.load())) TRY(requests->take_over(document));
  return requests;
}

void PushedRequests::put_in(std::string key, Entry entry) {
  const auto known = entries_.find(key);
  if (known != entries_.end() && !known->second.taken) count(known->second.client_id, -1);
  if (!entry.taken) count(entry.client_id, 1);
  entries_.insert_or_assign(std::move(key), std::move(entry));
}

void PushedRequests::erase_expired(Instant now) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    if (now < entry->second.ends) {
      ++entry;
      continue;
    }
    if (!entry->second.taken) count(entry->second.client_id, -1);
    entry = entries_.erase(entry);
  }
}

void PushedRequests::count(const std::string& client_id, int more) {
  const auto own = of_client_.try_emplace(client_id, 0).first;
  own->second += static_cast<std::size_t>(more), waiting_ += static_cast<std::size_t>(more);
  if (own->second == 0) of_client_.erase(own);
}

void PushedRequests::forget_expired(Instant now) {
  const std::lock_guard lock(mutex_);
  erase_expired(now);
}

Task<Result<std::optional<std::string>, Unavailable>> PushedRequests::add(std::string client_id, form::Parameters parameters, Instant now) {
  std::string request_uri = std::string(kPrefix) + crypto::random_token(32);
  const std::string key = key_of(request_uri);
  {
    const std::lock_guard lock(mutex_);
    const auto is_too_much = [&] {
      const auto own = of_client_.find(client_id);
      return waiting_ >= kMax || (own != of_client_.end() && own->second >= kOfOneClientMax);
    };
    if (is_too_much()) erase_expired(now);
    if (is_too_much()) co_return std::optional<std::string>{};
    put_in(key, Entry{std::move(client_id), std::move(parameters), now + kBeginsWithin, now + kBeginsWithin, false, 1});
  }
  auto keeping = home_.keep([this, key]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return std::nullopt;
    return document_of(*found);
  });
  const auto kept = co_await keeping;
  if (!kept) co_return unexpected(kept.error());
  co_return std::optional<std::string>(std::move(request_uri));
}

Task<Result<void, Unavailable>> PushedRequests::begin(std::string request_uri, std::string client_id, Instant now) {
  return home_.keep([this, key = key_of(request_uri), client_id = std::move(client_id), now]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.client_id != client_id) return std::nullopt;
    Entry& entry = found->second;
    const bool begins = !entry.taken && now < entry.begins_until && entry.ends == entry.begins_until;
    if (!begins) return std::nullopt;
    entry.ends = now + kSignInWithin;
    ++entry.version;
    return document_of(*found);
  });
}

std::optional<form::Parameters> PushedRequests::find(std::string_view request_uri, std::string_view client_id, Use use, Instant now) const {
  const std::string key = key_of(request_uri);
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.client_id != client_id || found->second.taken) return std::nullopt;
  const Entry& entry = found->second;
  if (now >= (use == Use::begins ? entry.begins_until : entry.ends)) return std::nullopt;
  return entry.parameters;
}

Task<Result<bool, Unavailable>> PushedRequests::take(std::string request_uri, Instant now) {
  const auto is_first = std::make_shared<bool>(false);
  auto keeping = home_.keep([this, key = key_of(request_uri), now, is_first]() -> std::optional<registry::Document> {
    const std::lock_guard lock(mutex_);
    *is_first = false;   // where another node was quicker this is asked again
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.taken || now >= found->second.ends) return std::nullopt;
    Entry entry = found->second;
    entry.taken = true;
    entry.parameters = {};
    ++entry.version;
    put_in(key, std::move(entry));
    *is_first = true;
    return document_of(*entries_.find(key));
  });
  const auto kept = co_await keeping;
  if (!kept) co_return unexpected(kept.error());
  co_return *is_first;
}

}  // namespace writ::token_service
