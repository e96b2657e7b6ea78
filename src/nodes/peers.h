#pragma once

// What a process knows of the others: whether all that may serve decide on a change. No clock but this process's monotonic one is trusted: a lease is over
// when nothing was heard for as long as it lasts, counted from when this process saw the last sign of life, which was given earlier.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "nodes/board.h"

namespace writ::nodes {

class Peers {
 public:
  using Steady = std::chrono::steady_clock;
  explicit Peers(std::string own_incarnation) : own_(std::move(own_incarnation)) {}

  // `now`: after `peers` was read.
  void look(const std::vector<Peer>& peers, Steady::time_point now);
  // Precondition: what look() was given last was read after the change that raised the epoch to this one.
  bool all_know(std::int64_t epoch, Steady::time_point now) const;
  // Of those that may serve, the names of those that have not confirmed it.
  std::vector<std::string> waiting_for(std::int64_t epoch, Steady::time_point now) const;
  // Whose lease ended a minute ago or earlier.
  std::vector<Peer> long_gone(Steady::time_point now) const;
  std::vector<Peer> present(Steady::time_point now) const;   // that may serve, this process left out
  const Peer* find(std::uint32_t number, Steady::time_point now) const;   // that may serve; null: no such one. Of two starts of a node the one that came last

 private:
  struct Seen {
    Peer peer;
    Steady::time_point since;   // when this sign of life was seen first
  };
  static bool may_serve(const Seen& seen, Steady::time_point now);
  std::string own_;
  std::map<std::string, Seen> others_;   // by incarnation
};

}  // namespace writ::nodes
