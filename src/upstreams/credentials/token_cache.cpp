#include "upstreams/credentials/token_cache.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/executor.h"

namespace writ::upstreams {

struct TokenCache::Entry {
  struct Waiter {
    Executor* executor;
    std::function<void(bool)> resume;
  };
  Token token;
  std::string basis;                   // of what is here
  Instant renew_at{}, used_at{}, failed_at{};
  std::optional<Failure> failure;
  bool in_flight = false;
  std::vector<Waiter> waiters;
};

struct TokenCache::State {
  explicit State(std::size_t max) : tokens_max(max) {}
  const std::size_t tokens_max;
  mutable std::mutex mutex;
  std::unordered_map<std::string, std::shared_ptr<Entry>> entries;

  std::shared_ptr<Entry> entry(const std::string& key, Instant now) {
    std::shared_ptr<Entry>& entry = entries[key];
    if (!entry) {
      entry = std::make_shared<Entry>();
      entry->used_at = now;
      if (entries.size() > tokens_max) make_room(key);
      return entries[key];
    }
    entry->used_at = std::max(entry->used_at, now);
    return entry;
  }
  // A tenth goes at once, so that a full cache does not look for the oldest at every request.
  void make_room(const std::string& but) {
    std::vector<std::pair<Instant, std::string>> by_age;
    for (const auto& [key, entry] : entries) {
      if (!entry->in_flight && key != but) by_age.emplace_back(entry->used_at, key);
    }
    const std::size_t count = std::min(by_age.size(), tokens_max / 10 + 1);
    std::partial_sort(by_age.begin(), by_age.begin() + static_cast<std::ptrdiff_t>(count), by_age.end());
    for (std::size_t i = 0; i < count; ++i) entries.erase(by_age[i].second);
  }
  void land(const std::shared_ptr<Entry>& entry, std::string basis, Fetched fetched, Instant now) {
    std::vector<Entry::Waiter> waiting;
    {
      const std::lock_guard lock(mutex);
      entry->basis = std::move(basis);
      entry->in_flight = false;
      if (fetched) {
        const Milliseconds life = fetched->expires - now;
        entry->renew_at = fetched->expires - std::min<Milliseconds>(kRenewBefore, life / 5);
        entry->token = std::make_shared<const AccessToken>(std::move(*fetched));
        entry->failure.reset();
      } else {
        entry->token = nullptr;
        entry->failure = std::move(fetched).error();
        entry->failed_at = now;
      }
      waiting.swap(entry->waiters);
    }
    for (Entry::Waiter& waiter : waiting) waiter.executor->post([resume = std::move(waiter.resume)] { resume(true); });
  }
  // The fetch belongs to nobody who waits for it.
  static void launch(std::shared_ptr<State> state, std::shared_ptr<Entry> entry, std::string basis, Instant now, const Fetch& fetch) {
    spawn(fetch(), [state = std::move(state), entry = std::move(entry), basis = std::move(basis), now](std::exception_ptr exception, std::optional<Fetched> fetched) mutable {
      if (exception) fetched.emplace(unexpected(Failure{Failure::Kind::credential, "an access token could not be had", "", std::nullopt}));   // or those who wait would wait for ever
      state->land(entry, std::move(basis), std::move(*fetched), now);
    });
  }
};

TokenCache::TokenCache(std::size_t tokens_max) : state_(std::make_shared<State>(tokens_max)) {}

Task<Result<Token, Failure>> TokenCache::find(std::string key, std::string basis, Instant now, Fetch fetch) {
  const std::shared_ptr<State> state = state_;
  // Twice: what was under way when we came may have been decided on something else. What begins after we came is good for us.
  for (bool is_ours = false;;) {
    std::shared_ptr<Entry> entry;
    bool starts = false;
    {
      const std::lock_guard lock(state->mutex);
      entry = state->entry(key, now);
      if (!entry->in_flight) {
        const bool fits = is_ours || entry->basis == basis;
        if (fits && entry->token && now < entry->renew_at) co_return entry->token;
        if (fits && entry->failure && (is_ours || now - entry->failed_at < kFailureRemembered)) co_return unexpected(*entry->failure);
        if (is_ours && entry->token) co_return entry->token;   // lives so short that it is due already
        entry->in_flight = starts = true;
      }
    }
    if (starts) State::launch(state, entry, basis, now, fetch);
    is_ours = is_ours || starts;
    auto wait = [&state, &entry](std::function<void(bool)> resume) {
      {
        const std::lock_guard lock(state->mutex);
        if (entry->in_flight) {
          entry->waiters.push_back({Executor::current(), std::move(resume)});
          return;
        }
      }
      resume(true);
    };
    co_await suspend_until<bool>(std::move(wait));
  }
}

void TokenCache::drop(const std::string& key, const Token& token) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->entries.find(key);
  if (found != state_->entries.end() && found->second->token == token) found->second->token = nullptr;
}

void TokenCache::drop_of(const std::function<bool(const AccessToken&)>& is_over) {
  const std::lock_guard lock(state_->mutex);
  for (auto& [key, entry] : state_->entries) {
    if (entry->token && is_over(*entry->token)) entry->token = nullptr;
  }
  std::erase_if(state_->entries, [](const auto& item) { return !item.second->token && !item.second->in_flight && !item.second->failure; });
}

std::size_t TokenCache::size() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<std::size_t>(std::count_if(state_->entries.begin(), state_->entries.end(), [](const auto& item) { return item.second->token != nullptr; }));
}

}  // namespace writ::upstreams
