#include "policy/cedar_policy.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "cedar/authorize.h"
#include "cedar/parser.h"
#include "cedar/partial.h"
#include "policy/grant_text.h"
#include "policy/obligations.h"
#include "policy/question_entities.h"
#include "policy/shadow.h"

namespace writ::policy {
namespace {

constexpr std::string_view kGrantsFile = "grants.yaml";

// Memory of one decision, kept by each thread for the next one.
cedar::Arena& decision_arena() {
  static thread_local cedar::Arena arena;
  arena.clear();
  return arena;
}

class Compiler {
 public:
  explicit Compiler(bool enforce_shadow_policies) : enforce_shadow_policies_(enforce_shadow_policies) {}

  void add_row(const AccessGrant& grant) { rows_.emplace(grant.id, PolicyPlace{std::string(kGrantsFile), grant.line, grant.column}); }
  // Adds the policies of a text. A policy is known by its @id, else by where it stands.
  void add_text(const std::string& file, std::string text) {
    auto parsed = cedar::parse_policies(std::move(text));
    if (!parsed) return report(file, parsed.error());
    cedar::Locator locator(parsed->source->text);
    for (const auto& policy : parsed->policies) {
      const auto position = locator.at(policy.span.begin);
      if (policy.is_template()) {
        report(file, cedar::message_at(parsed->source->text, policy.span, "templates need links, which bundles do not have: write the entity instead of the slot"));
        continue;
      }
      if (const auto kept = policy.annotation("record")) {
        if (const auto read = read_record_annotation(*kept); !read) report(file, cedar::message_at(parsed->source->text, policy.span, read.error()));
      }
      const auto named = policy.annotation("id");
      std::string id = named && !named->empty() ? std::string(*named) : file + ":" + std::to_string(position.line);
      // Two on one line are told apart by their column.
      if (!named && !places_.insert(id).second) id += ":" + std::to_string(position.column);
      if (const auto misuse = misuse_of_obligations(policy)) report(file, cedar::message_at(parsed->source->text, policy.span, *misuse));
      if (policy.annotation(kShadow)) {
        shadow_policies_.push_back(id);
        // It is evaluated beside the others, never enforced: it takes no part in decisions.
        if (!enforce_shadow_policies_) continue;
      }
      if (!policy.annotation(kRequireApproval)) static_cast<void>(without_held_.add(id, policy, parsed->source));
      else has_held_ = true;
      const auto added = builder_.add(id, policy, parsed->source);
      if (!added) {
        report(file, cedar::message_at(parsed->source->text, policy.span, added.error().text));
      } else {
        // The text of the grants table is ours: people know the row.
        const auto row = file == kGrantsFile ? rows_.find(shown_id(id)) : rows_.end();
        places_by_policy_.push_back(row == rows_.end() ? PolicyPlace{file, position.line, position.column} : row->second);
      }
    }
  }
  void report(const std::string& file, const cedar::Message& message) {
    problems_.push_back({file, message.position.line, message.position.column, message.explain()});
  }
  const std::vector<PolicyProblem>& problems() const { return problems_; }
  cedar::PolicySet build() { return builder_.build(); }
  std::optional<cedar::PolicySet> build_without_held() { return has_held_ ? std::optional(without_held_.build()) : std::nullopt; }
  std::vector<std::string> shadow_policies() const { return shadow_policies_; }
  std::vector<PolicyPlace> take_places() { return std::move(places_by_policy_); }

