#include "gateway/relay.h"

#include <utility>

#include "gateway/owed_notifications.h"
#include "mcp/streamable_http.h"

namespace writ::gateway {

using http::StreamEnd;
using Piece = Result<std::string, StreamEnd>;

// Reads the upstream apart from the client's connection: a client that goes away is let go at once, while the reading may go on.
class Relay::Pump : public std::enable_shared_from_this<Relay::Pump> {
 public:
  Pump(std::shared_ptr<Exchange> exchange, std::unique_ptr<http::BodyStream> body, std::shared_ptr<DrainBudget> budget, std::size_t drained_bytes_max)
      : exchange_(std::move(exchange)), body_(std::move(body)), budget_(std::move(budget)), drained_bytes_max_(drained_bytes_max) {
    exchange_->body = body_.get();
  }
  ~Pump() {
    exchange_->body = nullptr;
    if (is_draining_) ++budget_->left;
  }

  Task<Piece> next() {
    if (!arrived_ && !is_reading_) read();
    auto begin = [this](std::function<void(Piece)> resume) {
      if (!arrived_) {
        waiter_ = std::move(resume);
        return;
      }
      Piece piece = std::move(*arrived_);
      arrived_.reset();
      resume(std::move(piece));
    };
    auto wait = suspend_until<Piece>(begin);
    Piece piece = co_await wait;
    co_return piece;
  }

  // Whoever waits goes on with nothing; what the upstream sends comes with the next call.
  void poke() {
    const auto waiter = std::exchange(waiter_, nullptr);
    if (waiter) waiter(std::string());
  }

  // Nobody listens any more. Must be the caller's last act: it may resume who waits.
  void abandon(bool read_on) {
    const auto self = shared_from_this();
    is_abandoned_ = true;
    if (read_on && --budget_->left >= 0) {
      is_draining_ = true;
      if (!is_reading_) spawn(drain(self), [](std::exception_ptr) {});
    } else {
      if (read_on) ++budget_->left;
      body_->cancel();
    }
    const auto waiter = std::exchange(waiter_, nullptr);
    if (waiter) waiter(unexpected(StreamEnd::broken));
  }

 private:
  void read() {
    is_reading_ = true;
    spawn(body_->next(), [self = shared_from_this()](std::exception_ptr exception, std::optional<Piece> piece) {
      self->on_read(exception || !piece ? Piece(unexpected(StreamEnd::broken)) : std::move(*piece));
    });
  }
  void on_read(Piece piece) {
    is_reading_ = false;
    if (is_abandoned_) {
      if (!is_draining_ || !piece) return;
      drained_bytes_ += piece->size();
      spawn(drain(shared_from_this()), [](std::exception_ptr) {});
      return;
    }
    const auto waiter = std::exchange(waiter_, nullptr);
    if (waiter) waiter(std::move(piece));
    else arrived_ = std::move(piece);
  }
  static Task<void> drain(std::shared_ptr<Pump> self) {
    while (true) {
      const Piece piece = co_await self->body_->next();
      if (!piece) break;
      self->drained_bytes_ += piece->size();
      // Nobody waits for an answer without end: whoever calls and leaves must not keep us reading for ever.
      if (self->drained_bytes_ > self->drained_bytes_max_) self->body_->cancel();
    }
  }

