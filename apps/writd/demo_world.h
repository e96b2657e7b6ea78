#pragma once

// The sample company of the demo: two people, two groups, two agents, one server, one row of the grants table.

#include <memory>
#include <string>

#include "base/secret.h"
#include "policy/decision.h"
#include "registry/snapshot.h"

namespace writ::writd {

struct DemoWorld {
  registry::Objects objects;
  registry::Definitions definitions;   // of its server's tools
  std::shared_ptr<const policy::Policy> policy;
  // Known to the walk alone; made anew at every start.
  Secret alice_password, bob_password, secret_at_idp, secret_at_ras;
};

inline constexpr const char* kDemoUpstreamPath = "/demo/notes";

// `base` is the demo's public URL, for example http://127.0.0.1:8420.
DemoWorld make_demo_world(const std::string& base);

}  // namespace writ::writd
