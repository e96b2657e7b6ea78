#pragma once

// The spool of a node among several: an append-only log like that of a process alone, in a folder of its own. `writ audit verify --dir` checks it.

#include <atomic>
#include <memory>
#include <mutex>

#include "adapters/log/append_only_log.h"
#include "nodes/spool.h"

namespace writ::log {

class LogSpool final : public nodes::Spool {
 public:
  // Whether a spool was begun in that folder.
  static bool is_there(const std::string& directory);
  // `options.number` is the node's. `keep` removes only what was delivered. `clock` outlives it. The error is a sentence.
  static Result<std::unique_ptr<LogSpool>, std::string> open(Options options, const Clock& clock);
  ~LogSpool() override;

  const std::string& id() const { return log_->id(); }   // of the log: another one has another

  Task<Result<audit::Committed, Unavailable>> commit(audit::Commit commit) override { return log_->commit(std::move(commit)); }
  Task<Result<std::optional<audit::StoredRecord>, Unavailable>> at(std::uint64_t position) override { return log_->at(position); }
  std::uint64_t first_position() const override { return log_->first_position(); }
  std::uint64_t newest_on_disk() const override { return log_->newest_on_disk(); }
  void on_disk(std::function<void()> callback) override;
  Result<std::vector<audit::StoredRecord>, std::string> read_on(std::uint64_t after, std::size_t limit) override { return log_->read_on(after, limit); }
  void delivered(std::uint64_t position) override { delivered_->store(position); }

 private:
  struct Told {
    std::mutex mutex;
    std::function<void()> callback;
  };
  LogSpool(std::shared_ptr<Told> told, std::shared_ptr<std::atomic<std::uint64_t>> delivered, std::unique_ptr<AppendOnlyLog> log)
      : told_(std::move(told)), delivered_(std::move(delivered)), log_(std::move(log)) {}
  std::shared_ptr<Told> told_;
  std::shared_ptr<std::atomic<std::uint64_t>> delivered_;
  std::unique_ptr<AppendOnlyLog> log_;
};

}  // namespace writ::log
