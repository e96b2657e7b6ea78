#pragma once

// Rich authorization requests (RFC 9396): an array of objects, each of a `type` that the server registers. The types here have the members that the RFC
// names for all (§2.2) and no others, so that nothing is granted that nobody understood.

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "encoding/json.h"

namespace writ::oauth {

enum class DetailsProblem {
  malformed,           // no JSON array of objects with a `type`
  too_many,
  type_unknown,
  member_unknown,
  member_malformed,    // of another type, or empty
};
std::string_view to_string(DetailsProblem problem);

// The request parameter. An empty array asks for nothing, and is malformed.
Result<json::Array, DetailsProblem> parse_authorization_details(std::string_view text);
// §5, OB-100: unknown types, unknown members, members of the wrong type.
Result<void, DetailsProblem> check_authorization_details(const json::Array& details, std::span<const std::string> types);

// Whether what is asked is no more than what was granted: the same type and identifier, and of each list that both have, a part of it. A member that only
// one of them has means something that only its type knows, so it is more (OB-103). Precondition: both were checked.
bool covers(const json::Value& granted, const json::Value& asked);

}  // namespace writ::oauth
