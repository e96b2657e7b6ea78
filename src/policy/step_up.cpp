#include "policy/step_up.h"

#include <algorithm>

namespace writ::policy {
namespace {

bool is_open(const Chain& chain, const Policy& policy, const registry::AuthenticationLevel& level) {
  return !chain.empty() && std::all_of(chain.begin(), chain.end(), [&](const Question& question) {
    Question asked = question;
    asked.authentication = at_level(question.authentication, level);
    return policy.decide(asked).allowed;
  });
}

}  // namespace

Authentication at_level(const Authentication& present, const registry::AuthenticationLevel& level) {
  Authentication after = present;
  if (!level.acr.empty()) {
    after.acr = level.expected_acr.empty() ? level.acr : level.expected_acr;
    after.amr = level.expected_amr;
  }
  if (level.max_age_seconds) after.age = Seconds{*level.max_age_seconds};
  return after;
}

std::optional<StepUp> step_up(std::span<const Chain> ways, const Policy& policy, std::span<const registry::AuthenticationLevel> levels) {
  for (const registry::AuthenticationLevel& level : levels) {
    const bool helps = std::any_of(ways.begin(), ways.end(), [&](const Chain& chain) { return is_open(chain, policy, level); });
    if (helps) return StepUp{level.id, level.acr, level.max_age_seconds};
  }
  return std::nullopt;
}

}  // namespace writ::policy
