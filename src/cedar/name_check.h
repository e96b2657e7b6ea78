#pragma once

#include "cedar/ast.h"
#include "cedar/findings.h"
#include "cedar/schema.h"

namespace writ::cedar {

// Reports every entity type, enumerated id and action that a policy names and the schema does not declare, also in code that can
// never run: such a name is a mistake wherever it stands.
void check_names(const ast::Policy& policy, const Schema& schema, Findings& findings);
// Only the type of an entity, as it fills a slot.
void check_type_name(std::string_view type, Span span, const Schema& schema, Findings& findings);

}  // namespace writ::cedar
