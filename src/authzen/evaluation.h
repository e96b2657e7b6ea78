#pragma once

// The two ends of one mapping (docs/reference/authzen.md): a question of ours as an AuthZEN evaluation (Authorization API 1.0, information model;
// COAZ-MCP), and an evaluation of somebody else as a question by names. Pure.

#include <string>
#include <variant>

#include "base/clock.h"
#include "base/result.h"
#include "encoding/json.h"
#include "policy/inquiry.h"

namespace writ::authzen {

// {subject, action, resource, context}. Arguments of a call are in action.properties.arguments.
json::Value to_evaluation(const policy::Question& question);

// Not an evaluation at all: 400 (EN-64). The sentence says which member is wrong and what would be right.
struct Malformed {
  std::string sentence;
};
// An evaluation that is well formed and means nothing here: no, with a reason (deny by default).
struct NotKnown {
  std::string reason;
  std::string sentence;
};
// `now`: when the context says no time of its own; the caller's clock is not believed over ours.
Result<policy::Inquiry, std::variant<Malformed, NotKnown>> to_inquiry(const json::Value& evaluation, const registry::Snapshot& objects, Instant now);

}  // namespace writ::authzen
