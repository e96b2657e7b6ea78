#pragma once

// The decisions log of one node among several (rules §7.1). Each record goes into the node's spool first, which names it; a thread delivers the spool to
// the log that the nodes share, in order and once, and claims there what may be used once.
//
//   process            answered when it stands in the spool: also while the shared log is away, for as long as the node may serve (its lease)
//   power              answered when the shared log has it; while that is away nothing is written and the answer is Unavailable. What was written already
//                      when it went away is marked by a record `aborted`
//   with a claim       claimed in the shared log first; then the record that the claim has earned. What fails in between stays spent
//
// INVARIANT: an answered record is in the spool, and one of the level `power` in the shared log too.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audit/decisions_log.h"
#include "base/clock.h"
#include "nodes/shared_log.h"
#include "nodes/spool.h"

namespace writ::nodes {

// Safe to share between threads.
class NodeLog final : public audit::DecisionsLog, public audit::AuditReader {
 public:
  struct Parts {
    std::uint32_t number;                          // of this node, not 0
    std::unique_ptr<Spool> spool;
    std::unique_ptr<SharedLog> shared;
    std::unique_ptr<audit::AuditReader> reader;    // of the shared log
  };
  struct Limits {
    std::uint64_t undelivered_max = 100'000;       // records; beyond it commits are refused
    std::size_t claims_max = 20'000;               // that wait
    std::chrono::milliseconds try_again_after{100};
    std::chrono::milliseconds stop_within{5'000};  // to deliver what is left
  };
  // `notice` tells the operator, on the thread of this object. Names what is missing between the shared log and the spool in a record of its own.
  static Result<std::unique_ptr<NodeLog>, std::string> open(Parts parts, Limits limits, const Clock& clock, std::function<void(bool is_error, const std::string&)> notice);
  ~NodeLog() override;

  Task<Result<audit::Committed, Unavailable>> commit(audit::Commit commit) override;
  // Sees what this node has answered before.
  Task<Result<std::vector<audit::StoredRecord>, Unavailable>> query(audit::Query query) override;
  Task<Result<std::optional<audit::StoredRecord>, Unavailable>> at(std::uint64_t name) override;

  std::uint64_t undelivered() const;

 private:
  using Steady = std::chrono::steady_clock;
  using Answer = Result<bool, Unavailable>;
  struct Claiming {
    audit::Claim claim;
    std::function<void(Answer)> done;   // whether it was the first
  };
  struct Waiting {
    std::uint64_t position;
    std::function<void(Answer)> done;
  };
  NodeLog(Parts parts, Limits limits, const Clock& clock, std::uint64_t delivered, std::function<void(bool, const std::string&)> notice);
  Task<Answer> claim(audit::Claim claim);
  Task<Answer> delivered(std::uint64_t position);
  void run();
  void turn(std::vector<Claiming> claiming);
  Result<void, std::string> deliver(std::vector<Claiming>& claiming);
  void note_delivered(std::uint64_t position);
  void answer_delivered();
  void fail(std::vector<Claiming> claiming, const std::string& sentence);

  Parts parts_;
  const Limits limits_;
  const Clock& clock_;
  const std::function<void(bool, const std::string&)> notice_;

  std::atomic<bool> is_away_{false};           // the shared log, at the last try
  std::atomic<std::uint64_t> delivered_;       // position
  std::atomic<std::uint64_t> newest_{0};       // position of what was answered

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Claiming> claiming_;
  std::vector<Waiting> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace writ::nodes
