#include "policy/cedar_policy.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "cedar/authorize.h"
#include "cedar/parser.h"
#include "cedar/partial.h"
#include "policy/grant_text.h"
#include "policy/question_entities.h"

namespace writ::policy {
namespace {

// Memory of one decision, kept by each thread for the next one.
cedar::Arena& decision_arena() {
  static thread_local cedar::Arena arena;
  arena.clear();
  return arena;
}

// The part after `#` tells the policies of one row apart; people know the row.
std::string shown_id(std::string_view id) {
  if (id.starts_with("grants.yaml:")) id = id.substr(0, id.find('#'));
  return std::string(id);
}

class Compiler {
 public:
  // Adds the policies of a text. A policy is known by its @id, else by where it stands.
  void add_text(const std::string& file, std::string text) {
    auto parsed = cedar::parse_policies(std::move(text));
    if (!parsed) return report(file, parsed.error());
    for (const auto& policy : parsed->policies) {
      const auto position = cedar::locate(parsed->source->text, policy.span.begin);
      if (policy.is_template()) {
        report(file, cedar::message_at(parsed->source->text, policy.span, "templates need links, which bundles do not have: write the entity instead of the slot"));
        continue;
      }
      // A shadow policy is evaluated beside the others, never enforced (product: shadow mode); it takes no part in decisions.
      if (policy.annotation("shadow")) continue;
      const auto named = policy.annotation("id");
      std::string id = named && !named->empty() ? std::string(*named) : file + ":" + std::to_string(position.line);
      // Two on one line are told apart by their column.
      if (!named && !places_.insert(id).second) id += ":" + std::to_string(position.column);
      const auto added = builder_.add(id, policy, parsed->source);
      if (!added) report(file, cedar::message_at(parsed->source->text, policy.span, added.error().text));
    }
  }
  void report(const std::string& file, const cedar::Message& message) {
    problems_.push_back({file, message.position.line, message.position.column, message.explain()});
  }
  const std::vector<PolicyProblem>& problems() const { return problems_; }
  cedar::PolicySet build() { return builder_.build(); }

 private:
  cedar::PolicySetBuilder builder_;
  std::vector<PolicyProblem> problems_;
  std::set<std::string> places_;
};

void explain(Decision& decision, std::span<const cedar::CompiledPolicy* const> determining) {
  for (const cedar::CompiledPolicy* policy : determining) {
    std::string id = shown_id(policy->id());
    if (std::find(decision.policies.begin(), decision.policies.end(), id) == decision.policies.end()) decision.policies.push_back(std::move(id));
    if (const auto message = policy->annotation("message"); message && decision.message.empty()) decision.message = *message;
    if (const auto alternative = policy->annotation("alternative")) decision.alternatives.emplace_back(*alternative);
  }
}

}  // namespace

Result<std::shared_ptr<const CedarPolicy>, std::vector<PolicyProblem>> CedarPolicy::compile(const BundleContent& content) {
  std::shared_ptr<CedarPolicy> policy(new CedarPolicy());
  policy->version_ = content.version;
  Compiler compiler;
  for (const AccessGrant& grant : content.grants) {
    policy->grants_text_ += to_cedar(grant);
    for (const std::string& pattern : grant.tools.names) policy->tool_patterns_.push_back({grant.server, pattern});
  }
  auto& patterns = policy->tool_patterns_;
  const auto key = [](const ToolPattern& pattern) { return std::tie(pattern.server, pattern.pattern); };
  std::sort(patterns.begin(), patterns.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  patterns.erase(std::unique(patterns.begin(), patterns.end(), [&](const auto& a, const auto& b) { return key(a) == key(b); }), patterns.end());

  compiler.add_text("grants.yaml", policy->grants_text_);
  for (const PolicyFile& file : content.files) compiler.add_text(file.name, file.text);
  if (!compiler.problems().empty()) return unexpected(compiler.problems());
  policy->policies_ = compiler.build();
  for (const auto& compiled : policy->policies_.policies()) {
    if (compiled.reads(cedar::ast::Variable::context, "args")) policy->reading_arguments_.push_back(&compiled);
  }
  return std::shared_ptr<const CedarPolicy>(std::move(policy));
}

Decision CedarPolicy::denied(Kind kind) const {
  Decision decision;
  decision.kind = kind;
  decision.version = version_;
  return decision;
}

Decision CedarPolicy::decide(const Question& question) const {
  cedar::Arena& arena = decision_arena();
  const auto asked = ask(question, tool_patterns_, arena);
  const auto context = asked ? context_of(question, *asked, arena) : std::nullopt;
  // What cannot be asked is not allowed (rules §4.1).
  if (!context) return denied(Kind::policy_error);
  const cedar::Request request{asked->principal, asked->action, asked->resource, context->value};

  if (context->has_unseen) {
    // Rules §4.3: a policy that would decide on arguments must not decide on a part of them.
    const auto stored = cedar::find_request_entities(asked->entities, request);
    for (const cedar::CompiledPolicy* policy : reading_arguments_) {
      if (!cedar::matches_scope(policy->tree(), stored, request)) continue;
      Decision decision = denied(Kind::arguments_not_decidable);
      decision.policies.push_back(shown_id(policy->id()));
      return decision;
    }
  }

  const cedar::Answer answer = cedar::authorize(policies_, asked->entities, request, arena);
  for (const cedar::PolicyError& error : answer.errors) {
    if (error.policy->effect() != cedar::ast::Effect::forbid) continue;
    // Cedar skips a policy that fails. A forbid that fails must not become a yes (rules §4.1).
    Decision decision = denied(Kind::policy_error);
    decision.policies.push_back(shown_id(error.policy->id()));
    return decision;
  }
  Decision decision;
  decision.version = version_;
  decision.allowed = answer.decision == cedar::Decision::allow;
  decision.kind = decision.allowed ? Kind::allowed : answer.determining.empty() ? Kind::no_permit : Kind::forbidden;
  explain(decision, answer.determining);
  return decision;
}

bool CedarPolicy::could_allow(const Question& question) const {
  cedar::Arena& arena = decision_arena();
  const auto asked = ask(question, tool_patterns_, arena);
  if (!asked) return false;
  const cedar::PartialRequest request{cedar::PartialEntity::known(asked->principal), asked->action, cedar::PartialEntity::known(asked->resource),
                                      partial_context_of(question, *asked, arena), {}};
  const cedar::PartialAnswer answer = cedar::authorize_partially(policies_, asked->entities, request, arena);
  if (answer.decision == cedar::PartialDecision::deny) return false;
  // A forbid that is satisfied or fails whatever comes denies here, though Cedar would skip a failing one.
  return std::none_of(answer.policies.begin(), answer.policies.end(), [](const cedar::ResidualPolicy& residual) {
    return residual.policy->effect() == cedar::ast::Effect::forbid && !residual.outcomes.may_not_be_satisfied;
  });
}

}  // namespace writ::policy
