#include "gateway/external_decision.h"

#include <algorithm>

#include "policy/decision_points.h"

namespace writ::gateway {

Task<void> ask_decision_points(const Dependencies& dependencies, const Circumstances& circumstances, const mcp::Message* message,
                               const mcp::Method* method, mcp::Era era, Verdict& verdict, audit::Record& record) {
  if (verdict.outcome != Verdict::Outcome::allowed) co_return;
  const auto has_points = [&](const registry::Server* server) { return server && !circumstances.snapshot.decision_points_for(server->id).empty(); };
  if (!has_points(&circumstances.server) && !has_points(circumstances.endpoint)) co_return;
  const auto deny = [&](std::string reason) {
    verdict.outcome = Verdict::Outcome::denied;
    verdict.decision.allowed = false;
    verdict.decision.policies.clear();   // those said yes
    verdict.reason = std::move(reason);
  };
  const auto questions = questions_of(circumstances, message, method, era);
  // Configured and not there, or nothing to ask about what is to be asked: fail closed.
  if (!dependencies.decision_points || questions.empty()) {
    deny("external_unavailable");
    co_return;
  }
  std::vector<const policy::Question*> asked;
  for (const auto& question : questions) asked.push_back(&question);
  const auto opinions = co_await dependencies.decision_points->ask(std::move(asked), circumstances.snapshot);
  policy::note(opinions, record);
  const policy::Opinion* refusal = policy::first_refusal(opinions, questions.size());
  if (refusal) deny(refusal->reason);
}

}  // namespace writ::gateway
