#include "jose/remote_key_set.h"

#include <algorithm>
#include <chrono>
#include <functional>

#include "base/executor.h"
#include "base/shared_cell.h"

namespace writ::jose {
namespace {

// What is known of a source at one moment. Immutable once published.
struct Snapshot {
  RemoteKeySets::Keys keys;            // null before the first success
  Instant fetched_at{};                // when the fetch that brought them began
  std::optional<KeyFetchProblem> problem;
};

constexpr Milliseconds kForever = Milliseconds::max();
constexpr Milliseconds kReorderingMax = std::chrono::minutes(1);

// Threads read the clock at slightly different moments, so a little less than nothing is nothing. More than that means that the clock was
// set back: then everything is due, rather than fresh until the old time comes round again.
Milliseconds elapsed(Instant since, Instant now) {
  if (now >= since) return now - since;
  return since - now <= kReorderingMax ? Milliseconds(0) : kForever;
}

bool names(const KeySet& keys, const std::optional<std::string>& kid) {
  return !kid || std::any_of(keys.keys().begin(), keys.keys().end(), [&kid](const Jwk& jwk) { return jwk.kid == *kid; });
}

}  // namespace

struct RemoteKeySets::Entry {
  enum class Step { start, wait, serve };
  struct Waiter {
    Executor* executor;
    std::function<void(bool)> resume;
  };

  explicit Entry(KeySource whose) : source(std::move(whose)), snapshot(std::make_shared<const Snapshot>()) {}

  const KeySource source;
  SharedCell<const Snapshot> snapshot;
  std::atomic<Instant> asked_at{Instant{}};
  std::atomic<bool> is_watched{false};

  std::mutex mutex;   // of those below
  std::optional<Instant> attempted_at;
  bool in_flight = false;
  std::vector<Waiter> waiters;

  // Claims the next attempt, before it is made: a flood of unknown kids finds it claimed, also when there are no keys yet (N3).
  // While a source is known to be down, requests that the last good keys can answer do not queue behind each new attempt.
  Step next_step(Instant now, Seconds cooldown, bool is_answerable) {
    const std::scoped_lock lock(mutex);
    if (in_flight) {
      const bool is_down = snapshot.load()->problem.has_value();
      return is_answerable && is_down ? Step::serve : Step::wait;
    }
    if (attempted_at && elapsed(*attempted_at, now) < cooldown) return Step::serve;
    attempted_at = now;
    in_flight = true;
    return Step::start;
  }

  // What is known stays good for who needs nothing newer; it is only too old to be answered with unasked.
  void expect_change() {
    const std::scoped_lock lock(mutex);
    Snapshot next = *snapshot.load();
    next.fetched_at -= std::chrono::minutes(10);
    snapshot.store(std::make_shared<const Snapshot>(std::move(next)));
    attempted_at.reset();
  }

  // Calls `resume` on this executor when the fetch that is under way has ended; at once when there is none.
  void wait(std::function<void(bool)> resume) {
    {
      const std::scoped_lock lock(mutex);
      if (in_flight) {
        waiters.push_back({Executor::current(), std::move(resume)});
        return;
      }
    }
    resume(true);
  }

