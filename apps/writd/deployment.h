#pragma once

// Builds everything in order, once, and hands out what listeners answer with. Nothing is decided here: the rules are in src/.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/net/event_loops.h"
#include "config/config.h"
#include "http/router.h"
#include "policy/decision.h"
#include "registry/snapshot.h"
#include "gateway/definition_reviews.h"
#include "policy/tool_catalogue.h"
#include "stores.h"

namespace writ::telemetry {
struct Instruments;
}

namespace writ::writd {

// What the gateway knows of approved tools, and where it leaves what is not approved. They outlive the deployment; null: see gateway::Dependencies.
struct ReviewedDefinitions {
  const policy::CurrentTools* tools = nullptr;
  gateway::DefinitionReviews* reviews = nullptr;
};

class Deployment {
 public:
  // `loops` outlives the deployment, and so do `instruments`; null: nobody measures. The error is a sentence for the operator.
  static Result<std::unique_ptr<Deployment>, std::string> build(config::Config config, Stores stores, registry::Current& registry, policy::Current& policy,
                                                                const Clock& clock, net::EventLoops& loops, ReviewedDefinitions definitions = {},
                                                                telemetry::Instruments* instruments = nullptr);
  ~Deployment();

  // What the public listener answers: the enabled roles.
  const http::Router& public_routes() const;
  // How much the public listener reads of a body: MCP messages may be long, everything else is a form or short (T8).
  static std::size_t body_bytes_max(std::string_view path);
  // Ends calls and streams that are no longer allowed. Runs on a loop, some ten times a second.
  void check_streams();
  // What is under way to other deployments comes to its end, within a few seconds. Blocks; the loops still run.
  void stop();
  // Runs once a second on a loop: keys rotate, what has expired is forgotten, the keys of others are refreshed.
  Task<void> tick();

  struct Parts;
  Parts& parts() { return *parts_; }

 private:
  explicit Deployment(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace writ::writd
