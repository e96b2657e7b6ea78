#pragma once

// A process that is one of several nodes (docs/reference/nodes.md): who follows what the others change, and what is answered while nobody tells it.

#include <memory>

#include "crypto/client_certificate.h"
#include "http/message.h"
#include "parts.h"

namespace writ::writd {

// Hands what other nodes write to those who keep it in memory. Before Membership::start(); outlives its thread.
class NodeFollowing {
 public:
  NodeFollowing(nodes::Membership& membership, Deployment::Parts& parts, admin::Administration& administration, net::EventLoops& loops);
  ~NodeFollowing();

 private:
  class Candidate;
  std::unique_ptr<Candidate> candidate_;
};

// Whether a certificate names the host of another node that is there.
Task<bool> is_of_a_node(nodes::Membership& membership, const crypto::ClientCertificate& certificate);

// 503 while this node has no lease, also for what was decided before it lost it. `membership` outlives the handler.
http::Handler while_serving(const nodes::Membership& membership, http::Handler handler);

}  // namespace writ::writd
