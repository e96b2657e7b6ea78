// Groups: list, look up, make, replace, patch, delete.

#include <algorithm>

#include "registry/read.h"
#include "scim/collection.h"
#include "scim/group_resource.h"

namespace writ::scim {
namespace {

using registry::Group;
using registry::ObjectKind;

constexpr Collection kGroups{ObjectKind::group, group_type, [](const View& view, const std::string& id) {
                              const Group* group = view.group(id);
                              return group ? std::optional(write_group(*group, view)) : std::nullopt;
                            }};

void add(Edit& edit, ChangedMembers changed) {
  edit.users = std::move(changed.users);
  edit.groups.insert(edit.groups.end(), std::make_move_iterator(changed.groups.begin()), std::make_move_iterator(changed.groups.end()));
}

// `resource` is how the group shall be, whole. `before`: null for one that is made.
Result<Edit, Error> edit_group(Group group, const Group* before, const json::Value& resource, const View& view, Instant now, Outcome& outcome) {
  const std::vector<std::string> members = TRY(read_group(resource, view, group));
  if (std::find(members.begin(), members.end(), group.id) != members.end()) return unexpected(invalid_value("a group is no member of itself"));
  ChangedMembers changed = TRY(change_members(group, members, view));
  Edit edit;
  const bool is_other = !before || !(registry::write(*before) == registry::write(group));
  const auto kept = view.kept().find(ObjectKind::group, group.id);
  outcome.id = group.id;
  outcome.kept = keep_again(kept.get(), json::Object{}, is_other || !changed.users.empty() || !changed.groups.empty(), now);
  if (is_other) edit.groups.push_back(std::move(group));
  add(edit, std::move(changed));
  return edit;
}

Task<http::Response> change_group(const Call& call, Result<Next, Error> next) {
  if (!next) co_return to_response(next.error());
  auto outcome = std::make_shared<Outcome>();
  Editing editing = [&call, next = std::move(*next), outcome](const registry::Snapshot& present, const registry::Catalogue&) -> Result<Edit, Error> {
    const View view = TRY(view_of(call, present));
    const Group* group = view.group(call.id);
    if (!group) return unexpected(unknown(kGroups, call.id));
    json::Value before = write_group(*group, view);
    TRY(check_if_match(call.request, before));
    const json::Value after = TRY(next(std::move(before)));
    return edit_group(*group, group, after, view, call.now, *outcome);
  };
  auto response = co_await finish(call, kGroups, std::move(editing), std::move(outcome), 200);
  co_return response;
}

}  // namespace

Task<http::Response> list_groups(const Call& call) {
  const auto query = read_list_query(call.query, group_type());
  if (!query) co_return to_response(query.error());
  const auto snapshot = call.endpoint.registry.get();
  const auto view = view_of(call, *snapshot);
  if (!view) co_return to_response(view.error());
  const auto name = query->filter ? required_value(*query->filter, "displayName") : std::nullopt;
  Page page(*query);
  for (const Group& group : snapshot->objects().groups) {
    if (!view->sees(group)) continue;
    if (!query->filter) {
      if (page.takes_next()) page.add(write_group(group, *view));
      continue;
    }
    if (name && !is_same_name(group.display_name.empty() ? group.id : group.display_name, *name)) continue;
    json::Value resource = write_group(group, *view);
    if (matches(*query->filter, resource) && page.takes_next()) page.add(std::move(resource));
  }
  co_return answer(200, std::move(page).finish());
}

Task<http::Response> get_group(const Call& call) { return get_resource(call, kGroups); }

Task<http::Response> create_group(const Call& call) {
  auto resource = read_whole(call, kGroups);
  if (!resource) co_return to_response(resource.error());
  auto outcome = std::make_shared<Outcome>();
  Editing editing = [&call, resource = std::move(*resource), outcome](const registry::Snapshot& present, const registry::Catalogue&) -> Result<Edit, Error> {
    const View view = TRY(view_of(call, present));
    Group group;
    const auto* name = resource.find_string("displayName");
    // A new group takes over none that is there: what an administrator's group may do is not for a directory to hand out (docs/decisions/0034).
    group.id = free_group_id(name ? *name : std::string(), present);
    group.provisioned_by = call.connector;
    return edit_group(std::move(group), nullptr, resource, view, call.now, *outcome);
  };
  auto response = co_await finish(call, kGroups, std::move(editing), std::move(outcome), 201);
  co_return response;
}

Task<http::Response> replace_group(const Call& call) { return change_group(call, read_replacement(call, kGroups)); }
Task<http::Response> patch_group(const Call& call) { return change_group(call, read_patch(call, kGroups)); }

Task<http::Response> delete_group(const Call& call) {
  return delete_resource(call, kGroups, [&call](const View& view, bool removes) -> Result<Edit, Error> {
    const Group& group = *view.group(call.id);
    Edit edit;
    // Nobody has any more what membership gave, whoever put them there.
    add(edit, without_group(group, view.snapshot()));
    if (removes) {
      edit.removed.emplace_back(ObjectKind::group, group.id);
      return edit;
    }
    // A policy names it, so the name must go on to mean nobody.
    Group rest = group;
    rest.external_id.clear(), rest.provisioned_by.clear();
    rest.parents.clear();
    edit.groups.push_back(std::move(rest));
    edit.note = "something names this group: what stays is empty and nobody's directory's";
    return edit;
  });
}

}  // namespace writ::scim
