#pragma once

// Reads records back: those of a process alone, and the trail of all nodes.

#include <memory>

#include "adapters/postgresql/worker.h"
#include "audit/decisions_log.h"

namespace writ::postgresql {

// Safe to share between threads.
class RecordReader final : public audit::AuditReader {
 public:
  explicit RecordReader(Address address) : worker_(Worker::start(std::move(address))) {}
  Task<Result<std::vector<audit::StoredRecord>, Unavailable>> query(audit::Query query) override;
  Task<Result<std::optional<audit::StoredRecord>, Unavailable>> at(std::uint64_t name) override;
  void on_failure(std::function<void(const Failure&)> callback) { worker_->on_failure(std::move(callback)); }

 private:
  std::unique_ptr<Worker> worker_;
};

}  // namespace writ::postgresql
