#include "cedar/policy_set.h"

#include <algorithm>

#include "cedar/compile.h"
#include "cedar/parser.h"

namespace writ::cedar {

namespace {

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

// The constraint with its slot filled.
ast::ScopeConstraint fill(ast::ScopeConstraint constraint, const std::optional<EntityUid>& value, Arena& arena) {
  if (!constraint.has_slot) return constraint;
  constraint.has_slot = false;
  constraint.entity = arena.make<EntityUid>(value->copy_to(arena));
  return constraint;
}

}  // namespace

bool operator==(const AttributePath& a, const AttributePath& b) { return a.variable == b.variable && std::ranges::equal(a.names, b.names); }

bool CompiledPolicy::reads(ast::Variable variable, std::string_view name) const {
  return std::ranges::any_of(reads_, [&](const AttributePath& path) {
    return path.variable == variable && (path.names.empty() || path.names[0] == name);
  });
}

MembersRead CompiledPolicy::members_read(ast::Variable variable, std::string_view name) const {
  MembersRead members;
  for (const AttributePath& path : reads_) {
    if (path.variable != variable || (!path.names.empty() && path.names[0] != name)) continue;
    if (path.names.size() < 2) {
      members.all = true;
    } else {
      members.names.push_back(path.names[1]);
    }
  }
  std::sort(members.names.begin(), members.names.end());
  members.names.erase(std::unique(members.names.begin(), members.names.end()), members.names.end());
  return members;
}

Result<PolicySet, Message> PolicySet::parse(std::string text) { return compile(TRY(parse_policies(std::move(text)))); }

PolicySet PolicySet::compile(const ast::Policies& policies) {
  PolicySetBuilder builder;
  [[maybe_unused]] const auto added = builder.add(policies);
  assert(added);   // positions are unique
  return builder.build();
}

const CompiledPolicy* PolicySet::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &policies_[found->second];
}

std::size_t PolicySet::bytes() const {
  std::vector<const ast::Source*> sources;
  for (const CompiledPolicy& policy : policies_) sources.push_back(&policy.source());
  for (const Template& each : templates_) sources.push_back(each.source.get());
  std::sort(sources.begin(), sources.end());
  sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
  std::size_t bytes = policies_.capacity() * sizeof(CompiledPolicy) + templates_.capacity() * sizeof(Template) + index_.bytes();
  for (const ast::Source* source : sources) bytes += source->text.capacity() + source->arena.bytes_reserved();
  constexpr std::size_t kTableEntry = sizeof(std::string_view) + sizeof(std::uint32_t) + 3 * sizeof(void*);
  return bytes + (arena_ == nullptr ? 0 : arena_->bytes_reserved()) + by_id_.size() * kTableEntry;
}

PolicySetBuilder::PolicySetBuilder() : arena_(std::make_shared<Arena>()) {}

Result<std::string_view, Message> PolicySetBuilder::claim(std::string_view id) {
  if (ids_.contains(id)) return unexpected(message("two policies are called " + quoted(id)));
  const std::string_view own = arena_->copy(id);
  ids_.emplace(own, std::nullopt);
  return own;
}

Result<void, Message> PolicySetBuilder::add(std::string_view id, const ast::Policy& policy, std::shared_ptr<const ast::Source> source) {
  const std::string_view own_id = TRY(claim(id));
  if (policy.is_template()) {
    ids_[own_id] = templates_.size();
    templates_.push_back({own_id, policy, std::move(source)});
  } else {
    add_compiled(own_id, policy, std::move(source), std::nullopt);
  }
  return {};
}

Result<void, Message> PolicySetBuilder::add(const ast::Policies& policies, std::string_view id_prefix) {
  for (std::size_t i = 0; i < policies.policies.size(); ++i)
    TRY(add(std::string(id_prefix) + std::to_string(i), policies.policies[i], policies.source));
  return {};
}

Result<void, Message> PolicySetBuilder::link(std::string_view template_id, std::string_view new_id, const SlotValues& values) {
  const auto found = ids_.find(template_id);
  if (found == ids_.end() || !found->second) return unexpected(message("there is no template " + quoted(template_id)));
  const Template& linked = templates_[*found->second];
  const auto check = [&](const ast::ScopeConstraint& constraint, const std::optional<EntityUid>& value, const char* slot) -> Result<void, Message> {
    if (constraint.has_slot == value.has_value()) return {};
    if (constraint.has_slot) return unexpected(message("the template " + quoted(template_id) + " needs a value for " + quoted(slot)));
    return unexpected(message("the template " + quoted(template_id) + " has no " + quoted(slot)));
  };
  TRY(check(linked.tree.principal, values.principal, "?principal"));
  TRY(check(linked.tree.resource, values.resource, "?resource"));
  const std::string_view own_id = TRY(claim(new_id));
  ast::Policy policy = linked.tree;
  policy.principal = fill(policy.principal, values.principal, *arena_);
  policy.resource = fill(policy.resource, values.resource, *arena_);
  add_compiled(own_id, policy, linked.source, linked.id);
  return {};
}

void PolicySetBuilder::add_compiled(std::string_view id, const ast::Policy& policy, std::shared_ptr<const ast::Source> source,
                                    std::optional<std::string_view> template_id) {
  CompiledPolicy compiled;
  compiled.id_ = id;
  compiled.tree_ = policy;
  compiled.source_ = std::move(source);
  compiled.template_id_ = template_id;
  std::vector<ast::Clause> clauses(policy.clauses.begin(), policy.clauses.end());
  std::vector<AttributePath> reads;
  for (ast::Clause& clause : clauses) {
    collect_reads(*clause.body, *arena_, reads);
    clause.body = fold_constants(*clause.body, *arena_);
  }
  compiled.clauses_ = arena_->copy(clauses);
  compiled.reads_ = arena_->copy(reads);
  policies_.push_back(std::move(compiled));
}

PolicySet PolicySetBuilder::build() {
  PolicySet set;
  set.arena_ = std::move(arena_);
  set.policies_ = std::move(policies_);
  set.templates_ = std::move(templates_);
  for (std::uint32_t i = 0; i < set.policies_.size(); ++i) set.by_id_.emplace(set.policies_[i].id(), i);
  set.index_.build(set.policies_);
  return set;
}

}  // namespace writ::cedar
