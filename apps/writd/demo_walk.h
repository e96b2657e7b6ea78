#pragma once

// The walk of the demo: what an employee's agent and Writ say to each other, leg by leg, as real HTTP requests, printed in plain words.

#include <functional>
#include <string>

#include "audit/decisions_log.h"
#include "base/clock.h"
#include "demo_world.h"
#include "http/message.h"

namespace writ::writd {

struct DemoWalk {
  http::Outgoing& outgoing;
  const Clock& clock;
  audit::AuditReader& audit;
  const DemoWorld& world;
  std::string base;
  std::function<void(const std::string& line)> print;
};

// True when every step did what it says.
Task<bool> walk(DemoWalk demo);

}  // namespace writ::writd
