#pragma once

// OtherNodes over their internal listeners (handing_on.h). What waits for a node that is there no more is ended, whether or not its machine still says anything.

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "gateway/other_nodes.h"

namespace writ::gateway {

struct NodeAddress {
  std::string url;            // origin of its internal listener
  std::string incarnation;    // of the process: what another start of the node has forgotten is not waited for
};

class NodeForwarding final : public OtherNodes {
 public:
  struct Settings {
    std::string certificate_file, key_file, authorities_file;   // PEM: who we are to other nodes, and who vouches for them
    Milliseconds answer_within{0};                              // until the head: longer than any deadline of the other node's own
    std::size_t answer_bytes_max = 0;                           // of an answer that is no stream
  };
  struct Board {
    // A node that may serve; absent: it is not there, or has no internal listener. Called on any thread.
    std::function<std::optional<NodeAddress>(std::uint32_t node)> find;
    // Returns when whoever is there now is known here.
    std::function<Task<void>()> look;
  };

  NodeForwarding(http::Upstream& upstream, Board board, Settings settings) : upstream_(upstream), board_(std::move(board)), settings_(std::move(settings)) {}

  Task<std::optional<http::Response>> ask(std::uint32_t node, const http::Request& request) override;
  // To be called a few times a second, from any thread.
  void end_lost();
  std::size_t under_way() const;

 private:
  struct Flight;
  class Answer;
  struct Underway {
    std::uint32_t node;
    std::string incarnation;
    Executor* home;
    std::weak_ptr<Flight> flight;
  };
  std::shared_ptr<Flight> begin(std::uint32_t node, const NodeAddress& address);

  http::Upstream& upstream_;
  const Board board_;
  const Settings settings_;
  mutable std::mutex mutex_;
  std::list<Underway> under_way_;
};

}  // namespace writ::gateway
