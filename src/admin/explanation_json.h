#pragma once

// Explanations as the API gives them: every sentence beside the data that it was made from. Inside admin/ only.

#include "encoding/json.h"
#include "policy/access_chain.h"

namespace writ::admin {

json::Value to_json(const policy::ExplainedPolicy& policy);
json::Value to_json(const policy::Leg& leg);
json::Value to_json(const policy::SmallestChange& change);
json::Value to_json(const policy::AccessChain& chain);

}  // namespace writ::admin
