#include "policy/smallest_change.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "policy/policy_parts.h"
#include "policy/vocabulary.h"

namespace writ::policy {
namespace {

namespace ast = cedar::ast;

constexpr std::size_t kTriedMax = 40;   // how many candidates are verified, nearest first: each may compile the bundle anew

// Groups that some permit names, in its scope or its conditions.
void collect_groups(const ast::Expression& at, std::set<std::string>& groups) {
  if (const auto* entity = at.as<ast::Entity>(); entity && entity->uid->type() == kGroupType) groups.insert(std::string(entity->uid->id()));
  ast::for_each_child(at, [&](const ast::Expression& child) { collect_groups(child, groups); });
}

std::set<std::string> groups_of(const cedar::CompiledPolicy& policy) {
  std::set<std::string> groups;
  const auto* entity = policy.tree().principal.entity;
  if (entity && entity->type() == kGroupType) groups.insert(std::string(entity->id()));
  for (const ast::Clause& clause : policy.tree().clauses) collect_groups(*clause.body, groups);
  return groups;
}

// About how many rights a row gives: the connection, each scope, each tool; a pattern counts as a few, `all` as many.
constexpr std::size_t kRightsOfPattern = 3, kRightsOfMany = 10;
std::size_t rights_of(const AccessGrant& row) {
  std::size_t rights = 1 + (row.scopes.all ? kRightsOfMany : row.scopes.names.size()) + (row.tools.all ? kRightsOfMany : 0);
  for (const std::string& pattern : row.tools.names) rights += pattern.find_first_of("*?") == std::string::npos ? 1 : kRightsOfPattern;
  return rights;
}

class Search {
 public:
  Search(const WholeWay& chain, const World& world, const Bundle& bundle, const BundleFiles& files, const std::string& user_name)
      : chain_(chain), world_(world), bundle_(bundle), files_(files), who_(user_name), principal_(any_question().principal) {}

  Result<SmallestChange, NoChange> find() {
    if (const std::string barrier = forbidden(); !barrier.empty()) return unexpected(NoChange{barrier});
    add_memberships();
    for (std::size_t i = 0; i < bundle_.rows.size(); ++i) add_rows(i);
    std::stable_sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) { return std::tie(a.weight, a.change.kind) < std::tie(b.weight, b.change.kind); });
    std::size_t tried = 0;
    for (const Candidate& candidate : candidates_) {
      if (++tried > kTriedMax) break;
      if (is_good(candidate)) return candidate.change;
    }
    return unexpected(NoChange{"no single change would allow it: neither one group membership nor one agent, scope, tool or server more in one row of grants.yaml is enough"});
  }

 private:
  struct Candidate {
    SmallestChange change;
    std::size_t weight = 0;                  // about how many people get how many rights by it
    std::vector<std::string> groups;         // of group_membership: what is gained, with everything that contains it
    std::optional<AccessGrant> row;          // of grant_row: a row more, or in place of the one at `index`
    std::size_t index = 0;
    bool is_more = false;
  };

  const Question& any_question() const { return chain_.connect ? *chain_.connect : chain_.use ? *chain_.use : chain_.scopes.front(); }

  std::vector<const Question*> questions() const {
    std::vector<const Question*> all;
    if (chain_.connect) all.push_back(&*chain_.connect);
    for (const Question& scope : chain_.scopes) all.push_back(&scope);
    if (chain_.use) all.push_back(&*chain_.use);
    return all;
  }

  // A forbid that says no is meant to. Of several scopes it is enough that one is not forbidden.
  std::string forbidden() const {
    const auto barrier = [&](const Question& question) -> std::string {
      const Decision decision = bundle_.policy->enforce(question);
      std::string named;
      for (const std::string& id : decision.policies) named += (named.empty() ? "`" : ", `") + id + "`";
      switch (decision.kind) {
        case Kind::allowed:
        case Kind::no_permit: return "";
        case Kind::forbidden: return named + " forbids to " + describe(question) + ", and what a forbid protects is not opened by a suggestion";
        case Kind::policy_error: return named + " cannot be evaluated when asked to " + describe(question) + ": the policy has to be repaired";
        case Kind::arguments_not_decidable: return named + " reads arguments that the tool's reviewed definition does not describe: no change of access helps";
        case Kind::approval_pending: return "nobody's access has to change: " + named + " asks for an approval, which a member of its group can give";
      }
      return "";
    };
    for (const auto* question : {chain_.connect ? &*chain_.connect : nullptr, chain_.use ? &*chain_.use : nullptr}) {
      if (!question) continue;
      if (std::string text = barrier(*question); !text.empty()) return text;
    }
    std::string text;
    for (const Question& scope : chain_.scopes) {
      text = barrier(scope);
      if (text.empty()) return "";
    }
    return text;
  }

