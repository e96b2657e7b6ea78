#include "registry/change_objects.h"

#include <algorithm>

namespace writ::registry {
namespace {

Result<Objects, Problems> read_others(const Catalogue& catalogue) {
  std::vector<std::pair<ObjectKind, json::Value>> documents;
  for (const auto& [key, object] : *catalogue.others) documents.emplace_back(key.first, object.document);
  return read_all(documents);
}

// The list takes these over as they are in the other one. What took the place of what.
template <class T>
std::vector<std::pair<const T*, const T*>> take_over(const SharedList<T>& from, const std::vector<std::string>& ids, SharedList<T>& list) {
  std::vector<std::pair<const T*, const T*>> taken;
  for (const std::string& id : ids) {
    const T* before = list.find(id);
    const auto after = from.find_shared(id);
    if (after) list.put(after);
    else list.remove(id);
    if (before || after) taken.emplace_back(before, after.get());
  }
  return taken;
}

}  // namespace

Result<ObjectsAfter, Problems> change_objects(const Snapshot* before, const Catalogue& catalogue, const std::vector<ObjectKey>& changed, const Places& places) {
  ChangedObjects touched;
  bool is_connector = false;
  for (const auto& [kind, key] : changed) {
    if (kind == ObjectKind::user) {
      touched.users.push_back(key);
    } else if (kind == ObjectKind::group) {
      touched.groups.push_back(key);
    } else if (!is_definition(kind)) {
      touched.others = true;
      is_connector = is_connector || kind == ObjectKind::identity_connector;
    }
  }
  ObjectsAfter after;
  if (before && !touched.others) after.objects = before->objects();
  else after.objects = TRY(read_others(catalogue));
  after.objects.users = before ? before->objects().users : catalogue.users;
  after.objects.groups = before ? before->objects().groups : catalogue.groups;
  PeopleIndex::Change people;
  if (before) {
    people.users = take_over(catalogue.users, touched.users, after.objects.users);
    people.groups = take_over(catalogue.groups, touched.groups, after.objects.groups);
  }
  // Whose groups count, and whose people a directory keeps, is the connectors' to say: with them everybody is another.
  if (!before || is_connector) {
    after.people = PeopleIndex(after.objects.users, after.objects.groups, after.objects.identity_connectors);
    after.problems = check_objects(after.objects, after.people, places);
  } else {
    after.people = before->people();
    after.people.apply(people, after.objects.identity_connectors);
    after.problems = check_change(after.objects, after.people, touched, places);
  }
  return after;
}

}  // namespace writ::registry