  void land(Result<KeySet, KeyFetchProblem> fetched, Instant began_at) {
    Snapshot next = *snapshot.load();
    if (fetched) {
      next.keys = std::make_shared<const KeySet>(std::move(*fetched));
      next.fetched_at = began_at;
      next.problem.reset();
    } else {
      next.problem = fetched.error();   // whatever keys there were stay
    }
    std::vector<Waiter> waiting;
    {
      const std::scoped_lock lock(mutex);
      snapshot.store(std::make_shared<const Snapshot>(std::move(next)));
      in_flight = false;
      waiting.swap(waiters);
    }
    for (Waiter& waiter : waiting) waiter.executor->post([resume = std::move(waiter.resume)] { resume(true); });
  }
};

namespace {

Result<RemoteKeySets::Keys, Unavailable> usable(const Snapshot& snapshot, Instant now, Seconds kept_for) {
  if (!snapshot.keys || elapsed(snapshot.fetched_at, now) > kept_for) return unexpected(Unavailable{"no keys of that source"});
  return snapshot.keys;
}

}  // namespace

RemoteKeySets::RemoteKeySets(http::Outgoing& outgoing) : RemoteKeySets(outgoing, Settings{}) {}
RemoteKeySets::RemoteKeySets(http::Outgoing& outgoing, Settings settings)
    : outgoing_(outgoing), settings_(settings), entries_(std::make_shared<const Entries>()) {}
RemoteKeySets::~RemoteKeySets() = default;

Task<Result<RemoteKeySets::Keys, Unavailable>> RemoteKeySets::find(KeySource source, std::optional<std::string> kid, Instant now) {
  const std::shared_ptr<Entry> entry = entry_for(source, now);
  entry->asked_at.store(now, std::memory_order_relaxed);
  const std::shared_ptr<const Snapshot> known = entry->snapshot.load();
  const bool is_answerable = usable(*known, now, settings_.kept_for) && names(*known->keys, kid);
  if (is_answerable && elapsed(known->fetched_at, now) <= settings_.trusted_for) co_return known->keys;

  const Entry::Step step = entry->next_step(now, settings_.cooldown, is_answerable);
  if (step == Entry::Step::start) start(entry, now);
  if (step != Entry::Step::serve) {
    auto wait = [&entry](std::function<void(bool)> resume) { entry->wait(std::move(resume)); };
    co_await suspend_until<bool>(std::move(wait));
  }
  const std::shared_ptr<const Snapshot> latest = entry->snapshot.load();
  co_return usable(*latest, now, settings_.kept_for);
}

Task<RemoteKeySets::Keys> RemoteKeySets::find_at(std::string jwks_uri, bool chosen_by_a_stranger, std::optional<std::string> kid, Instant now) {
  KeySource source("", std::move(jwks_uri), chosen_by_a_stranger);
  auto keys = co_await find(std::move(source), std::move(kid), now);
  co_return keys ? *keys : nullptr;
}

void RemoteKeySets::expect_change(std::string_view issuer) {
  const std::shared_ptr<const Entries> entries = entries_.load();
  for (const auto& [source, entry] : *entries) {
    if (source.issuer == issuer) entry->expect_change();
  }
}

void RemoteKeySets::watch(const KeySource& source, Instant now) { entry_for(source, now)->is_watched.store(true); }

std::size_t RemoteKeySets::refresh_due(Instant now) {
  forget_idle(now);
  std::size_t started = 0;
  const std::shared_ptr<const Entries> entries = entries_.load();
  for (const auto& [source, entry] : *entries) {
    const std::shared_ptr<const Snapshot> known = entry->snapshot.load();
    if (known->keys && elapsed(known->fetched_at, now) < settings_.refresh_after) continue;
    if (entry->next_step(now, settings_.cooldown, true) != Entry::Step::start) continue;
    start(entry, now);
    ++started;
  }
  return started;
}

std::vector<RemoteKeySets::Status> RemoteKeySets::status() const {
  std::vector<Status> all;
  const std::shared_ptr<const Entries> entries = entries_.load();
  for (const auto& [source, entry] : *entries) {
    const std::shared_ptr<const Snapshot> known = entry->snapshot.load();
    Status status{source, 0, std::nullopt, known->problem};
    if (known->keys) {
      status.keys = known->keys->keys().size();
      status.fetched_at = known->fetched_at;
    }
    all.push_back(std::move(status));
  }
  return all;
}

std::shared_ptr<RemoteKeySets::Entry> RemoteKeySets::entry_for(const KeySource& source, Instant now) {
  const auto find_in = [&source](const Entries& entries) {
    const auto found = entries.find(source);
    return found == entries.end() ? nullptr : found->second;
  };
  if (auto entry = find_in(*entries_.load())) return entry;

  const std::scoped_lock lock(changing_);
  const std::shared_ptr<const Entries> current = entries_.load();
  if (auto entry = find_in(*current)) return entry;
  auto next = std::make_shared<Entries>(*current);
  if (next->size() >= settings_.sources_max) {
    // Strangers name their own sources: the one that was not asked for longest makes room, and watched ones never do.
    const auto oldest = std::min_element(next->begin(), next->end(), [](const auto& a, const auto& b) {
      const auto rank = [](const Entry& entry) { return std::pair(entry.is_watched.load(), entry.asked_at.load()); };
      return rank(*a.second) < rank(*b.second);
    });
    if (!oldest->second->is_watched) next->erase(oldest);
  }
  auto entry = std::make_shared<Entry>(source);
  entry->asked_at.store(now);
  next->emplace(source, entry);
  entries_.store(std::move(next));
  return entry;
}

void RemoteKeySets::forget_idle(Instant now) {
  const auto is_idle = [this, now](const auto& item) {
    return !item.second->is_watched && elapsed(item.second->asked_at.load(), now) > settings_.idle_for;
  };
  const std::shared_ptr<const Entries> seen = entries_.load();
  if (std::none_of(seen->begin(), seen->end(), is_idle)) return;
  const std::scoped_lock lock(changing_);
  auto next = std::make_shared<Entries>(*entries_.load());
  std::erase_if(*next, is_idle);
  entries_.store(std::move(next));
}

// The fetch belongs to nobody who waits for it: their connections may go away.
void RemoteKeySets::start(const std::shared_ptr<Entry>& entry, Instant now) {
  spawn(fetch_keys(outgoing_, entry->source),
        [entry, now](std::exception_ptr exception, std::optional<Result<KeySet, KeyFetchProblem>> fetched) {
          if (exception) fetched.emplace(unexpected(KeyFetchProblem::unreachable));   // or those who wait would wait for ever
          entry->land(std::move(*fetched), now);
        });
}

}  // namespace writ::jose
