#include "upstreams/http_sse/inbox.h"

#include <utility>

namespace writ::upstreams::http_sse {

void Backlog::add(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes_ += bytes;
}

void Backlog::take(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes_ -= bytes;
  if (bytes_ <= bytes_max_) wake();
}

void Backlog::release() {
  const std::lock_guard lock(mutex_);
  released_ = true;
  wake();
}

void Backlog::wake() {
  if (auto waiter = std::exchange(waiter_, nullptr)) reader_.post([waiter = std::move(waiter)] { waiter(true); });
}

Task<void> Backlog::until_room() {
  auto begin = [this](std::function<void(bool)> resume) {
    {
      const std::lock_guard lock(mutex_);
      if (bytes_ > bytes_max_ && !released_) {
        waiter_ = std::move(resume);
        return;
      }
    }
    resume(true);
  };
  auto wait = suspend_until<bool>(begin);
  co_await wait;
}

Inbox::~Inbox() {
  for (const Item& item : items_) backlog_->take(item.text.size());
}

void Inbox::put(Item item) {
  const std::lock_guard lock(mutex_);
  if (end_) return;
  backlog_->add(item.text.size());
  items_.push_back(std::move(item));
  wake();
}

void Inbox::end(Failure why) {
  const std::lock_guard lock(mutex_);
  if (end_) return;
  end_ = std::move(why);
  wake();
}

void Inbox::end_if_due(Instant now) {
  const std::lock_guard lock(mutex_);
  if (end_ || !waiter_ || now < until_) return;
  end_ = Failure{Failure::Kind::timeout, "the server took the message and did not answer in time", "", std::nullopt};
  wake();
}

void Inbox::wake() {
  if (auto waiter = std::exchange(waiter_, nullptr)) executor_.post([waiter = std::move(waiter)] { waiter(true); });
}

std::optional<Inbox::Taken> Inbox::next() {
  if (!items_.empty()) {
    Item item = std::move(items_.front());
    items_.pop_front();
    backlog_->take(item.text.size());
    return Taken(std::move(item));
  }
  if (end_) return Taken(unexpected(*end_));
  return std::nullopt;
}

Task<Result<Inbox::Item, Failure>> Inbox::take(Instant until) {
  while (true) {
    std::optional<Taken> taken;
    auto begin = [this, until, &taken](std::function<void(bool)> resume) {
      {
        const std::lock_guard lock(mutex_);
        taken = next();
        if (!taken) {
          until_ = until;
          waiter_ = std::move(resume);
          return;
        }
      }
      resume(true);
    };
    auto wait = suspend_until<bool>(begin);
    co_await wait;
    if (taken) co_return std::move(*taken);
  }
}

EndWhenCancelled::EndWhenCancelled(http::Cancellation* cancellation, std::shared_ptr<Inbox> inbox) : cancellation_(cancellation) {
  if (!cancellation_) return;
  cancellation_->on_request([inbox = std::move(inbox)] { inbox->end(Failure{Failure::Kind::closed, "nobody waits for the answer any more", "", std::nullopt}); });
}

EndWhenCancelled::~EndWhenCancelled() {
  if (cancellation_) cancellation_->on_request(nullptr);
}

}  // namespace writ::upstreams::http_sse
