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

View::Members View::members_of(const registry::Group& group) const {
  Members members;
  for (const registry::User* user : snapshot_.people().members_of(group.id)) {
    if (sees(*user)) members.users.push_back(user);
  }
  for (const registry::Group* child : snapshot_.people().children_of(group.id)) {
    if (sees(*child)) members.groups.push_back(child);
  }
  return members;
}

std::string View::location(std::string_view endpoint, std::string_view id) const { return base_ + "/scim/v2" + std::string(endpoint) + "/" + uri::encode_component(id); }

}  // namespace writ::scim
