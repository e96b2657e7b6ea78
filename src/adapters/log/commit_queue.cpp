#include "adapters/log/commit_queue.h"

#include <algorithm>

namespace writ::log {

bool CommitQueue::offer(Pending& pending) {
  Executor* const origin = pending.origin;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || refusing_ || queue_.size() >= commits_max_) return false;
    queue_.push_back(std::move(pending));
    if (!sleeping_) return true;   // it looks again before it sleeps
    if (std::find(ringing_.begin(), ringing_.end(), origin) != ringing_.end()) return true;
    ringing_.push_back(origin);
  }
  if (origin) origin->post([self = shared_from_this(), origin] { self->wake(origin); });
  else wake(nullptr);
  return true;
}

// Notified behind the lock, which a writer that wakes takes first of all.
void CommitQueue::wake(Executor* ringing) {
  {
    const std::lock_guard lock(mutex_);
    std::erase(ringing_, ringing);
    if (!sleeping_ || queue_.empty()) return;
  }
  arrived_.notify_one();
}

void CommitQueue::refuse() {
  const std::lock_guard lock(mutex_);
  refusing_ = true;
}

void CommitQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
}

void CommitQueue::nudge() {
  {
    const std::lock_guard lock(mutex_);
    nudged_ = true;
  }
  arrived_.notify_one();
}

CommitQueue::Taken CommitQueue::take(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  const auto wake = [this] { return stopping_ || nudged_ || !queue_.empty(); };
  sleeping_ = true;
  if (until == std::chrono::steady_clock::time_point::max()) arrived_.wait(lock, wake);
  else arrived_.wait_until(lock, until, wake);
  sleeping_ = nudged_ = false;
  Taken taken;
  taken.batch.swap(queue_);
  taken.stop = stopping_ && taken.batch.empty();
  return taken;
}

}  // namespace writ::log
