// Administration, as far as it follows what other nodes have changed (docs/reference/nodes.md). They have checked and recorded it; here it is read and decided
// on. What cannot be read is an error: this node must not decide on half of it.

#include "admin/administration.h"

#include <set>

#include "registry/change_objects.h"

namespace writ::admin {

using namespace registry;

namespace {

struct Followed {
  std::shared_ptr<Catalogue> catalogue;
  std::shared_ptr<const Snapshot> snapshot;
  std::shared_ptr<const policy::ToolCatalogue> tools;
  std::shared_ptr<const policy::Bundle> bundle;   // null: the active one stays
};

// What they wrote or removed, each once; definitions are not among it.
std::vector<ObjectKey> objects_in(const std::vector<ChangeSet>& changes) {
  std::set<ObjectKey> keys;
  for (const ChangeSet& change : changes) {
    for (const Write& write : change.writes) {
      if (!is_definition(write.kind)) keys.emplace(write.kind, write.key);
    }
  }
  return {keys.begin(), keys.end()};
}

bool apply_all(const std::vector<ChangeSet>& changes, Catalogue& catalogue) {
  for (const ChangeSet& change : changes) {
    const std::uint64_t sequence = change.base_sequence + 1;
    if (sequence != catalogue.sequence + 1) return false;
    for (const Write& write : change.writes) {
      // A newer program may have written what this one would leave out (rules §7.5).
      if (write.document && !put(catalogue, write.kind, write.key, {sequence, *write.document})) return false;
    }
    apply(catalogue, change, sequence);
  }
  return true;
}

}  // namespace

Task<Result<void, Unavailable>> Administration::follow() {
  co_await serial_.acquire();
  struct Turn {
    Serial& serial;
    ~Turn() { serial.release(); }
  } turn{serial_};
  const auto present = catalogue();
  const auto before = parts_.registry.get();
  const auto changes = co_await parts_.store.since(present->sequence);
  if (!changes) co_return unexpected(changes.error());
  if (changes->empty()) co_return Result<void, Unavailable>{};

  std::optional<Followed> followed;
  std::function<void()> reading = [&, this] {
    Followed next;
    next.catalogue = std::make_shared<Catalogue>(*present);
    if (!apply_all(*changes, *next.catalogue)) return;
    if (const auto changed = objects_in(*changes); !changed.empty()) {
      auto objects = change_objects(before.get(), *next.catalogue, changed);
      if (!objects || has_errors(objects->problems)) return;
      next.catalogue->users = objects->objects.users, next.catalogue->groups = objects->objects.groups;   // the same, shared
      next.snapshot = std::make_shared<const Snapshot>(std::move(objects->objects), std::move(objects->people), next.catalogue->sequence, next.catalogue->definitions);
    } else {
      next.snapshot = std::make_shared<const Snapshot>(*before, next.catalogue->definitions, next.catalogue->sequence);
    }
    next.tools = tools_of(*next.snapshot);
    const auto& active = next.catalogue->policy;
    if (active && (!present->policy || present->policy->sequence != active->sequence)) {
      auto bundle = policy::read_bundle(active->files, parts_.parse_yaml, candidate_policy(active->hash));
      if (!bundle) return;
      next.bundle = std::make_shared<const policy::Bundle>(std::move(*bundle));
    }
    followed = std::move(next);
  };
  co_await worker_.run(std::move(reading));
  if (!followed) co_return unexpected(Unavailable{"what another node has changed cannot be read by this program"});
  catalogue_.store(followed->catalogue);
  tools().set(followed->tools);   // before the snapshot: see CurrentTools
  parts_.registry.set(followed->snapshot);
  if (followed->bundle) {
    bundle_ = followed->bundle;
    parts_.policy.set(bundle_->policy);
  }
  co_return Result<void, Unavailable>{};
}

Task<Result<void, Unavailable>> Administration::follow_candidate() {
  co_await serial_.acquire();
  struct Turn {
    Serial& serial;
    ~Turn() { serial.release(); }
  } turn{serial_};
  if (!parts_.documents) co_return Result<void, Unavailable>{};
  Result<StoredCandidate, Unavailable> stored = StoredCandidate{};
  std::function<void()> reading = [&, this] {
    stored = load_candidate(*parts_.documents, parts_.parse_yaml);
    if (!stored || stored->document_version <= candidate_document_version_) return;
    candidate_document_version_ = stored->document_version;
    candidate_.store(stored->candidate ? std::make_shared<const Candidate>(std::move(*stored->candidate)) : nullptr);
    publish_with_candidate();
  };
  co_await worker_.run(std::move(reading));
  if (!stored) co_return unexpected(stored.error());
  co_return Result<void, Unavailable>{};
}

}  // namespace writ::admin
