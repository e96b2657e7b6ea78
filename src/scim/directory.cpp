#include "scim/directory.h"

namespace writ::scim {

std::string name_of(const std::string& connector) { return "connector:" + connector; }

std::vector<registry::Declared> declarations_of(const Edit& edit) {
  std::vector<registry::Declared> declared;
  registry::Reading reading;
  for (const registry::Group& group : edit.groups) declared.push_back(registry::read_object(registry::ObjectKind::group, registry::from_json(registry::write(group)), reading));
  for (const registry::User& user : edit.users) {
    declared.push_back(registry::read_object(registry::ObjectKind::user, registry::from_json(registry::write(user)), reading));
    // What a document does not mention stays; this person's password does not where the person is gone.
    if (user.password_hash.empty()) declared.back().document.set("password_hash", "");
  }
  return declared;
}

bool is_off_by(const std::vector<registry::ObjectVersion>& versions, const std::string& connector) {
  const registry::ObjectVersion* switched_off = nullptr;
  for (const registry::ObjectVersion& version : versions) {
    const bool* active = version.document ? version.document->find_bool("active") : nullptr;
    if (!active || *active) break;
    switched_off = &version;
  }
  return switched_off && switched_off->author == name_of(connector);
}

}  // namespace writ::scim
