#include "policy/preview/access_values.h"

#include <algorithm>

#include "policy/obligations.h"
#include "policy/preview/canonical_condition.h"
#include "policy/preview/partial_question.h"

namespace writ::policy::preview {

using cedar::ast::Effect;

Contribution contribution_of(const cedar::ResidualPolicy& residual, Action action, AccessValues& values) {
  Contribution contribution;
  contribution.effect = residual.policy->effect();
  contribution.outcomes = residual.where_scope_matches;
  const auto group = residual.policy->annotation(kRequireApproval);
  contribution.is_held = contribution.effect == Effect::forbid && group && action == Action::call;
  if (residual.residual.clauses.empty() && !contribution.is_held) return contribution;
  const Matters matters = contribution.is_held ? Matters::all : contribution.effect == Effect::permit ? Matters::whether_true : Matters::whether_false;
  std::string text = canonical_condition(residual.residual.clauses, matters, action == Action::call);
  // Who approves is part of what it depends on.
  if (contribution.is_held) text = "approval " + cedar::Value::string(*group).to_string() + " " + text;
  contribution.condition = values.condition(std::move(text));
  return contribution;
}

ValueId AccessValues::number(Numbers& numbers, std::string key) {
  const auto [at, is_new] = numbers.emplace(std::move(key), next_);
  if (is_new) ++next_;
  return at->second;
}

ValueId AccessValues::composite(std::string_view head, std::vector<ValueId> parts) {
  std::sort(parts.begin(), parts.end());
  parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
  std::string key(head);
  key.append(reinterpret_cast<const char*>(parts.data()), parts.size() * sizeof(ValueId));
  const ValueId before = next_, value = number(composites_, std::move(key));
  if (next_ != before) parts_.emplace(value, Composite{head, std::move(parts)});
  return value;
}

ValueId AccessValues::decide(const std::vector<Contribution>& contributions, bool reads_arguments) {
  permits_.clear();
  forbids_.clear();
  bool is_permitted = false;
  for (const Contribution& each : contributions) {
    if (each.effect == Effect::permit) {
      if (each.outcomes.is_certainly_satisfied()) is_permitted = true;
      else if (each.outcomes.may_be_satisfied) permits_.push_back(each.condition);
      continue;
    }
    // A forbid that fails denies as one that is satisfied (rules §4.1); one that an approval lifts must be satisfied for that.
    if (each.is_held ? each.outcomes.fails_certainly() : !each.outcomes.may_not_be_satisfied) return kNever;
    if (each.outcomes.may_be_satisfied || each.outcomes.may_fail) forbids_.push_back(each.condition);
  }
  if (!is_permitted && permits_.empty()) return kNever;
  if (is_permitted && forbids_.empty() && !reads_arguments) return kAlways;
  // What else permits makes no difference where something does already.
  const ValueId permits = is_permitted ? kAlways : composite("permit", permits_);
  const ValueId forbids = composite("forbid", forbids_);
  std::vector<ValueId> parts{permits, forbids};
  if (reads_arguments) parts.push_back(condition("arguments can be expressed"));
  return composite("policy", std::move(parts));
}

ValueId decide_partially(const CedarPolicy& policy, PartialQuestion& question, AccessValues& values) {
  if (!question.can_be_asked()) return kNever;
  const Action action = question.question().action;
  const cedar::PartialAnswer answer = cedar::authorize_partially(policy.policies(), question.entities(), question.request(), question.arena());
  std::vector<Contribution> contributions;
  for (const cedar::ResidualPolicy& residual : answer.policies) contributions.push_back(contribution_of(residual, action, values));
  const bool reads_arguments = action == Action::call && std::ranges::any_of(policy.policies().policies(), [&](const cedar::CompiledPolicy& each) {
    return each.reads(cedar::ast::Variable::context, "args") && question.matches_scope(each);
  });
  return values.decide(contributions, reads_arguments);
}

ValueId AccessValues::all_of(std::vector<ValueId> values) {
  if (std::find(values.begin(), values.end(), kNever) != values.end()) return kNever;
  std::erase(values, kAlways);
  if (values.empty()) return kAlways;
  if (std::ranges::all_of(values, [&](ValueId value) { return value == values.front(); })) return values.front();
  return composite("all", std::move(values));
}

ValueId AccessValues::any_of(std::vector<ValueId> values) {
  if (std::find(values.begin(), values.end(), kAlways) != values.end()) return kAlways;
  std::erase(values, kNever);
  if (values.empty()) return kNever;
  if (std::ranges::all_of(values, [&](ValueId value) { return value == values.front(); })) return values.front();
  return composite("any", std::move(values));
}

std::string AccessValues::spell(ValueId value) const {
  if (value == kNever) return "never";
  if (value == kAlways) return "always";
  if (const auto found = parts_.find(value); found != parts_.end()) {
    std::vector<std::string> texts;
    for (const ValueId part : found->second.parts) texts.push_back(spell(part));
    std::sort(texts.begin(), texts.end());
    std::string text(found->second.head);
    for (const std::string& each : texts) text += "[" + each + "]";
    return text;
  }
  const auto found = std::find_if(texts_.begin(), texts_.end(), [&](const auto& each) { return each.second == value; });
  return found == texts_.end() ? "" : found->first;
}

}  // namespace writ::policy::preview
