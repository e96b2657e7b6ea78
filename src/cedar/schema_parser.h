#pragma once

// Reads the human syntax of schemas (Cedar 4.10).

#include <string>
#include <string_view>

#include "base/result.h"
#include "cedar/message.h"
#include "cedar/schema_declarations.h"

namespace writ::cedar {

Result<declared::Schema, Message> parse_schema(std::string_view text);

}  // namespace writ::cedar
