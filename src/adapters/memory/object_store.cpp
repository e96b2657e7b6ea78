#include "adapters/memory/object_store.h"

#include <algorithm>

namespace writ::memory {

using namespace registry;

Result<Catalogue, Unavailable> MemoryObjectStore::load() {
  const std::lock_guard lock(mutex_);
  if (failing_) return unexpected(Unavailable{"objects"});
  return catalogue_;
}

Result<bool, Unavailable> MemoryObjectStore::has_change(std::string_view id) {
  const std::lock_guard lock(mutex_);
  if (failing_) return unexpected(Unavailable{"objects"});
  return changes_.contains(id);
}

Task<Result<std::uint64_t, CommitFailure>> MemoryObjectStore::commit(ChangeSet change) {
  const std::lock_guard lock(mutex_);
  if (failing_) co_return unexpected(CommitFailure{Unavailable{"objects"}});
  if (change.base_sequence != catalogue_.sequence) co_return unexpected(CommitFailure{Conflict{}});
  const std::uint64_t sequence = catalogue_.sequence + 1;
  apply(catalogue_, change, sequence);
  changes_.insert(change.id);
  for (const Write& write : change.writes) {
    history_[{write.kind, write.key}].push_back({sequence, change.time, change.author, change.reason, change.id, write.document});
  }
  if (change.policy) policies_.push_back(*catalogue_.policy);
  co_return sequence;
}

Task<Result<std::vector<ObjectVersion>, Unavailable>> MemoryObjectStore::history(ObjectKind kind, std::string key) {
  const std::lock_guard lock(mutex_);
  if (failing_) co_return unexpected(Unavailable{"objects"});
  std::vector<ObjectVersion> versions;
  if (const auto found = history_.find({kind, key}); found != history_.end()) versions = found->second;
  std::reverse(versions.begin(), versions.end());
  co_return versions;
}

Task<Result<std::vector<PolicyVersion>, Unavailable>> MemoryObjectStore::policy_history(std::size_t limit, std::uint64_t before) {
  const std::lock_guard lock(mutex_);
  if (failing_) co_return unexpected(Unavailable{"objects"});
  std::vector<PolicyVersion> versions(policies_.rbegin(), policies_.rend());
  if (before != 0) std::erase_if(versions, [before](const PolicyVersion& version) { return version.number >= before; });
  if (versions.size() > limit) versions.resize(limit);
  co_return versions;
}

Task<Result<Catalogue, Unavailable>> MemoryObjectStore::catalogue_at(std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  if (failing_) co_return unexpected(Unavailable{"objects"});
  Catalogue then;
  then.sequence = std::min(sequence, catalogue_.sequence);
  for (const auto& [key, versions] : history_) {
    const ObjectVersion* last = nullptr;
    for (const ObjectVersion& version : versions) {
      if (version.version > sequence) break;
      last = &version;
      if (!version.document && key.first == ObjectKind::user) then.retired_user_ids.insert(key.second);
    }
    if (last && last->document) static_cast<void>(put(then, key.first, key.second, {last->version, *last->document}));
  }
  for (const PolicyVersion& version : policies_) {
    if (version.sequence <= sequence) then.policy = version;
  }
  co_return then;
}

Task<Result<std::optional<PolicyVersion>, Unavailable>> MemoryObjectStore::policy_of(std::string hash) {
  const std::lock_guard lock(mutex_);
  if (failing_) co_return unexpected(Unavailable{"objects"});
  const auto found = std::find_if(policies_.rbegin(), policies_.rend(), [&](const PolicyVersion& version) { return version.hash == hash; });
  co_return found == policies_.rend() ? std::nullopt : std::optional(*found);
}

void MemoryObjectStore::fail_from_now_on(bool failing) {
  const std::lock_guard lock(mutex_);
  failing_ = failing;
}

}  // namespace writ::memory
