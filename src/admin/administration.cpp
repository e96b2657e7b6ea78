#include "admin/administration.h"

#include <algorithm>
#include <set>

#include "admin/definition_review.h"
#include "admin/policy_gate.h"
#include "audit/commit_all.h"
#include "base/overloaded.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "encoding/base64url.h"

namespace writ::admin {

using namespace registry;

// One change on its way from the request to the store.
struct Administration::Work {
  const Catalogue& present;
  const Snapshot& before;
  Change& change;
  Instant now{};
  std::string id;                                    // of the change
  Plan plan{};
  std::vector<std::pair<ObjectKind, std::string>> removals{};
  bool policy_changes = false;
  std::shared_ptr<const policy::Bundle> bundle{};    // that is active afterwards
  std::shared_ptr<const Snapshot> snapshot{};        // of the objects afterwards
  std::shared_ptr<const policy::ToolCatalogue> tools{};   // of the approved definitions afterwards; null: they stay as they are
};

namespace {

constexpr int kAttemptsMax = 5;   // of one change, when other nodes are quicker

std::string new_user_id(const Catalogue& present) {
  while (true) {
    std::string id = "usr_" + crypto::random_token(12);
    if (!present.retired_user_ids.contains(id) && !present.contains(ObjectKind::user, id)) return id;
  }
}

std::vector<std::string> changed_people(const Plan& plan) {
  std::vector<std::string> ids;
  for (const ObjectChange& change : plan.changes) {
    if (change.kind == ObjectKind::user && change.action != ObjectChange::Action::create) ids.push_back(change.key);
  }
  return ids;
}

Changing what_changes(const Plan& plan, bool with_policy) {
  if (with_policy) return Changing::policy;
  const bool only_people = std::all_of(plan.changes.begin(), plan.changes.end(), [](const ObjectChange& change) { return change.kind == ObjectKind::user || change.kind == ObjectKind::group; });
  return only_people ? Changing::people : Changing::objects;
}

std::string joined_names(const std::vector<MemberChange>& members) {
  std::string names;
  for (const auto& member : members) names += (names.empty() ? "" : ", ") + member.name;
  return names;
}

audit::Record record_of(const Actor& actor, const std::string& change_id, const Change& change, std::uint64_t sequence, Instant now) {
  const std::string& reason = change.reason;
  audit::Record record;
  record.event = change.provision ? audit::Event::provisioning : audit::Event::administration;
  record.time = now;
  record.peer = actor.peer;
  record.object_sequence = sequence;
  record.more = {{"actor", actor.name}, {"change", change_id}};
  if (actor.break_glass) record.more.emplace_back("break_glass", "true");
  if (!reason.empty()) record.more.emplace_back("comment", reason);
  return record;
}

void describe_object(const ObjectChange& change, audit::Record& record) {
  record.reason = std::string(to_string(change.action));
  record.detail = joined_names(change.members);
  record.more.emplace_back("object", std::string(collection(change.kind)) + "/" + change.key);
  switch (change.kind) {
    case ObjectKind::user:
      record.user = change.key;
      record.user_name = change.name;
      break;
    case ObjectKind::agent: record.agent = change.key; break;
    case ObjectKind::server: record.server = change.key; break;
    case ObjectKind::tool:
    case ObjectKind::prompt:
    case ObjectKind::instructions:
      if (auto key = parse_definition_key(change.kind, change.key)) record.server = std::move(key->first), record.tool = std::move(key->second);
      break;
    case ObjectKind::trusted_issuer:
    case ObjectKind::resource_as: record.issuer = change.key; break;
    default: break;
  }
}

}  // namespace

Result<std::unique_ptr<Administration>, std::string> Administration::open(Parts parts) {
  auto catalogue = parts.store.load();
  if (!catalogue) return unexpected(std::string("the store of objects cannot be read"));
  auto objects = snapshot_of(*catalogue);
  if (!objects) return unexpected("the store holds objects that this version does not accept:\n" + to_string(objects.error()));
  auto snapshot = std::make_shared<const Snapshot>(std::move(objects).value());
  StoredCandidate tried;
  if (parts.documents) {
    auto stored = load_candidate(*parts.documents, parts.parse_yaml);
    if (!stored) return unexpected(std::string(stored.error().what));
    tried = std::move(*stored);
  }
  std::shared_ptr<const policy::Bundle> active;
  if (catalogue->policy) {
    const bool is_beside = tried.candidate && tried.candidate->bundle.version != catalogue->policy->hash;
    auto bundle = policy::read_bundle(catalogue->policy->files, parts.parse_yaml, is_beside ? tried.candidate->bundle.policy : nullptr);
    if (!bundle) return unexpected("the active policy cannot be read:\n" + to_string(bundle.error()));
    parts.policy.set(bundle->policy);
    active = std::make_shared<const policy::Bundle>(std::move(bundle).value());
  }
  auto administration = std::unique_ptr<Administration>(new Administration(std::move(parts)));
  administration->tools().set(policy::ToolCatalogue::of(snapshot->definitions()));
  administration->parts_.registry.set(snapshot);
  administration->bundle_ = std::move(active);
  administration->catalogue_.store(std::make_shared<const Catalogue>(std::move(catalogue).value()));
  administration->candidate_document_version_ = tried.document_version;
  if (tried.candidate) administration->candidate_.store(std::make_shared<const Candidate>(std::move(*tried.candidate)));
  return administration;
}

std::shared_ptr<const Catalogue> Administration::catalogue() const { return catalogue_.load(); }
bool Administration::is_empty() const { return catalogue()->sequence == 0; }

std::shared_ptr<const policy::ToolCatalogue> Administration::tools_of(const Snapshot& snapshot) const {
  const auto known = tools().get();
  return policy::ToolCatalogue::of(snapshot.definitions(), known.get());
}


void Administration::plan_now(Work& work) const {
  Change& change = work.change;
  if (change.provision) {
    auto prepared = change.provision(work.before, work.present);
    if (!prepared) {
      work.plan.problems = std::move(prepared).error();
      return;
    }
    change.declared = std::move(prepared->declared);
    work.removals = std::move(prepared->removals);
    if (!prepared->note.empty()) change.reason += (change.reason.empty() ? "" : ": ") + prepared->note;
  }
  if (change.removal) {
    work.plan = plan_removal(work.present, change.removal->first, change.removal->second, &work.before);
  } else {
    PlanRules rules;
    rules.prune = change.prune;
    rules.removals = work.removals;
    rules.before = &work.before;
    rules.spoken_of = change.spoken_of;
    rules.check_deployment = parts_.check_deployment;
    rules.new_user_id = [&] { return new_user_id(work.present); };
    rules.hash_password = crypto::hash_password;
    rules.verify_password = [](const Secret& password, const std::string& hash) { return crypto::verify_password(password, hash); };
    if (const auto* key = parts_.sealing_key) {
      rules.seal_secret = [key](const Secret& secret, const std::string& purpose) { return base64url::encode(key->seal(secret.reveal(), purpose)); };
      rules.is_sealed = [key](const Secret& secret, const std::string& sealed, const std::string& purpose) {
        const auto bytes = base64url::decode(sealed);
        const auto opened = bytes ? key->open(*bytes, purpose) : std::nullopt;
        return opened && opened->reveal() == secret.reveal();
      };
    }
    work.plan = plan(work.present, change.declared, rules);
  }
  if (work.plan.has_errors()) return;
  if (work.plan.changes_objects) {
    // Who only asks what would be wants the objects in the plan.
    Objects objects = change.dry_run ? work.plan.objects : std::move(work.plan.objects);
    work.snapshot = std::make_shared<const Snapshot>(std::move(objects), work.plan.people, work.present.sequence + 1, work.plan.definitions);
  } else {
    work.snapshot = std::make_shared<const Snapshot>(work.before, work.plan.definitions, work.present.sequence + 1);
  }

  // Objects and policy are judged together, whichever of the two changes: a grant that names nothing is a mistake in one of them.
  work.bundle = bundle_;
  if (change.policy || !work.bundle) {
    const policy::BundleFiles files = change.policy ? *change.policy : policy::BundleFiles{};
    auto bundle = policy::read_bundle(files, parts_.parse_yaml, candidate_policy(policy::content_hash(files)));
    if (!bundle) {
      work.plan.problems.insert(work.plan.problems.end(), bundle.error().begin(), bundle.error().end());
      return;
    }
    work.bundle = std::make_shared<const policy::Bundle>(std::move(bundle).value());
  }
  // What merely waits for review decides nothing: a server that changes its tools all day must not have the policy judged all day.
  if (!change.policy && !work.plan.changes_objects && !changes_approval(work.plan, work.present)) return;
  work.tools = tools_of(*work.snapshot);
  const FailingTests failing = change.provision ? FailingTests::warn : FailingTests::refuse;
  const Problems problems = judge(*work.bundle, policy::World{*work.snapshot, *work.tools, parts_.issuer}, what_changes(work.plan, change.policy.has_value()), failing);
  work.plan.problems.insert(work.plan.problems.end(), problems.begin(), problems.end());
  work.policy_changes = change.policy && (!work.present.policy || work.present.policy->hash != work.bundle->version);
}

Task<Result<Changed, ChangeFailure>> Administration::change(Actor actor, Change change) {
  auto changed = co_await take_turn(actor, change);
  if (!parts_.everywhere) co_return changed;
  // Another node was quicker: planned again on what it has changed, as if this one had waited for its turn.
  for (int attempts = 1; attempts < kAttemptsMax && !changed && std::holds_alternative<Conflict>(changed.error()); ++attempts) {
    const auto followed = co_await follow();
    if (!followed) co_return unexpected(ChangeFailure{followed.error()});
    auto again = co_await take_turn(actor, change);
    changed = std::move(again);
  }
  if (!changed || !changed->applied) co_return changed;
  // Outside of the turn: the other nodes' changes must not wait for this one's being known.
  const auto known = co_await parts_.everywhere();
  if (!known) co_return unexpected(ChangeFailure{known.error()});
  co_return changed;
}

Task<Result<Changed, ChangeFailure>> Administration::take_turn(const Actor& actor, Change& change) {
  co_await serial_.acquire();
  // Also when an exception passes: otherwise nobody could change anything any more.
  struct Turn {
    Serial& serial;
    ~Turn() { serial.release(); }
  } turn{serial_};
  auto changed = co_await change_in_turn(actor, change);
  co_return changed;
}

Task<Result<Changed, ChangeFailure>> Administration::change_in_turn(const Actor& actor, Change& change) {
  const auto present = catalogue();
  const auto before = parts_.registry.get();
  if (change.declare) {
    auto declared = change.declare(*present);
    if (!declared) co_return unexpected(ChangeFailure{Invalid{std::move(declared).error()}});
    change.declared = std::move(*declared);
  }
  if (change.removal && !present->contains(change.removal->first, change.removal->second)) co_return unexpected(ChangeFailure{Missing{}});
  if (change.if_version) {
    const auto key = change.removal ? *change.removal : std::pair(change.declared.front().kind, change.declared.front().key);
    const std::uint64_t version = present->version(key.first, key.second);
    if (version != *change.if_version) co_return unexpected(ChangeFailure{VersionMismatch{version}});
  }
  // Somebody else's version must not be undone by an edit of the one before it.
  if (change.policy_version && (!present->policy || present->policy->hash != *change.policy_version)) co_return unexpected(ChangeFailure{registry::Conflict{}});
  if (change.policy_only_if_none && present->policy) change.policy.reset();

  Work work{*present, *before, change, parts_.clock.now(), "chg_" + crypto::random_token()};
  std::function<void()> planning = [this, &work] { plan_now(work); };
  co_await worker_.run(std::move(planning));
  if (work.plan.has_errors()) co_return unexpected(ChangeFailure{Invalid{std::move(work.plan.problems)}});

  Changed changed;
  changed.policy_changes = work.policy_changes;
  changed.policy_version = work.bundle->version;
  changed.sequence = present->sequence;
  const bool nothing = work.plan.changes.empty() && !work.policy_changes;
  if (change.dry_run || nothing) {
    changed.plan = std::move(work.plan);
    co_return changed;
  }
  if (!change.lock_me_out && work.plan.changes_objects) {
    if (auto sentence = locks_out(before->objects(), work.snapshot->objects(), actor.token_id)) co_return unexpected(ChangeFailure{LockOut{std::move(*sentence)}});
  }

  // Record first, then the objects: what happened without a record would be worse than a record of what did not happen.
  std::vector<std::uint64_t> positions;
  const auto recorded = co_await record(actor, work, positions);
  if (!recorded) {
    co_await record_aborted(positions, work.id);
    co_return unexpected(ChangeFailure{Unavailable{"decisions log"}});
  }
  ChangeSet set{work.id, present->sequence, work.now, actor.name, change.reason, writes_of(work.plan), std::nullopt, ""};
  if (work.policy_changes) set.policy = *change.policy, set.policy_hash = work.bundle->version;
  const auto stored = co_await parts_.store.commit(set);
  if (!stored) {
    co_await record_aborted(positions, work.id);
    ChangeFailure failure = std::holds_alternative<Conflict>(stored.error()) ? ChangeFailure{Conflict{}} : ChangeFailure{std::get<Unavailable>(stored.error())};
    co_return unexpected(std::move(failure));
  }
  auto after = std::make_shared<Catalogue>(*present);
  // The same objects as in the snapshot: what follows from this one shares them.
  apply(*after, set, *stored, work.plan.changes_objects ? &work.snapshot->objects() : nullptr);
  after->definitions = work.plan.definitions;   // the same, shared with the snapshot
  catalogue_.store(std::move(after));
  if (work.tools) tools().set(work.tools);   // before the snapshot: see CurrentTools
  parts_.registry.set(work.snapshot);
  if (work.policy_changes) {
    bundle_ = work.bundle;
    parts_.policy.set(work.bundle->policy);
  }
  auto people = changed_people(work.plan);
  if (parts_.people_changed && !people.empty()) {
    auto telling = parts_.people_changed(before, work.snapshot, std::move(people));
    co_await telling;
  }
  // What merely waits for review changes nothing that a candidate could depend on.
  if (work.tools || work.policy_changes) co_await settle_candidate(actor, work.bundle->version, what_changes(work.plan, work.policy_changes) == Changing::people);
  changed.plan = std::move(work.plan);
  changed.sequence = *stored;
  changed.applied = true;
  co_return changed;
}

Task<Result<void, Unavailable>> Administration::record(const Actor& actor, const Work& work, std::vector<std::uint64_t>& positions) {
  std::vector<audit::Commit> commits;
  const auto failing = std::count_if(work.plan.problems.begin(), work.plan.problems.end(), [](const Problem& problem) { return problem.id == "failed-test"; });
  for (const ObjectChange& change : work.plan.changes) {
    audit::Commit& commit = commits.emplace_back();
    commit.record = record_of(actor, work.id, work.change, work.present.sequence + 1, work.now);
    describe_object(change, commit.record);
    describe_review(change, work.present, commit.record);
    if (failing > 0) commit.record.more.emplace_back("failing_policy_tests", std::to_string(failing));
  }
  if (work.policy_changes) {
    audit::Commit& commit = commits.emplace_back();
    commit.record = record_of(actor, work.id, work.change, work.present.sequence + 1, work.now);
    commit.record.event = audit::Event::policy_activated;
    commit.record.reason = "activate";
    commit.record.policy_version = work.bundle->version;
  }
  const auto answers = co_await audit::commit_all(parts_.log, std::move(commits));
  std::optional<Unavailable> failure;
  for (const auto& answer : answers) {
    if (answer) positions.push_back(answer->position);
    else failure = answer.error();
  }
  if (failure) co_return unexpected(*failure);
  co_return Result<void, Unavailable>{};
}

Task<void> Administration::record_aborted(std::vector<std::uint64_t> positions, std::string change_id) {
  for (const std::uint64_t position : positions) {
    audit::Commit commit;
    commit.record.event = audit::Event::aborted;
    commit.record.time = parts_.clock.now();
    commit.record.reason = "not_stored";
    commit.record.of_position = position;
    commit.record.more = {{"change", change_id}};
    // When this fails too, the next start finds the record without its change.
    static_cast<void>(co_await parts_.log.commit(std::move(commit)));
  }
}

Task<Result<std::size_t, Unavailable>> Administration::note_aborted() {
  // Changes are made one at a time, so everything before the newest stored change has been settled.
  audit::Query settled;
  settled.event = "aborted";
  settled.limit = 1000;
  const auto aborted = co_await parts_.reader.query(settled);
  if (!aborted) co_return unexpected(aborted.error());
  std::set<std::int64_t> known;
  for (const auto& record : *aborted) {
    const auto line = json::parse(record.json_line);
    const std::string* node = line ? line->find_string("node") : nullptr;
    if (!parts_.node.empty() && (!node || *node != parts_.node)) continue;
    if (const auto* of = line ? line->find_int("of") : nullptr) known.insert(*of);
  }
  std::size_t noted = 0;
  for (const char* event : {"administration", "policy_activated", "provisioning"}) {
    audit::Query query;
    query.event = event;
    query.limit = 1000;
    const auto records = co_await parts_.reader.query(query);
    if (!records) co_return unexpected(records.error());
    for (const auto& record : *records) {
      const auto line = json::parse(record.json_line);
      const std::string* id = line ? line->find_string("change") : nullptr;
      // Another node may just be storing what it has recorded.
      const std::string* node = line ? line->find_string("node") : nullptr;
      if (!id || (!parts_.node.empty() && (!node || *node != parts_.node))) continue;
      const auto* of_node = line->find_int("node_position");   // what `of` speaks of where nodes have trails of their own
      const std::uint64_t position = of_node ? static_cast<std::uint64_t>(*of_node) : record.position;
      if (known.contains(static_cast<std::int64_t>(position))) continue;
      const auto stored = parts_.store.has_change(*id);
      if (!stored) co_return unexpected(stored.error());
      if (*stored) break;
      std::vector<std::uint64_t> positions{position};
      co_await record_aborted(std::move(positions), *id);
      ++noted;
    }
  }
  co_return noted;
}

std::vector<std::string> describe(const Plan& plan) {
  std::vector<std::string> lines;
  for (const ObjectChange& change : plan.changes) {
    std::string line = change.action == ObjectChange::Action::create ? "+ " : change.action == ObjectChange::Action::update ? "~ " : "- ";
    line += std::string(noun(change.kind)) + " " + (change.name.empty() || change.name == change.key ? change.key : change.key + " (" + change.name + ")");
    lines.push_back(std::move(line));
    for (const MemberChange& member : change.members) {
      lines.push_back("    " + member.name + ": " + (member.before.empty() ? "–" : member.before) + " → " + (member.after.empty() ? "–" : member.after));
    }
  }
  return lines;
}

std::string describe(const ChangeFailure& failure) {
  return std::visit(Overloaded{[](const Invalid& invalid) { return to_string(invalid.problems); },
                               [](const LockOut& lock_out) { return lock_out.sentence; },
                               [](const VersionMismatch&) { return std::string("somebody else changed this object in the meantime"); },
                               [](const Missing&) { return std::string("there is no such object"); },
                               [](const Conflict&) { return std::string("somebody else changed the store in the meantime: try again"); },
                               [](const Unavailable& unavailable) { return std::string(unavailable.what) + " cannot be reached"; }},
                    failure);
}

}  // namespace writ::admin
