#include "gateway/step_up.h"

#include <algorithm>

#include "gateway/challenge.h"
#include "gateway/denial.h"
#include "gateway/tool_scopes.h"
#include "policy/inquiry.h"

namespace writ::gateway {
namespace {

// One of these must be granted; the least first. Empty: the token has what the message needs.
std::vector<const registry::Scope*> wanted_scopes(const Circumstances& circumstances, const mcp::Message* message, const mcp::Method* method) {
  if (!message || !method || method->need != mcp::Need::call) return {};
  const auto* tool = message->param_string("name");
  auto scopes = tool ? policy::scopes_of(circumstances.server, *tool) : std::vector<const registry::Scope*>{};
  const oauth::ScopeSet held = held_scopes(circumstances);
  if (std::any_of(scopes.begin(), scopes.end(), [&](const registry::Scope* scope) { return held.contains(scope->name); })) return {};
  std::stable_sort(scopes.begin(), scopes.end(), [](const registry::Scope* a, const registry::Scope* b) { return !a->high_impact && b->high_impact; });
  return scopes;
}

}  // namespace

std::optional<NeededStepUp> find_step_up(const Circumstances& circumstances, const mcp::Message* message, const mcp::Method* method, mcp::Era era) {
  const auto& levels = circumstances.snapshot.authentication_levels();
  if (levels.empty()) return std::nullopt;
  const auto questions = questions_of(circumstances, message, method, era);
  if (questions.empty()) return std::nullopt;
  policy::Chain chain = connection_questions(circumstances);
  chain.insert(chain.end(), questions.begin(), questions.end());
  const auto scopes = wanted_scopes(circumstances, message, method);
  std::vector<policy::Chain> ways;
  for (const registry::Scope* scope : scopes) {
    ways.push_back(chain);
    for (policy::Question& question : scope_questions(circumstances, *scope)) ways.back().push_back(std::move(question));
  }
  if (scopes.empty()) ways.push_back(std::move(chain));
  auto found = policy::step_up(ways, circumstances.policy, levels);
  if (!found) return std::nullopt;
  NeededStepUp needed{std::move(*found), {}};
  for (std::size_t i = 0; i < scopes.size() && needed.scope.empty(); ++i) {
    const auto by_this_scope = policy::step_up(std::span(&ways[i], 1), circumstances.policy, levels);
    if (by_this_scope && by_this_scope->level == needed.step_up.level) needed.scope = scope_to_ask_for(circumstances, *scopes[i]);
  }
  return needed;
}

http::Response render_step_up(const Verdict& verdict, const NeededStepUp& needed, const std::string& code, const mcp::Message* message,
                              const std::string& metadata_url, const Settings& settings) {
  const policy::StepUp& step_up = needed.step_up;
  json::Value object = denial_object(verdict, code, settings);
  object.set("retryable", true);   // after signing in again, and only then
  if (!step_up.acr_values.empty()) object.set("acr_values", step_up.acr_values);
  if (step_up.max_age_seconds) object.set("max_age", *step_up.max_age_seconds);
  std::string command = "writ login";
  if (!step_up.acr_values.empty()) command += " --acr-values " + step_up.acr_values;
  if (step_up.max_age_seconds) command += " --max-age " + std::to_string(*step_up.max_age_seconds);
  const std::string text = settings.organisation + " asks for a stronger or more recent sign-in for this. Do not retry before the person has signed in again (`" +
                           command + "`). Reference: " + code + ".";
  const bool has_id = message && message->kind() == mcp::Message::Kind::request;
  const json::Value body = mcp::error_response(has_id ? message->id() : std::nullopt, mcp::code::kDenied, text, std::move(object));
  return insufficient_user_authentication(step_up, needed.scope, metadata_url, body);
}

}  // namespace writ::gateway
