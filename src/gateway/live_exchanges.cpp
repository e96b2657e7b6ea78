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

void LiveExchanges::visit_due(Instant now, const Basis& current, const std::function<void(Exchange&)>& examine) {
  const std::int64_t now_seconds = to_unix_seconds(now);
  for (Shard& shard : shards_) {
    std::vector<std::pair<Executor*, std::weak_ptr<Exchange>>> due;
    {
      const std::lock_guard lock(shard.mutex);
      for (const auto& [exchange, entry] : shard.entries) {
        const std::int64_t ends = entry.stands && entry.session ? std::max(entry.expires, entry.session->newest_expiry()) : entry.expires;
        if (now_seconds >= ends || !(entry.basis == current)) due.emplace_back(entry.executor, entry.exchange);
      }
    }
    for (auto& [executor, weak] : due) {
      executor->post([examine, weak = std::move(weak)] {
        if (const auto exchange = weak.lock()) examine(*exchange);
      });
    }
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
