// Administration, as far as it tries out a candidate: starting, stopping, and stopping it when it no longer fits the objects.

#include "admin/administration.h"

namespace writ::admin {

using namespace registry;

namespace {

audit::Record record_of(const Actor& actor, const std::string& version, const char* what, const std::string& reason, Instant now) {
  audit::Record record;
  record.event = audit::Event::administration;
  record.time = now;
  record.reason = what;
  record.peer = actor.peer;
  record.policy_version = version;
  record.more = {{"actor", actor.name}};
  if (actor.break_glass) record.more.emplace_back("break_glass", "true");
  if (!reason.empty()) record.more.emplace_back("comment", reason);
  return record;
}

}  // namespace

std::shared_ptr<const Candidate> Administration::candidate() const { return candidate_.load(); }

bool Administration::tries_something_out() const {
  const auto active = policy();
  const auto* cedar = dynamic_cast<const policy::CedarPolicy*>(active.get());
  return candidate() || (cedar && !cedar->shadow_policies().empty());
}

Task<Result<std::shared_ptr<const Candidate>, ChangeFailure>> Administration::start_shadow(Actor actor, policy::BundleFiles files, std::string reason) {
  co_await serial_.acquire();
  struct Turn {
    Serial& serial;
    ~Turn() { serial.release(); }
  } turn{serial_};
  if (!parts_.documents) co_return unexpected(ChangeFailure{Unavailable{"a place for the candidate"}});
  const Instant now = parts_.clock.now();
  const auto present = catalogue();
  auto next = std::make_shared<Candidate>();
  Problems problems;
  std::function<void()> checking = [&, this] {
    auto bundle = policy::read_bundle(files, parts_.parse_yaml);
    if (!bundle) {
      problems = std::move(bundle).error();
      return;
    }
    const auto objects = parts_.registry.get();
    problems = policy::check_bundle(*bundle, *objects, *tools_of(*objects));
    next->bundle = std::move(*bundle);
  };
  co_await worker_.run(std::move(checking));
  if (has_errors(problems)) co_return unexpected(ChangeFailure{Invalid{std::move(problems)}});
  next->files = std::move(files);
  next->author = actor.name;
  next->reason = reason;
  next->started = now;
  if (present->policy && present->policy->hash == next->bundle.version) {
    Problem same{{"", 0, 0}, "this is the active version: there is nothing to try out"};
    co_return unexpected(ChangeFailure{Invalid{{std::move(same)}}});
  }
  std::shared_ptr<const Candidate> started = next;
  auto done = co_await replace_candidate(actor, "shadow_started", std::move(reason), std::move(started));
  if (!done) co_return unexpected(ChangeFailure{done.error()});
  co_return std::shared_ptr<const Candidate>(next);
}

Task<Result<void, ChangeFailure>> Administration::stop_shadow(Actor actor, std::string reason) {
  co_await serial_.acquire();
  struct Turn {
    Serial& serial;
    ~Turn() { serial.release(); }
  } turn{serial_};
  if (!candidate()) co_return unexpected(ChangeFailure{Missing{}});
  auto done = co_await replace_candidate(actor, "shadow_stopped", std::move(reason), nullptr);
  if (!done) co_return unexpected(ChangeFailure{done.error()});
  co_return Result<void, ChangeFailure>{};
}

// Record first, then the document, then what decides sees it.
Task<Result<void, Unavailable>> Administration::replace_candidate(const Actor& actor, const char* what, std::string reason, std::shared_ptr<const Candidate> next) {
  const Instant now = parts_.clock.now();
  const auto before = candidate();
  audit::Commit commit;
  commit.record = record_of(actor, next ? next->bundle.version : before->bundle.version, what, reason, now);
  const auto recorded = co_await parts_.log.commit(std::move(commit));
  if (!recorded) co_return unexpected(recorded.error());
  Document document = document_of(next.get(), ++candidate_document_version_, now);
  const auto stored = co_await parts_.documents->put(std::move(document));
  if (!stored) co_return unexpected(stored.error());
  candidate_.store(std::move(next));
  std::function<void()> publishing = [this] { publish_with_candidate(); };
  co_await worker_.run(std::move(publishing));
  co_return Result<void, Unavailable>{};
}

// The active bundle, compiled again with the candidate beside it, or without.
void Administration::publish_with_candidate() {
  const auto present = catalogue();
  if (!present->policy) return;   // what denies everything has nothing beside it
  auto bundle = policy::read_bundle(present->policy->files, parts_.parse_yaml, candidate_policy(present->policy->hash));
  if (!bundle) return;   // it was read before; should it fail now, what decides stays
  bundle_ = std::make_shared<const policy::Bundle>(std::move(bundle).value());
  parts_.policy.set(bundle_->policy);
}

std::shared_ptr<const policy::CedarPolicy> Administration::candidate_policy(const std::string& active_version) const {
  const auto tried = candidate();
  return tried && tried->bundle.version != active_version ? tried->bundle.policy : nullptr;
}

Task<void> Administration::settle_candidate(const Actor& actor, std::string active_version, bool only_people) {
  const auto tried = candidate();
  if (!tried) co_return;
  if (tried->bundle.version == active_version) {
    static_cast<void>(co_await replace_candidate(actor, "shadow_promoted", "", nullptr));
    co_return;
  }
  Problems problems;
  std::function<void()> checking = [&, this] {
    const auto objects = parts_.registry.get();
    problems = only_people ? policy::check_names(tried->bundle, *objects) : policy::check_bundle(tried->bundle, *objects, *tools_of(*objects));
  };
  co_await worker_.run(std::move(checking));
  if (!has_errors(problems)) co_return;
  std::string why = "it no longer fits the objects: " + to_string(problems);
  static_cast<void>(co_await replace_candidate(actor, "shadow_stopped", std::move(why), nullptr));
}

}  // namespace writ::admin
