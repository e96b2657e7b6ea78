#pragma once

// Where the admin-owned objects and the versions of the policy bundle are at home. Documents go in and out as JSON of one schema
// (read.h); a change set is applied whole or not at all, and every version is kept.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "registry/read.h"

namespace writ::registry {

using BundleFiles = std::map<std::string, std::string>;   // name → text, as in the folder of a policy bundle

struct StoredObject {
  std::uint64_t version = 0;   // the sequence of the change that wrote it: the ETag of the admin API
  json::Value document;
};

struct PolicyVersion {
  std::uint64_t number = 0;    // 1, 2, …; the highest is active
  std::string hash;            // of the content
  BundleFiles files;
  std::string author, reason;
  Instant time{};
  std::uint64_t sequence = 0;  // of the change that activated it
};

// Ids that are never given again. Copies share what they have in common.
class RetiredIds {
 public:
  bool contains(std::string_view id) const;
  void insert(std::string id);
  using value_type = std::string;
  using const_iterator = SharedBlocks<std::string>::Iterator;
  const_iterator begin() const { return ids_.begin(); }
  const_iterator end() const { return ids_.end(); }

 private:
  SharedBlocks<std::string> ids_;   // sorted
};

// All objects at one moment with their versions: what a plan is made against. Cheap to copy; what there can be many of is shared with the snapshot.
struct Catalogue {
  std::uint64_t sequence = 0;  // of the last change; 0: the store is empty
  SharedList<User> users;      // sorted by id
  SharedList<Group> groups;
  Definitions definitions;
  using Documents = std::map<std::pair<ObjectKind, std::string>, StoredObject>;
  Shared<Documents> others;    // all other kinds
  RetiredIds retired_user_ids;              // of removed users: never given to anybody else (rules §1.2)
  std::optional<PolicyVersion> policy;      // the active one

  // Of any kind. find() and for_each() make the documents of people, groups and definitions anew.
  bool contains(ObjectKind kind, const std::string& key) const { return version(kind, key) != 0; }
  std::uint64_t version(ObjectKind kind, const std::string& key) const;   // 0: there is none
  std::optional<StoredObject> find(ObjectKind kind, const std::string& key) const;
  std::size_t count(ObjectKind kind) const;
  void for_each(ObjectKind kind, const std::function<void(const std::string& key, const StoredObject&)>& visit) const;
};
// For adapters that load: puts a stored document where it belongs. The error is what this version cannot read.
Result<void, Problems> put(Catalogue& catalogue, ObjectKind kind, std::string key, StoredObject object);
void remove(Catalogue& catalogue, ObjectKind kind, const std::string& key);

struct Write {
  ObjectKind kind;
  std::string key;
  std::optional<json::Value> document;   // absent: the object is removed
};

struct ChangeSet {
  std::string id;                        // named by the record that was written before (rules §6.4)
  std::uint64_t base_sequence = 0;       // what it was planned against
  Instant time{};
  std::string author, reason;
  std::vector<Write> writes;
  std::optional<BundleFiles> policy;     // becomes the active version
  std::string policy_hash;
};

// Somebody else changed the store since `base_sequence`; nothing was applied.
struct Conflict {};
using CommitFailure = std::variant<Conflict, Unavailable>;

struct ObjectVersion {
  std::uint64_t version = 0;
  Instant time{};
  std::string author, reason, change_id;
  std::optional<json::Value> document;   // absent: it was removed
};

// Safe to share between threads. Tasks resume on the caller's executor; what is acknowledged is on disk.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  // At start, before there are event loops: these two block.
  virtual Result<Catalogue, Unavailable> load() = 0;
  virtual Result<bool, Unavailable> has_change(std::string_view id) = 0;

  // The new sequence, which is also the version of everything that was written.
  virtual Task<Result<std::uint64_t, CommitFailure>> commit(ChangeSet change) = 0;
  virtual Task<Result<std::vector<ObjectVersion>, Unavailable>> history(ObjectKind kind, std::string key) = 0;   // newest first
  virtual Task<Result<std::vector<PolicyVersion>, Unavailable>> policy_history(std::size_t limit, std::uint64_t before) = 0;   // newest first, with files; only those numbered below `before`, 0: from the newest
  // As it was after the change with this sequence; after the last one when there was none so late.
  virtual Task<Result<Catalogue, Unavailable>> catalogue_at(std::uint64_t sequence) = 0;
  // The newest version with this content hash.
  virtual Task<Result<std::optional<PolicyVersion>, Unavailable>> policy_of(std::string hash) = 0;
  // The changes after this one, in their order, where several nodes share the store; `base_sequence` of each says which it is.
  virtual Task<Result<std::vector<ChangeSet>, Unavailable>> since(std::uint64_t sequence);
};

// The catalogue after a change set was applied as `sequence`; shared by the adapters and by those who keep a catalogue in memory. `objects`: those of
// afterwards, where somebody has them; then people and groups are theirs and are not read once more.
void apply(Catalogue& catalogue, const ChangeSet& change, std::uint64_t sequence, const Objects* objects = nullptr);

}  // namespace writ::registry
