#pragma once

#include <string>

#include "base/result.h"
#include "cedar/message.h"
#include "cedar/schema_declarations.h"

namespace writ::cedar {

// The schema in the human syntax, in one canonical layout: what is read from the text means the same, and printing that gives the
// same text. Comments are not kept. Refused where JSON says what the human syntax cannot: a name that something else bears as
// well, a list of nothing to which an action applies.
Result<std::string, Message> print_schema(const declared::Schema& schema);

}  // namespace writ::cedar
