#include "upstreams/eras/replay_stream.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "mcp/sse.h"

namespace writ::upstreams {
namespace {

constexpr std::size_t kPieceMax = 64 * 1024;

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<EventPlace> parse_event_place(std::string_view id) {
  const std::size_t dot = id.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto stream = parse_number(id.substr(0, dot)), event = parse_number(id.substr(dot + 1));
  if (!stream || !event) return std::nullopt;
  return EventPlace{*stream, *event};
}

// One reader: what it gets next, and how it is told.
struct ReplayStream::Place {
  std::uint64_t next = 0;
  bool closed = false, is_done = false;
  Executor* executor = nullptr;
  std::function<void(Piece)> waiter;
  std::function<void()> on_left;
};

class ReplayStream::Reader final : public http::BodyStream {
 public:
  Reader(std::shared_ptr<ReplayStream> stream, std::shared_ptr<Place> place) : stream_(std::move(stream)), place_(std::move(place)) {}
  ~Reader() override { stream_->leave(place_); }
  Task<Piece> next() override {
    auto begin = [stream = stream_.get(), place = place_](std::function<void(Piece)> resume) {
      std::optional<Piece> piece;
      {
        const std::lock_guard lock(stream->mutex_);
        piece = stream->take(*place);
        if (!piece) {
          place->executor = Executor::current();
          place->waiter = std::move(resume);
          return;
        }
        stream->trim();
        stream->wake();
      }
      resume(std::move(*piece));
    };
    auto waiting = suspend_until<Piece>(begin);
    Piece piece = co_await waiting;
    co_return piece;
  }
  void cancel() override {
    const auto stream = stream_;
    stream->leave(place_);
  }

 private:
  std::shared_ptr<ReplayStream> stream_;
  std::shared_ptr<Place> place_;
};

ReplayStream::ReplayStream(std::uint64_t number, std::shared_ptr<ReplayBudget> budget) : number_(number), budget_(std::move(budget)) {
  append("");   // TR-31: a place to resume from before anything has happened
}

ReplayStream::~ReplayStream() { budget_->bytes -= static_cast<std::int64_t>(bytes_); }

void ReplayStream::append(const std::string& data) {
  mcp::Event event;
  event.id = std::to_string(number_) + "." + std::to_string(next_);
  event.data = data;
  event.has_data = true;
  Kept kept{next_++, {}};
  mcp::append_event(kept.text, event);
  bytes_ += kept.text.size();
  budget_->bytes += static_cast<std::int64_t>(kept.text.size());
  kept_.push_back(std::move(kept));
}

void ReplayStream::write(const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  append(message);
  wake();
  trim();
}

void ReplayStream::finish() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(finished_, true)) return;
  wake();
}

bool ReplayStream::is_finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

bool ReplayStream::is_read() const {
  const std::lock_guard lock(mutex_);
  return std::any_of(readers_.begin(), readers_.end(), [](const auto& reader) { return !reader->is_done; });
}

void ReplayStream::trim() {
  std::uint64_t needed = next_;   // by the slowest reader
  for (const auto& reader : readers_) needed = std::min(needed, reader->next);
  const bool is_full = budget_->bytes > budget_->limits.all_kept_max;
  const std::size_t kept_max = is_full ? 0 : budget_->limits.kept_max;
  const std::size_t events_min = is_full ? 0 : 1;   // the last is most often the answer, however large it is
  // Nobody reads: what waits for somebody to resume is bounded too, and the oldest goes.
  const std::size_t most = readers_.empty() && !is_full ? budget_->limits.unread_max : kept_max;
  std::size_t read_bytes = 0;
  for (const Kept& kept : kept_) {
    if (kept.number >= needed) break;
    read_bytes += kept.text.size();
  }
  while (kept_.size() > events_min && kept_.front().number < needed && read_bytes > most) {
    const std::size_t bytes = kept_.front().text.size();
    read_bytes -= bytes, bytes_ -= bytes;
    budget_->bytes -= static_cast<std::int64_t>(bytes);
    kept_.pop_front();
  }
}

std::optional<ReplayStream::Piece> ReplayStream::take(Place& place) {
  if (place.closed) return Piece(unexpected(http::StreamEnd::broken));
  std::string text;
  for (const Kept& kept : kept_) {
    if (kept.number < place.next) continue;
    if (!text.empty() && text.size() + kept.text.size() > kPieceMax) break;
    text += kept.text;
    place.next = kept.number + 1;
  }
  if (!text.empty()) return Piece(std::move(text));
  if (!finished_) return std::nullopt;
  place.is_done = true;
  return Piece(unexpected(http::StreamEnd::complete));
}

bool ReplayStream::has_room() const {
  std::uint64_t needed = next_;
  for (const auto& reader : readers_) needed = std::min(needed, reader->next);
  std::size_t unread = 0;
  for (const Kept& kept : kept_) unread += kept.number >= needed ? kept.text.size() : 0;
  return unread < budget_->limits.unread_max;
}

void ReplayStream::wake() {
  for (const auto& reader : readers_) {
    if (!reader->waiter) continue;
    auto piece = take(*reader);
    if (!piece) continue;
    auto held = std::make_shared<Piece>(std::move(*piece));
    reader->executor->post([resume = std::exchange(reader->waiter, nullptr), held] { resume(std::move(*held)); });
  }
  if (waiting_ && has_room()) {
    writer_->post([resume = std::exchange(waiting_, nullptr)] { resume(true); });
  }
}

void ReplayStream::leave(const std::shared_ptr<Place>& place) {
  std::function<void()> told;
  const std::lock_guard lock(mutex_);
  if (std::exchange(place->closed, true)) return;
  std::erase(readers_, place);
  if (place->waiter) {
    auto held = std::make_shared<Piece>(unexpected(http::StreamEnd::broken));
    place->executor->post([resume = std::exchange(place->waiter, nullptr), held] { resume(std::move(*held)); });
  }
  told = std::exchange(place->on_left, nullptr);
  Executor* executor = Executor::current();   // none when the program ends
  if (told && !place->is_done && executor) executor->post(std::move(told));
  trim();
  wake();
}

Task<void> ReplayStream::ready() {
  const auto self = shared_from_this();
  auto begin = [raw = self.get()](std::function<void(bool)> resume) {
    {
      const std::lock_guard lock(raw->mutex_);
      if (!raw->has_room()) {
        raw->writer_ = Executor::current();
        raw->waiting_ = std::move(resume);
        return;
      }
    }
    resume(true);
  };
  auto waiting = suspend_until<bool>(begin);
  co_await waiting;
}

std::unique_ptr<http::BodyStream> ReplayStream::read(std::function<void()> on_left) { return open(0, std::move(on_left)); }
std::unique_ptr<http::BodyStream> ReplayStream::read_after(std::uint64_t event) { return open(event + 1, nullptr); }

std::unique_ptr<http::BodyStream> ReplayStream::open(std::uint64_t next, std::function<void()> on_left) {
  const std::lock_guard lock(mutex_);
  const bool is_kept = next <= next_ && (kept_.empty() ? next == next_ : next >= kept_.front().number);
  if (!is_kept) return nullptr;
  auto place = std::make_shared<Place>();
  place->next = next;
  place->on_left = std::move(on_left);
  readers_.push_back(place);
  return std::make_unique<Reader>(shared_from_this(), std::move(place));
}

}  // namespace writ::upstreams
