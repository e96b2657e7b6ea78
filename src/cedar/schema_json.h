#pragma once

// The JSON form of schemas (Cedar 4.10), in and out.

#include <string>
#include <string_view>

#include "base/result.h"
#include "cedar/message.h"
#include "cedar/schema_declarations.h"

namespace writ::cedar {

// Unknown members and repeated ones are refused. Messages say the path to what is wrong: "at `/Writ/actions/call/appliesTo`".
Result<declared::Schema, Message> parse_schema_json(std::string_view text);
std::string print_schema_json(const declared::Schema& schema);

}  // namespace writ::cedar
