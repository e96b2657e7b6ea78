#include "adapters/log/background_sync.h"

#include <cassert>
#include <utility>

namespace writ::log {

BackgroundSync::BackgroundSync(std::function<void()> when_done) : when_done_(std::move(when_done)), thread_([this] { run(); }) {}

BackgroundSync::~BackgroundSync() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void BackgroundSync::start(File& file) {
  assert(!under_way_);
  under_way_ = true;
  const std::lock_guard lock(mutex_);
  file_ = &file;
  changed_.notify_all();
}

std::optional<Result<void, IoError>> BackgroundSync::poll() {
  if (!under_way_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (!result_) return std::nullopt;
  under_way_ = false;
  return std::exchange(result_, std::nullopt);
}

Result<void, IoError> BackgroundSync::wait() {
  assert(under_way_);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return result_.has_value(); });
  under_way_ = false;
  auto result = std::move(*result_);
  result_.reset();
  return result;
}

void BackgroundSync::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || file_ != nullptr; });
    if (file_ == nullptr) return;
    File* file = std::exchange(file_, nullptr);
    lock.unlock();
    auto result = file->sync();
    lock.lock();
    result_ = std::move(result);
    changed_.notify_all();
    lock.unlock();
    when_done_();
    lock.lock();
  }
}

}  // namespace writ::log
