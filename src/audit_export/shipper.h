#pragma once

// Sends the audit trail on to one sink, at least once and in order, from where it stopped last time. The trail itself is the queue: a sink that is slow
// or away costs no decision anything, and no memory; what it has not got waits on disk for as long as `audit.keep` says.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "audit/decisions_log.h"
#include "audit_export/sink.h"
#include "registry/documents.h"

namespace writ::audit_export {

struct ShipperOptions {
  std::string id;                            // of the sink; names its place in the documents
  std::size_t batch_records_max = 200;
  std::size_t batch_bytes_max = 512 << 10;
  Milliseconds idle{500};                    // between two looks at a trail without news
  Milliseconds retry{1'000}, retry_max{60'000};
};

class Shipper : public std::enable_shared_from_this<Shipper> {
 public:
  // A sink that is new here begins behind `from`. Everything outlives the object. `notice` gets sentences for the operator's log.
  static Result<std::shared_ptr<Shipper>, Unavailable> open(ShipperOptions options, std::uint64_t from, audit::AuditReader& reader, registry::Documents& documents,
                                                            std::unique_ptr<Sink> sink, std::function<void(std::string)> notice);

  enum class Turn { idle, delivered, failed };
  // One batch, if there is one.
  Task<Turn> turn();
  // Turn after turn until `stop`; waits with `pause`. On one event loop.
  Task<void> run(std::function<Task<void>(Milliseconds)> pause);
  void stop() { stopping_ = true; }

  struct State {
    std::string id;
    std::uint64_t delivered_to = 0;          // position
    std::uint64_t deliveries = 0, failures = 0;
    std::string failure;                     // of the last try; empty: it succeeded
    bool running = false;
  };
  State state() const;

 private:
  Shipper(ShipperOptions options, audit::AuditReader& reader, registry::Documents& documents, std::unique_ptr<Sink> sink, std::function<void(std::string)> notice);
  Task<Result<std::vector<audit::StoredRecord>, Unavailable>> next_rows(std::uint64_t before);
  Turn failed(std::string why);

  ShipperOptions options_;
  audit::AuditReader& reader_;
  registry::Documents& documents_;
  std::unique_ptr<Sink> sink_;
  std::function<void(std::string)> notice_;
  std::atomic<bool> stopping_{false};
  std::int64_t version_ = 0;                 // of its place in the documents; touched by turn() alone
  mutable std::mutex mutex_;                 // guards state_
  State state_;
};

}  // namespace writ::audit_export
