#include "gateway/recorder.h"

#include "approvals/decide.h"
#include "policy/shadow.h"
#include "policy/recorded_questions.h"

namespace writ::gateway {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += ',';
    text += part;
  }
  return text;
}

// One record names both: the server that was asked about, and the combined one that the message came through, or the member that it was meant for.
void add_endpoint(audit::Record& record, const Circumstances& circumstances, const Verdict& verdict) {
  const registry::Server& endpoint = *circumstances.endpoint;
  const bool is_about_endpoint = verdict.question && verdict.question->server.id == endpoint.id;
  if (!is_about_endpoint) {
    record.more.emplace_back("endpoint", endpoint.id);
    return;
  }
  record.server = endpoint.id;
  record.resource = endpoint.resource;
  record.more.emplace_back("member", circumstances.server.id);
}

}  // namespace

std::string Recorder::bounded(std::string_view text) {
  constexpr std::size_t kBytesMax = 512;   // the writer cuts at 256, on a character's edge, and marks the cut
  return std::string(text.substr(0, kBytesMax));
}

audit::Record Recorder::base(const registry::Server& server, const AccessToken* token, const Caller* caller, const http::Request& request, Instant now) {
  audit::Record record;
  record.event = audit::Event::call;
  record.effect = audit::Effect::deny;
  record.time = now;
  record.server = server.id;
  record.resource = server.resource;
  record.peer = request.peer.address;
  record.trail = request.trail;
  record.method = bounded(request.method);
  if (token) {
    record.client_id = token->client_id;
    record.issuer = token->issuer;
    record.session = token->session;
    record.access_token_jti = token->jti;
    record.id_jag_jti = token->id_jag_jti;
  }
  if (caller) {
    record.user = caller->user->id;
    record.user_name = caller->user->name;
    record.agent = caller->agent->id;
  }
  return record;
}

void Recorder::add(audit::Record& record, const Circumstances& circumstances, const Verdict& verdict) {
  record.effect = verdict.outcome == Verdict::Outcome::allowed ? audit::Effect::allow : audit::Effect::deny;
  record.reason = verdict.reason;
  record.tool = bounded(verdict.subject);
  record.scope = verdict.missing_scope;
  record.policy = joined(verdict.decision.policies);
  record.policy_version = circumstances.policy.version();
  record.object_sequence = circumstances.snapshot.sequence();
  if (circumstances.endpoint) add_endpoint(record, circumstances, verdict);
  policy::record_shadows(verdict.decision, record.more);
  if (!verdict.approval.empty()) record.more.emplace_back("approval", verdict.approval);
  if (!verdict.question) return;
  policy::record_question(*verdict.question, record);
  policy::record_arguments_of(*verdict.question, circumstances.policy, record);
}

Task<Result<std::uint64_t, Unavailable>> Recorder::decide(audit::Record record) const {
  audit::Commit commit;
  commit.record = std::move(record);
  commit.durability = dependencies_.settings.call_durability;
  auto committed = co_await dependencies_.log.commit(std::move(commit));
  if (!committed) co_return unexpected(committed.error());
  co_return committed->position;
}

Task<Result<audit::Committed, Unavailable>> Recorder::decide_lifted(audit::Record record, approvals::Request lifted) const {
  audit::Commit commit;
  std::string approvers;
  for (const auto& need : lifted.needs) {
    if (need.approval && approvers.find(need.approval->user_name) == std::string::npos) approvers += (approvers.empty() ? "" : ",") + need.approval->user_name;
  }
  record.more.emplace_back("digest", lifted.digest);
  record.more.emplace_back("approved_by", std::move(approvers));
  commit.if_replayed = record;
  commit.if_replayed->effect = audit::Effect::deny;
  commit.if_replayed->reason = "approval_used";
  commit.record = std::move(record);
  commit.claim = approvals::claim_of(lifted);
  commit.durability = audit::Durability::power;   // what is used once is used once after a power cut, too
  auto committed = co_await dependencies_.log.commit(std::move(commit));
  co_return committed;
}

Task<Result<std::uint64_t, Unavailable>> Recorder::requested(approvals::Request request, Instant now) const {
  audit::Commit commit;
  commit.record = approvals::record_of(request, "requested", now);
  auto committed = co_await dependencies_.log.commit(std::move(commit));
  if (!committed) co_return unexpected(committed.error());
  co_return committed->position;
}

audit::Record Recorder::outcome_record(const Exchange& exchange, std::string_view reason) const {
  audit::Record record = exchange.record;
  record.event = audit::Event::outcome;
  record.effect = audit::Effect::none;
  record.time = dependencies_.clock.now();
  record.reason = std::string(reason);
  record.of_position = exchange.position;
  record.policy.clear();
  record.policy_version.clear();
  record.action.clear(), record.acr.clear(), record.amr.clear(), record.arguments.clear(), record.more.clear();   // the decision's record has them
  record.authentication_age_s = -1;
  record.duration_us = std::chrono::duration_cast<std::chrono::microseconds>(record.time - exchange.started).count();
  return record;
}

void Recorder::outcome(Exchange& exchange, int status, std::string_view reason) const {
  if (exchange.outcome_written) return;
  exchange.outcome_written = true;
  audit::Record record = outcome_record(exchange, reason);
  record.status = status;
  record.bytes = exchange.bytes;
  write(std::move(record));
}

void Recorder::dropped(Exchange& exchange, std::string_view reason) const {
  if (++exchange.dropped > kDroppedRecordsMax) return;
  write(outcome_record(exchange, reason));
}

void Recorder::write(audit::Record record) const {
  audit::Commit commit;
  commit.record = std::move(record);
  commit.durability = audit::Durability::process;
  spawn(dependencies_.log.commit(std::move(commit)), [](std::exception_ptr, const std::optional<Result<audit::Committed, Unavailable>>&) {});
}

}  // namespace writ::gateway
