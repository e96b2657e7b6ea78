#include "policy/decision_points.h"

#include <algorithm>

namespace writ::policy {

void note(const std::vector<Opinion>& opinions, audit::Record& record) {
  // A refusal is what people look for; of many that agree, the first stands for all.
  const Opinion* shown = nullptr;
  std::int64_t duration_us = 0;
  for (const Opinion& opinion : opinions) {
    if (!opinion.was_asked) continue;
    duration_us = std::max(duration_us, opinion.duration_us);
    if (!shown || (shown->allowed && !opinion.allowed)) shown = &opinion;
  }
  if (!shown) return;
  record.more.emplace_back("decision_point", shown->decision_point);
  record.more.emplace_back("decision_point_answer", shown->allowed ? "allow" : shown->reason);
  record.more.emplace_back("decision_point_us", std::to_string(duration_us));
  if (!shown->detail.empty()) record.more.emplace_back("decision_point_detail", shown->detail);
}

const Opinion* first_refusal(const std::vector<Opinion>& opinions, std::size_t asked) {
  static const Opinion kNoAnswer{false, false, {}, "external_unavailable", {}, 0};
  for (const Opinion& opinion : opinions) {
    if (!opinion.allowed) return &opinion;
  }
  return opinions.size() == asked ? nullptr : &kNoAnswer;
}

}  // namespace writ::policy
