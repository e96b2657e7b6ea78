#include "upstreams/eras/whole_body.h"

#include <utility>
#include <vector>

#include "mcp/sse.h"
#include "mcp/streamable_http.h"

namespace writ::upstreams {
namespace {

class WholeBody final : public http::BodyStream {
 public:
  explicit WholeBody(std::string text) : text_(std::move(text)) {}
  Task<Result<std::string, http::StreamEnd>> next() override {
    if (cancelled_) co_return unexpected(http::StreamEnd::broken);
    if (text_.empty()) co_return unexpected(http::StreamEnd::complete);
    co_return std::exchange(text_, {});
  }
  void cancel() override { cancelled_ = true; }

 private:
  std::string text_;
  bool cancelled_ = false;
};

}  // namespace

http::UpstreamResponse whole_response(int status, http::Headers headers, std::string body) {
  http::UpstreamResponse response;
  response.status = status;
  response.headers = std::move(headers);
  response.body = std::make_unique<WholeBody>(std::move(body));
  return response;
}

http::UpstreamResponse json_response(int status, std::string body) { return whole_response(status, {{"Content-Type", "application/json"}}, std::move(body)); }

Task<std::optional<std::string>> read_whole(http::BodyStream& body, std::size_t bytes_max) {
  std::string whole;
  while (true) {
    auto piece = co_await body.next();
    if (!piece) {
      if (piece.error() == http::StreamEnd::complete) co_return std::optional<std::string>(std::move(whole));
      co_return std::nullopt;
    }
    whole += *piece;
    if (whole.size() <= bytes_max) continue;
    body.cancel();
    co_return std::nullopt;
  }
}

Task<std::optional<std::string>> read_response(const http::UpstreamResponse& response, mcp::RequestId id, json::Limits limits) {
  if (!mcp::is_event_stream(response.headers)) {
    auto whole = co_await read_whole(*response.body, limits.bytes_max);
    co_return whole;
  }
  mcp::SseParser parser(limits.bytes_max);
  std::size_t bytes = 0;
  while (true) {
    auto piece = co_await response.body->next();
    if (!piece) co_return std::nullopt;
    bytes += piece->size();
    std::vector<mcp::Event> events;
    const bool is_good = parser.feed(*piece, events).has_value() && bytes <= limits.bytes_max;
    for (mcp::Event& event : events) {
      const auto message = mcp::Message::parse_from_server(event.data, limits);
      if (!message || !message->is_response() || message->id() != id) continue;
      response.body->cancel();
      co_return std::optional<std::string>(std::move(event.data));
    }
    if (is_good) continue;
    response.body->cancel();
    co_return std::nullopt;
  }
}

}  // namespace writ::upstreams
