#include "token_service/resource_as/agreement.h"

#include <algorithm>

#include "policy/shadow.h"

namespace writ::token_service::resource_as {
namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) {
    if (!all.empty()) all += ',';
    all += text;
  }
  return all;
}

}  // namespace

Task<Result<void, Failure>> ask_decision_points(policy::DecisionPoints* points, Entitlement& entitlement, const registry::Snapshot& snapshot, audit::Record& record) {
  const auto& questions = entitlement.questions;
  if (questions.empty()) co_return Result<void, Failure>{};
  policy::Opinion nobody;
  nobody.reason = "external_unavailable";
  if (points == nullptr) co_return unexpected(Failure(nobody));
  std::vector<const policy::Question*> asked;
  for (const auto& question : questions) asked.push_back(&question);
  const auto opinions = co_await points->ask(std::move(asked), snapshot);
  policy::note(opinions, record);
  if (opinions.size() != questions.size()) co_return unexpected(Failure(nobody));
  if (!opinions.front().allowed) co_return unexpected(Failure(opinions.front()));
  oauth::ScopeSet left;
  std::vector<std::string> dropped;
  for (std::size_t i = 1; i < opinions.size(); ++i) {
    const std::string& scope = questions[i].scope->name;
    if (opinions[i].allowed) left.insert(scope);
    else dropped.push_back(scope);
  }
  // A list of its own: policy had allowed these.
  if (!dropped.empty()) record.more.emplace_back("dropped_by_decision_points", joined(dropped));
  if (left.empty()) co_return unexpected(Failure(opinions.back()));
  entitlement.scopes = std::move(left);
  co_return Result<void, Failure>{};
}

void record_decision(const policy::Decision& decision, audit::Record& record) {
  record.policy = joined(decision.policies);
  record.policy_version = decision.version;
  policy::record_shadows(decision, record.more);
}

bool may_redeem(const registry::TrustedIssuer& issuer, const registry::Agent& agent) {
  return issuer.all_clients || std::find(issuer.clients.begin(), issuer.clients.end(), agent.id) != issuer.clients.end();
}

}  // namespace writ::token_service::resource_as
