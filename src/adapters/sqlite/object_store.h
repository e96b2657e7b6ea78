#pragma once

#include <memory>
#include <string>

#include "adapters/sqlite/database.h"
#include "registry/object_store.h"

namespace writ::sqlite {

// Objects in a SQLite file, written by one thread: the documents as they are, and beside them every version they had.
class SqliteObjectStore final : public registry::ObjectStore {
 public:
  static Result<std::unique_ptr<SqliteObjectStore>, Failure> open(std::string path);

  Result<registry::Catalogue, Unavailable> load() override;
  Result<bool, Unavailable> has_change(std::string_view id) override;
  Task<Result<std::uint64_t, registry::CommitFailure>> commit(registry::ChangeSet change) override;
  Task<Result<std::vector<registry::ObjectVersion>, Unavailable>> history(registry::ObjectKind kind, std::string key) override;
  Task<Result<std::vector<registry::PolicyVersion>, Unavailable>> policy_history(std::size_t limit, std::uint64_t before) override;
  Task<Result<registry::Catalogue, Unavailable>> catalogue_at(std::uint64_t sequence) override;
  Task<Result<std::optional<registry::PolicyVersion>, Unavailable>> policy_of(std::string hash) override;
  void on_failure(std::function<void(const Failure&)> callback) { worker_->on_failure(std::move(callback)); }

 private:
  explicit SqliteObjectStore(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
  std::unique_ptr<Worker> worker_;
};

// All objects as they are, read on a connection that need not be able to write.
Result<void, Failure> read_catalogue(Connection& connection, registry::Catalogue& catalogue);

}  // namespace writ::sqlite
