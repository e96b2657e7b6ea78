#include "upstreams/eras/pending_calls.h"

#include <utility>
#include <vector>

#include "upstreams/eras/bridged_call.h"

namespace writ::upstreams {

bool PendingCalls::add(const std::string& id, const std::string& principal, std::shared_ptr<BridgedCall> call, Instant now) {
  const std::lock_guard lock(mutex_);
  std::size_t& own = of_principal_[principal];
  if (calls_.size() >= kCallsMax || own >= kPerPrincipalMax) {
    if (own == 0) of_principal_.erase(principal);
    return false;
  }
  ++own;
  calls_.insert_or_assign(id, Entry{principal, std::move(call), Executor::current(), to_unix_seconds(now + kWaitsFor)});
  return true;
}

void PendingCalls::forget(const std::string& principal) {
  const auto own = of_principal_.find(principal);
  if (own != of_principal_.end() && --own->second == 0) of_principal_.erase(own);
}

void PendingCalls::remove(const std::string& id) {
  std::shared_ptr<BridgedCall> removed;   // let go of after the lock
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  removed = std::move(found->second.call);
  forget(found->second.principal);
  calls_.erase(found);
}

bool PendingCalls::visit(const std::string& id, std::function<void(BridgedCall&)> visit) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(id);
  if (found == calls_.end()) return false;
  // Posted under the lock: the entry keeps the call alive until then, so that this thread never holds the last of it.
  found->second.home->post([call = found->second.call, visit = std::move(visit)] { visit(*call); });
  return true;
}

void PendingCalls::take_expired(Instant now, const std::function<void(BridgedCall&)>& expire) {
  const std::lock_guard lock(mutex_);
  for (auto entry = calls_.begin(); entry != calls_.end();) {
    if (entry->second.expires > to_unix_seconds(now)) {
      ++entry;
      continue;
    }
    forget(entry->second.principal);
    entry->second.home->post([call = std::move(entry->second.call), expire] { expire(*call); });
    entry = calls_.erase(entry);
  }
}

bool PendingCalls::hold(std::size_t bytes) {
  if (bytes_.fetch_add(bytes) + bytes <= kBytesMax) return true;
  bytes_.fetch_sub(bytes);
  return false;
}

std::size_t PendingCalls::size() const {
  const std::lock_guard lock(mutex_);
  return calls_.size();
}

}  // namespace writ::upstreams
