#include "policy/explanation.h"

#include <algorithm>

#include "policy/policy_parts.h"

namespace writ::policy {
namespace {

constexpr std::size_t kNearMax = 6;
constexpr std::string_view kGrantsFile = "grants.yaml";

// How far a policy was from being satisfied, and whether it is about what was asked at all.
struct Distance {
  int failed = 0;
  bool names_principal = false, names_resource = false, fails_at_resource = false;
};

Distance distance_of(const std::vector<PolicyPart>& parts) {
  Distance distance;
  for (const PolicyPart& part : parts) {
    const bool holds = part.outcome == PartOutcome::satisfied;
    if (!holds) ++distance.failed;
    if (part.of == PolicyPart::Of::principal && holds) distance.names_principal = true;
    if (part.of != PolicyPart::Of::resource) continue;
    distance.names_resource = distance.names_resource || holds;
    distance.fails_at_resource = distance.fails_at_resource || !holds;
  }
  return distance;
}

bool is_near(const Distance& distance) {
  return distance.failed <= 1 || (distance.failed == 2 && (distance.names_principal || distance.names_resource));
}

// Lower is nearer. What is meant for another server is the least of what comes near; what is meant for this person comes first.
int rank_of(const Distance& distance) { return 4 * distance.failed + (distance.fails_at_resource ? 3 : 0) + (distance.names_principal ? 0 : 2); }

std::string place_of(const ExplainedPolicy& policy) {
  if (policy.line == 0) return policy.file;
  return policy.file + ":" + std::to_string(policy.line) + (policy.column == 0 ? "" : ":" + std::to_string(policy.column));
}

std::string looked_at(const PolicyPart& part) {
  std::string text;
  for (const LookedAt& one : part.looked_at) text += (text.empty() ? "" : ", ") + one.what + " is " + one.value;
  return text;
}

std::string fault_of(const PolicyPart& part) {
  switch (part.outcome) {
    case PartOutcome::satisfied: return "";
    case PartOutcome::failed: {
      const std::string values = looked_at(part);
      return "`" + part.text + "` does not hold" + (values.empty() ? "" : ": " + values);
    }
    case PartOutcome::error: return "`" + part.text + "` has no value: " + part.error;
    case PartOutcome::unknown: return "`" + part.text + "` reads an argument that was not recorded";
    case PartOutcome::not_reached: return "";
  }
  return "";
}

// "policies/prod.cedar:8:1 `prod-reads` would permit it, but `context.args.repo == "prod"` does not hold: context.args.repo is "dev""
std::string sentence_about(const ExplainedPolicy& policy) {
  std::string faults;
  for (const PolicyPart& part : policy.parts) {
    const std::string fault = fault_of(part);
    if (!fault.empty()) faults += (faults.empty() ? "" : "; ") + fault;
  }
  const std::string who = place_of(policy) + (policy.id.starts_with(policy.file + ":") ? "" : " `" + policy.id + "`");
  if (faults.empty()) return who + (policy.forbids ? " forbids this" : " permits this");
  return who + (policy.forbids ? " would forbid this, but " : " would permit this, but ") + faults;
}

class Explainer {
 public:
  Explainer(const Question& question, const Bundle& bundle, const ExplanationOptions& options)
      : question_(question), bundle_(bundle), options_(options), who_(options.user_name.empty() ? question.principal.id : options.user_name) {}

  Explanation take() {
    explanation_.decision = bundle_.policy->enforce(question_);
    std::vector<ExplainedPolicy> all = rows();
    for (ExplainedPolicy& policy : statements()) all.push_back(std::move(policy));
    sort(std::move(all));
    explanation_.sentence = sentence();
    return std::move(explanation_);
  }

 private:
  std::vector<ExplainedPolicy> rows() const {
    std::vector<ExplainedPolicy> explained;
    for (const Bundle::Row& row : bundle_.rows) {
      ExplainedPolicy policy;
      policy.id = row.grant.id;
      policy.file = std::string(kGrantsFile);
      policy.line = row.grant.line;
      policy.column = row.grant.column;
      policy.parts = parts_of(row.grant, question_);
      const Distance distance = distance_of(policy.parts);
      const bool is_for_server = row.grant.server == question_.server.id;
      if (distance.failed > (is_for_server ? 2 : 1)) continue;
      policy.text = text_of(row.grant);
      policy.sentence = sentence_of(row.grant, policy.parts, question_, who_);
      explained.push_back(std::move(policy));
    }
    return explained;
  }

