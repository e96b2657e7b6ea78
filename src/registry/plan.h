#pragma once

// What `writ apply`, the admin API and the console want to change, worked out before anything is changed: objects that are new, members
// that differ, and what documents no longer contain. Pure; applying the same documents twice plans nothing the second time.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "registry/change_objects.h"
#include "registry/check.h"
#include "registry/object_store.h"

namespace writ::registry {

struct MemberChange {
  std::string name;            // "groups", "idp.redirect_uris"
  std::string before, after;   // JSON; "" when absent; credentials are "(hidden)"
};
struct ObjectChange {
  enum class Action { create, update, remove } action = Action::create;
  ObjectKind kind = ObjectKind::user;
  std::string key, name;
  std::vector<MemberChange> members;      // of an update
  std::optional<json::Value> document;    // afterwards
};
std::string_view to_string(ObjectChange::Action action);

struct PlanRules {
  bool prune = false;          // remove what the documents no longer contain
  std::vector<std::pair<ObjectKind, std::string>> removals;    // go in the same change, where they are there
  // Collections that the documents speak of at all: only in these can something be missing. A file with agents alone says nothing of users.
  std::vector<ObjectKind> spoken_of;
  std::function<std::string()> new_user_id;                    // usr_… that was never used
  std::function<std::string(const Secret&)> hash_password;     // slow (Argon2id)
  std::function<bool(const Secret&, const std::string&)> verify_password;
  // Secrets that Writ presents to others (rules §7.4): the sealed text, bound to `purpose`. Empty functions: there is no key to seal with.
  std::function<std::string(const Secret&, const std::string& purpose)> seal_secret;
  std::function<bool(const Secret&, const std::string& sealed, const std::string& purpose)> is_sealed;
  // The objects of the catalogue that is planned against, where somebody has them: then only what changes is read and checked. Null: everything is.
  const Snapshot* before = nullptr;
  // What must hold here beyond check_objects: things that the configuration of this deployment decides. Empty: nothing.
  std::function<Problems(const Objects&, const Places&)> check_deployment;
};

struct Plan {
  std::uint64_t base_sequence = 0;
  std::vector<ObjectChange> changes;      // in the order of kObjectKinds, by key
  std::vector<std::pair<ObjectKind, std::string>> missing;   // in the store, in a collection that is spoken of, not in the documents, and not pruned
  bool changes_objects = false;           // anything but definitions
  Objects objects;                        // afterwards, when any of them changes and there are no errors
  PeopleIndex people;                     // of `objects`
  Definitions definitions;                // afterwards, always
  std::vector<std::pair<ObjectKind, std::string>> dropped;   // definitions that go with their server
  Problems problems;
  bool has_errors() const { return registry::has_errors(problems); }
};

Plan plan(const Catalogue& present, std::vector<Declared> declared, const PlanRules& rules);
// One object goes; what still refers to it is an error.
Plan plan_removal(const Catalogue& present, ObjectKind kind, std::string_view key, const Snapshot* before = nullptr);

std::vector<Write> writes_of(const Plan& plan);

// Whether a definition is approved, is no longer, or gets other attributes: what policy decides with. Merely waiting for review is none of these.
bool changes_approval(const Plan& plan, const Catalogue& present);

// The objects of a catalogue, all of them read and checked. Problems: the store holds what this version does not accept.
Result<Snapshot, Problems> snapshot_of(const Catalogue& catalogue);

// Whether a change takes away the access of the token that asks for it, or of the last administrator (rules §8.2). The answer is a
// sentence for the person who asks.
std::optional<std::string> locks_out(const Objects& before, const Objects& after, std::string_view acting_token);

// The collections that a document of objects has as keys.
std::vector<ObjectKind> collections_of(const Node& root);

}  // namespace writ::registry