  // The group and every group that contains it, as far as the person is in none of them yet.
  std::vector<std::string> gained_by(const std::string& group) const {
    std::vector<std::string> gained;
    std::vector<std::string> todo{group};
    while (!todo.empty()) {
      const std::string next = std::move(todo.back());
      todo.pop_back();
      const auto is_in = [&](const std::vector<std::string>& names) { return std::find(names.begin(), names.end(), next) != names.end(); };
      if (is_in(gained) || is_in(principal_.groups)) continue;
      gained.push_back(next);
      if (const registry::Group* found = world_.objects.group(next)) todo.insert(todo.end(), found->parents.begin(), found->parents.end());
    }
    return gained;
  }

  void add_memberships() {
    struct Given {
      std::size_t permits = 0, rights = 0;
    };
    std::map<std::string, Given> uses;         // what names a group
    for (const Bundle::Row& row : bundle_.rows) {
      Given& given = uses[row.grant.group];
      ++given.permits;
      given.rights += rights_of(row.grant);
    }
    for (const cedar::CompiledPolicy& policy : bundle_.policy->policies().policies()) {
      if (policy.effect() != ast::Effect::permit || bundle_.policy->place(policy).file == "grants.yaml") continue;
      for (const std::string& group : groups_of(policy)) {
        ++uses[group].permits;
        uses[group].rights += kRightsOfMany;
      }
    }
    for (const auto& [group, _] : uses) {
      if (!world_.objects.group(group)) continue;
      Candidate candidate;
      candidate.groups = gained_by(group);
      if (candidate.groups.empty()) continue;
      std::size_t permits = 0;
      for (const std::string& gained : candidate.groups) {
        const auto used = uses.find(gained);
        if (used == uses.end()) continue;
        permits += used->second.permits;
        candidate.weight += used->second.rights;
      }
      candidate.change.kind = SmallestChange::Kind::group_membership;
      candidate.change.group = group;
      candidate.change.sentence = "make " + who_ + " a member of group `" + group + "`";
      candidate.change.consequence = who_ + " gets everything that is given to that group, by " + std::to_string(permits) + (permits == 1 ? " grant or policy" : " grants and policies");
      candidates_.push_back(std::move(candidate));
    }
  }

  std::size_t members_of(const std::string& group) {
    if (members_.empty()) {
      for (const registry::User& user : world_.objects.objects().users) {
        if (!user.active) continue;
        for (const std::string& one : world_.objects.groups_of(user)) ++members_[one];
      }
    }
    const auto found = members_.find(group);
    return found == members_.end() ? 0 : found->second;
  }

  void add_row(std::size_t index, AccessGrant row, std::string member, std::string value, bool is_more) {
    Candidate candidate;
    candidate.index = index;
    candidate.is_more = is_more;
    candidate.weight = members_of(row.group);
    candidate.change.kind = SmallestChange::Kind::grant_row;
    candidate.change.group = row.group;
    candidate.change.row = row.id;
    candidate.change.sentence = "add `" + value + "` to `" + member + "` of the row at " + row.id + " (group `" + row.group + "`)";
    candidate.change.consequence = candidate.weight <= 1 ? "nobody else is in that group" : "all " + std::to_string(candidate.weight) + " people of that group get it";
    candidate.change.member = std::move(member);
    candidate.change.value = std::move(value);
    candidate.row = std::move(row);
    candidates_.push_back(std::move(candidate));
  }

