#pragma once

// Records as events of the Open Cybersecurity Schema Framework 1.3, for a SIEM:
//   sign-ins and their ends          Authentication (3002)
//   ID-JAGs, tokens, sessions        Authorize Session (3003)
//   everything else                  API Activity (6003)
// What the schema has no place for stands under `unmapped` as the record has it.

#include "encoding/json.h"

namespace writ::audit_export {

json::Value to_ocsf(const json::Value& record);

}  // namespace writ::audit_export
