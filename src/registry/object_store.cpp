#include "registry/object_store.h"

namespace writ::registry {

std::uint64_t Catalogue::version(ObjectKind kind, const std::string& key) const {
  if (is_definition(kind)) {
    const auto definition = definitions.find(kind, key);
    return definition ? definition->version : 0;
  }
  const auto found = objects.find({kind, key});
  return found == objects.end() ? 0 : found->second.version;
}

std::optional<StoredObject> Catalogue::find(ObjectKind kind, const std::string& key) const {
  if (is_definition(kind)) {
    const auto definition = definitions.find(kind, key);
    if (!definition) return std::nullopt;
    return StoredObject{definition->version, write(*definition)};
  }
  const auto found = objects.find({kind, key});
  return found == objects.end() ? std::nullopt : std::optional(found->second);
}

void Catalogue::for_each(ObjectKind kind, const std::function<void(const std::string& key, const StoredObject&)>& visit) const {
  if (is_definition(kind)) {
    definitions.for_each(kind, [&](const std::shared_ptr<const Definition>& definition) { visit(definition->key(), {definition->version, write(*definition)}); });
    return;
  }
  for (const auto& [key, object] : objects) {
    if (key.first == kind) visit(key.second, object);
  }
}

Result<void, Problems> put(Catalogue& catalogue, ObjectKind kind, std::string key, StoredObject object) {
  if (!is_definition(kind)) {
    catalogue.objects[{kind, std::move(key)}] = std::move(object);
    return {};
  }
  Definition definition = TRY(read_stored_definition(kind, object.document));
  definition.version = object.version;
  catalogue.definitions.set(std::make_shared<const Definition>(std::move(definition)));
  return {};
}

// A store that one process has for itself is changed by nobody else.
Task<Result<std::vector<ChangeSet>, Unavailable>> ObjectStore::since(std::uint64_t) { co_return std::vector<ChangeSet>(); }

void apply(Catalogue& catalogue, const ChangeSet& change, std::uint64_t sequence) {
  for (const Write& write : change.writes) {
    if (write.document) {
      // INVARIANT: plan() read the document before; one that cannot be read was never written.
      static_cast<void>(put(catalogue, write.kind, write.key, {sequence, *write.document}));
    } else if (is_definition(write.kind)) {
      catalogue.definitions.erase(write.kind, write.key);
    } else {
      catalogue.objects.erase({write.kind, write.key});
      if (write.kind == ObjectKind::user) catalogue.retired_user_ids.insert(write.key);
    }
  }
  if (change.policy) {
    const std::uint64_t number = catalogue.policy ? catalogue.policy->number + 1 : 1;
    catalogue.policy = PolicyVersion{number, change.policy_hash, *change.policy, change.author, change.reason, change.time, sequence};
  }
  catalogue.sequence = sequence;
}

}  // namespace writ::registry
