#include "upstreams/stdio/answers.h"

#include "mcp/sse.h"
#include "mcp/streamable_http.h"

namespace writ::upstreams::stdio {
namespace {

using Piece = Result<std::string, http::StreamEnd>;

class WholeBody final : public http::BodyStream {
 public:
  explicit WholeBody(std::string text) : text_(std::move(text)) {}
  Task<Piece> next() override {
    if (text_.empty()) co_return unexpected(http::StreamEnd::complete);
    co_return std::exchange(text_, {});
  }
  void cancel() override { text_.clear(); }

 private:
  std::string text_;
};

class EventBody final : public http::BodyStream {
 public:
  EventBody(std::shared_ptr<Conversation> conversation, std::int64_t number, std::shared_ptr<Outbox> outbox, std::string first)
      : conversation_(std::move(conversation)), number_(number), outbox_(std::move(outbox)), first_(std::move(first)) {}
  ~EventBody() override { let_go(); }

  Task<Piece> next() override {
    if (over_) co_return unexpected(how_);
    std::string text = std::exchange(first_, {});
    if (text.empty()) {
      const auto outbox = outbox_;
      auto taken = co_await outbox->next();
      if (over_) co_return unexpected(how_);
      if (taken.is_end) {
        over_ = true;
        how_ = taken.failure ? http::StreamEnd::broken : http::StreamEnd::complete;
        co_return unexpected(how_);
      }
      text = std::move(taken.text);
      if (taken.is_last) over_ = true, how_ = http::StreamEnd::complete;   // TR-36
    }
    mcp::Event event;
    event.data = std::move(text);
    event.has_data = true;
    std::string piece;
    mcp::append_event(piece, event);
    co_return piece;
  }
  void cancel() override { let_go(); }

 private:
  void let_go() {
    if (std::exchange(over_, true)) return;
    how_ = http::StreamEnd::broken;
    if (conversation_) conversation_->let_go(number_, {Failure::Kind::closed, "nobody reads the answer any more", "", std::nullopt});
    outbox_->finish();   // whoever waits goes on
  }

  std::shared_ptr<Conversation> conversation_;   // null: nothing is cancelled
  std::int64_t number_;
  std::shared_ptr<Outbox> outbox_;
  std::string first_;
  bool over_ = false;
  http::StreamEnd how_ = http::StreamEnd::broken;
};

http::UpstreamResponse answer(int status, std::string_view media_type, std::unique_ptr<http::BodyStream> body, const std::string& session) {
  http::UpstreamResponse response;
  response.status = status;
  if (!media_type.empty()) response.headers.add("Content-Type", std::string(media_type));
  if (!session.empty()) response.headers.add(std::string(mcp::kSessionHeader), session);
  response.body = std::move(body);
  return response;
}

}  // namespace

http::UpstreamResponse empty_answer(int status) { return answer(status, "", std::make_unique<WholeBody>(""), ""); }

http::UpstreamResponse json_answer(int status, std::string text, const std::string& session) {
  return answer(status, "application/json", std::make_unique<WholeBody>(std::move(text)), session);
}

http::UpstreamResponse event_answer(std::shared_ptr<Conversation> conversation, Conversation::Asked asked, std::string first, const std::string& session) {
  auto body = std::make_unique<EventBody>(std::move(conversation), asked.number, std::move(asked.outbox), std::move(first));
  return answer(200, "text/event-stream", std::move(body), session);
}

http::UpstreamResponse stream_answer(std::shared_ptr<Outbox> outbox) {
  return answer(200, "text/event-stream", std::make_unique<EventBody>(nullptr, 0, std::move(outbox), ""), "");
}

int status_of(std::string_view response, mcp::Era era) {
  if (era == mcp::Era::legacy) return 200;
  const auto parsed = json::parse(response, {64 << 20, 64, 200'000});
  const json::Value* error = parsed ? parsed->find("error") : nullptr;
  const auto* code = error ? error->find_int("code") : nullptr;
  if (!code) return 200;
  if (*code == mcp::code::kMethodNotFound) return 404;
  if (*code == mcp::code::kHeaderMismatch || *code == mcp::code::kMissingCapability || *code == mcp::code::kUnsupportedVersion) return 400;
  return 200;
}

}  // namespace writ::upstreams::stdio
