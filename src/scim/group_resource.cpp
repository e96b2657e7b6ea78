#include "scim/group_resource.h"

#include <algorithm>
#include <set>

#include "registry/check.h"
#include "scim/schema.h"
#include "scim/user_resource.h"

namespace writ::scim {
namespace {

using registry::Group;
using registry::User;

bool contains(const std::vector<std::string>& list, const std::string& one) { return std::find(list.begin(), list.end(), one) != list.end(); }

}  // namespace

json::Value write_group(const Group& group, const View& view) {
  const auto kept = view.kept().find(registry::ObjectKind::group, group.id);
  json::Value out{{"schemas", json::Array{kGroupSchema}}, {"id", group.id}};
  if (!group.external_id.empty()) out.set("externalId", group.external_id);
  out.set("displayName", group.display_name.empty() ? group.id : group.display_name);
  const View::Members members = view.members_of(group);
  json::Array list;
  list.reserve(members.users.size() + members.groups.size());
  for (const User* user : members.users) {
    list.push_back(json::Value{{"value", user->id}, {"$ref", view.location("/Users", user->id)}, {"display", user->display_name.empty() ? user->name : user->display_name}, {"type", "User"}});
  }
  for (const Group* child : members.groups) {
    list.push_back(json::Value{{"value", child->id}, {"$ref", view.location("/Groups", child->id)}, {"display", child->display_name}, {"type", "Group"}});
  }
  if (!list.empty()) out.set("members", std::move(list));
  add_meta(out, "Group", kept.get(), view.location("/Groups", group.id));
  return out;
}

Result<std::vector<std::string>, Error> read_group(const json::Value& resource, const View& view, Group& group) {
  const auto* name = resource.find_string("displayName");
  if (!name) return unexpected(invalid_value("a group needs `displayName`"));
  if (name->size() > 256) return unexpected(invalid_value("`displayName` has at most 256 bytes"));
  for (const Group& other : view.snapshot().objects().groups) {
    // Directories find their groups by name: two of one name could not be told apart.
    if (view.sees(other) && other.id != group.id && is_same_name(other.display_name, *name)) return unexpected(taken("there is a group " + quoted(*name) + " already"));
  }
  group.display_name = *name;
  const auto* external = resource.find_string("externalId");
  group.external_id = external ? *external : std::string();
  std::vector<std::string> members;
  if (const auto* list = resource.find_array("members")) {
    for (const json::Value& member : *list) {
      const auto* value = member.find_string("value");
      if (!value) return unexpected(invalid_value("each of `members` needs `value`: the id of a user or a group"));
      members.push_back(*value);
    }
  }
  return members;
}

Result<ChangedMembers, Error> change_members(const Group& group, const std::vector<std::string>& wanted, const View& view) {
  ChangedMembers changed;
  const std::set<std::string> ids(wanted.begin(), wanted.end());
  for (const std::string& id : ids) {
    if (const User* user = view.user(id)) {
      if (contains(user->groups, group.id)) continue;
      changed.users.push_back(*user);
      changed.users.back().groups.push_back(group.id);
    } else if (const Group* child = view.group(id)) {
      if (contains(child->parents, group.id)) continue;
      changed.groups.push_back(*child);
      changed.groups.back().parents.push_back(group.id);
    } else {
      return unexpected(invalid_value("there is no user or group " + quoted(id) + " of this directory"));
    }
  }
  const View::Members present = view.members_of(group);
  for (const User* user : present.users) {
    if (ids.contains(user->id)) continue;
    changed.users.push_back(*user);
    std::erase(changed.users.back().groups, group.id);
  }
  for (const Group* child : present.groups) {
    if (ids.contains(child->id)) continue;
    changed.groups.push_back(*child);
    std::erase(changed.groups.back().parents, group.id);
  }
  return changed;
}

ChangedMembers without_group(const Group& group, const registry::Snapshot& snapshot) {
  ChangedMembers changed;
  for (const User* user : snapshot.people().members_of(group.id)) {
    changed.users.push_back(*user);
    std::erase(changed.users.back().groups, group.id);
  }
  for (const Group* child : snapshot.people().children_of(group.id)) {
    changed.groups.push_back(*child);
    std::erase(changed.groups.back().parents, group.id);
  }
  return changed;
}

std::string free_group_id(std::string_view display_name, const registry::Snapshot& snapshot) {
  constexpr std::size_t kMost = 48;
  std::string id;
  for (const char letter : display_name) {
    const bool is_plain = registry::is_group_id(std::string("a") + letter);
    if (is_plain && !(id.empty() && !registry::is_group_id(std::string(1, letter)))) id += letter;
    else if (!id.empty() && id.back() != '-') id += '-';
    if (id.size() >= kMost) break;
  }
  while (!id.empty() && id.back() == '-') id.pop_back();
  if (id.empty()) id = "group";
  if (!snapshot.group(id)) return id;
  for (int number = 2;; ++number) {
    std::string numbered = id + "-" + std::to_string(number);
    if (!snapshot.group(numbered)) return numbered;
  }
}

}  // namespace writ::scim
