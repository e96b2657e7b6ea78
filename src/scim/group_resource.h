#pragma once

// Groups as SCIM groups and back. Who is a member stands with the members: in `groups` of a user and in `parents` of a group.

#include <string>
#include <vector>

#include "base/result.h"
#include "scim/error.h"
#include "scim/view.h"

namespace writ::scim {

json::Value write_group(const registry::Group& group, const View& view);

// `resource` in the spelling of the schemas, whole. Names and ids of members; whether they exist is looked up by change_members.
Result<std::vector<std::string>, Error> read_group(const json::Value& resource, const View& view, registry::Group& group);

// Those whose membership differs from `wanted`, changed. Members that this directory does not see stay what they are.
struct ChangedMembers {
  std::vector<registry::User> users;
  std::vector<registry::Group> groups;
};
Result<ChangedMembers, Error> change_members(const registry::Group& group, const std::vector<std::string>& wanted, const View& view);

// Everybody and everything that is in the group, taken out; also who was put there by an administrator.
ChangedMembers without_group(const registry::Group& group, const registry::Snapshot& snapshot);

// An id that is free, readable, and of the form that policies name groups by: "Engineering-EU" from "Engineering (EU)".
std::string free_group_id(std::string_view display_name, const registry::Snapshot& snapshot);

}  // namespace writ::scim
