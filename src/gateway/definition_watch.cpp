#include "gateway/definition_watch.h"

#include <algorithm>
#include <mutex>

#include "registry/read.h"

namespace writ::gateway {
namespace {

bool keeps_words(const registry::Server& server) { return server.wording_changes == registry::Server::WordingChanges::keep_reviewed; }

}  // namespace

std::shared_ptr<const registry::Definition> DefinitionWatch::look(const registry::Snapshot& snapshot, const registry::Server& server, Kind kind, const std::string& name,
                                                                  const json::Value& said, std::vector<SeenDefinition>& news) {
  auto known = snapshot.definitions().find(kind, server.id, name);
  // Mostly it is what it was, member by member.
  const bool is_same = known && known->approved && *known->approved == said;
  std::string digest = is_same ? known->approved_digest : registry::definition_digest(said);
  const std::pair key(kind, name);
  if (known && known->approved) {
    if (digest == known->approved_digest) {
      if (changed_count_.load(std::memory_order_relaxed) > 0) {
        const std::unique_lock lock(mutex_);
        const auto of_server = changed_.find(server.id);
        if (of_server != changed_.end()) changed_count_ -= of_server->second.erase(key);
      }
      if (known->pending) news.push_back({kind, name, said, std::move(digest)});   // it is again what was approved
      return known->is_usable(keeps_words(server)) ? known : nullptr;
    }
    const bool is_only_wording = registry::differs_only_in_wording(kind, *known->approved, said);
    if (!known->pending || known->pending->digest != digest) {
      {
        const std::unique_lock lock(mutex_);
        if (changed_[server.id].insert_or_assign(key, Changed{digest, is_only_wording}).second) ++changed_count_;
      }
      if (!registry::unreviewable(kind, name, said)) news.push_back({kind, name, said, std::move(digest)});
    }
    const bool words_before = !known->pending || known->pending->is_only_wording;
    return keeps_words(server) && is_only_wording && words_before ? known : nullptr;
  }
  if (known && known->pending && known->pending->digest == digest) return nullptr;
  if (!registry::unreviewable(kind, name, said)) news.push_back({kind, name, said, std::move(digest)});
  return nullptr;
}

bool DefinitionWatch::is_usable(const registry::Snapshot& snapshot, const registry::Server& server, Kind kind, const std::string& name) const {
  const auto known = snapshot.definitions().find(kind, server.id, name);
  if (!known || !known->is_usable(keeps_words(server))) return false;
  if (changed_count_.load(std::memory_order_relaxed) == 0) return true;
  const std::shared_lock lock(mutex_);
  const auto of_server = changed_.find(server.id);
  if (of_server == changed_.end()) return true;
  const auto found = of_server->second.find({kind, name});
  // Somebody may have approved meanwhile what was seen.
  if (found == of_server->second.end() || found->second.digest == known->approved_digest) return true;
  return keeps_words(server) && found->second.is_only_wording;
}

bool DefinitionWatch::changes_use(const registry::Definitions& before, const registry::Definitions& after, const registry::Server& server, Kind kind) {
  if (before.is_shared(server.id, after)) return false;
  const auto usable = [&](const registry::Definitions& definitions) {
    std::map<std::string, std::string> digests;
    if (const auto* shelf = definitions.of(server.id)) {
      for (const auto& [key, definition] : *shelf) {
        if (definition->kind == kind && definition->is_usable(keeps_words(server))) digests.emplace(definition->name, definition->approved_digest);
      }
    }
    return digests;
  };
  return usable(before) != usable(after);
}

bool DefinitionWatch::is_worth_waiting(const registry::Snapshot& snapshot, const registry::Server& server, const std::vector<SeenDefinition>& news) const {
  if (!reviews_ || server.first_use != registry::Server::FirstUse::allow) return false;
  return std::any_of(news.begin(), news.end(), [&](const SeenDefinition& seen) {
    // What waits for a person already is for that person to approve.
    return !snapshot.definitions().find(seen.kind, server.id, seen.name);
  });
}

std::size_t DefinitionWatch::allowed(Waiting& waiting, std::size_t wanted, Instant now) {
  const double elapsed = std::max(0.0, std::chrono::duration<double>(now - waiting.counted).count());
  waiting.writes_left = std::min(kWritesMax, waiting.writes_left + elapsed * kWritesPerSecond);
  waiting.counted = now;
  const auto granted = std::min(wanted, static_cast<std::size_t>(waiting.writes_left));
  waiting.writes_left -= static_cast<double>(granted);
  return granted;
}

Task<void> DefinitionWatch::settle(std::string server, std::vector<SeenDefinition> news) {
  {
    const std::unique_lock lock(mutex_);
    news.resize(allowed(waiting_[server], news.size(), clock_.now()));
  }
  if (!reviews_ || news.empty()) co_return;
  // What cannot be kept now is held, and reported with the next list.
  static_cast<void>(co_await reviews_->keep(std::move(server), std::move(news)));
}

void DefinitionWatch::report(const std::string& server, std::vector<SeenDefinition> news) {
  if (!reviews_ || news.empty()) return;
  std::vector<SeenDefinition> batch;
  {
    const std::unique_lock lock(mutex_);
    Waiting& waiting = waiting_[server];
    for (SeenDefinition& seen : news) {
      std::pair key(seen.kind, seen.name);
      if (waiting.seen.size() >= kWaitingMax && !waiting.seen.contains(key)) continue;
      waiting.seen.insert_or_assign(std::move(key), std::move(seen));
    }
    batch = take(waiting, clock_.now());
  }
  send(server, std::move(batch));
}

std::vector<SeenDefinition> DefinitionWatch::take(Waiting& waiting, Instant now) {
  std::vector<SeenDefinition> batch;
  if (waiting.seen.empty() || waiting.is_sending || now - waiting.last_sent < Seconds{kSecondsBetween}) return batch;
  const std::size_t count = allowed(waiting, waiting.seen.size(), now);
  for (auto& [key, seen] : waiting.seen) {
    if (batch.size() < count) batch.push_back(std::move(seen));
  }
  waiting.seen.clear();   // what was too much comes again with the next list
  waiting.last_sent = now;
  waiting.is_sending = !batch.empty();
  return batch;
}

void DefinitionWatch::send(const std::string& server, std::vector<SeenDefinition> batch) {
  if (batch.empty()) return;
  spawn(reviews_->keep(server, std::move(batch)), [this, server](std::exception_ptr, const std::optional<Result<void, Unavailable>>&) {
    const std::unique_lock lock(mutex_);
    waiting_[server].is_sending = false;
  });
}

void DefinitionWatch::flush_due() {
  std::vector<std::pair<std::string, std::vector<SeenDefinition>>> batches;
  {
    const std::unique_lock lock(mutex_);
    for (auto& [server, waiting] : waiting_) {
      auto batch = take(waiting, clock_.now());
      if (!batch.empty()) batches.emplace_back(server, std::move(batch));
    }
  }
  for (auto& [server, batch] : batches) send(server, std::move(batch));
}

}  // namespace writ::gateway
