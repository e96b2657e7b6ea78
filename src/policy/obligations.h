#pragma once

// What annotations make of a policy beyond yes and no: what is told (@message, @alternative), who may lift it (@require_approval), whether it is
// only tried out (@shadow).

#include <optional>
#include <string>

#include "cedar/ast.h"
#include "cedar/policy_set.h"
#include "policy/decision.h"

namespace writ::policy {

inline constexpr const char* kMessage = "message";
inline constexpr const char* kAlternative = "alternative";
inline constexpr const char* kRequireApproval = "require_approval";
inline constexpr const char* kShadow = "shadow";

// Of one decision: more would be a wall of text that no model reads to its end.
inline constexpr std::size_t kMessageBytesMax = 1'000;
inline constexpr std::size_t kAlternativesMax = 8;
inline constexpr std::size_t kAlternativeBytesMax = 200;

// Why the policy's annotations are refused, if they are.
std::optional<std::string> misuse_of_obligations(const cedar::ast::Policy& policy);

// Whether its scope lets it apply to tool calls and to nothing else.
bool holds_only_calls(const cedar::CompiledPolicy& policy);

// Adds what a determining policy tells: messages one after the other in the order of the policies, each text once. Control characters and marks
// that hide or turn text are left out: what an administrator sees in the file is what a model reads.
void add_told(const cedar::CompiledPolicy& policy, Decision& decision);

// At most that many bytes, cut between characters and marked.
std::string plain_text(std::string_view text, std::size_t bytes_max);

}  // namespace writ::policy
