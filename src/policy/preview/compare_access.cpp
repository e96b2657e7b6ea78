#include <algorithm>
#include <map>
#include <set>

#include "policy/preview/access.h"
#include "policy/preview/residues.h"
#include "policy/preview/things.h"
#include "policy/vocabulary.h"

namespace writ::policy::preview {
namespace {

struct Change {
  std::uint32_t thing = 0;      // class
  Access before = Access::never, after = Access::never;
  friend auto operator<=>(const Change&, const Change&) = default;
};
using Changes = std::vector<Change>;

// Agents that are alike in all that policies mention.
struct AgentClass {
  std::vector<std::string> agents;
  bool is_active[2] = {false, false};
};

std::vector<AgentClass> agent_classes(const AccessState& before, const AccessState& after, const Mentions& mentions) {
  const AccessState* const states[2] = {&before, &after};
  std::set<std::string> ids;
  for (const AccessState* state : states) {
    for (const auto& agent : state->objects.objects().agents) ids.insert(agent.id);
  }
  std::map<std::string, AgentClass> classes;
  for (const std::string& id : ids) {
    AgentClass fresh;
    std::string key;
    const auto add = [&key](std::string_view part) { (key += std::to_string(part.size()) += ':') += part; };
    for (int side = 0; side < 2; ++side) {
      const registry::Agent* agent = states[side]->objects.agent(id);
      fresh.is_active[side] = agent && agent->active;
      key += fresh.is_active[side] ? '+' : '-';
      if (!fresh.is_active[side]) continue;
      add(agent->vendor);
      for (const auto& group : agent->groups) {
        if (mentions.of(kAgentGroupType).contains(group)) add(group);
      }
      // How it authenticates may differ at each authorization server.
      key += '|';
      if (agent->idp) add(registry::to_string(agent->idp->authentication));
      key += '|';
      std::map<std::string_view, std::string_view> at;
      for (const auto& ras : agent->resource_as) at.emplace(ras.issuer, registry::to_string(ras.registration.authentication));
      for (const auto& [issuer, method] : at) add(issuer), add(method);
    }
    if (mentions.of(kAgentType).contains(id)) key += "\n" + id;
    if (!fresh.is_active[0] && !fresh.is_active[1]) continue;
    classes.emplace(std::move(key), std::move(fresh)).first->second.agents.push_back(id);
  }
  std::vector<AgentClass> result;
  for (auto& [key, one] : classes) result.push_back(std::move(one));
  return result;
}

class Comparison {
 public:
  Comparison(const AccessState& before, const AccessState& after) : states_{&before, &after}, mentions_(mentions_of(before, after)), classes_(before, after, mentions_), residues_(classes_.groups(), values_) {
    for (const UserClass& one : classes_.all()) {
      for (int side = 0; side < 2; ++side) {
        if (one.is_active[side]) anybody_[side] = one.representative;
      }
      has_changed_users_ = has_changed_users_ || one.is_changed;
      has_users_looked_into_ = has_users_looked_into_ || one.is_looked_into;
    }
  }

  AccessDifference run() {
    std::set<std::string> servers;
    for (const AccessState* state : states_) {
      for (const auto& server : state->objects.objects().servers) servers.insert(server.id);
    }
    const auto agents = agent_classes(*states_[0], *states_[1], mentions_);
    for (const std::string& server : servers) {
      const auto things = thing_classes(*states_[0], *states_[1], mentions_, server);
      for (const AgentClass& agent : agents) compare(server, agent, things);
      collect(server, things);
    }
    finish();
    return std::move(difference_);
  }

 private:
  static Mentions mentions_of(const AccessState& before, const AccessState& after) {
    Mentions mentions;
    add_mentions(before.policy, mentions);
    add_mentions(after.policy, mentions);
    return mentions;
  }

  // What of a person matters at one server and agent.
  struct Relevant {
    GroupSet groups;
    std::set<std::int32_t> personal;
    std::set<ValueId> conditions;      // those that are no personal ones
  };

