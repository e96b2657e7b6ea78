#include "policy/shadow.h"

#include <atomic>
#include <chrono>
#include <ctime>

namespace writ::policy {
namespace {

using Steady = std::chrono::steady_clock;

// What this thread has computed so far: on a busy machine a shadow must not count as slow because others had their turn.
std::chrono::nanoseconds computed() {
  timespec time{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

constexpr auto kSlow = std::chrono::milliseconds(2);
constexpr int kRestFactor = 100;

std::atomic<Steady::rep> rest_until{0};
std::atomic<std::uint64_t> not_asked{0};

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += ',';
    text += part;
  }
  return text;
}

bool has_member(const std::vector<std::pair<std::string, std::string>>& more, std::string_view name) {
  for (const auto& member : more) {
    if (member.first == name) return true;
  }
  return false;
}

}  // namespace

std::string_view effect_of(Kind kind) {
  return kind == Kind::allowed ? "allow" : kind == Kind::approval_pending ? "hold" : "deny";
}

std::optional<ShadowOutcome> try_out(const std::function<Decision()>& ask, Kind decided) {
  if (Steady::now().time_since_epoch().count() < rest_until.load(std::memory_order_relaxed)) {
    not_asked.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  const auto begin = computed();
  std::optional<ShadowOutcome> outcome;
  // What is tried out may fail in ways that the active policy does not: it must not take the decision with it.
  try {
    Decision other = ask();
    if (effect_of(other.kind) != effect_of(decided)) {
      outcome.emplace();
      outcome->kind = other.kind;
      outcome->policies = std::move(other.policies);
    }
  } catch (const std::exception&) {
    not_asked.fetch_add(1, std::memory_order_relaxed);
    outcome.reset();
  }
  const auto took = computed() - begin;
  if (took > kSlow) rest_until.store((Steady::now() + kRestFactor * took).time_since_epoch().count(), std::memory_order_relaxed);
  return outcome;
}

std::uint64_t shadows_not_asked() { return not_asked.load(std::memory_order_relaxed); }

void record_shadows(const Decision& decision, std::vector<std::pair<std::string, std::string>>& more) {
  for (const ShadowOutcome& shadow : decision.shadows) {
    const std::string of = shadow.of == ShadowOutcome::Of::candidate ? "candidate" : "shadow";
    if (has_member(more, of + "_effect")) continue;
    more.emplace_back(of + "_effect", std::string(effect_of(shadow.kind)));
    more.emplace_back(of + "_policy", shadow.policies.empty() ? std::string(to_string(shadow.kind)) : joined(shadow.policies));
    if (!shadow.scope.empty()) more.emplace_back(of + "_scope", shadow.scope);
    if (!shadow.version.empty()) more.emplace_back(of + "_version", shadow.version);
  }
}

Decision about_scope(Decision decision, const std::string& scope) {
  for (ShadowOutcome& shadow : decision.shadows) shadow.scope = scope;
  return decision;
}

}  // namespace writ::policy
