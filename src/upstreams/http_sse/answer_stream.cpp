#include "upstreams/http_sse/answer_stream.h"

#include <exception>
#include <utility>

#include "mcp/sse.h"

namespace writ::upstreams::http_sse {
namespace {

constexpr int kDiscardedPiecesMax = 4;

Task<void> read_out(std::unique_ptr<http::BodyStream> body) {
  for (int piece = 0; piece < kDiscardedPiecesMax; ++piece) {
    const auto read = co_await body->next();
    if (!read) co_return;
  }
  body->cancel();
}

}  // namespace

Task<Result<std::string, http::StreamEnd>> TextBody::next() {
  if (text_.empty()) co_return unexpected(http::StreamEnd::complete);
  co_return std::exchange(text_, std::string());
}

InboxBody::~InboxBody() {
  cancel();
  session_->forget(inbox_);
  if (posting_ && !is_complete_) posting_->cancellation.request();
}

void InboxBody::cancel() { inbox_->end({Failure::Kind::closed, "nobody reads the answer any more", "", std::nullopt}); }

Task<Result<std::string, http::StreamEnd>> InboxBody::next() {
  if (is_complete_) co_return unexpected(http::StreamEnd::complete);
  std::optional<Inbox::Item> item = std::exchange(first_, std::nullopt);
  if (!item) {
    const Instant until = idle_.count() > 0 ? clock_.now() + idle_ : Instant::max();
    auto taken = co_await inbox_->take(until);
    if (!taken) co_return unexpected(http::StreamEnd::broken);
    item = std::move(*taken);
  }
  is_complete_ = item->is_last;
  mcp::Event event;
  event.data = std::move(item->text);
  event.has_data = true;
  std::string piece;
  mcp::append_event(piece, event);
  co_return piece;
}

void discard(std::unique_ptr<http::BodyStream> body) {
  spawn(read_out(std::move(body)), [](std::exception_ptr) {});
}

}  // namespace writ::upstreams::http_sse
