#include "admin/past.h"

#include <algorithm>

#include "registry/plan.h"

namespace writ::admin {

using namespace registry;

template <class Key, class Value>
std::shared_ptr<const Value> Past::Kept<Key, Value>::find(const Key& key) {
  const auto found = std::find_if(newest_first.begin(), newest_first.end(), [&](const auto& one) { return one.first == key; });
  if (found == newest_first.end()) return nullptr;
  newest_first.splice(newest_first.begin(), newest_first, found);
  return found->second;
}

template <class Key, class Value>
void Past::Kept<Key, Value>::add(const Key& key, std::shared_ptr<const Value> value) {
  newest_first.emplace_front(key, std::move(value));
  if (newest_first.size() > kKept) newest_first.pop_back();
}

Task<Result<std::shared_ptr<const Snapshot>, Unavailable>> Past::objects_at(std::uint64_t sequence) {
  {
    const std::lock_guard lock(mutex_);
    if (auto kept = objects_.find(sequence)) co_return kept;
  }
  auto catalogue = co_await store_.catalogue_at(sequence);
  if (!catalogue) co_return unexpected(catalogue.error());
  if (catalogue->sequence != sequence) co_return std::shared_ptr<const Snapshot>();
  auto objects = snapshot_of(*catalogue);
  if (!objects) co_return std::shared_ptr<const Snapshot>();
  auto snapshot = std::make_shared<const Snapshot>(std::move(objects).value());
  const std::lock_guard lock(mutex_);
  objects_.add(sequence, snapshot);
  co_return std::shared_ptr<const Snapshot>(std::move(snapshot));
}

Task<Result<std::shared_ptr<const PolicyThen>, Unavailable>> Past::policy(std::string version) {
  {
    const std::lock_guard lock(mutex_);
    if (auto kept = policies_.find(version)) co_return kept;
  }
  auto stored = co_await store_.policy_of(version);
  if (!stored) co_return unexpected(stored.error());
  if (!*stored) co_return std::shared_ptr<const PolicyThen>();
  auto bundle = policy::read_bundle((*stored)->files, parse_yaml_);
  if (!bundle) co_return std::shared_ptr<const PolicyThen>();
  auto then = std::make_shared<PolicyThen>();
  then->bundle = std::move(bundle).value();
  then->files = std::move((*stored)->files);
  then->number = (*stored)->number;
  std::shared_ptr<const PolicyThen> kept = std::move(then);
  const std::lock_guard lock(mutex_);
  policies_.add(version, kept);
  co_return kept;
}

}  // namespace writ::admin
