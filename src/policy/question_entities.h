#pragma once

// A question as Cedar sees it: the entities that it is about, with their parents, and the request. policy/ always supplies principal, agent,
// resource and their parents (rules §4.1).

#include <optional>
#include <string>
#include <vector>

#include "cedar/entities.h"
#include "cedar/partial.h"
#include "cedar/request.h"
#include "policy/access_grant.h"
#include "policy/decision.h"

namespace writ::policy {

struct Asked {
  cedar::Entities entities;
  cedar::EntityUid principal, action, resource, agent;
};
// Absent when the question lacks what its action needs: then the answer is deny. Texts live in `arena`.
std::optional<Asked> ask(const Question& question, const std::vector<ToolPattern>& patterns, cedar::Arena& arena);

// The context of a known question; `args` and `unseen` only for calls. Absent when a fact cannot be a value (an address that is none).
struct KnownContext {
  cedar::Value value;
  bool has_unseen = false;
};
std::optional<KnownContext> context_of(const Question& question, const Asked& asked, cedar::Arena& arena);
// The context when arguments, authentication and time are not known (rules §4.5).
cedar::PartialValue partial_context_of(const Question& question, const Asked& asked, cedar::Arena& arena);

}  // namespace writ::policy
