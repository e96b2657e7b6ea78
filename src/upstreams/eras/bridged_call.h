#pragma once

// One request of a modern client at a server of the legacy era, from its first message to its result. Where the server asks something in
// between, the client gets `input_required` and goes; the call stays, and goes on when the client comes back with the answers, on whatever loop.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "upstreams/eras/conduit.h"
#include "upstreams/eras/handover.h"
#include "upstreams/eras/legacy_session.h"
#include "upstreams/eras/modern_request.h"
#include "upstreams/eras/pending_calls.h"
#include "upstreams/eras/request_state.h"

namespace writ::upstreams {

// A client that waits for an answer, as the call sees it.
struct Asking {
  ModernRequest request;
  Context context;
  int head_timeout_ms = 0, idle_timeout_ms = 0;
  std::shared_ptr<Handover<Sent>> reply;
  std::shared_ptr<Conduit> out;      // the body, if the reply becomes a stream
};

// Lives on its session's home.
class BridgedCall final : public Sink, public std::enable_shared_from_this<BridgedCall> {
 public:
  BridgedCall(const EraParts& parts, PendingCalls& pending, const RequestStates& states, std::shared_ptr<LegacySession> session, Asking asking);
  ~BridgedCall() override;
  static Task<void> run(std::shared_ptr<BridgedCall> self);
  // The client is back. `round` is that of its request state.
  void come_back(Asking asking, std::int64_t round);
  // It will not come back, or the session ends.
  void end() override;
  void hear(const mcp::Message& message) override;

 private:
  struct Ask {
    std::string key;
    mcp::RequestId id;
    json::Value request;             // {method, params}
  };
  json::Value legacy_message() const;
  Task<void> raise_level();
  Task<Sent> put();
  Task<void> take(http::UpstreamResponse response);
  Task<void> take_refusal(http::UpstreamResponse response);
  Task<void> read_events(std::unique_ptr<http::BodyStream> body);
  Task<std::unique_ptr<http::BodyStream>> resume(std::string last_event_id, std::int64_t wait_ms);
  void hear_request(const mcp::Message& message);
  void hear_notification(const mcp::Message& message);
  void hear_response(const mcp::Message& message);
  void ask_soon();
  void ask();

  void watch();
  void leave();                                    // the client went away: for the server that is a cancellation (TR-56, TR-111)
  void open_stream();
  void say(std::string_view method, json::Value params);
  void cancel_at_server(bool is_under_way);
  enum class Then { ends, waits };
  // The last word to whoever asks; kept when nobody does at the moment.
  void deliver(json::Value response, int status, Then then = Then::ends);
  void deliver_error(int code, std::string_view message);
  void refuse(Failure failure);
  void refuse(Refused refused);
  void let_go();                                   // of the session
  bool is_waiting() const { return !asking_.out; }

  const EraParts& parts_;
  PendingCalls& pending_;
  const RequestStates& states_;
  std::shared_ptr<LegacySession> session_;
  Asking asking_;                                  // `reply` until it is set, `out` until the last word
  const std::int64_t id_;                          // at the server; its progress token too
  const std::string handle_;
  http::Cancellation cancellation_;
  http::BodyStream* body_ = nullptr;
  bool is_sent_ = false, is_over_ = false, is_answered_ = false, is_asking_soon_ = false, holds_session_ = true;
  std::vector<Ask> asks_;
  std::size_t asks_bytes_ = 0;
  std::int64_t round_ = 0, keys_ = 0;
  std::optional<std::pair<json::Value, int>> kept_;   // the last word, for a client that will come back
  std::size_t kept_bytes_ = 0;
};

}  // namespace writ::upstreams