  std::shared_ptr<Exchange> exchange_;
  std::unique_ptr<http::BodyStream> body_;
  std::shared_ptr<DrainBudget> budget_;
  std::size_t drained_bytes_max_, drained_bytes_ = 0;
  std::optional<Piece> arrived_;
  std::function<void(Piece)> waiter_;
  bool is_reading_ = false, is_abandoned_ = false, is_draining_ = false;
};

// The end of a wait that comes from elsewhere, or is not waited for any more because the relay ends.
class Relay::Settling {
 public:
  std::function<void(bool)> waiter;
  void end() {
    const auto resume = std::exchange(waiter, nullptr);
    if (resume) resume(true);
  }
};

Task<void> Relay::settle(std::vector<SeenDefinition> news) {
  const auto settling = std::make_shared<Settling>();
  settling_ = settling;
  auto task = filter_.settle(*exchange_, std::move(news));
  auto begin = [&settling, &task](std::function<void(bool)> resume) {
    settling->waiter = std::move(resume);
    spawn(std::move(task), [settling](std::exception_ptr) { settling->end(); });
  };
  auto wait = suspend_until<bool>(begin);
  co_await wait;
}

Relay::Relay(std::shared_ptr<Exchange> exchange, std::unique_ptr<http::BodyStream> from_upstream, const AnswerFilter& filter, const Recorder& recorder,
             std::size_t event_bytes_max, std::shared_ptr<DrainBudget> budget)
    : exchange_(exchange), pump_(std::make_shared<Pump>(exchange, std::move(from_upstream), budget, event_bytes_max)), filter_(filter), recorder_(recorder),
      budget_(std::move(budget)), parser_(event_bytes_max) {
  if (exchange_->stands) {
    exchange_->poke = [pump = std::weak_ptr<Pump>(pump_)] {
      if (const auto alive = pump.lock()) alive->poke();
    };
  }
}

Relay::~Relay() { cancel(); }

void Relay::cancel() {
  if (ended_ || std::exchange(abandoned_, true)) return;
  ended_ = StreamEnd::broken;
  recorder_.outcome(*exchange_, 200, "client_gone");
  // The legacy era: go on reading, so that the answer is there when the client resumes. The modern era: closing is cancelling (TR-56).
  const bool read_on = exchange_->era == mcp::Era::legacy && !exchange_->stands && !exchange_->answered && exchange_->stopped == Stopped::no;
  const auto pump = pump_;
  const auto settling = settling_;
  pump->abandon(read_on);
  if (settling) settling->end();   // the last act, as abandon() is: only one of the two is waited for
}

Task<Result<std::string, StreamEnd>> Relay::next() {
  while (!ended_) {
    Piece piece = co_await pump_->next();
    if (ended_) break;   // cancelled meanwhile
    std::string out;
    CutOffNotice notice;
    if (piece && exchange_->stopped == Stopped::no) {
      events_.clear();
      const auto fed = parser_.feed(*piece, events_);
      for (std::size_t i = 0; i < events_.size() && !ended_; ++i) {
        const mcp::Event& event = events_[i];
        if (!is_message(event)) {
          pass(event, out);
          continue;
        }
        AnswerFilter::Admitted admitted = filter_.admit(event.data, *exchange_, AnswerFilter::Waiting::may);
        if (admitted.fate == AnswerFilter::Admitted::Fate::wait) {
          co_await settle(std::move(admitted.news));
          if (ended_ || exchange_->stopped != Stopped::no) break;
          admitted = filter_.admit(event.data, *exchange_, AnswerFilter::Waiting::must_not);
        }
        pass(event, admitted, out);
      }
      events_ = std::vector<mcp::Event>();   // not kept while the upstream is silent
      if (ended_) break;
      append_owed(*exchange_, out);
      if (!fed) finish(StreamEnd::broken, notice, out);
    } else {
      if (exchange_->stopped == Stopped::no_longer_allowed) {
        const auto cut_off = exchange_->cut_off;
        auto recorded = co_await record_cut_off(recorder_, cut_off);
        if (ended_) break;
        notice = std::move(recorded);
      }
      finish(piece ? StreamEnd::broken : piece.error(), notice, out);
    }
    if (out.empty()) continue;
    exchange_->bytes += static_cast<std::int64_t>(out.size());
    co_return out;
  }
  co_return unexpected(*ended_);
}

void Relay::pass(const mcp::Event& event, std::string& out) {
  is_resumable_ = is_resumable_ || (event.id && !event.id->empty());
  if (!event.has_data || event.data.empty()) return mcp::append_event(out, event);   // a point to resume from, or a retry time
  recorder_.dropped(*exchange_, "unknown_event_type");
}

void Relay::pass(const mcp::Event& event, const AnswerFilter::Admitted& admitted, std::string& out) {
  is_resumable_ = is_resumable_ || (event.id && !event.id->empty());
  switch (admitted.fate) {
    case AnswerFilter::Admitted::Fate::wait: break;   // never: it was waited for
    case AnswerFilter::Admitted::Fate::pass:
      mcp::append_event(out, event);
      break;
    case AnswerFilter::Admitted::Fate::rewritten: {
      mcp::Event rewritten = event;
      rewritten.data = admitted.text;
      mcp::append_event(out, rewritten);
      break;
    }
    case AnswerFilter::Admitted::Fate::drop: {
      recorder_.dropped(*exchange_, admitted.reason);
      if (!event.id) break;
      mcp::Event point = event;   // its place in the stream stays, so that resuming does not bring it back for ever
      point.data.clear();
      mcp::append_event(out, point);
      break;
    }
  }
  exchange_->answered = exchange_->answered || admitted.is_own_answer;
}

void Relay::answer_with_error(int code, std::string_view message, std::string& out, json::Value data) {
  mcp::Event event;
  event.data = json::write(mcp::error_response(exchange_->own_id(), code, message, std::move(data)));
  event.has_data = true;
  mcp::append_event(out, event);
  exchange_->answered = true;
}

// A call and a subscription get their answer. A GET stream of the legacy era has no request to answer: it is told by a message for its log, which every
// client knows (docs/decisions/0031).
void Relay::say_cut_off(CutOffNotice& notice, std::string& out) {
  if (exchange_->own_id()) {
    if (!exchange_->answered) answer_with_error(mcp::code::kDenied, notice.text, out, std::move(notice.data));
    return;
  }
  append_log_message(notice.text, std::move(notice.data), out);
}

void Relay::finish(StreamEnd how, CutOffNotice& notice, std::string& out) {
  const bool waits_for_answer = exchange_->own_id() && !exchange_->answered;
  std::string_view reason = exchange_->stopped != Stopped::no ? to_string(exchange_->stopped) : how == StreamEnd::complete ? "completed" : "upstream_broken";
  ended_ = StreamEnd::complete;
  switch (exchange_->stopped) {
    case Stopped::no_longer_allowed: say_cut_off(notice, out); break;
    case Stopped::token_expired:
      if (waits_for_answer && exchange_->era == mcp::Era::modern) append_end_of_subscription(*exchange_, out);
      break;
    case Stopped::deadline:
      if (waits_for_answer) answer_with_error(mcp::code::kUpstreamTimedOut, "the server did not answer in time", out);
      break;
    case Stopped::out_of_touch:
      if (waits_for_answer && exchange_->stands && exchange_->era == mcp::Era::modern) append_end_of_subscription(*exchange_, out);
      else if (waits_for_answer) answer_with_error(mcp::code::kUpstreamFailed, std::string(kOutOfTouch), out);
      break;
    case Stopped::client_gone: ended_ = StreamEnd::broken; break;
    case Stopped::no:
      if (waits_for_answer && !is_resumable_) {
        reason = "upstream_did_not_answer";
        answer_with_error(mcp::code::kUpstreamFailed, "the server ended its answer early", out);
      } else {
        ended_ = how;
      }
      break;
  }
  recorder_.outcome(*exchange_, 200, reason);
  const auto pump = pump_;
  pump->abandon(false);
}

}  // namespace writ::gateway
