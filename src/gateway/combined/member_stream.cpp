#include "gateway/combined/member_stream.h"

#include <utility>

#include "gateway/combined/names.h"
#include "gateway/combined/translation.h"

namespace writ::gateway::combined {
namespace {

// TR-85: what the member gave the client to bring back goes back to that member alone.
void wrap_state(const Telling& telling, mcp::Message& message, Instant now) {
  json::Value* result = find_member(message.value(), "result");
  json::Value* state = result ? find_member(*result, "requestState") : nullptr;
  if (!state || !state->is_string() || telling.state_purpose.empty()) return;
  *state = telling.handles.seal(*state, telling.principal, telling.state_purpose, now);
}

}  // namespace

std::optional<std::string> tell(const Telling& telling, std::string_view text, Instant now) {
  auto message = mcp::Message::parse_from_server(text, telling.limits);
  if (!message) return std::nullopt;
  // Progress of another request has no place on this one's stream.
  static const json::Value kNone;
  const json::Value* token = !telling.is_for_one_request ? nullptr : telling.progress_token ? &*telling.progress_token : &kNone;
  if (!to_client({telling.member, token}, *message)) return std::nullopt;
  wrap_state(telling, *message, now);
  return message->write();
}

std::string tell_events(const Telling& telling, std::vector<mcp::Event> events, mcp::Era era, Instant now) {
  std::string out;
  for (mcp::Event& event : events) {
    if (era == mcp::Era::modern) event.id.reset(), event.retry_ms.reset();
    else if (event.id && !event.id->empty()) event.id = shown_handle(telling.member, *event.id);
    if (event.has_data && !event.data.empty()) {
      auto told = tell(telling, event.data, now);
      // Its place in the stream stays, so that resuming does not bring it back for ever.
      event.data = told ? std::move(*told) : std::string();
    }
    if (event.data.empty() && !event.id && !event.retry_ms) continue;
    mcp::append_event(out, event);
  }
  return out;
}

MemberStream::MemberStream(std::shared_ptr<Exchange> exchange, std::unique_ptr<http::BodyStream> from_member, Telling telling, const Clock& clock)
    : exchange_(std::move(exchange)), from_member_(std::move(from_member)), telling_(std::move(telling)), clock_(clock), parser_(telling_.limits.bytes_max) {}

Task<Result<std::string, http::StreamEnd>> MemberStream::next() {
  while (true) {
    auto piece = co_await from_member_->next();
    if (!piece) co_return unexpected(piece.error());
    std::vector<mcp::Event> events;
    const auto fed = parser_.feed(*piece, events);
    std::string out = tell_events(telling_, std::move(events), exchange_->era, clock_.now());
    if (!fed) {
      from_member_->cancel();
      co_return unexpected(http::StreamEnd::broken);
    }
    if (!out.empty()) co_return out;
  }
}

}  // namespace writ::gateway::combined
