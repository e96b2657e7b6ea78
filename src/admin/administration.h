#pragma once

// Every change of objects and policy goes through here, whoever asks: console, API, command line, `objects:` of an empty store. A change is
// planned against what is there, checked as a whole together with the active policy, recorded, stored, and only then seen by the roles.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "admin/candidate.h"
#include "admin/past.h"
#include "audit/decisions_log.h"
#include "base/clock.h"
#include "base/shared_cell.h"
#include "base/serial.h"
#include "base/work_thread.h"
#include "crypto/seal.h"
#include "policy/bundle.h"
#include "policy/decision.h"
#include "policy/tool_catalogue.h"
#include "registry/object_store.h"
#include "registry/plan.h"
#include "registry/snapshot.h"

namespace writ::admin {

// Who asks. An API token, or the local socket (rules §8.2), or the program itself at start.
struct Actor {
  std::string name;           // "token:ci", "local", "start"
  std::string token_id;       // empty unless it is a token
  enum class Role { auditor, admin } role = Role::auditor;
  bool break_glass = false;   // by the local socket
  std::string peer;
};

struct Change {
  std::vector<registry::Declared> declared;
  // Instead: makes them from what is there when it is this change's turn.
  std::function<Result<std::vector<registry::Declared>, registry::Problems>(const registry::Catalogue&)> declare;
  std::vector<registry::ObjectKind> spoken_of;
  bool prune = false;
  std::optional<std::pair<registry::ObjectKind, std::string>> removal;
  // By a company's directory (scim/): worked out on the worker from what is there when it is this change's turn. Recorded as provisioning, and failing policy
  // tests are warnings: nobody's leaving waits for a test (docs/decisions/0034).
  struct Prepared {
    std::vector<registry::Declared> declared;
    std::vector<std::pair<registry::ObjectKind, std::string>> removals;
    std::string note;                             // joins the reason
  };
  std::function<Result<Prepared, registry::Problems>(const registry::Snapshot&, const registry::Catalogue&)> provision;
  std::optional<policy::BundleFiles> policy;    // the whole bundle that shall be active
  std::string reason;
  bool lock_me_out = false;                     // the asker knows that it takes away access (rules §8.2)
  bool dry_run = false;                         // plan only
  // Of the one object that is written or removed: its version must be this (0: there must be none).
  std::optional<std::uint64_t> if_version;
  std::optional<std::string> policy_version;    // of the bundle that the change was made from: must still be active
  bool policy_only_if_none = false;             // for start-up: leave an active policy alone
};

struct Changed {
  registry::Plan plan;
  bool policy_changes = false;
  std::string policy_version;                   // of the bundle that is, or would be, active
  std::uint64_t sequence = 0;                   // of the store afterwards
  bool applied = false;                         // false: dry run, or there was nothing to do
};

struct Invalid {
  registry::Problems problems;
};
struct LockOut {
  std::string sentence;
};
struct VersionMismatch {
  std::uint64_t version = 0;                    // what it is; 0: there is none
};
struct Missing {};                              // no such object
using ChangeFailure = std::variant<Invalid, LockOut, VersionMismatch, Missing, registry::Conflict, Unavailable>;

// Safe to share between threads.
class Administration {
 public:
  struct Parts {
    registry::ObjectStore& store;
    audit::DecisionsLog& log;
    audit::AuditReader& reader;
    registry::Current& registry;                // what the roles see; set at open() and by every change
    policy::Current& policy;
    const Clock& clock;
    policy::ParseYaml parse_yaml;
    const crypto::SealingKey* sealing_key = nullptr;   // for secrets that are presented to others; null: they cannot be stored
    std::string issuer{};                       // of this deployment's IdP: who vouches for people when a question does not say
    policy::CurrentTools* tools = nullptr;      // what the roles know of tools, set as `registry` is; null: only this object keeps it
    registry::Documents* documents = nullptr;   // keeps the candidate; null: none can be tried out
    // What objects must fulfil because of this deployment's configuration (registry::PlanRules). Empty: nothing.
    std::function<registry::Problems(const registry::Objects&, const registry::Places&)> check_deployment{};
    // After a change of these people was stored, before it is acknowledged. Empty: nobody wants to know.
    std::function<Task<void>(std::shared_ptr<const registry::Snapshot> before, std::shared_ptr<const registry::Snapshot> after, std::vector<std::string> user_ids)> people_changed{};
    // Of several nodes: done when every node that serves knows what this one has changed. Empty: there is one process.
    std::function<Task<Result<void, Unavailable>>()> everywhere{};
    std::string node{};                         // of several: its name in records; empty: all records are this process's
  };
  // Reads the store and publishes its objects and policy. Blocks: at start, before there are event loops. The error is a sentence for
  // the operator: objects or a policy that cannot be read stop the start, because leaving a part out could be leaving out a restriction.
  static Result<std::unique_ptr<Administration>, std::string> open(Parts parts);