  void add_rows(std::size_t index) {
    const AccessGrant& row = bundle_.rows[index].grant;
    const auto& groups = principal_.groups;
    if (std::find(groups.begin(), groups.end(), row.group) == groups.end()) return;
    const Question& any = any_question();
    if (row.server != any.server.id) {
      AccessGrant other = row;
      other.server = any.server.id;
      return add_row(index, std::move(other), "servers", any.server.id, true);
    }
    if (!row.agents.contains(any.agent.id)) {
      AccessGrant more = row;
      more.agents.names.push_back(any.agent.id);
      add_row(index, std::move(more), "agents", any.agent.id, false);
    }
    for (const Question& scope : chain_.scopes) {
      if (!scope.scope || row.scopes.contains(scope.scope->name)) continue;
      AccessGrant more = row;
      more.scopes.names.push_back(scope.scope->name);
      add_row(index, std::move(more), "scopes", scope.scope->name, false);
    }
    // A name with a star in it would be a pattern for more tools than this one.
    if (chain_.use && chain_.use->tool && !row.tools.all && chain_.use->tool->name.find_first_of("*?") == std::string::npos) {
      AccessGrant more = row;
      more.tools.names.push_back(chain_.use->tool->name);
      add_row(index, std::move(more), "tools", chain_.use->tool->name, false);
    }
  }

  // Decides the whole chain again as it would be after the change.
  bool is_good(const Candidate& candidate) const {
    if (candidate.change.kind == SmallestChange::Kind::group_membership) {
      std::vector<cedar::EntityUid> gained;
      for (const std::string& group : candidate.groups) gained.emplace_back(kGroupType, group);
      if (could_weaken(bundle_.policy->policies(), gained)) return false;
      WholeWay with = chain_;
      const auto join = [&](Question& question) { question.principal.groups.insert(question.principal.groups.end(), candidate.groups.begin(), candidate.groups.end()); };
      if (with.connect) join(*with.connect);
      for (Question& scope : with.scopes) join(scope);
      if (with.use) join(*with.use);
      return allows(*bundle_.policy, with);
    }
    if (!could_help(candidate)) return false;
    const std::string tool_group = id_at(candidate.row->server, candidate.change.value);
    if (candidate.change.member == "tools" && could_weaken(bundle_.policy->policies(), {cedar::EntityUid(kToolGroupType, tool_group)})) return false;
    BundleContent content;
    for (std::size_t i = 0; i < bundle_.rows.size(); ++i) {
      if (i != candidate.index || candidate.is_more) content.grants.push_back(bundle_.rows[i].grant);
      if (i == candidate.index) content.grants.push_back(*candidate.row);
    }
    for (const auto& [name, text] : files_) {
      if (name.ends_with(".cedar")) content.files.push_back({name, text});
    }
    const auto compiled = CedarPolicy::compile(content);
    return compiled && allows(**compiled, chain_);
  }

  // Whether the row as changed permits something that nothing permits now; a bundle is compiled only for these.
  bool could_help(const Candidate& candidate) const {
    for (const Question* question : questions()) {
      if (bundle_.policy->enforce(*question).allowed) continue;
      const auto parts = parts_of(*candidate.row, *question);
      if (std::all_of(parts.begin(), parts.end(), [](const PolicyPart& part) { return part.outcome == PartOutcome::satisfied; })) return true;
    }
    return false;
  }

  const WholeWay& chain_;
  const World& world_;
  const Bundle& bundle_;
  const BundleFiles& files_;
  const std::string& who_;
  const Principal& principal_;
  std::vector<Candidate> candidates_;
  std::map<std::string, std::size_t> members_;
};

}  // namespace

bool allows(const CedarPolicy& policy, const WholeWay& chain) {
  if (chain.connect && !policy.enforce(*chain.connect).allowed) return false;
  const auto is_granted = [&](const Question& scope) { return policy.enforce(scope).allowed; };
  if (!chain.scopes.empty() && std::none_of(chain.scopes.begin(), chain.scopes.end(), is_granted)) return false;
  return !chain.use || policy.enforce(*chain.use).allowed;
}

Result<SmallestChange, NoChange> find_smallest_change(const WholeWay& chain, const World& world, const Bundle& bundle, const BundleFiles& files,
                                                      const std::string& user_name) {
  return Search(chain, world, bundle, files, user_name).find();
}

}  // namespace writ::policy
