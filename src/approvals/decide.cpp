#include "approvals/decide.h"

namespace writ::approvals {
namespace {

std::string groups_of(const Request& request) {
  std::string groups;
  for (const Need& need : request.needs) {
    if (groups.find(need.of.group) == std::string::npos) groups += (groups.empty() ? "" : ",") + need.of.group;
  }
  return groups;
}

std::string policies_of(const Request& request) {
  std::string policies;
  for (const Need& need : request.needs) policies += (policies.empty() ? "" : ",") + need.of.policy;
  return policies;
}

}  // namespace

audit::Record record_of(const Request& request, std::string_view what, Instant now) {
  audit::Record record;
  record.event = audit::Event::approval;
  record.time = now;
  record.reason = std::string(what);
  record.user = request.call.user;
  record.user_name = request.call.user_name;
  record.agent = request.call.agent;
  record.server = request.call.server;
  record.tool = request.call.tool;
  record.policy = policies_of(request);
  record.more = {{"approval", request.id}, {"digest", request.digest}, {"groups", groups_of(request)}};
  return record;
}

Task<Result<Request, std::variant<Refused, Unavailable>>> decide(Requests& requests, audit::DecisionsLog& log, std::shared_ptr<const registry::Snapshot> objects, Decision decision, Instant now) {
  using Failure = std::variant<Refused, Unavailable>;
  const registry::User* user = decision.user.empty() ? nullptr : objects->user(decision.user);
  if (!decision.user.empty() && !user) co_return unexpected(Failure{Refused::approver_disabled});
  // Without a person only the local socket approves; whoever administers may still say no.
  if (!user && !decision.break_glass && decision.word == Requests::Word::approve) co_return unexpected(Failure{Refused::not_in_group});
  const auto needs = requests.may_decide(decision.id, decision.word, {user, decision.actor}, *objects, now);
  const auto request = requests.find(decision.id);
  if (!request) co_return unexpected(Failure{Refused::unknown});

  Approval approver;
  approver.user = decision.user;
  approver.user_name = user ? user->name : decision.actor;
  approver.break_glass = decision.break_glass;
  approver.time = now;

  audit::Commit commit;
  commit.record = record_of(*request, decision.word == Requests::Word::approve ? "approved" : "rejected", now);
  commit.record.peer = decision.peer;
  commit.record.more.emplace_back(user ? "approver" : "actor", user ? user->id : decision.actor);
  if (user) commit.record.more.emplace_back("approver_name", user->name);
  if (decision.break_glass) commit.record.more.emplace_back("break_glass", "true");
  if (!decision.reason.empty()) commit.record.more.emplace_back("comment", decision.reason);
  if (!needs) {
    commit.record.effect = audit::Effect::deny;
    commit.record.reason = "refused";
    commit.record.detail = std::string(to_string(needs.error()));
  } else {
    std::string policies;
    for (const auto& need : *needs) policies += (policies.empty() ? "" : ",") + need.policy;
    commit.record.policy = policies;
  }
  const auto committed = co_await log.commit(std::move(commit));
  if (!committed) co_return unexpected(Failure{committed.error()});
  if (!needs) co_return unexpected(Failure{needs.error()});
  const std::uint64_t position = committed->position;

  auto decided = co_await requests.decide(decision.id, decision.word, *needs, approver, decision.reason, now);
  if (!decided) {
    // Somebody else decided in between, or the store did not take it: the record before this one did not come about.
    audit::Commit aborted;
    aborted.record.event = audit::Event::aborted;
    aborted.record.time = now;
    aborted.record.reason = std::holds_alternative<Refused>(decided.error()) ? "decided_otherwise" : "not_stored";
    aborted.record.of_position = position;
    aborted.record.more = {{"approval", decision.id}};
    static_cast<void>(co_await log.commit(std::move(aborted)));
  }
  co_return decided;
}

std::string_view sentence(Refused refused) {
  switch (refused) {
    case Refused::unknown: return "there is no such request, or it is not yours to decide";
    case Refused::expired: return "the request has expired; the agent can ask again";
    case Refused::decided: return "this was decided already";
    case Refused::own_request: return "nobody approves their own calls, or those of a service account that they answer for: another member of the group decides";
    case Refused::not_in_group: return "only members of the group that the policy names can approve this";
    case Refused::approver_disabled: return "an approver must be an active person";
    case Refused::requester_disabled: return "the person who asked is disabled or gone";
  }
  return "refused";
}

}  // namespace writ::approvals
