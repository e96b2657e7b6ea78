#include "registry/object_store.h"

namespace writ::registry {

bool RetiredIds::contains(std::string_view id) const {
  const auto at = ids_.partition_point([&](const std::string& one) { return one < id; });
  return at != ids_.end() && *at == id;
}
void RetiredIds::insert(std::string id) {
  const auto at = ids_.partition_point([&](const std::string& one) { return one < id; });
  if (at == ids_.end() || *at != id) ids_.insert(at, std::move(id));
}

std::uint64_t Catalogue::version(ObjectKind kind, const std::string& key) const {
  const auto version_of = [](const auto& object) { return object ? object->version : 0; };
  if (is_definition(kind)) return version_of(definitions.find(kind, key));
  if (kind == ObjectKind::user) return version_of(users.find(key));
  if (kind == ObjectKind::group) return version_of(groups.find(key));
  const auto found = others->find({kind, key});
  return found == others->end() ? 0 : found->second.version;
}

std::optional<StoredObject> Catalogue::find(ObjectKind kind, const std::string& key) const {
  const auto stored = [](const auto& object) { return object ? std::optional(StoredObject{object->version, write(*object)}) : std::nullopt; };
  if (is_definition(kind)) return stored(definitions.find(kind, key));
  if (kind == ObjectKind::user) return stored(users.find(key));
  if (kind == ObjectKind::group) return stored(groups.find(key));
  const auto found = others->find({kind, key});
  return found == others->end() ? std::nullopt : std::optional(found->second);
}

std::size_t Catalogue::count(ObjectKind kind) const {
  if (kind == ObjectKind::user) return users.size();
  if (kind == ObjectKind::group) return groups.size();
  std::size_t count = 0;
  if (is_definition(kind)) definitions.for_each(kind, [&](const std::shared_ptr<const Definition>&) { ++count; });
  for (const auto& [key, object] : *others) count += key.first == kind;
  return count;
}

void Catalogue::for_each(ObjectKind kind, const std::function<void(const std::string& key, const StoredObject&)>& visit) const {
  if (is_definition(kind)) {
    definitions.for_each(kind, [&](const std::shared_ptr<const Definition>& definition) { visit(definition->key(), {definition->version, write(*definition)}); });
    return;
  }
  if (kind == ObjectKind::user) {
    for (const User& user : users) visit(user.id, {user.version, write(user)});
  } else if (kind == ObjectKind::group) {
    for (const Group& group : groups) visit(group.id, {group.version, write(group)});
  }
  for (const auto& [key, object] : *others) {
    if (key.first == kind) visit(key.second, object);
  }
}

namespace {

// The one object that was read, under the key that it was stored under.
template <class T>
void put(SharedList<T>& list, SharedList<T>& read, std::string key, std::uint64_t version) {
  T object = std::move(read.back());
  object.id = std::move(key);
  object.version = version;
  list.put(std::move(object));
}

}  // namespace

Result<void, Problems> put(Catalogue& catalogue, ObjectKind kind, std::string key, StoredObject object) {
  if (is_definition(kind)) {
    Definition definition = TRY(read_stored_definition(kind, object.document));
    definition.version = object.version;
    catalogue.definitions.set(std::make_shared<const Definition>(std::move(definition)));
  } else if (kind == ObjectKind::user || kind == ObjectKind::group) {
    std::vector<std::pair<ObjectKind, json::Value>> document;
    document.emplace_back(kind, std::move(object.document));
    Objects read = TRY(read_all(document));
    if (kind == ObjectKind::user) put(catalogue.users, read.users, std::move(key), object.version);
    else put(catalogue.groups, read.groups, std::move(key), object.version);
  } else {
    catalogue.others.own()[{kind, std::move(key)}] = std::move(object);
  }
  return {};
}

void remove(Catalogue& catalogue, ObjectKind kind, const std::string& key) {
  if (is_definition(kind)) catalogue.definitions.erase(kind, key);
  else if (kind == ObjectKind::user) catalogue.users.remove(key);
  else if (kind == ObjectKind::group) catalogue.groups.remove(key);
  else catalogue.others.own().erase({kind, key});
}

// A store that one process has for itself is changed by nobody else.
Task<Result<std::vector<ChangeSet>, Unavailable>> ObjectStore::since(std::uint64_t) { co_return std::vector<ChangeSet>(); }

void apply(Catalogue& catalogue, const ChangeSet& change, std::uint64_t sequence, const Objects* objects) {
  for (const Write& write : change.writes) {
    if (!write.document && write.kind == ObjectKind::user) catalogue.retired_user_ids.insert(write.key);
    if (objects && (write.kind == ObjectKind::user || write.kind == ObjectKind::group)) continue;
    if (!write.document) {
      remove(catalogue, write.kind, write.key);
      continue;
    }
    // INVARIANT: plan() read the document before; one that cannot be read was never written.
    static_cast<void>(put(catalogue, write.kind, write.key, {sequence, *write.document}));
  }
  if (objects) catalogue.users = objects->users, catalogue.groups = objects->groups;
  if (change.policy) {
    const std::uint64_t number = catalogue.policy ? catalogue.policy->number + 1 : 1;
    catalogue.policy = PolicyVersion{number, change.policy_hash, *change.policy, change.author, change.reason, change.time, sequence};
  }
  catalogue.sequence = sequence;
}

}  // namespace writ::registry