  void compare(const std::string& server, const AgentClass& agent, const std::vector<ThingClass>& things) {
    std::vector<ThingResidues> residues[2];
    Relevant relevant{GroupSet(classes_.groups().words(), 0), {}, {kAlways}};
    bool is_same = true;
    for (std::size_t i = 0; i < things.size(); ++i) {
      for (int side = 0; side < 2; ++side) {
        ThingResidues found;
        if (things[i].exists[side] && agent.is_active[side] && !anybody_[side].empty()) found = residues_of(side, agent.agents.front(), server, things[i].things.front());
        note(found, relevant);
        residues[side].push_back(std::move(found));
      }
      is_same = is_same && residues[0].back() == residues[1].back() && things[i].needed_scopes[0] == things[i].needed_scopes[1];
    }
    if (is_same && !has_changed_users_ && !has_users_looked_into_) return;

    std::unordered_map<std::string, std::size_t> by_key;
    std::vector<std::pair<Changes, std::vector<std::uint32_t>>> found;   // changes, user classes
    std::string key;
    for (std::uint32_t number = 0; number < classes_.all().size(); ++number) {
      const UserClass& person = classes_.all()[number];
      if (is_same && !person.is_changed && !person.is_looked_into) continue;
      key_of(person, number, relevant, key);
      const auto [at, is_new] = by_key.emplace(key, found.size());
      if (is_new) found.emplace_back(changes_for(person, number, server, agent, things, residues), std::vector<std::uint32_t>());
      found[at->second].second.push_back(number);
    }
    for (const auto& [changes, classes] : found) {
      if (changes.empty()) continue;
      auto& people = by_changes_[{agent.agents, changes}];
      people.insert(people.end(), classes.begin(), classes.end());
    }
  }

  ThingResidues residues_of(int side, const std::string& agent, const std::string& server, const Thing& thing) {
    auto question = question_of(*states_[side], anybody_[side], agent, server, thing);
    return question ? residues_.of(states_[side]->policy, std::move(*question), thing) : ThingResidues();
  }

  void note(const ThingResidues& thing, Relevant& relevant) const {
    const auto note_test = [&](const PersonTest& test) {
      if (test.form == PersonTest::Form::in_group) relevant.groups[test.number / 64] |= std::uint64_t{1} << (test.number % 64);
    };
    for (const Residue& residue : thing.residues) {
      note_test(residue.who);
      if (residue.personal >= 0) relevant.personal.insert(residue.personal);
      else relevant.conditions.insert(residue.contribution.condition);
    }
    for (const PersonTest& test : thing.readers) note_test(test);
  }

  // Users with equal keys have the same changes at this server and agent. Personal conditions that no policy has for everybody count by which of
  // them are the same condition, not by what they say: "the owner is alice" for alice changes as "the owner is bob" does for bob.
  void key_of(const UserClass& person, std::uint32_t number, const Relevant& relevant, std::string& key) {
    key.clear();
    const auto add = [&key](const auto& value) { key.append(reinterpret_cast<const char*>(&value), sizeof value); };
    for (int side = 0; side < 2; ++side) {
      key += person.is_active[side] ? '+' : '-';
      for (std::size_t i = 0; i < relevant.groups.size(); ++i) add(std::uint64_t{person.groups[side][i] & relevant.groups[i]});
    }
    if (person.mentioned != GroupNumbers::kNotMentioned) return add(number);
    std::vector<ValueId> own;
    for (const std::int32_t condition : relevant.personal) {
      for (int side = 0; side < 2; ++side) {
        if (!person.is_active[side]) continue;
        const Contribution& contribution = residues_.personal(condition, classes_.person(number, side));
        const auto& outcomes = contribution.outcomes;
        add(static_cast<char>(outcomes.may_be_satisfied | outcomes.may_not_be_satisfied << 1 | outcomes.may_fail << 2));
        if (relevant.conditions.contains(contribution.condition)) {
          add(contribution.condition);
          continue;
        }
        const auto at = std::find(own.begin(), own.end(), contribution.condition);
        key += '#';
        add(static_cast<std::uint32_t>(at - own.begin()));
        if (at == own.end()) own.push_back(contribution.condition);
      }
    }
  }

  Changes changes_for(const UserClass& person, std::uint32_t number, const std::string& server, const AgentClass& agent, const std::vector<ThingClass>& things,
                      const std::vector<ThingResidues> (&residues)[2]) {
    Changes changes;
    std::vector<ValueId> values[2];
    for (int side = 0; side < 2; ++side) {
      if (person.is_looked_into) directly(person, side, server, agent, things, values[side]);
      else in_classes(person, number, side, things, residues[side], values[side]);
    }
    for (std::uint32_t i = 0; i < things.size(); ++i) {
      if (values[0][i] != values[1][i]) changes.push_back({i, access_of_value(values[0][i]), access_of_value(values[1][i])});
    }
    return changes;
  }

