#pragma once

// The JSON form of policies (language reference §10), in and out.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cedar/ast.h"
#include "cedar/message.h"
#include "cedar/policy_set.h"
#include "encoding/json.h"

namespace writ::cedar {

json::Value to_json(const ast::Policy& policy);
json::Value to_json(const ast::Expression& expression);

// One policy or template. Spans of the tree are empty: there is no text.
Result<ast::Policies, Message> read_policy(const json::Value& json);

// {"staticPolicies": {id: policy}, "templates": {id: policy}, "templateLinks": [{"templateId", "newId", "values"}]}
Result<PolicySet, Message> read_policy_set(const json::Value& json);
json::Value to_json(const PolicySet& policies);

}  // namespace writ::cedar
