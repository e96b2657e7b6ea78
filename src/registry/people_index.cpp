#include "registry/people_index.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_set>

namespace writ::registry {
namespace {

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter; }
std::uint64_t hash_of_folded(std::string_view text) { return hash_of(text, lower); }
// The tenant is not in it: some ask without one.
std::uint64_t hash_of_link(std::string_view issuer, std::string_view subject) {
  return hash_of(subject, [](char letter) { return letter; }, hash_of(issuer));
}

bool is_same_folded(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}
bool is_linked(const User& user, std::string_view issuer, std::optional<std::string_view> tenant, std::string_view subject) {
  return std::any_of(user.links.begin(), user.links.end(), [&](const User::Link& link) { return link.issuer == issuer && link.subject == subject && (!tenant || link.tenant == *tenant); });
}

template <class T>
auto is(const T& object) {
  return [&object](const T* entry) { return entry == &object; };
}

// Each once, by id.
template <class Fits>
std::vector<const User*> all_in(const SharedIndex<const User*>& index, std::uint64_t hash, Fits fits) {
  std::vector<const User*> found;
  index.for_each(hash, [&](const User* user) {
    if (fits(*user) && std::find(found.begin(), found.end(), user) == found.end()) found.push_back(user);
  });
  std::sort(found.begin(), found.end(), [](const User* a, const User* b) { return a->id < b->id; });
  return found;
}

// What is kept on a link is a copy of what a provider said under the allow-list of then; the list of now decides whether it counts.
void add_link_groups(const User& user, const std::vector<IdentityConnector>& connectors, std::vector<std::string>& groups) {
  for (const auto& link : user.links) {
    if (link.groups.empty()) continue;
    const auto connector = std::find_if(connectors.begin(), connectors.end(), [&](const IdentityConnector& one) { return one.issuer == link.issuer; });
    if (connector == connectors.end() || !connector->active) continue;
    for (const std::string& group : link.groups) {
      const bool is_mapped = std::any_of(connector->groups.begin(), connector->groups.end(), [&](const auto& row) { return row.second == group; });
      if (is_mapped) groups.push_back(group);
    }
  }
}

}  // namespace

PeopleIndex::PeopleIndex(const SharedList<User>& users, const SharedList<Group>& groups, const Connectors& connectors) {
  for (const Group& group : groups) add(group);
  std::map<std::vector<std::string>, Groups> known;   // many people are in the same groups
  for (const User& user : users) {
    Groups found = find_groups(user, connectors);
    if (found) found = known.emplace(*found, found).first->second;
    add_names(user, std::move(found));
  }
  std::vector<std::pair<std::string_view, const User*>> members, linked, owned;
  for (const User& user : users) {
    for (const std::string& group : user.groups) members.emplace_back(group, &user);
    if (!user.owner.empty()) owned.emplace_back(user.owner, &user);
    for (const auto& link : user.links) {
      for (const std::string& group : link.groups) linked.emplace_back(group, &user);
    }
  }
  members_ = Mentions(members), linked_members_ = Mentions(linked), owned_ = Mentions(owned);
}

// A walk over the parents; a group is visited once, so it ends even where nobody asked whether groups contain each other.
PeopleIndex::Groups PeopleIndex::find_groups(const User& user, const Connectors& connectors) const {
  std::vector<std::string> direct = user.groups;
  add_link_groups(user, connectors, direct);
  std::vector<std::string> found;
  std::set<std::string_view> seen;
  std::vector<std::string_view> pending(direct.rbegin(), direct.rend());
  while (!pending.empty()) {
    const std::string_view id = pending.back();
    pending.pop_back();
    const Group* known = group(id);
    // A group that does not exist gives nobody anything.
    if (!known || !seen.insert(known->id).second) continue;
    pending.insert(pending.end(), known->parents.rbegin(), known->parents.rend());
    found.emplace_back(id);
  }
  if (found == user.groups) return nullptr;
  return std::make_shared<const std::vector<std::string>>(std::move(found));
}

void PeopleIndex::add_names(const User& user, Groups groups) {
  by_id_.insert(hash_of(user.id), Person{&user, std::move(groups)});
  by_name_.insert(hash_of_folded(user.name), &user);
  if (!user.external_id.empty()) by_external_id_.insert(hash_of_folded(user.external_id), &user);
  if (!user.email.empty()) by_email_.insert(hash_of_folded(user.email), &user);
  for (const auto& link : user.links) by_link_.insert(hash_of_link(link.issuer, link.subject), &user);
}

void PeopleIndex::add(const User& user, Groups groups) {
  add_names(user, std::move(groups));
  for (const std::string& group : user.groups) members_.add(group, user);
  if (!user.owner.empty()) owned_.add(user.owner, user);
  for (const auto& link : user.links) {
    for (const std::string& group : link.groups) linked_members_.add(group, user);
  }
}

