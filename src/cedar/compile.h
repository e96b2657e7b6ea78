#pragma once

// What happens once to a policy so that it need not happen at each decision.

#include <vector>

#include "cedar/policy_set.h"

namespace writ::cedar {

// The expression with sets, records and calls of constants computed. One that fails stays: its error belongs to the request.
const ast::Expression* fold_constants(const ast::Expression& expression, Arena& arena);

// What the expression may read, added to `paths`; the names live in `arena`.
void collect_reads(const ast::Expression& expression, Arena& arena, std::vector<AttributePath>& paths);

}  // namespace writ::cedar
