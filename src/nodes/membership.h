#pragma once

// One node among several that share a deployment (docs/reference/nodes.md, rules §7.2). A thread follows what the others change, hands it to those who keep
// it in memory, confirms it, and so keeps the lease by which this process may serve. Whoever changed something waits until every process with a lease has
// confirmed it.
//
// INVARIANT: when everywhere() says yes, every process that still answers has applied what this one had changed before it asked.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/task.h"
#include "nodes/board.h"
#include "nodes/own_lease.h"
#include "nodes/peers.h"

namespace writ::nodes {

struct Rules {
  Milliseconds lease{1000};
  Milliseconds look_every{250};
  Milliseconds look_while_waited_for{10};
  Milliseconds acknowledged_within{10'000};
};

// Objects and policy, which are not taken over one by one.
struct FollowedObjects {
  std::function<std::uint64_t()> sequence;                       // of what this process decides on
  std::function<void(std::function<void(bool)> done)> follow;    // begins to read what is newer; `done` may be called on any thread
};

// Safe to share between threads.
class Membership {
 public:
  Membership(std::unique_ptr<Board> board, Rules rules);
  ~Membership();   // as stop()

  // ---- at start, on one thread, in this order
  // From here on nothing is missed: what is loaded afterwards is as new, or newer, and what is newer is handed over again.
  Result<void, std::string> begin();
  void follow(registry::DocumentOwner& owner);   // who outlives stop()
  void follow(FollowedObjects objects);
  // Says what the operator should know. On the thread of the membership.
  void on_notice(std::function<void(bool is_error, const std::string& sentence)> callback);
  // Returns when this process may serve, and the others know what it has changed so far; the error is a sentence.
  Result<void, std::string> start();
  // Serves no more, and says so to the others.
  void stop();

  // ---- with every request
  bool may_serve() const { return lease_.holds(OwnLease::Steady::now()); }
  std::uint64_t term() const { return lease_.term(); }

  // ---- by those who change something
  // A change of this process was committed with this epoch.
  void raised(std::int64_t epoch);
  // Every process that may serve knows what this one has changed. Before start() there is nothing to wait for.
  Task<Result<void, Unavailable>> everywhere();
  // What others had changed in documents before the call was handed to their owners.
  Task<Result<void, Unavailable>> catch_up();

  std::vector<Peer> others() const;   // that may serve
  std::optional<Peer> find(std::uint32_t number) const;   // the same, by the number of the node

 private:
  using Steady = OwnLease::Steady;
  using Answer = Result<void, Unavailable>;
  struct Waiting {
    std::int64_t epoch;               // 0: for what others changed
    Steady::time_point until;
    std::function<void(Answer)> done;
  };
  Task<Answer> wait_for(std::int64_t epoch);
  void run();
  // One look at the board. True: there is something to confirm at once.
  bool look();
  bool fail(const std::string& sentence, bool is_behind = false);
  void tell(const std::string& failure_before);
  Result<void, std::string> hand_over(const std::vector<registry::Document>& documents);
  void answer(std::vector<Waiting> asked, bool has_looked);

  std::unique_ptr<Board> board_;
  const Rules rules_;
  OwnLease lease_;
  std::multimap<std::string, registry::DocumentOwner*, std::less<>> owners_;
  FollowedObjects objects_;
  std::function<void(bool, const std::string&)> notice_ = [](bool, const std::string&) {};

  // The thread's own.
  std::int64_t applied_ = 0, confirmed_ = -1;
  Steady::time_point renewed_{};
  bool is_behind_ = false;            // it has seen what it could not apply: it gives no sign of life, so that nobody waits for it
  bool was_told_ = false;             // that it may not serve

  mutable std::mutex mutex_;
  std::string failure_;               // of the last look
  std::condition_variable changed_;
  Peers peers_;
  std::vector<Waiting> waiting_;
  std::int64_t raised_ = 0;
  bool running_ = false, stopping_ = false;
  std::atomic<bool> following_{false};
  std::thread thread_;
};

}  // namespace writ::nodes