 private:
  bool enforce_shadow_policies_;
  cedar::PolicySetBuilder builder_, without_held_;
  bool has_held_ = false;
  std::vector<std::string> shadow_policies_;
  std::vector<PolicyProblem> problems_;
  std::set<std::string> places_;
  std::map<std::string, PolicyPlace, std::less<>> rows_;
  std::vector<PolicyPlace> places_by_policy_;
};

void explain(Decision& decision, std::span<const cedar::CompiledPolicy* const> determining) {
  for (const cedar::CompiledPolicy* policy : determining) {
    std::string id = shown_id(policy->id());
    if (std::find(decision.policies.begin(), decision.policies.end(), id) == decision.policies.end()) decision.policies.push_back(std::move(id));
    add_told(*policy, decision);
  }
}

bool is_held(const cedar::CompiledPolicy* policy) { return policy->annotation(kRequireApproval).has_value(); }

}  // namespace

// The part after `#` tells the policies of one row apart.
std::string shown_id(std::string_view id) {
  if (id.starts_with("grants.yaml:")) id = id.substr(0, id.find('#'));
  return std::string(id);
}

const PolicyPlace& CedarPolicy::place(const cedar::CompiledPolicy& policy) const {
  return places_[static_cast<std::size_t>(&policy - policies_.policies().data())];
}

Result<std::shared_ptr<const CedarPolicy>, std::vector<PolicyProblem>> CedarPolicy::compile(const BundleContent& content) {
  return compile(content, ShadowPolicies::aside);
}

Result<std::shared_ptr<const CedarPolicy>, std::vector<PolicyProblem>> CedarPolicy::compile(const BundleContent& content, ShadowPolicies shadow_policies) {
  std::shared_ptr<CedarPolicy> policy(new CedarPolicy());
  policy->version_ = content.version;
  Compiler compiler(shadow_policies == ShadowPolicies::enforced);
  for (const AccessGrant& grant : content.grants) {
    policy->grants_text_ += to_cedar(grant);
    compiler.add_row(grant);
    for (const std::string& pattern : grant.tools.names) policy->tool_patterns_.push_back({grant.server, pattern});
  }
  auto& patterns = policy->tool_patterns_;
  const auto key = [](const ToolPattern& pattern) { return std::tie(pattern.server, pattern.pattern); };
  std::sort(patterns.begin(), patterns.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
  patterns.erase(std::unique(patterns.begin(), patterns.end(), [&](const auto& a, const auto& b) { return key(a) == key(b); }), patterns.end());

  compiler.add_text(std::string(kGrantsFile), policy->grants_text_);
  for (const PolicyFile& file : content.files) compiler.add_text(file.name, file.text);
  if (!compiler.problems().empty()) return unexpected(compiler.problems());
  policy->policies_ = compiler.build();
  policy->without_held_ = compiler.build_without_held();
  policy->shadow_policies_ = compiler.shadow_policies();
  std::sort(policy->shadow_policies_.begin(), policy->shadow_policies_.end());
  policy->candidate_ = content.candidate;
  // Compiled once more with them, so that what is tried out is exactly what promoting would enforce.
  if (shadow_policies == ShadowPolicies::aside && !policy->shadow_policies_.empty()) policy->with_shadow_policies_ = TRY(compile(content, ShadowPolicies::enforced));
  policy->places_ = compiler.take_places();
  for (const auto& compiled : policy->policies_.policies()) {
    if (compiled.reads(cedar::ast::Variable::context, "args")) policy->reading_arguments_.push_back(&compiled), policy->argument_readers_.add(compiled);
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
  Decision decision = enforce(question);
  if (with_shadow_policies_ || candidate_) add_shadows(question, decision);
  return decision;
}

void CedarPolicy::add_shadows(const Question& question, Decision& decision) const {
  for (const CedarPolicy* tried : {with_shadow_policies_.get(), candidate_.get()}) {
    if (!tried) continue;
    auto outcome = try_out([&] { return tried->enforce(question); }, decision.kind);
    if (!outcome) continue;
    if (tried == candidate_.get()) {
      outcome->of = ShadowOutcome::Of::candidate;
      outcome->version = tried->version_;
    } else {
      std::erase_if(outcome->policies, [this](const std::string& id) { return !std::binary_search(shadow_policies_.begin(), shadow_policies_.end(), id); });
    }
    decision.shadows.push_back(std::move(*outcome));
  }
}

Decision CedarPolicy::enforce(const Question& question) const {
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
  if (decision.kind == Kind::forbidden && without_held_ && question.action == Action::call) {
    // Rules §4.6: other forbids first, then whether anything permits, and only then is the call held.
    std::vector<const cedar::CompiledPolicy*> final;
    std::copy_if(answer.determining.begin(), answer.determining.end(), std::back_inserter(final), [](const auto* policy) { return !is_held(policy); });
    if (!final.empty()) {
      explain(decision, final);
      return decision;
    }
    if (cedar::authorize(*without_held_, asked->entities, request, arena).decision == cedar::Decision::deny) return denied(Kind::no_permit);
    decision.kind = Kind::approval_pending;
    for (const cedar::CompiledPolicy* policy : answer.determining) decision.approvals.push_back({shown_id(policy->id()), std::string(*policy->annotation(kRequireApproval))});
    std::sort(decision.approvals.begin(), decision.approvals.end());
    decision.approvals.erase(std::unique(decision.approvals.begin(), decision.approvals.end()), decision.approvals.end());
  }
  explain(decision, answer.determining);
  return decision;
}

std::vector<std::string> CedarPolicy::satisfied(const Question& question) const {
  cedar::Arena& arena = decision_arena();
  std::vector<std::string> ids;
  const auto asked = ask(question, tool_patterns_, arena);
  const auto context = asked ? context_of(question, *asked, arena) : std::nullopt;
  if (!context) return ids;
  const cedar::Request request{asked->principal, asked->action, asked->resource, context->value};
  const auto stored = cedar::find_request_entities(asked->entities, request);
  cedar::Evaluator evaluator(request, asked->entities, arena);
  policies_.index().for_each_candidate(request, stored, [&](std::uint32_t number) {
    const cedar::CompiledPolicy& policy = policies_.policies()[number];
    std::string id = shown_id(policy.id());
    if (cedar::is_satisfied(policy, stored, request, evaluator).value_or(false) && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(std::move(id));
  });
  return ids;
}

bool CedarPolicy::could_allow(const Question& question) const {
  cedar::Arena& arena = decision_arena();
  const auto asked = ask(question, tool_patterns_, arena);
  if (!asked) return false;
  const cedar::PartialRequest request{cedar::PartialEntity::known(asked->principal), asked->action, cedar::PartialEntity::known(asked->resource),
                                      partial_context_of(question, *asked, arena), {}};
  const cedar::PartialAnswer answer = cedar::authorize_partially(policies_, asked->entities, request, arena);
  bool may_be_permitted = false;
  for (const cedar::ResidualPolicy& residual : answer.policies) {
    const auto& outcomes = residual.outcomes;
    if (residual.policy->effect() == cedar::ast::Effect::permit) {
      may_be_permitted = may_be_permitted || outcomes.may_be_satisfied;
    } else if (question.action == Action::call && is_held(residual.policy)) {
      // An approval may come (rules §4.5), but not for a forbid that fails.
      if (outcomes.fails_certainly()) return false;
    } else if (!outcomes.may_not_be_satisfied) {
      // A forbid that is satisfied or fails whatever comes denies here, though Cedar would skip a failing one.
      return false;
    }
  }
  return may_be_permitted;
}

}  // namespace writ::policy