  void in_classes(const UserClass& person, std::uint32_t number, int side, const std::vector<ThingClass>& things, const std::vector<ThingResidues>& residues,
                  std::vector<ValueId>& values) {
    // Nothing is within reach without a connection.
    const ValueId connect = person.is_active[side] ? residues_.decide(residues.front(), classes_.person(number, side)) : kNever;
    if (connect == kNever) return values.assign(things.size(), kNever);
    std::map<std::string_view, ValueId> scopes;
    for (std::size_t i = 0; i < things.size(); ++i) {
      const Thing& thing = things[i].things.front();
      if (thing.kind == Thing::Kind::connect) {
        values.push_back(connect);
        continue;
      }
      const ValueId own = residues_.decide(residues[i], classes_.person(number, side));
      if (thing.kind == Thing::Kind::scope) scopes.emplace(thing.name, own);
      ValueId value = values_.all_of({connect, own});
      if (value != kNever && !things[i].needed_scopes[side].empty()) {
        std::vector<ValueId> needed;
        for (const auto& scope : things[i].needed_scopes[side]) needed.push_back(scopes[scope]);
        value = values_.all_of({value, values_.any_of(std::move(needed))});
      }
      values.push_back(value);
    }
  }

  // A policy reads this very user's attributes by name: no shortcut.
  void directly(const UserClass& person, int side, const std::string& server, const AgentClass& agent, const std::vector<ThingClass>& things, std::vector<ValueId>& values) {
    for (const ThingClass& thing : things) {
      if (!thing.exists[side]) {
        values.push_back(kNever);
        continue;
      }
      const Cell cell = access_of(*states_[side], person.representative, agent.agents.front(), server, thing.things.front());
      values.push_back(cell.access == Access::never ? kNever : cell.access == Access::always ? kAlways : values_.condition(cell.condition));
    }
  }

  // Of one server: agents through which the same people have the same changes are told together.
  void collect(const std::string& server, const std::vector<ThingClass>& things) {
    std::map<std::pair<Changes, std::vector<std::uint32_t>>, std::vector<std::string>> grouped;
    for (auto& [key, classes] : by_changes_) {
      std::sort(classes.begin(), classes.end());
      auto& agents = grouped[{key.second, classes}];
      agents.insert(agents.end(), key.first.begin(), key.first.end());
    }
    by_changes_.clear();
    for (auto& [key, agents] : grouped) {
      std::sort(agents.begin(), agents.end());
      std::vector<std::uint32_t> users;
      for (const std::uint32_t number : key.second) {
        const auto& members = classes_.all()[number].members;
        users.insert(users.end(), members.begin(), members.end());
      }
      std::sort(users.begin(), users.end());
      std::map<std::pair<Access, Access>, std::vector<Thing>> by_kind;
      for (const Change& change : key.first) {
        auto& into = by_kind[{change.before, change.after}];
        into.insert(into.end(), things[change.thing].things.begin(), things[change.thing].things.end());
      }
      for (auto& [kind, changed] : by_kind) {
        std::sort(changed.begin(), changed.end());
        difference_.cells += static_cast<std::uint64_t>(users.size()) * agents.size() * changed.size();
        difference_.changes.push_back({server, agents, kind.first, kind.second, std::move(changed), users});
      }
    }
  }

  void finish() {
    const auto order = [](const AccessChange& change) { return change.after < change.before ? 0 : change.after == change.before ? 1 : 2; };
    std::stable_sort(difference_.changes.begin(), difference_.changes.end(), [&](const auto& a, const auto& b) { return order(a) < order(b); });
    difference_.users = std::move(classes_.users());
    std::size_t* const counts[3] = {&difference_.losing, &difference_.changing, &difference_.gaining};
    std::vector<bool> seen[3];
    for (auto& one : seen) one.resize(difference_.users.size());
    for (const AccessChange& change : difference_.changes) {
      auto& of_kind = seen[order(change)];
      for (const std::uint32_t user : change.users) {
        if (!of_kind[user]) ++*counts[order(change)];
        of_kind[user] = true;
      }
    }
  }

  const AccessState* states_[2];
  const Mentions mentions_;
  AccessValues values_;
  UserClasses classes_;
  Residues residues_;
  std::string anybody_[2];
  bool has_changed_users_ = false, has_users_looked_into_ = false;
  std::map<std::pair<std::vector<std::string>, Changes>, std::vector<std::uint32_t>> by_changes_;   // of the server at hand
  AccessDifference difference_;
};

}  // namespace

AccessDifference compare_access(const AccessState& before, const AccessState& after) { return Comparison(before, after).run(); }

}  // namespace writ::policy::preview
