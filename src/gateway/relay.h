#pragma once

// Passes an upstream's event stream on while it comes: each event is read, filtered and written again (G17), one piece at a time, so that a
// client that reads slowly slows the upstream and nothing is collected.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/answer_filter.h"
#include "gateway/cut_off.h"
#include "gateway/exchange.h"
#include "gateway/recorder.h"
#include "http/message.h"
#include "mcp/sse.h"

namespace writ::gateway {

// How many answers are read to their end (but no more of each than one message may have) for clients that went away. In the legacy era a lost connection is no cancellation (TR-35): the
// upstream goes on, and the client may resume.
struct DrainBudget {
  std::atomic<int> left{1'000};
};

class Relay final : public http::BodyStream {
 public:
  // Everything passed by reference outlives the relay.
  Relay(std::shared_ptr<Exchange> exchange, std::unique_ptr<http::BodyStream> from_upstream, const AnswerFilter& filter, const Recorder& recorder,
        std::size_t event_bytes_max, std::shared_ptr<DrainBudget> budget);
  ~Relay() override;
  Task<Result<std::string, http::StreamEnd>> next() override;
  void cancel() override;

 private:
  class Pump;
  class Settling;
  // Waits until first definitions are approved, or nobody listens any more.
  Task<void> settle(std::vector<SeenDefinition> news);
  void pass(const mcp::Event& event, std::string& out);                                       // one that needs no judgement
  void pass(const mcp::Event& event, const AnswerFilter::Admitted& admitted, std::string& out);
  static bool is_message(const mcp::Event& event) { return event.has_data && !event.data.empty() && (event.type.empty() || event.type == "message"); }
  void finish(http::StreamEnd how, CutOffNotice& notice, std::string& out);
  void answer_with_error(int code, std::string_view message, std::string& out, json::Value data = nullptr);
  void say_cut_off(CutOffNotice& notice, std::string& out);

  std::shared_ptr<Exchange> exchange_;
  std::shared_ptr<Pump> pump_;
  std::shared_ptr<Settling> settling_;
  const AnswerFilter& filter_;
  const Recorder& recorder_;
  std::shared_ptr<DrainBudget> budget_;
  mcp::SseParser parser_;
  std::vector<mcp::Event> events_;
  bool is_resumable_ = false;         // an event had an id
  bool abandoned_ = false;
  std::optional<http::StreamEnd> ended_;
};

}  // namespace writ::gateway
