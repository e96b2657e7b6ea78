#include "cedar/scope_index.h"

#include <algorithm>
#include <bit>
#include <map>

#include "cedar/policy_set.h"

namespace writ::cedar {

namespace {

// So few are looked at faster than looked up.
constexpr std::size_t kLeafPolicies = 4;
constexpr std::uint32_t kSearchLinearlyBelow = 8;
constexpr std::uint64_t kOpen = 0;   // leaves the question open; an entity whose hash is 0 is merely not indexed

struct FirstComparison {
  std::string_view attribute;
  const EntityUid* entity;
};

// `context.x == T::"id"` as what a policy tests first. When it is false nothing after it is evaluated.
std::optional<FirstComparison> first_comparison(const CompiledPolicy& policy) {
  if (policy.clauses().empty() || policy.clauses()[0].kind != ast::Clause::Kind::when) return std::nullopt;
  const ast::Expression* first = policy.clauses()[0].body;
  while (const auto* conjunction = first->as<ast::And>()) first = conjunction->operands[0];
  const auto* comparison = first->as<ast::Binary>();
  if (comparison == nullptr || comparison->op != ast::BinaryOperator::equal) return std::nullopt;
  for (const auto& [one, other] : {std::pair(comparison->left, comparison->right), std::pair(comparison->right, comparison->left)}) {
    const auto* attribute = one->as<ast::Attribute>();
    const auto* entity = other->as<ast::Entity>();
    if (attribute == nullptr || entity == nullptr) continue;
    const auto* variable = attribute->object->as<ast::VariableReference>();
    if (variable != nullptr && variable->variable == ast::Variable::context) return FirstComparison{attribute->name.text, entity->uid};
  }
  return std::nullopt;
}

std::uint64_t key_of_scope(const ast::ScopeConstraint& constraint) { return constraint.entity == nullptr ? kOpen : constraint.entity->hash(); }

}  // namespace

void ScopeIndex::build(std::span<const CompiledPolicy> policies) {
  std::map<std::string_view, std::size_t> compared;
  for (const CompiledPolicy& policy : policies)
    if (const auto first = first_comparison(policy)) ++compared[first->attribute];
  std::size_t most = 0;
  for (const auto& [attribute, count] : compared) {
    if (count > most) context_attribute_ = attribute;
    most = std::max(most, count);
  }

  if (policies.empty()) return;
  std::vector<std::uint32_t> all(policies.size());
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  policies_.reserve(all.size());
  add_node(all, Question::principal, policies);
}

std::uint64_t ScopeIndex::key_of(const CompiledPolicy& policy, Question question) const {
  switch (question) {
    case Question::principal: return key_of_scope(policy.tree().principal);
    case Question::resource: return key_of_scope(policy.tree().resource);
    // A list of several would need the policy at several places; it stays open.
    case Question::action: return policy.tree().action.entities.size() == 1 ? policy.tree().action.entities[0].entity->hash() : kOpen;
    case Question::context: {
      const auto first = first_comparison(policy);
      return first && first->attribute == context_attribute_ ? first->entity->hash() : kOpen;
    }
    case Question::none: break;
  }
  return kOpen;
}

// Puts the policies below a new node, in order of their numbers within each leaf. Returns its place.
std::uint32_t ScopeIndex::add_node(std::span<std::uint32_t> policies, Question question, std::span<const CompiledPolicy> all) {
  const auto place = static_cast<std::uint32_t>(nodes_.size());
  nodes_.emplace_back();
  if (policies.size() <= kLeafPolicies) question = Question::none;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> keyed(policies.size());
  const auto key_for = [&](Question asked) {
    bool is_any_keyed = false;
    for (std::size_t i = 0; i < policies.size(); ++i) {
      keyed[i] = {key_of(all[policies[i]], asked), policies[i]};
      is_any_keyed = is_any_keyed || keyed[i].first != kOpen;
    }
    return is_any_keyed;
  };
  // A question that all leave open is not asked.
  const auto next = [](Question asked) { return static_cast<Question>(static_cast<int>(asked) + 1); };
  while (question != Question::none && !key_for(question)) question = next(question);

  Node node;
  node.question = question;
  if (question == Question::none) {
    node.first = static_cast<std::uint32_t>(policies_.size());
    node.count = static_cast<std::uint32_t>(policies.size());
    policies_.insert(policies_.end(), policies.begin(), policies.end());
    nodes_[place] = node;
    return place;
  }

  std::sort(keyed.begin(), keyed.end());
  for (std::size_t i = 0; i < keyed.size(); ++i) policies[i] = keyed[i].second;
  std::vector<Branch> branches;
  for (std::size_t begin = 0; begin < keyed.size();) {
    std::size_t end = begin;
    while (end < keyed.size() && keyed[end].first == keyed[begin].first) ++end;
    const std::uint32_t child = add_node(policies.subspan(begin, end - begin), next(question), all);
    if (keyed[begin].first == kOpen) {
      node.open = child;
    } else {
      branches.push_back({keyed[begin].first, child});
    }
    begin = end;
  }
  node.first = static_cast<std::uint32_t>(branches_.size());
  node.count = static_cast<std::uint32_t>(branches.size());
  branches_.insert(branches_.end(), branches.begin(), branches.end());
  if (node.count >= kSearchLinearlyBelow) {
    const std::uint32_t size = std::bit_ceil(node.count * 2);
    node.slots = static_cast<std::uint32_t>(slots_.size());
    node.slots_mask = size - 1;
    slots_.resize(slots_.size() + size, 0);
    for (std::uint32_t i = 0; i < node.count; ++i) {
      std::uint32_t slot = static_cast<std::uint32_t>(branches[i].hash) & node.slots_mask;
      while (slots_[node.slots + slot] != 0) slot = (slot + 1) & node.slots_mask;
      slots_[node.slots + slot] = node.first + i + 1;
    }
  }
  nodes_[place] = node;
  return place;
}

const ScopeIndex::Node* ScopeIndex::find(const Node& node, std::uint64_t hash) const {
  if (node.slots_mask == 0) {
    for (std::uint32_t i = node.first; i < node.first + node.count; ++i)
      if (branches_[i].hash == hash) return &nodes_[branches_[i].node];
    return nullptr;
  }
  for (std::uint32_t slot = static_cast<std::uint32_t>(hash) & node.slots_mask;; slot = (slot + 1) & node.slots_mask) {
    const std::uint32_t branch = slots_[node.slots + slot];
    if (branch == 0) return nullptr;
    if (branches_[branch - 1].hash == hash) return &nodes_[branches_[branch - 1].node];
  }
}

std::size_t ScopeIndex::bytes() const {
  return nodes_.capacity() * sizeof(Node) + branches_.capacity() * sizeof(Branch) + (slots_.capacity() + policies_.capacity()) * sizeof(std::uint32_t);
}

}  // namespace writ::cedar
