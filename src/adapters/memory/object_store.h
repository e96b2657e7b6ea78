#pragma once

// Objects in memory, for tests and `writ demo`: they live as long as the object.

#include <mutex>
#include <set>
#include <vector>

#include "registry/object_store.h"

namespace writ::memory {

class MemoryObjectStore final : public registry::ObjectStore {
 public:
  Result<registry::Catalogue, Unavailable> load() override;
  Result<bool, Unavailable> has_change(std::string_view id) override;
  Task<Result<std::uint64_t, registry::CommitFailure>> commit(registry::ChangeSet change) override;
  Task<Result<std::vector<registry::ObjectVersion>, Unavailable>> history(registry::ObjectKind kind, std::string key) override;
  Task<Result<std::vector<registry::PolicyVersion>, Unavailable>> policy_history(std::size_t limit, std::uint64_t before) override;
  Task<Result<registry::Catalogue, Unavailable>> catalogue_at(std::uint64_t sequence) override;
  Task<Result<std::optional<registry::PolicyVersion>, Unavailable>> policy_of(std::string hash) override;
  void fail_from_now_on(bool failing);   // for tests: a store that cannot be reached

 private:
  std::mutex mutex_;
  registry::Catalogue catalogue_;
  std::map<std::pair<registry::ObjectKind, std::string>, std::vector<registry::ObjectVersion>> history_;
  std::vector<registry::PolicyVersion> policies_;
  std::set<std::string, std::less<>> changes_;
  bool failing_ = false;
};

}  // namespace writ::memory
