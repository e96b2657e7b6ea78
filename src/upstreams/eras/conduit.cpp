#include "upstreams/eras/conduit.h"

#include <mutex>
#include <optional>
#include <utility>

#include "base/executor.h"

namespace writ::upstreams {

using Piece = Result<std::string, http::StreamEnd>;

struct Conduit::State {
  explicit State(std::size_t most) : unread_max(most) {}
  const std::size_t unread_max;
  std::mutex mutex;
  std::string unread;
  std::optional<http::StreamEnd> end;
  bool closed = false;
  Executor* reader = nullptr;
  std::function<void(Piece)> reading;
  Executor* writer = nullptr;
  std::function<void(bool)> waiting;
  Executor* watcher = nullptr;
  std::function<void()> hook;

  // Under the lock: what there is for the reader.
  std::optional<Piece> take() {
    if (closed) return Piece(unexpected(http::StreamEnd::broken));
    if (!unread.empty()) return Piece(std::exchange(unread, {}));
    if (end) return Piece(unexpected(*end));
    return std::nullopt;
  }
  // Under the lock.
  void wake_reader() {
    if (!reading) return;
    auto piece = take();
    if (!piece) return;
    auto held = std::make_shared<Piece>(std::move(*piece));
    reader->post([resume = std::exchange(reading, nullptr), held] { resume(std::move(*held)); });
    wake_writer();
  }
  void wake_writer() {
    if (!waiting || (!closed && unread.size() >= unread_max)) return;
    writer->post([resume = std::exchange(waiting, nullptr), is_open = !closed] { resume(is_open); });
  }
  void close() {
    std::function<void()> told;   // destroyed after the lock: what it holds may end up here again
    const std::lock_guard lock(mutex);
    if (std::exchange(closed, true)) return;
    unread.clear();
    wake_reader();
    wake_writer();
    told = std::exchange(hook, nullptr);
    if (told && !end) watcher->post(std::move(told));
  }
};

class Conduit::Reader final : public http::BodyStream {
 public:
  explicit Reader(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~Reader() override { state_->close(); }
  Task<Piece> next() override {
    auto begin = [state = state_](std::function<void(Piece)> resume) {
      std::optional<Piece> piece;
      {
        const std::lock_guard lock(state->mutex);
        piece = state->take();
        if (!piece) {
          state->reader = Executor::current();
          state->reading = std::move(resume);
          return;
        }
        state->wake_writer();
      }
      resume(std::move(*piece));
    };
    auto waiting = suspend_until<Piece>(begin);
    Piece piece = co_await waiting;
    co_return piece;
  }
  void cancel() override { state_->close(); }

 private:
  std::shared_ptr<State> state_;
};

Conduit::Conduit(std::size_t unread_max) : state_(std::make_shared<State>(unread_max)) {}

bool Conduit::write(std::string piece) {
  const std::lock_guard lock(state_->mutex);
  if (state_->closed) return false;
  if (state_->end) return true;
  if (state_->unread.empty()) state_->unread = std::move(piece);
  else state_->unread += piece;
  state_->wake_reader();
  return true;
}

void Conduit::finish(http::StreamEnd how) {
  const std::lock_guard lock(state_->mutex);
  if (state_->closed || state_->end) return;
  state_->end = how;
  state_->wake_reader();
}

bool Conduit::is_closed() const {
  const std::lock_guard lock(state_->mutex);
  return state_->closed;
}

bool Conduit::is_full() const {
  const std::lock_guard lock(state_->mutex);
  return state_->unread.size() >= state_->unread_max;
}

Task<bool> Conduit::ready() {
  auto begin = [state = state_](std::function<void(bool)> resume) {
    bool is_open = false;
    {
      const std::lock_guard lock(state->mutex);
      if (!state->closed && state->unread.size() >= state->unread_max) {
        state->writer = Executor::current();
        state->waiting = std::move(resume);
        return;
      }
      is_open = !state->closed;
    }
    resume(is_open);
  };
  auto waiting = suspend_until<bool>(begin);
  const bool is_open = co_await waiting;
  co_return is_open;
}

void Conduit::on_closed(std::function<void()> hook) {
  const std::lock_guard lock(state_->mutex);
  state_->watcher = Executor::current();
  if (state_->closed && hook && !state_->end) state_->watcher->post(std::move(hook));
  else std::swap(state_->hook, hook);   // the former one goes after the lock, as the parameter does
}

std::unique_ptr<http::BodyStream> Conduit::body() { return std::make_unique<Reader>(state_); }

void Conduit::close() { state_->close(); }

}  // namespace writ::upstreams
