// What stands: exchanges that are under way are ended when they would no longer be allowed (rules §5.3), and streams hear of what changes.

#include "gateway/combined/endpoint.h"
#include "gateway/cut_off.h"
#include "gateway/exchange_authorization.h"
#include "gateway/gateway.h"
#include "gateway/held_call.h"
#include "gateway/way.h"

namespace writ::gateway {
namespace {

constexpr std::int64_t kSweepSessionsSeconds = 60;

}  // namespace

std::shared_ptr<const policy::ToolCatalogue> Gateway::current_tools() const {
  return dependencies_.tools ? dependencies_.tools->get() : std::make_shared<const policy::ToolCatalogue>();
}

Basis Gateway::current_basis() const {
  return {dependencies_.objects.get()->sequence(), dependencies_.policy.get(), dependencies_.revocations.epoch()};
}

void Gateway::tell_changes(Exchange& exchange, bool is_first) {
  if (!exchange.stands) return;
  const auto snapshot = dependencies_.objects.get();
  const auto policy = dependencies_.policy.get();
  const registry::Server* server = snapshot->server(exchange.server_id);
  if (!is_first && exchange.told && server) {
    // Of what members' streams bring through a combined server, the stream of that server tells it once.
    const bool has_other_policy = policy != exchange.told_policy && exchange.endpoint_id.empty();
    exchange.owes_tools_changed |= has_other_policy || DefinitionWatch::changes_use(exchange.told->definitions(), snapshot->definitions(), *server, registry::ObjectKind::tool);
    exchange.owes_prompts_changed |= has_other_policy || DefinitionWatch::changes_use(exchange.told->definitions(), snapshot->definitions(), *server, registry::ObjectKind::prompt);
  }
  exchange.told = snapshot;
  exchange.told_policy = policy;
  const bool owes = exchange.owes_tools_changed || exchange.owes_prompts_changed;
  if (owes && exchange.poke) exchange.poke();
}

bool Gateway::go_live(const std::shared_ptr<Exchange>& exchange, Basis basis) {
  tell_changes(*exchange, true);
  // First added, then compared: a change in between is seen by one of the two.
  live_.add(exchange, basis);
  if (current_basis() == basis) return true;
  exchange->cut_off = find_cut_off(*exchange);
  if (!exchange->cut_off) return true;
  exchange->stop(Stopped::no_longer_allowed);
  return false;
}

void Gateway::check_streams(Instant now) {
  if (Executor::current()) definitions_.flush_due();
  combined_->visit_due(now);
  if (dependencies_.may_serve && !dependencies_.may_serve()) {
    // No exchange was decided on what is not known: all of them are due.
    const Basis nothing{UINT64_MAX, nullptr, UINT64_MAX};
    return live_.visit_due(now, nothing, [](Exchange& exchange) { exchange.stop(Stopped::out_of_touch); });
  }
  const std::int64_t now_seconds = to_unix_seconds(now);
  const Basis current = current_basis();
  {
    const std::lock_guard lock(checked_mutex_);
    if (checked_basis_ == current && checked_second_ == now_seconds) return;
    checked_basis_ = current;
    checked_second_ = now_seconds;
  }
  live_.visit_due(now, current, [this](Exchange& exchange) { examine(exchange); });
  std::int64_t swept = sessions_swept_.load();
  if (now_seconds - swept >= kSweepSessionsSeconds && sessions_swept_.compare_exchange_strong(swept, now_seconds)) sessions_.forget_idle(now_seconds);
}

std::shared_ptr<const CutOff> Gateway::find_cut_off(const Exchange& exchange) const {
  const Instant now = dependencies_.clock.now();
  const auto snapshot = dependencies_.objects.get();
  const auto tools = current_tools();
  const auto policy = dependencies_.policy.get();
  const auto way = find_way(*snapshot, exchange.server_id, exchange.endpoint_id);
  // Who the token stands for may be no longer known or active. Its client learns no more of that than with a request (bearer_authentication.h).
  const auto refused = [&](std::string_view reason) {
    auto cut_off = std::make_shared<CutOff>();
    cut_off->record = cut_off_record(exchange, now);
    cut_off->record.reason = std::string(reason);
    cut_off->record.policy_version = policy->version();
    cut_off->record.object_sequence = snapshot->sequence();
    cut_off->verdict.reason = std::string(to_string(Stopped::no_longer_allowed));
    return cut_off;
  };
  if (!way) return refused("server_disabled");
  const auto caller = authentication_.resolve(*exchange.token, *snapshot);
  if (!caller) return refused(to_string(caller.error()));
  const Circumstances asked{*snapshot, *way->server, *exchange.token, *caller, *policy, *tools, definitions_, exchange.ip, now, way->endpoint};
  Verdict verdict = authorize_exchange(asked, exchange);
  if (verdict.outcome == Verdict::Outcome::allowed) return nullptr;
  if (verdict.outcome == Verdict::Outcome::held && is_lifted(verdict.decision, exchange.lifted)) return nullptr;
  auto cut_off = std::make_shared<CutOff>();
  cut_off->record = cut_off_record(exchange, now);
  Recorder::add(cut_off->record, asked, verdict);
  verdict.question.reset();
  cut_off->verdict = std::move(verdict);
  return cut_off;
}

void Gateway::examine(Exchange& exchange) {
  const Instant now = dependencies_.clock.now();
  // Taken before the question is asked: a change in between is seen the next time.
  Basis basis = current_basis();
  if (!exchange.stands && now >= exchange.deadline) return exchange.stop(Stopped::deadline);
  if (exchange.stands && to_unix_seconds(now) >= stands_until(*exchange.token, exchange.session.get())) return exchange.stop(Stopped::token_expired);
  if (exchange.stopped != Stopped::no) return;
  if ((exchange.cut_off = find_cut_off(exchange))) return exchange.stop(Stopped::no_longer_allowed);
  live_.set_basis(exchange, std::move(basis));
  tell_changes(exchange, false);
}

}  // namespace writ::gateway
