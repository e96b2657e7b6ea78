#pragma once

// `subscriptions/listen` of a modern client at a server of the legacy era: what the session's GET stream and its subscriptions bring, as far as
// this client asked for it (TR-70 to TR-74). Several share one session.

#include <memory>
#include <string>
#include <vector>

#include "upstreams/eras/bridged_call.h"

namespace writ::upstreams {

// Lives on its session's home.
class BridgedListen final : public Sink, public std::enable_shared_from_this<BridgedListen> {
 public:
  BridgedListen(std::shared_ptr<LegacySession> session, Asking asking);
  ~BridgedListen() override;
  static Task<void> run(std::shared_ptr<BridgedListen> self);
  void hear(const mcp::Message& message) override;
  void end() override;

 private:
  void leave();
  void write(std::string_view method, json::Value params);
  void let_go();

  std::shared_ptr<LegacySession> session_;
  Asking asking_;
  bool tools_ = false, prompts_ = false, resources_ = false;
  std::vector<std::string> uris_;      // that the server took
  bool is_over_ = false, holds_session_ = true;
};

}  // namespace writ::upstreams
