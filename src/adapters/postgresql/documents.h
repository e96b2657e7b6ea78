#pragma once

#include <memory>

#include "adapters/postgresql/worker.h"
#include "registry/documents.h"

namespace writ::postgresql {

// Safe to share between threads.
class PostgresqlDocuments final : public registry::Documents {
 public:
  static Result<std::unique_ptr<PostgresqlDocuments>, Failure> open(Address address);

  Result<std::vector<registry::Document>, Unavailable> load(std::string_view table) override;
  Task<Result<void, Unavailable>> put(registry::Document document) override;
  Task<Result<void, Unavailable>> forget_expired(Instant now) override;

  void on_failure(std::function<void(const Failure&)> callback) { worker_->on_failure(std::move(callback)); }

 private:
  explicit PostgresqlDocuments(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
  std::unique_ptr<Worker> worker_;
};

}  // namespace writ::postgresql
