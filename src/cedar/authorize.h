#pragma once

// The decision: deny by default, a forbid wins, a policy that fails is skipped and reported (language reference §7).
// What a caller makes of the errors is its own rule; `writ::policy` turns an erroring forbid into a denial.

#include <span>
#include <string>

#include "cedar/arena.h"
#include "cedar/entities.h"
#include "cedar/evaluate.h"
#include "cedar/policy_set.h"
#include "cedar/request.h"

namespace writ::cedar {

enum class Decision : std::uint8_t { deny, allow };

struct PolicyError {
  const CompiledPolicy* policy;
  EvaluationError error;

  // Line, column and the text pointed at, where the policy came from a text.
  Message to_message() const;
};

// Borrows from the policies and the arena.
struct Answer {
  Decision decision = Decision::deny;
  // The satisfied permits of an allow, the satisfied forbids of a deny, in the order of the policies. None: denied by default.
  std::span<const CompiledPolicy* const> determining;
  // Every policy that failed, whatever its effect and the decision, in the order of the policies.
  std::span<const PolicyError> errors;
};

// Safe to call from many threads with one set and one store. Nothing is allocated outside the arena, which is the caller's to clear
// after use of the answer. Precondition: the context is a record.
Answer authorize(const PolicySet& policies, const Entities& entities, const Request& request, Arena& arena);

// The test of one policy; false when the scope does not match.
Result<bool, EvaluationError> is_satisfied(const CompiledPolicy& policy, const RequestEntities& stored, const Request& request, Evaluator& evaluator);
RequestEntities find_request_entities(const Entities& entities, const Request& request);
// Whether the scope matches, clauses apart.
bool matches_scope(const ast::Policy& policy, const RequestEntities& stored, const Request& request);

}  // namespace writ::cedar
