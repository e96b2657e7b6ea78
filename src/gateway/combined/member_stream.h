#pragma once

// One member's stream in names of the combined address, event by event.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "encoding/json.h"
#include "gateway/combined/handles.h"
#include "gateway/exchange.h"
#include "http/message.h"
#include "mcp/sse.h"

namespace writ::gateway::combined {

// What a member's answers are told with.
struct Telling {
  const Handles& handles;
  json::Limits limits;
  std::string member, principal;
  std::string state_purpose;                       // of the `requestState` that a result may carry
  std::optional<json::Value> progress_token;       // of the request that is answered; absent: it has none, or it is a stream for all
  bool is_for_one_request = false;
};
// Absent: it is not passed on.
std::optional<std::string> tell(const Telling& telling, std::string_view text, Instant now);

// All that a member's stream said at once.
std::string tell_events(const Telling& telling, std::vector<mcp::Event> events, mcp::Era era, Instant now);

// The answer to a call of one member.
class MemberStream final : public http::BodyStream {
 public:
  MemberStream(std::shared_ptr<Exchange> exchange, std::unique_ptr<http::BodyStream> from_member, Telling telling, const Clock& clock);
  Task<Result<std::string, http::StreamEnd>> next() override;
  void cancel() override { from_member_->cancel(); }

 private:
  std::shared_ptr<Exchange> exchange_;
  std::unique_ptr<http::BodyStream> from_member_;
  Telling telling_;
  const Clock& clock_;
  mcp::SseParser parser_;
};

}  // namespace writ::gateway::combined
