#pragma once

#include <memory>

#include "adapters/postgresql/worker.h"
#include "registry/object_store.h"

namespace writ::postgresql {

// Safe to share between threads, and with the other nodes: of two changes that were planned against the same sequence, one is a conflict.
class PostgresqlObjectStore final : public registry::ObjectStore {
 public:
  static Result<std::unique_ptr<PostgresqlObjectStore>, Failure> open(Address address);

  Result<registry::Catalogue, Unavailable> load() override;
  Result<bool, Unavailable> has_change(std::string_view id) override;
  Task<Result<std::uint64_t, registry::CommitFailure>> commit(registry::ChangeSet change) override;
  Task<Result<std::vector<registry::ObjectVersion>, Unavailable>> history(registry::ObjectKind kind, std::string key) override;
  Task<Result<std::vector<registry::PolicyVersion>, Unavailable>> policy_history(std::size_t limit, std::uint64_t before) override;
  Task<Result<registry::Catalogue, Unavailable>> catalogue_at(std::uint64_t sequence) override;
  Task<Result<std::optional<registry::PolicyVersion>, Unavailable>> policy_of(std::string hash) override;
  Task<Result<std::vector<registry::ChangeSet>, Unavailable>> since(std::uint64_t sequence) override;

  // Before the first change: called on the worker's thread with the epoch of each one that was committed.
  void on_epoch(std::function<void(std::int64_t)> callback) { on_epoch_ = std::move(callback); }

  void on_failure(std::function<void(const Failure&)> callback) { worker_->on_failure(std::move(callback)); }

 private:
  explicit PostgresqlObjectStore(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
  std::unique_ptr<Worker> worker_;
  std::function<void(std::int64_t)> on_epoch_ = [](std::int64_t) {};
};

// All objects as they are, read on a connection that need not be able to write.
Result<void, Failure> read_catalogue(Connection& connection, registry::Catalogue& catalogue);

}  // namespace writ::postgresql
