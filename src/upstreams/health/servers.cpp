#include "upstreams/health/servers.h"

#include <utility>

namespace writ::upstreams::health {

struct Servers::Entry {
  explicit Entry(std::string reached_at) : address(std::move(reached_at)) {}
  const std::string address;   // what is known is known of this address
  std::mutex mutex;
  Circuit circuit;
  std::string last_failure;
  std::size_t waiting = 0;
  std::unordered_map<std::string, std::size_t> waiting_of;   // by principal
  std::uint64_t requests = 0, failed = 0, turned_away = 0;
};

namespace {

std::string address_of(const registry::UpstreamAddress& upstream) {
  std::string address = std::to_string(static_cast<int>(upstream.transport)) + "\n" + upstream.url;
  if (upstream.program) {
    for (const std::string& word : upstream.program->command) address += "\n" + word;
  }
  return address;
}

}  // namespace

std::shared_ptr<Servers::Entry> Servers::entry_of(const registry::Server& server) {
  std::string address = address_of(*server.upstream);
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Entry>& entry = entries_[server.id];
  if (!entry || entry->address != address) entry = std::make_shared<Entry>(std::move(address));
  return entry;
}

Result<Servers::Passage, Servers::TurnedAway> Servers::enter(const registry::Server& server, const std::string& principal, Instant now) {
  auto entry = entry_of(server);
  const std::lock_guard lock(entry->mutex);
  const auto own = entry->waiting_of.find(principal);
  const std::size_t own_waiting = own == entry->waiting_of.end() ? 0 : own->second;
  if (entry->waiting >= settings_.waiting_max || own_waiting >= settings_.waiting_per_principal_max) {
    ++entry->turned_away;
    return unexpected(TurnedAway{Seconds{1}, "too many requests wait for the server"});
  }
  const auto passage = entry->circuit.enter(settings_, now);
  if (!passage) {
    ++entry->turned_away;
    return unexpected(TurnedAway{passage.error(), "the server failed again and again and is left alone for a while"});
  }
  ++entry->requests;
  ++entry->waiting;
  ++entry->waiting_of[principal];
  return Passage(entry, *passage, principal, settings_);
}

void Servers::Passage::end(Outcome outcome, std::string_view failure, Instant now) {
  const auto entry = std::exchange(entry_, nullptr);
  if (!entry) return;
  const std::lock_guard lock(entry->mutex);
  --entry->waiting;
  const auto own = entry->waiting_of.find(principal_);
  if (--own->second == 0) entry->waiting_of.erase(own);
  switch (outcome) {
    case Outcome::success: entry->circuit.succeed(); break;
    case Outcome::failure:
      ++entry->failed;
      entry->last_failure = failure;
      entry->circuit.fail(*settings_, kind_, now);
      break;
    case Outcome::says_nothing: entry->circuit.leave(kind_); break;
  }
}

Servers::Passage::~Passage() { end(Outcome::says_nothing, "", Instant{}); }

std::vector<ServerState> Servers::states(const registry::Snapshot& snapshot, Instant now) const {
  std::vector<ServerState> states;
  for (const registry::Server& server : snapshot.objects().servers) {
    if (!server.upstream) continue;
    ServerState state;
    state.server = server.id;
    std::shared_ptr<Entry> entry;
    {
      const std::lock_guard lock(mutex_);
      const auto found = entries_.find(server.id);
      if (found != entries_.end()) entry = found->second;
    }
    if (entry && entry->address == address_of(*server.upstream)) {
      const std::lock_guard lock(entry->mutex);
      state.circuit = entry->circuit.state(now);
      state.failures = entry->circuit.failures();
      state.failing_since = entry->circuit.failing_since();
      state.retry_at = entry->circuit.retry_at();
      if (state.failures > 0) state.last_failure = entry->last_failure;
      state.waiting = entry->waiting;
      state.requests = entry->requests, state.failed = entry->failed, state.turned_away = entry->turned_away;
    }
    states.push_back(std::move(state));
  }
  return states;
}

}  // namespace writ::upstreams::health
