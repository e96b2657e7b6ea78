#pragma once

// Documents that several nodes share. Each node's owners keep them in memory and decide there; which of two writes counts is decided here, by one
// statement: a write stands on the one that its owner has seen last, or it is none.
//
// How that is known without telling the owners: load() and the membership hand out versions that begin with the epoch of the write that was read
// (epoch × 2^20), and owners count on from there. So a version says which write it stands on, and how often its owner has changed it since.

#include <memory>

#include "adapters/postgresql/worker.h"
#include "nodes/membership.h"
#include "registry/documents.h"

namespace writ::postgresql {

// Safe to share between threads. What is acknowledged is known to every node that serves.
class NodeDocuments final : public registry::Documents {
 public:
  // `membership` outlives the object.
  static Result<std::unique_ptr<NodeDocuments>, Failure> open(Address address, std::string incarnation, nodes::Membership& membership);

  Result<std::vector<registry::Document>, Unavailable> load(std::string_view table) override;
  // What another node has overtaken is not written: Unavailable.
  Task<Result<void, Unavailable>> put(registry::Document document) override;
  Task<Result<bool, Unavailable>> put_on_top(registry::Document document) override;
  Task<Result<void, Unavailable>> forget_expired(Instant now) override;

  void on_failure(std::function<void(const Failure&)> callback) { worker_->on_failure(std::move(callback)); }

 private:
  NodeDocuments(std::unique_ptr<Worker> worker, std::string incarnation, nodes::Membership& membership)
      : worker_(std::move(worker)), incarnation_(std::move(incarnation)), membership_(membership) {}
  std::unique_ptr<Worker> worker_;
  const std::string incarnation_;
  nodes::Membership& membership_;
};

// The version that owners are told for a write of this epoch.
std::int64_t version_of_epoch(std::int64_t epoch);

}  // namespace writ::postgresql
