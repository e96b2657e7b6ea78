#pragma once

#include <memory>
#include <string>

#include "adapters/sqlite/database.h"
#include "registry/documents.h"

namespace writ::sqlite {

// Documents in a SQLite file of their own, written by one thread.
class SqliteDocuments final : public registry::Documents {
 public:
  static Result<std::unique_ptr<SqliteDocuments>, Failure> open(std::string path);

  Result<std::vector<registry::Document>, Unavailable> load(std::string_view table) override;
  Task<Result<void, Unavailable>> put(registry::Document document) override;
  Task<Result<void, Unavailable>> forget_expired(Instant now) override;
  void on_failure(std::function<void(const Failure&)> callback) { worker_->on_failure(std::move(callback)); }

 private:
  explicit SqliteDocuments(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
  std::unique_ptr<Worker> worker_;
};

}  // namespace writ::sqlite