void PeopleIndex::remove(const User& user) {
  by_id_.erase(hash_of(user.id), [&](const Person& person) { return person.user == &user; });
  by_name_.erase(hash_of_folded(user.name), is(user));
  by_external_id_.erase(hash_of_folded(user.external_id), is(user));
  by_email_.erase(hash_of_folded(user.email), is(user));
  for (const std::string& group : user.groups) members_.remove(group, user);
  owned_.remove(user.owner, user);
  for (const auto& link : user.links) {
    by_link_.erase(hash_of_link(link.issuer, link.subject), is(user));
    for (const std::string& group : link.groups) linked_members_.remove(group, user);
  }
}

void PeopleIndex::add(const Group& group) {
  groups_.insert(hash_of(group.id), &group);
  for (const std::string& parent : group.parents) children_.add(parent, group);
}

void PeopleIndex::remove(const Group& group) {
  groups_.erase(hash_of(group.id), is(group));
  for (const std::string& parent : group.parents) children_.remove(parent, group);
}

void PeopleIndex::apply(const Change& change, const Connectors& connectors) {
  std::vector<std::string_view> moved;   // groups that came, went, or have other parents; and all that are in them
  for (const auto& [before, after] : change.groups) {
    if (before) remove(*before);
    if (after) add(*after);
    if (!before || !after || before->parents != after->parents) moved.push_back(after ? after->id : before->id);
  }
  for (const auto& [before, after] : change.users) {
    if (before) remove(*before);
    if (after) add(*after, find_groups(*after, connectors));
  }
  std::unordered_set<std::string_view> reached;
  while (!moved.empty()) {
    const std::string_view id = moved.back();
    moved.pop_back();
    if (!reached.insert(id).second) continue;
    for (const Group* child : children_of(id)) moved.push_back(child->id);
  }
  std::set<const User*> members;
  for (const std::string_view id : reached) {
    for (const Mentions<User>* mentions : {&members_, &linked_members_}) {
      for (const User* user : mentions->of(id)) members.insert(user);
    }
  }
  for (const User* user : members) {
    by_id_.erase(hash_of(user->id), [&](const Person& person) { return person.user == user; });
    by_id_.insert(hash_of(user->id), Person{user, find_groups(*user, connectors)});
  }
}

const User* PeopleIndex::user(std::string_view id) const {
  const Person* found = by_id_.find(hash_of(id), [&](const Person& person) { return person.user->id == id; });
  return found ? found->user : nullptr;
}
const User* PeopleIndex::user_by_name(std::string_view name) const {
  const User* const* found = by_name_.find(hash_of_folded(name), [&](const User* user) { return user->name == name; });
  return found ? *found : nullptr;
}
const User* PeopleIndex::user_by_link(std::string_view issuer, std::string_view tenant, std::string_view subject) const {
  const User* const* found = by_link_.find(hash_of_link(issuer, subject), [&](const User* user) { return is_linked(*user, issuer, tenant, subject); });
  return found ? *found : nullptr;
}
const Group* PeopleIndex::group(std::string_view id) const {
  const Group* const* found = groups_.find(hash_of(id), [&](const Group* group) { return group->id == id; });
  return found ? *found : nullptr;
}

std::vector<const User*> PeopleIndex::namesakes(std::string_view name) const {
  return all_in(by_name_, hash_of_folded(name), [&](const User& user) { return is_same_folded(user.name, name); });
}
std::vector<const User*> PeopleIndex::with_external_id(std::string_view external_id) const {
  return all_in(by_external_id_, hash_of_folded(external_id), [&](const User& user) { return is_same_folded(user.external_id, external_id); });
}
std::vector<const User*> PeopleIndex::with_email(std::string_view email) const {
  return all_in(by_email_, hash_of_folded(email), [&](const User& user) { return is_same_folded(user.email, email); });
}
std::vector<const User*> PeopleIndex::linked_to(std::string_view issuer, std::string_view tenant, std::string_view subject) const {
  return all_in(by_link_, hash_of_link(issuer, subject), [&](const User& user) { return is_linked(user, issuer, tenant, subject); });
}
std::vector<const User*> PeopleIndex::linked_to(std::string_view issuer, std::string_view subject) const {
  return all_in(by_link_, hash_of_link(issuer, subject), [&](const User& user) { return is_linked(user, issuer, std::nullopt, subject); });
}

const std::vector<std::string>& PeopleIndex::groups_of(std::string_view user) const {
  static const std::vector<std::string> none;
  const Person* found = by_id_.find(hash_of(user), [&](const Person& person) { return person.user->id == user; });
  if (!found) return none;
  return found->groups ? *found->groups : found->user->groups;
}

}  // namespace writ::registry
