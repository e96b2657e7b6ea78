#include "registry/object_store.h"

namespace writ::registry {

void apply(Catalogue& catalogue, const ChangeSet& change, std::uint64_t sequence) {
  for (const Write& write : change.writes) {
    if (write.document) {
      catalogue.objects[{write.kind, write.key}] = {sequence, *write.document};
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
