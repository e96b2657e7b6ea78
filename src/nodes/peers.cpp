#include "nodes/peers.h"

namespace writ::nodes {
namespace {

constexpr std::chrono::seconds kLongGone{60};

// The monotonic clocks of two machines may run a little differently.
std::chrono::milliseconds waited_out(Milliseconds lease) { return std::chrono::milliseconds(lease.count() + lease.count() / 20 + 5); }

}  // namespace

bool Peers::may_serve(const Seen& seen, Steady::time_point now) { return now < seen.since + waited_out(seen.peer.lease); }

void Peers::look(const std::vector<Peer>& peers, Steady::time_point now) {
  std::map<std::string, Seen> others;
  for (const Peer& peer : peers) {
    if (peer.incarnation == own_) continue;
    const auto before = others_.find(peer.incarnation);
    // Another count is another sign of life, a lower one too: a database that crashed may have lost the last ones.
    const bool is_same = before != others_.end() && before->second.peer.renewal == peer.renewal;
    others.emplace(peer.incarnation, Seen{peer, is_same ? before->second.since : now});
  }
  others_ = std::move(others);   // who is not there any more has left
}

bool Peers::all_know(std::int64_t epoch, Steady::time_point now) const { return waiting_for(epoch, now).empty(); }

std::vector<std::string> Peers::waiting_for(std::int64_t epoch, Steady::time_point now) const {
  std::vector<std::string> names;
  for (const auto& [incarnation, seen] : others_) {
    if (seen.peer.confirmed < epoch && may_serve(seen, now)) names.push_back(seen.peer.name);
  }
  return names;
}

std::vector<Peer> Peers::long_gone(Steady::time_point now) const {
  std::vector<Peer> gone;
  for (const auto& [incarnation, seen] : others_) {
    if (now >= seen.since + waited_out(seen.peer.lease) + kLongGone) gone.push_back(seen.peer);
  }
  return gone;
}

std::vector<Peer> Peers::present(Steady::time_point now) const {
  std::vector<Peer> present;
  for (const auto& [incarnation, seen] : others_) {
    if (may_serve(seen, now)) present.push_back(seen.peer);
  }
  return present;
}

const Peer* Peers::find(std::uint32_t number, Steady::time_point now) const {
  const Seen* found = nullptr;
  for (const auto& [incarnation, seen] : others_) {
    if (seen.peer.number == number && may_serve(seen, now) && (!found || seen.since > found->since)) found = &seen;
  }
  return found ? &found->peer : nullptr;
}

}  // namespace writ::nodes
