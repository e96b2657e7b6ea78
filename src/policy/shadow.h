#pragma once

// Shadow mode: what is tried out is asked beside what decides, and only its disagreements are kept. Nothing that it says, fails at or takes long for
// changes a decision.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/decision.h"

namespace writ::policy {

// "allow", "hold" or "deny": two reasons for one of these are no disagreement.
std::string_view effect_of(Kind kind);

// Asks what is tried out, within a budget: after one that took long, shadows rest for a hundred times as long, so that together they cost a
// hundredth of a thread at most. Absent: it agrees, or was not asked.
std::optional<ShadowOutcome> try_out(const std::function<Decision()>& ask, Kind decided);

// How often a shadow was not asked because of the budget, or failed, since the process began. Zero means that the counts are complete.
std::uint64_t shadows_not_asked();

// The disagreements as members of an audit record: shadow_effect, shadow_policy, shadow_scope; candidate_effect, candidate_policy, candidate_scope,
// candidate_version. Of each kind the first one; a decision without shadows adds nothing.
void record_shadows(const Decision& decision, std::vector<std::pair<std::string, std::string>>& more);

// The decision about a scope, its disagreements marked so: they stand in the record of the connection.
Decision about_scope(Decision decision, const std::string& scope);

}  // namespace writ::policy
