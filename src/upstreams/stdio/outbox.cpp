#include "upstreams/stdio/outbox.h"

namespace writ::upstreams::stdio {

bool Outbox::put(std::string text, Kind kind) {
  const std::lock_guard lock(mutex_);
  if (over_) return true;   // nobody reads any more, and nobody minds
  if (!waiting_.empty() && bytes_ + text.size() > bytes_max_) return false;
  bytes_ += text.size();
  Next next;
  next.text = std::move(text);
  next.is_last = kind != Kind::along_the_way;
  next.is_error = kind == Kind::error;
  over_ = next.is_last;
  waiting_.push_back(std::move(next));
  reader_.wake_all();
  return true;
}

void Outbox::end(std::optional<Failure> failure) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(over_, true)) return;
  failure_ = std::move(failure);
  reader_.wake_all();
}

void Outbox::finish() { end(std::nullopt); }
void Outbox::fail(Failure failure) { end(std::move(failure)); }

bool Outbox::is_over() const {
  const std::lock_guard lock(mutex_);
  return over_;
}

std::optional<Outbox::Next> Outbox::take() {
  if (!waiting_.empty()) {
    Next next = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= next.text.size();
    return next;
  }
  if (!over_) return std::nullopt;
  Next end;
  end.is_end = true;
  end.failure = failure_;
  return end;
}

Task<Outbox::Next> Outbox::next() {
  while (true) {
    std::optional<Next> ready;
    auto begin = [this, &ready](std::function<void(bool)> resume) {
      {
        const std::lock_guard lock(mutex_);
        ready = take();
        if (!ready) {
          reader_.park(std::move(resume));
          return;
        }
      }
      resume(true);
    };
    auto waiting = suspend_until<bool>(begin);
    co_await waiting;
    if (ready) co_return std::move(*ready);
  }
}

}  // namespace writ::upstreams::stdio
