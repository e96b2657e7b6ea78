#pragma once

// What a person would want to be told of a bundle that is valid: names of nothing, permits that never come to anything, rows that say nothing new,
// destructive tools without a condition. Each kind has an id and a paragraph in docs/reference/policy-check.md; a policy silences one with
// @allow("id"). Said only where it is proven for the objects that there are.

#include <string>
#include <string_view>
#include <vector>

#include "policy/bundle.h"

namespace writ::policy {

inline constexpr std::string_view kNeverApplies = "permit-never-applies";
inline constexpr std::string_view kToolNotKnown = "tool-not-known";
inline constexpr std::string_view kUnknownName = "unknown-name";
inline constexpr std::string_view kPermitShadowed = "permit-shadowed";
inline constexpr std::string_view kUnconditionalDestructive = "unconditional-destructive";
inline constexpr std::string_view kGrantCovered = "grant-covered";
inline constexpr std::string_view kUnknownWarning = "unknown-warning";

// Of a bundle without errors. Costs more than checking it: not for every change of an object.
registry::Problems find_warnings(const Bundle& bundle, const registry::Snapshot& snapshot, const ToolCatalogue& tools);

// Whether the policy says @allow("id").
bool is_silenced(const cedar::CompiledPolicy& policy, std::string_view id);

// ---- the kinds, one file each

// Entities of policy files that no object has, and ids in @allow that are none.
void find_unknown_names(const CedarPolicy& policies, const registry::Snapshot& snapshot, const ToolCatalogue& tools, std::vector<PolicyProblem>& found);
// A permit wherever a forbid holds too; and destructive tools that permits open without a condition.
void find_shadowed_permits(const CedarPolicy& policies, const registry::Snapshot& snapshot, std::vector<PolicyProblem>& found);
void find_by_tool(const Bundle& bundle, const registry::Snapshot& snapshot, const ToolCatalogue& tools, std::vector<PolicyProblem>& found);
// Rows of the grants table of which another row permits everything.
void find_covered_grants(const Bundle& bundle, const registry::Snapshot& snapshot, std::vector<PolicyProblem>& found);

// About a place in a policy; of a row of the grants table about the row.
PolicyProblem warning_at(const CedarPolicy& policies, const cedar::CompiledPolicy& policy, cedar::Span span, std::string text, std::string suggestion, std::string_view id);

}  // namespace writ::policy
