#pragma once

// A condition in one spelling, so that two policies that ask the same in other words are seen to ask the same. What is equal here is equal for
// every completion, failing evaluations included; what is not may be equal all the same. When in doubt two conditions differ.

#include <span>
#include <string>

#include "cedar/ast.h"

namespace writ::policy::preview {

// The clauses of a policy or of its residual as text for comparing, "true" when there are none. Of a permit only matters whether it is
// satisfied; of a forbid only whether it is not (one that fails denies, rules §4.1): so the order within a conjunction of a permit and within a
// disjunction of a forbid is free even where operands may fail. Elsewhere only operands that cannot fail change places.
// Of a forbid that an approval lifts everything matters. `has_arguments`: the context has `args` and `unseen`, as calls of tools have.
enum class Matters { whether_true, whether_false, all };
std::string canonical_condition(std::span<const cedar::ast::Clause> clauses, Matters matters, bool has_arguments);

}  // namespace writ::policy::preview
