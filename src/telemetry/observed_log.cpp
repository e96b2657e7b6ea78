#include "telemetry/observed_log.h"

#include <algorithm>

#include "telemetry/trail.h"

namespace writ::telemetry {
namespace {

using audit::Effect;
using audit::Event;

// Reasons and ids are words of ours; whatever is not shaped like one becomes no label.
std::string_view word(std::string_view text) {
  const bool is_word = text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == ':';
  });
  return !is_word ? kOther : text.empty() ? std::string_view("none") : text;
}

std::string_view class_of(std::int64_t status) {
  constexpr std::array<std::string_view, 6> kClasses = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
  return status >= 100 && status < 600 ? kClasses[static_cast<std::size_t>(status / 100)] : kClasses[0];
}

std::string_view issued(Effect effect) { return effect == Effect::allow ? "issued" : "refused"; }

}  // namespace

ObservedLog::Counts ObservedLog::counts_of(const audit::Record& record) {
  Counts counts;
  counts.counters[0] = &instruments_.records.of({audit::to_string(record.event), audit::to_string(record.effect)});
  const std::string_view reason = word(record.reason), effect = audit::to_string(record.effect);
  switch (record.event) {
    case Event::call:
      counts.counters[1] = &instruments_.decisions.of({word(record.server), effect, reason});
      counts.counters[2] = &instruments_.messages.of({is_method_(record.method) ? std::string_view(record.method) : kOther, effect});
      if (record.reason == "rate_limited") {
        const std::string_view limit = std::string_view(record.policy).starts_with("limit:") ? std::string_view(record.policy).substr(6) : std::string_view();
        counts.counters[3] = &instruments_.limits_hit.of({word(limit)});
      }
      break;
    case Event::outcome:
      counts.counters[1] = &instruments_.outcomes.of({word(record.server), reason, class_of(record.status)});
      // A stream that stands ends when its reader has enough: that is no duration of ours.
      if (record.method != "GET" && record.method != "subscriptions/listen") {
        counts.histogram = &instruments_.call_durations.of({word(record.server)});
        counts.seconds = static_cast<double>(record.duration_us) / 1e6;
      }
      break;
    case Event::id_jag: counts.counters[1] = &instruments_.id_jags.of({issued(record.effect), reason}); break;
    case Event::access_token: counts.counters[1] = &instruments_.access_tokens.of({issued(record.effect), reason}); break;
    case Event::sign_in: counts.counters[1] = &instruments_.sign_ins.of({effect, reason}); break;
    case Event::client_authentication: counts.counters[1] = &instruments_.client_refusals.of({reason}); break;
    default: break;
  }
  return counts;
}

void ObservedLog::note(const audit::Record& record) const {
  Trail* trail = record.trail.get();
  if (!trail || trail->is_over || record.event == Event::outcome) return;
  const auto keep = [](std::string& kept, std::string_view value) {
    if (!value.empty()) kept = value;
  };
  keep(trail->user, record.user);
  keep(trail->agent, record.agent);
  keep(trail->server, record.server);
  keep(trail->reason, record.reason);
  if (record.effect != Effect::none) trail->effect = audit::to_string(record.effect);
  if (record.event != Event::call) return;
  trail->rpc_method = is_method_(record.method) ? std::string_view(record.method) : kOther;
  // Of what was allowed only: a name that was not found is whatever the client wrote.
  if (record.method == "tools/call" && record.effect == Effect::allow) trail->tool = record.tool.substr(0, 128);
}

Task<Result<audit::Committed, Unavailable>> ObservedLog::commit(audit::Commit commit) {
  const std::shared_ptr<Trail> trail = commit.record.trail;
  const bool is_decision = trail && commit.record.event != Event::outcome;
  const Counts counts = counts_of(commit.record);
  Counts if_replayed;
  std::string reason_if_replayed;
  note(commit.record);
  if (is_decision) commit.record.more.emplace_back("request_id", trail->request_id);
  if (commit.if_replayed) {
    if_replayed = counts_of(*commit.if_replayed);
    reason_if_replayed = commit.if_replayed->reason;
    if (is_decision) commit.if_replayed->more.emplace_back("request_id", trail->request_id);
  }
  const bool is_denial = commit.record.effect == Effect::deny;
  Histogram& histogram = instruments_.commit_durations.of({commit.durability == audit::Durability::power ? "power" : "process"});
  const auto started = std::chrono::steady_clock::now();
  Step step(is_decision ? trail.get() : nullptr, "record");
  auto committed = co_await log_.commit(std::move(commit));
  step.end();
  histogram.observe(std::chrono::steady_clock::now() - started);
  if (!committed || is_failing()) failing_.store(!committed, std::memory_order_relaxed);
  if (!committed) {
    instruments_.commit_refusals.add();
    if (is_decision) trail->effect = "deny", trail->reason = "cannot_be_recorded";
    co_return committed;
  }
  const Counts& counted = committed->replayed ? if_replayed : counts;
  for (Counter* counter : counted.counters) {
    if (counter) counter->add();
  }
  if (counted.histogram) counted.histogram->observe(counted.seconds);
  if (is_decision && !trail->is_over) {
    if (committed->replayed) trail->effect = "deny", trail->reason = reason_if_replayed;
    if (is_denial || committed->replayed) trail->code = audit::denial_code(committed->position);
  }
  co_return committed;
}

}  // namespace writ::telemetry
