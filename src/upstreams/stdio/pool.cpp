#include "upstreams/stdio/pool.h"

#include <algorithm>

namespace writ::upstreams::stdio {
namespace {

constexpr Seconds kFullRetry{5};

}  // namespace

void Pool::settle(SteadyTime now) {
  std::erase_if(running_, [&](const std::shared_ptr<Conversation>& conversation) {
    if (const auto era = conversation->era(); era && !era_) era_ = era;
    if (!conversation->is_over()) return false;
    const auto life = conversation->life();
    if (life.ended_while_asked_for_era) era_ = mcp::Era::legacy;   // it does not survive the question, and need not
    else if (!conversation->is_ended_on_purpose()) backoffs_[conversation->purpose().principal].note_failure(life.ended, life.ended - life.began, life.had_served);
    return true;
  });
  std::erase_if(backoffs_, [&](const auto& entry) { return entry.second.is_over(now); });
}

std::shared_ptr<Conversation> Pool::find(const std::string& principal, bool for_session) {
  const auto found = std::find_if(running_.begin(), running_.end(), [&](const std::shared_ptr<Conversation>& conversation) {
    if (conversation->purpose().principal != principal || conversation->is_over()) return false;
    if (conversation->purpose().is_shared()) return true;
    const auto era = conversation->era();
    // Just being started for the same principal. Where every session needs a program of its own, this one is another's.
    if (!era) return !(for_session && era_ == mcp::Era::legacy);
    return *era == mcp::Era::modern || (for_session && conversation->is_spare());
  });
  return found == running_.end() ? nullptr : *found;
}

std::optional<Failure> Pool::make_room(const std::string& principal, std::int64_t most, SteadyTime now) {
  if (const auto backoff = backoffs_.find(principal); backoff != backoffs_.end()) {
    if (const auto left = backoff->second.left(now); left.count() > 0) {
      const std::string detail = "the program failed " + std::to_string(backoff->second.failures()) + " times and is not started again yet";
      return Failure{Failure::Kind::unavailable, detail, "", std::chrono::ceil<Seconds>(left)};
    }
  }
  if (static_cast<std::int64_t>(running_.size()) < most) return std::nullopt;
  std::map<std::string, int> counts;
  for (const auto& conversation : running_) ++counts[conversation->purpose().principal];
  const int own = counts.contains(principal) ? counts[principal] : 0;
  // Whoever has most gives up the one that was longest without use, if that leaves them no worse off than whoever asks. A session that ends
  // so is begun again by its client (TR-25).
  std::shared_ptr<Conversation> given_up;
  for (const auto& conversation : running_) {
    const auto& owner = conversation->purpose().principal;
    const bool fair = owner == principal || counts[owner] > own + 1;
    if (!fair || conversation->is_busy()) continue;
    if (!given_up || conversation->last_used() < given_up->last_used()) given_up = conversation;
  }
  if (!given_up) return Failure{Failure::Kind::unavailable, "as many of its programs run as may run at once", "", kFullRetry};
  given_up->end("another session needed its place");
  std::erase(running_, given_up);
  return std::nullopt;
}

void Pool::end_all(const std::string& why) {
  for (const auto& conversation : std::exchange(running_, {})) conversation->end(why);
}

}  // namespace writ::upstreams::stdio
