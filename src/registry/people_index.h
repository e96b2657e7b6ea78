#pragma once

// What people and groups are looked up by, beside the lists that they stand in. Copies share what they have in common, and a change touches what it is
// about: the person, whoever refers to them, and the members of groups that move (docs/decisions/0046).
//
// It points into the lists and keeps no text of its own. INVARIANT: whoever holds an index holds lists with the same objects in them.

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "registry/identity_connector.h"
#include "registry/objects.h"
#include "registry/shared_blocks.h"
#include "registry/shared_index.h"
#include "registry/shared_list.h"

namespace writ::registry {

// Who names what: members of a group, children of a group, accounts that somebody answers for.
template <class T>
class Mentions {
 public:
  Mentions() = default;
  // Of everybody: (name, by whom). Found out anew without searching a place for each.
  explicit Mentions(const std::vector<std::pair<std::string_view, const T*>>& all) {
    std::unordered_map<std::string_view, std::vector<Row>> by_name;
    for (const auto& [name, by] : all) by_name[name].push_back(Row{name, by});
    std::vector<std::string_view> names;
    for (const auto& [name, rows] : by_name) names.push_back(name);
    std::sort(names.begin(), names.end());
    const auto is_before = [](const Row& a, const Row& b) { return a.by->id < b.by->id; };
    for (const std::string_view name : names) {
      std::vector<Row>& rows = by_name[name];
      if (!std::is_sorted(rows.begin(), rows.end(), is_before)) std::stable_sort(rows.begin(), rows.end(), is_before);
      for (const Row& row : rows) rows_.insert(rows_.end(), row);
    }
  }

  void add(std::string_view name, const T& by) { rows_.insert(place_of(name, by.id), Row{name, &by}); }
  void remove(std::string_view name, const T& by) {
    for (auto at = place_of(name, by.id); at != rows_.end() && at->name == name; ++at) {
      if (at->by == &by) return rows_.erase(at);
    }
  }
  // By id.
  std::vector<const T*> of(std::string_view name) const {
    std::vector<const T*> found;
    for (auto at = place_of(name, {}); at != rows_.end() && at->name == name; ++at) found.push_back(at->by);
    return found;
  }

 private:
  struct Row {
    std::string_view name;   // into `by`
    const T* by = nullptr;
  };
  typename SharedBlocks<Row>::Iterator place_of(std::string_view name, std::string_view id) const {
    return rows_.partition_point([&](const Row& row) { return std::pair(row.name, std::string_view(row.by->id)) < std::pair(name, id); });
  }
  SharedBlocks<Row> rows_;
};

class PeopleIndex {
 public:
  using Connectors = std::vector<IdentityConnector>;

  PeopleIndex() = default;
  PeopleIndex(const SharedList<User>& users, const SharedList<Group>& groups, const Connectors& connectors);

  // What took the place of what; null: there was none, or there is none any more. The connectors are those that it was made with.
  struct Change {
    std::vector<std::pair<const User*, const User*>> users;
    std::vector<std::pair<const Group*, const Group*>> groups;
  };
  void apply(const Change& change, const Connectors& connectors);

  // Null: there is none. Nothing is copied on the way.
  const User* user(std::string_view id) const;
  const User* user_by_name(std::string_view name) const;
  const User* user_by_link(std::string_view issuer, std::string_view tenant, std::string_view subject) const;
  const Group* group(std::string_view id) const;

  // All with that name, `external_id` or `email`, without regard to the case of ASCII letters; by id. Nobody is found by what is empty.
  std::vector<const User*> namesakes(std::string_view name) const;
  std::vector<const User*> with_external_id(std::string_view external_id) const;
  std::vector<const User*> with_email(std::string_view email) const;
  std::vector<const User*> linked_to(std::string_view issuer, std::string_view tenant, std::string_view subject) const;
  std::vector<const User*> linked_to(std::string_view issuer, std::string_view subject) const;   // whatever the tenant

  std::vector<const User*> members_of(std::string_view group) const { return members_.of(group); }      // direct
  std::vector<const Group*> children_of(std::string_view group) const { return children_.of(group); }   // direct
  std::vector<const User*> owned_by(std::string_view user) const { return owned_.of(user); }            // service accounts

  // Direct and inherited groups, each once (Snapshot::groups_of).
  const std::vector<std::string>& groups_of(std::string_view user) const;

 private:
  using Groups = std::shared_ptr<const std::vector<std::string>>;
  struct Person {
    const User* user = nullptr;
    Groups groups;             // null: those that stand in `user`
  };
  Groups find_groups(const User& user, const Connectors& connectors) const;
  void add_names(const User& user, Groups groups);
  void add(const User& user, Groups groups);
  void remove(const User& user);
  void add(const Group& group);
  void remove(const Group& group);

  SharedIndex<Person> by_id_;
  SharedIndex<const User*> by_name_, by_external_id_, by_email_, by_link_;
  SharedIndex<const Group*> groups_;
  Mentions<User> members_, linked_members_, owned_;
  Mentions<Group> children_;
};

}  // namespace writ::registry
