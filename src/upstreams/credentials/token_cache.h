#pragma once

// Access tokens at upstream servers, in memory: one fetch at a time for each key, however many wait for it, and a short memory of what failed, so
// that a server that is down is not asked for every call.

#include <functional>
#include <memory>
#include <string>

#include "base/secret.h"
#include "upstreams/upstream.h"

namespace writ::upstreams {

struct AccessToken {
  Secret value;
  Instant expires{};
  std::string session;    // of the IdP, on which it rests; empty: it is the gateway's own, or an account's
};
using Token = std::shared_ptr<const AccessToken>;

// Safe to share between threads. What is under way goes on when the cache is gone.
class TokenCache {
 public:
  using Fetched = Result<AccessToken, Failure>;
  // Made anew for each fetch. It owns all that it uses: those who wait for it may go away.
  using Fetch = std::function<Task<Fetched>()>;

  static constexpr Seconds kFailureRemembered{2};
  static constexpr Seconds kRenewBefore{30};       // or a fifth of the life, if that is less

  explicit TokenCache(std::size_t tokens_max = 20'000);
  // `basis`: what it was decided on (policy, objects, a link). With another one it is fetched again. Call on an executor.
  Task<Result<Token, Failure>> find(std::string key, std::string basis, Instant now, Fetch fetch);
  // The server did not take it. Another one that came meanwhile stays.
  void drop(const std::string& key, const Token& token);
  void drop_of(const std::function<bool(const AccessToken&)>& is_over);
  std::size_t size() const;

 private:
  struct Entry;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace writ::upstreams
