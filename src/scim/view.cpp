#include "scim/view.h"

#include "encoding/uri.h"

namespace writ::scim {

const registry::User* View::user(std::string_view id) const {
  const registry::User* user = snapshot_.user(id);
  return user && sees(*user) ? user : nullptr;
}

const registry::Group* View::group(std::string_view id) const {
  const registry::Group* group = snapshot_.group(id);
  return group && sees(*group) ? group : nullptr;
}

const View::Members& View::members_of(const registry::Group& group) const {
  static const Members kNobody;
  if (!has_members_) {
    has_members_ = true;
    for (const registry::User& user : snapshot_.objects().users) {
      if (!sees(user)) continue;
      for (const std::string& id : user.groups) members_[id].users.push_back(&user);
    }
    for (const registry::Group& child : snapshot_.objects().groups) {
      if (!sees(child)) continue;
      for (const std::string& id : child.parents) members_[id].groups.push_back(&child);
    }
  }
  const auto found = members_.find(group.id);
  return found == members_.end() ? kNobody : found->second;
}

std::string View::location(std::string_view endpoint, std::string_view id) const { return base_ + "/scim/v2" + std::string(endpoint) + "/" + uri::encode_component(id); }

}  // namespace writ::scim