  // The policy files. A question that Cedar cannot be asked has no parts to show.
  std::vector<ExplainedPolicy> statements() const {
    std::vector<ExplainedPolicy> explained;
    cedar::Arena arena;
    const auto asked = ask(question_, bundle_.policy->tool_patterns(), arena);
    const auto context = asked ? context_of(question_, *asked, arena) : std::nullopt;
    if (!context) return explained;
    const PutToCedar put{*asked, {asked->principal, asked->action, asked->resource, context->value}, arena, options_.known_arguments};
    for (const cedar::CompiledPolicy& compiled : bundle_.policy->policies().policies()) {
      const PolicyPlace& place = bundle_.policy->place(compiled);
      if (place.file == kGrantsFile) continue;   // explained as rows
      ExplainedPolicy policy;
      policy.id = shown_id(compiled.id());
      policy.forbids = compiled.effect() == cedar::ast::Effect::forbid;
      policy.file = place.file;
      policy.line = place.line;
      policy.column = place.column;
      policy.parts = parts_of(compiled, put);
      if (!is_near(distance_of(policy.parts)) && !is_deciding(policy)) continue;
      const auto span = compiled.tree().span;
      policy.text = compiled.source().text.substr(span.begin, span.end - span.begin);
      if (const auto message = compiled.annotation("message")) policy.message = *message;
      policy.sentence = sentence_about(policy);
      explained.push_back(std::move(policy));
    }
    return explained;
  }

  bool is_deciding(const ExplainedPolicy& policy) const {
    const auto& ids = explanation_.decision.policies;
    if (std::find(ids.begin(), ids.end(), policy.id) == ids.end()) return false;
    // A row of several servers has one id: only its part for this server decided.
    return policy.file != kGrantsFile || policy.is_satisfied();
  }

  // Of a no, the permits that came near; of a yes, the forbids that did.
  void sort(std::vector<ExplainedPolicy> all) {
    std::vector<ExplainedPolicy> near;
    for (ExplainedPolicy& policy : all) {
      if (is_deciding(policy)) explanation_.deciding.push_back(std::move(policy));
      else if (policy.forbids == explanation_.decision.allowed && is_near(distance_of(policy.parts))) near.push_back(std::move(policy));
    }
    // Where a permit is satisfied, those that are not would change nothing.
    const auto satisfied = [](const ExplainedPolicy& policy) { return policy.is_satisfied(); };
    if (std::any_of(near.begin(), near.end(), satisfied)) std::erase_if(near, [&](const ExplainedPolicy& policy) { return !satisfied(policy); });
    std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return rank_of(distance_of(a.parts)) < rank_of(distance_of(b.parts)); });
    if (near.size() > kNearMax) near.resize(kNearMax);
    explanation_.near = std::move(near);
  }

  std::string deciding_places() const {
    std::string text;
    for (const ExplainedPolicy& policy : explanation_.deciding) {
      const bool is_named = !policy.id.starts_with(policy.file + ":");
      text += (text.empty() ? "" : ", ") + place_of(policy) + (is_named ? " `" + policy.id + "`" : "");
    }
    return text;
  }

  std::string sentence() const {
    const Decision& decision = explanation_.decision;
    const std::string may = who_ + " may " + describe(question_) + " through `" + question_.agent.id + "`";
    const std::string may_not = who_ + " may not " + describe(question_) + " through `" + question_.agent.id + "`";
    switch (decision.kind) {
      case Kind::allowed: return may + ": allowed by " + deciding_places();
      case Kind::no_permit: return may_not + ": nothing allows it";
      case Kind::forbidden: return may_not + ": forbidden by " + deciding_places() + (decision.message.empty() ? "" : " (" + decision.message + ")");
      case Kind::policy_error: return may_not + (explanation_.deciding.empty() ? ": the question cannot be asked, for one of its facts is no value (is the address an IP address?)" : ": " + deciding_places() + " could not be evaluated" + error() + "; a forbid that fails is taken for a no");
      case Kind::arguments_not_decidable: return may_not + ": " + deciding_places() + " reads arguments, and this call has some that the tool's reviewed definition does not describe";
      case Kind::approval_pending: return may + " once it is approved: " + deciding_places() + " asks for an approval";
    }
    return may_not;
  }

  std::string error() const {
    for (const ExplainedPolicy& policy : explanation_.deciding) {
      for (const PolicyPart& part : policy.parts) {
        if (part.outcome == PartOutcome::error) return " (`" + part.text + "`: " + part.error + ")";
      }
    }
    return "";
  }

  const Question& question_;
  const Bundle& bundle_;
  const ExplanationOptions& options_;
  std::string who_;
  Explanation explanation_;
};

}  // namespace

std::string_view to_string(PartOutcome outcome) {
  switch (outcome) {
    case PartOutcome::satisfied: return "satisfied";
    case PartOutcome::failed: return "failed";
    case PartOutcome::error: return "error";
    case PartOutcome::unknown: return "unknown";
    case PartOutcome::not_reached: return "not_reached";
  }
  return "unknown";
}

bool ExplainedPolicy::is_satisfied() const {
  return std::all_of(parts.begin(), parts.end(), [](const PolicyPart& part) { return part.outcome == PartOutcome::satisfied; });
}

Explanation explain(const Question& question, const Bundle& bundle, const ExplanationOptions& options) { return Explainer(question, bundle, options).take(); }

}  // namespace writ::policy
