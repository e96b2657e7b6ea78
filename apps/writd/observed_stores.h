#pragma once

// Stores that tell how long they took and how often they failed.

#include <atomic>
#include <chrono>
#include <memory>

#include "registry/documents.h"
#include "registry/object_store.h"
#include "telemetry/instruments.h"

namespace writ::writd {

// One operation, from here to `done`.
class StoreTiming {
 public:
  StoreTiming(telemetry::Instruments& instruments, const char* operation) : instruments_(instruments), operation_(operation) {}
  template <class Value, class Failure>
  const Result<Value, Failure>& done(const Result<Value, Failure>& result) const {
    instruments_.store_durations.of({operation_}).observe(std::chrono::steady_clock::now() - started_);
    if (!result) instruments_.store_failures.of({operation_}).add();
    return result;
  }

 private:
  telemetry::Instruments& instruments_;
  const char* operation_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

class ObservedDocuments final : public registry::Documents {
 public:
  ObservedDocuments(std::unique_ptr<registry::Documents> inner, telemetry::Instruments& instruments) : inner_(std::move(inner)), instruments_(instruments) {}
  Result<std::vector<registry::Document>, Unavailable> load(std::string_view table) override { return inner_->load(table); }
  Task<Result<void, Unavailable>> put(registry::Document document) override {
    const StoreTiming timing(instruments_, "put_document");
    auto result = co_await inner_->put(std::move(document));
    failing_.store(!result, std::memory_order_relaxed);
    co_return timing.done(result);
  }
  Task<Result<bool, Unavailable>> put_on_top(registry::Document document) override {
    const StoreTiming timing(instruments_, "put_document");
    auto result = co_await inner_->put_on_top(std::move(document));
    failing_.store(!result, std::memory_order_relaxed);
    co_return timing.done(result);
  }
  Task<Result<void, Unavailable>> forget_expired(Instant now) override {
    const StoreTiming timing(instruments_, "forget_documents");
    auto result = co_await inner_->forget_expired(now);
    failing_.store(!result, std::memory_order_relaxed);
    co_return timing.done(result);
  }
  // Whether the last change could not be stored.
  bool is_failing() const { return failing_.load(std::memory_order_relaxed); }

 private:
  std::unique_ptr<registry::Documents> inner_;
  telemetry::Instruments& instruments_;
  std::atomic<bool> failing_{false};
};

class ObservedObjectStore final : public registry::ObjectStore {
 public:
  ObservedObjectStore(std::unique_ptr<registry::ObjectStore> inner, telemetry::Instruments& instruments) : inner_(std::move(inner)), instruments_(instruments) {}
  Result<registry::Catalogue, Unavailable> load() override { return inner_->load(); }
  Result<bool, Unavailable> has_change(std::string_view id) override { return inner_->has_change(id); }
  Task<Result<std::uint64_t, registry::CommitFailure>> commit(registry::ChangeSet change) override {
    const StoreTiming timing(instruments_, "commit_objects");
    auto result = co_await inner_->commit(std::move(change));
    co_return timing.done(result);
  }
  Task<Result<std::vector<registry::ObjectVersion>, Unavailable>> history(registry::ObjectKind kind, std::string key) override { return inner_->history(kind, std::move(key)); }
  Task<Result<std::vector<registry::PolicyVersion>, Unavailable>> policy_history(std::size_t limit, std::uint64_t before) override { return inner_->policy_history(limit, before); }
  Task<Result<registry::Catalogue, Unavailable>> catalogue_at(std::uint64_t sequence) override { return inner_->catalogue_at(sequence); }
  Task<Result<std::optional<registry::PolicyVersion>, Unavailable>> policy_of(std::string hash) override { return inner_->policy_of(std::move(hash)); }
  Task<Result<std::vector<registry::ChangeSet>, Unavailable>> since(std::uint64_t sequence) override { return inner_->since(sequence); }

 private:
  std::unique_ptr<registry::ObjectStore> inner_;
  telemetry::Instruments& instruments_;
};

}  // namespace writ::writd
