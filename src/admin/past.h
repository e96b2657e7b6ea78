#pragma once

// Objects and policy as they were when something was decided, read again from the store's history. A few are kept: who looks into one denial looks into
// its neighbours too. Safe to share between threads.

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "policy/bundle.h"
#include "registry/object_store.h"
#include "registry/snapshot.h"

namespace writ::admin {

struct PolicyThen {
  policy::Bundle bundle;
  policy::BundleFiles files;
  std::uint64_t number = 0;
};

class Past {
 public:
  Past(registry::ObjectStore& store, policy::ParseYaml parse_yaml) : store_(store), parse_yaml_(std::move(parse_yaml)) {}

  // The objects after the change with this sequence. Null: the store has nothing of that time that this version can read.
  Task<Result<std::shared_ptr<const registry::Snapshot>, Unavailable>> objects_at(std::uint64_t sequence);
  // The bundle with this content hash. Null: there was none, or this version does not read it any more.
  Task<Result<std::shared_ptr<const PolicyThen>, Unavailable>> policy(std::string version);

 private:
  static constexpr std::size_t kKept = 8;
  template <class Key, class Value>
  struct Kept {
    std::list<std::pair<Key, std::shared_ptr<const Value>>> newest_first;
    std::shared_ptr<const Value> find(const Key& key);
    void add(const Key& key, std::shared_ptr<const Value> value);
  };

  registry::ObjectStore& store_;
  policy::ParseYaml parse_yaml_;
  std::mutex mutex_;
  Kept<std::uint64_t, registry::Snapshot> objects_;
  Kept<std::string, PolicyThen> policies_;
};

}  // namespace writ::admin
