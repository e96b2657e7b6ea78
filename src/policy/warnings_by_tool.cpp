// What can be said of permits once tools are known: each tool is asked about with everything else open, so what is decided then holds for every
// person, agent, time and argument.

#include <algorithm>
#include <map>
#include <set>

#include "cedar/partial.h"
#include "policy/policy_warnings.h"
#include "policy/question_entities.h"

namespace writ::policy {
namespace {

// Tools × policies that are looked at; above that nothing is said.
constexpr std::size_t kPairsMax = 5'000'000;
constexpr std::size_t kNamedMax = 5;

cedar::PartialValue open_context(cedar::Arena& arena) {
  using cedar::PartialValue;
  return PartialValue::record(arena, {{"agent", PartialValue::entity_of_type(kAgentType), false}, {"args", PartialValue::unknown(), false}, {"auth", PartialValue::unknown(), false},
                                      {"ip", PartialValue::unknown(), true}, {"issuer", PartialValue::unknown(), false}, {"now", PartialValue::unknown(), false},
                                      {"unseen", PartialValue::unknown(), false}});
}

std::string list_of(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamedMax); ++i) text += (i == 0 ? "`" : ", `") + names[i] + "`";
  return names.size() > kNamedMax ? text + " and " + std::to_string(names.size() - kNamedMax) + " more" : text;
}

class ByTool {
 public:
  explicit ByTool(const Bundle& bundle) : policies_(*bundle.policy) {
    for (const Bundle::Row& row : bundle.rows) {
      for (const std::string& tool : row.grant.tools.names) named_.emplace(row.grant.id, id_at(row.grant.server, tool));
    }
  }

  void look_at(const registry::Server& server, const ToolFacts& tool) {
    Question question;
    question.action = Action::call;
    question.server = server_facts(server);
    question.tool = tool;
    for (const auto* scope : scopes_of(server, tool.name)) question.tool->scopes.push_back(scope->name);
    cedar::Arena arena;
    const auto asked = ask(question, policies_.tool_patterns(), arena);
    if (!asked) return;
    const cedar::PartialRequest request{cedar::PartialEntity::of_type(kUserType), asked->action, cedar::PartialEntity::known(asked->resource), open_context(arena), {}};
    const auto answer = cedar::authorize_partially(policies_.policies(), asked->entities, request, arena);
    const std::string name = id_at(server.id, tool.name);
    bool is_guarded = false;
    for (const auto& residual : answer.policies) {
      if (residual.policy->effect() != cedar::ast::Effect::forbid) continue;
      is_guarded = true;
      if (!residual.outcomes.may_not_be_satisfied && !residual.policy->annotation("require_approval")) forbidden_.emplace(name, residual.policy);
    }
    if (is_guarded || !tool.destructive || tool.read_only) return;
    for (const auto& residual : answer.policies) {
      const cedar::CompiledPolicy& permit = *residual.policy;
      const bool is_row = policies_.place(permit).file == "grants.yaml";
      if (permit.effect() != cedar::ast::Effect::permit || !residual.outcomes.may_be_satisfied || is_silenced(permit, kUnconditionalDestructive)) continue;
      // A row's conditions are only which agent and which tools. Who names a tool in full has thought of it.
      if (is_row ? named_.contains({shown_id(permit.id()), name}) : !permit.tree().clauses.empty()) continue;
      auto& opened = opened_[shown_id(permit.id())];
      opened.first = &permit;
      opened.second.push_back(name);
    }
  }

  void report(std::vector<PolicyProblem>& found) {
    for (const auto& policy : policies_.policies().policies()) {
      if (policy.effect() == cedar::ast::Effect::permit && !is_silenced(policy, kPermitShadowed)) report_forbidden(policy, found);
    }
    for (const auto& [id, opened] : opened_) {
      const auto& [permit, tools] = opened;
      const bool is_row = policies_.place(*permit).file == "grants.yaml", one = tools.size() == 1;
      found.push_back(warning_at(policies_, *permit, permit->tree().span, "permits " + list_of(tools) + " without any condition, and " + (one ? "it is" : "they are") + " destructive",
                                 is_row ? "name " + std::string(one ? "it" : "them") + " in `tools` if that is meant, or let a forbid ask for more" : "", kUnconditionalDestructive));
    }
  }

 private:
  // A permit of nothing but tools of which each is forbidden whoever asks, however.
  void report_forbidden(const cedar::CompiledPolicy& policy, std::vector<PolicyProblem>& found) const {
    const auto& actions = policy.tree().action.entities;
    if (actions.empty()) return;
    const cedar::CompiledPolicy* by = nullptr;
    for (const auto& listed : actions) {
      const auto at = forbidden_.find(std::string(listed.entity->id()));
      if (at == forbidden_.end()) return;
      by = at->second;
    }
    const PolicyPlace& at = policies_.place(*by);
    found.push_back(warning_at(policies_, policy, policy.tree().span,
                               "this permit never allows anything: what it permits is forbidden for everybody by `" + std::string(by->id()) + "` (" + at.file + ":" + std::to_string(at.line) + ":" +
                                   std::to_string(at.column) + ")",
                               "", kPermitShadowed));
  }

  const CedarPolicy& policies_;
  std::set<std::pair<std::string, std::string>> named_;                                                 // row, tool: those that rows name in full, patterns among them
  std::map<std::string, const cedar::CompiledPolicy*> forbidden_;                                       // tool → the forbid
  std::map<std::string, std::pair<const cedar::CompiledPolicy*, std::vector<std::string>>> opened_;     // shown id → destructive tools
};

}  // namespace

void find_by_tool(const Bundle& bundle, const registry::Snapshot& snapshot, const ToolCatalogue& tools, std::vector<PolicyProblem>& found) {
  ByTool by_tool(bundle);
  const std::size_t policies = bundle.policy->policies().policies().size();
  std::size_t looked_at = 0;
  for (const auto& server : snapshot.objects().servers) {
    for (const auto& tool : tools.of_server(server.id)) {
      if ((++looked_at) * policies > kPairsMax) return;
      by_tool.look_at(server, *tool);
    }
  }
  by_tool.report(found);
}

}  // namespace writ::policy
