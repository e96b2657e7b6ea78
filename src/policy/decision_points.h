#pragma once

// Whoever else must agree. Policy decides first and alone; only when it allows are external decision points asked (`and`), after the decision and
// before anything is committed. They can take away, never give. An implementation asks over the network (authzen/), so this is a coroutine
// where Policy is not.

#include <cstdint>
#include <string>
#include <vector>

#include "audit/record.h"
#include "base/task.h"
#include "policy/decision.h"
#include "registry/snapshot.h"

namespace writ::policy {

struct Opinion {
  bool allowed = false;                  // deny by default: no answer is a no
  bool was_asked = false;                // false with `allowed`: there is nobody to ask about this server
  std::string decision_point;            // who said no, or all who said yes
  std::string reason;                    // external_denied, external_unavailable; empty when allowed
  std::string detail;                    // for audit: what went wrong on the way
  std::int64_t duration_us = 0;
};

// Who was asked, what they said, and how long it took, for the record of the decision.
void note(const std::vector<Opinion>& opinions, audit::Record& record);
// The first that is no yes; one that is missing is a no. Null: all agree.
const Opinion* first_refusal(const std::vector<Opinion>& opinions, std::size_t asked);

// Safe to share between threads.
class DecisionPoints {
 public:
  virtual ~DecisionPoints() = default;
  // One opinion for each question, in their order; all are about one server. Questions and objects outlive the task.
  virtual Task<std::vector<Opinion>> ask(std::vector<const Question*> questions, const registry::Snapshot& objects) = 0;
};

}  // namespace writ::policy
