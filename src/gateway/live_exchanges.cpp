#include "gateway/live_exchanges.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace writ::gateway {

std::string_view to_string(Stopped stopped) {
  switch (stopped) {
    case Stopped::no: return "";
    case Stopped::client_gone: return "client_gone";
    case Stopped::token_expired: return "token_expired";
    case Stopped::no_longer_allowed: return "no_longer_allowed";
    case Stopped::deadline: return "deadline";
    case Stopped::out_of_touch: return "node_out_of_touch";
  }
  return "";
}

std::int64_t stands_until(const AccessToken& token, const Session* session) {
  return session ? std::max(token.expires, session->newest_expiry()) : token.expires;
}

void LiveExchanges::add(const std::shared_ptr<Exchange>& exchange, Basis basis) {
  Executor* executor = Executor::current();
  if (!executor) return;   // nothing could end it from outside: whoever runs without a loop runs to the end
  const std::int64_t ends = exchange->stands ? exchange->token->expires : to_unix_seconds(exchange->deadline);
  Entry entry{executor, exchange, exchange->session, ends, exchange->stands, std::move(basis)};
  Shard& shard = shard_of(*exchange);
  const std::lock_guard lock(shard.mutex);
  shard.entries.insert_or_assign(exchange.get(), std::move(entry));
}

void LiveExchanges::remove(const Exchange& exchange) {
  Shard& shard = shard_of(exchange);
  const std::lock_guard lock(shard.mutex);
  shard.entries.erase(&exchange);
}

void LiveExchanges::set_basis(const Exchange& exchange, Basis basis) {
  Shard& shard = shard_of(exchange);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.entries.find(&exchange);
  if (found != shard.entries.end()) found->second.basis = std::move(basis);
}

namespace {

// Those of one loop. A change makes all of them due at once: some at a time, so that the calls of that moment do not wait for thousands of decisions.
struct Visit {
  std::vector<std::weak_ptr<Exchange>> due;
  std::size_t next = 0;
  std::function<void(Exchange&)> examine;
};

void go_on(Executor& executor, std::shared_ptr<Visit> visit) {
  constexpr std::size_t kAtOnce = 16;
  for (std::size_t i = 0; i < kAtOnce && visit->next < visit->due.size(); ++i) {
    if (const auto exchange = visit->due[visit->next++].lock()) visit->examine(*exchange);
  }
  if (visit->next == visit->due.size()) return;
  executor.post([&executor, visit = std::move(visit)]() mutable { go_on(executor, std::move(visit)); });
}

}  // namespace

void LiveExchanges::visit_due(Instant now, const Basis& current, const std::function<void(Exchange&)>& examine) {
  const std::int64_t now_seconds = to_unix_seconds(now);
  std::unordered_map<Executor*, std::shared_ptr<Visit>> visits;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [exchange, entry] : shard.entries) {
      const std::int64_t ends = entry.stands && entry.session ? std::max(entry.expires, entry.session->newest_expiry()) : entry.expires;
      if (now_seconds < ends && entry.basis == current) continue;
      auto& visit = visits[entry.executor];
      if (!visit) visit = std::make_shared<Visit>();
      visit->due.push_back(entry.exchange);
    }
  }
  for (auto& [executor, visit] : visits) {
    visit->examine = examine;
    executor->post([executor = executor, visit = std::move(visit)]() mutable { go_on(*executor, std::move(visit)); });
  }
}

std::size_t LiveExchanges::size() const {
  std::size_t size = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    size += shard.entries.size();
  }
  return size;
}

}  // namespace writ::gateway