  // True until the first change: only then do `objects:` and `policy:` of writ.yaml apply (rules §8.4).
  bool is_empty() const;

  // Appends `aborted` for recorded changes that the store does not have (a crash between the two, rules §6.4). Once, after open().
  Task<Result<std::size_t, Unavailable>> note_aborted();

  Task<Result<Changed, ChangeFailure>> change(Actor actor, Change change);

  // ---- a candidate beside the active policy (shadow mode). Null: none.
  std::shared_ptr<const Candidate> candidate() const;
  // Takes the place of one that is there. It must pass the checks of an activation, but for the tests: those gate promoting it.
  Task<Result<std::shared_ptr<const Candidate>, ChangeFailure>> start_shadow(Actor actor, policy::BundleFiles files, std::string reason);
  bool tries_something_out() const;
  Task<Result<void, ChangeFailure>> stop_shadow(Actor actor, std::string reason);   // Missing: there is none

  // ---- changes that other nodes made
  // Reads what the store has and this process does not know yet, and decides on it from then on.
  Task<Result<void, Unavailable>> follow();
  Task<Result<void, Unavailable>> follow_candidate();

  // What is there now; never null.
  std::shared_ptr<const registry::Catalogue> catalogue() const;
  registry::ObjectStore& store() { return parts_.store; }
  audit::AuditReader& reader() { return parts_.reader; }
  audit::DecisionsLog& log() { return parts_.log; }
  std::shared_ptr<const policy::Policy> policy() const { return parts_.policy.get(); }
  // What policy knows of the tools of these objects; never null.
  std::shared_ptr<const policy::ToolCatalogue> tools_of(const registry::Snapshot& snapshot) const;
  policy::CurrentTools& tools() const { return parts_.tools ? *parts_.tools : *own_tools_; }
  std::shared_ptr<const registry::Snapshot> snapshot() const { return parts_.registry.get(); }
  const Clock& clock() const { return parts_.clock; }
  // Objects and policy as they were.
  Past& past() { return past_; }
  const std::string& issuer() const { return parts_.issuer; }
  const policy::ParseYaml& parse_yaml() const { return parts_.parse_yaml; }
  // For what takes too long for an event loop.
  WorkThread& worker() { return worker_; }

 private:
  struct Work;
  explicit Administration(Parts parts) : parts_(std::move(parts)), past_(parts_.store, parts_.parse_yaml) {}
  void plan_now(Work& work) const;
  Task<Result<Changed, ChangeFailure>> change_in_turn(const Actor& actor, Change& change);
  Task<Result<Changed, ChangeFailure>> take_turn(const Actor& actor, Change& change);
  Task<Result<void, Unavailable>> record(const Actor& actor, const Work& work, std::vector<std::uint64_t>& positions);
  Task<void> record_aborted(std::vector<std::uint64_t> positions, std::string change_id);

  Task<Result<void, Unavailable>> replace_candidate(const Actor& actor, const char* what, std::string reason, std::shared_ptr<const Candidate> next);
  // After a change: ends a candidate that became the active version, or that the objects no longer fit.
  Task<void> settle_candidate(const Actor& actor, std::string active_version, bool only_people);
  void publish_with_candidate();
  std::shared_ptr<const policy::CedarPolicy> candidate_policy(const std::string& active_version) const;

  Parts parts_;
  std::unique_ptr<policy::CurrentTools> own_tools_ = std::make_unique<policy::CurrentTools>();
  SharedCell<const Candidate> candidate_;
  std::int64_t candidate_document_version_ = 0;   // changed in turn only
  Past past_;
  Serial serial_;
  WorkThread worker_;
  std::shared_ptr<const policy::Bundle> bundle_;   // the active one as it was read; null without policy. Changes take turns, and only they look at it
  SharedCell<const registry::Catalogue> catalogue_;
};

// For people: one line each, as `writ apply` shows them.
std::vector<std::string> describe(const registry::Plan& plan);
std::string describe(const ChangeFailure& failure);

}  // namespace writ::admin
