#pragma once

// Whether a request is one that the schema knows (reference, "Request validation"). Only for such requests does a validated policy
// keep its promise not to fail.

#include <optional>
#include <string>

#include "base/result.h"
#include "cedar/request.h"
#include "cedar/schema.h"
#include "cedar/value_type.h"

namespace writ::cedar {

enum class RequestProblem : std::uint8_t {
  unknown_principal_type,
  unknown_principal_id,      // its enumerated type does not list it
  unknown_resource_type,
  unknown_resource_id,
  unknown_action,
  principal_not_applicable,  // the action does not take such a principal
  resource_not_applicable,
  wrong_context,
};
std::string_view to_string(RequestProblem problem);

struct RequestRefusal {
  RequestProblem problem;
  std::string detail;
};

// Principal and resource need not be stored. Allocates nothing for a good request.
Result<void, RequestRefusal> validate_request(const Request& request, const Schema& schema);

}  // namespace writ::cedar
