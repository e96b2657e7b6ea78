#pragma once

// One request of a legacy client, carried out at a modern server. Where the server asks something first (`input_required`), its questions become requests
// to the client on the request's event stream, and the answers go back with the request made again (TR-80 to TR-84). A lost connection is no
// cancellation (TR-35): it runs on, and its stream can be resumed.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "upstreams/eras/legacy_form.h"
#include "upstreams/eras/client_session.h"
#include "upstreams/eras/parts.h"

namespace writ::upstreams {

class LegacyCall : public std::enable_shared_from_this<LegacyCall> {
 public:
  // `from` holds a request with an id. On the event loop where it is to run.
  LegacyCall(const EraParts& parts, std::shared_ptr<ClientSession> session, Request from);
  // Completes with the answer's head: one object, or a stream that goes on.
  static Task<Result<http::UpstreamResponse, Failure>> run(std::shared_ptr<LegacyCall> self);
  // Closes what is open at the server, which cancels there (TR-56). From any thread.
  void cancel();

 private:
  // How one round ended; one of these, or none when it was cancelled.
  struct Ended {
    std::optional<json::Value> message;          // the response, in the client's form
    std::optional<InputRequired> input;
    std::optional<Failure> failure;
    std::optional<http::UpstreamResponse> refusal;   // about the gateway's own credential, or the server's state: it has no message for the client
  };
  using Sent = Result<http::UpstreamResponse, Failure>;
  Request onward(std::shared_ptr<const mcp::Message> message);
  Task<Sent> put_once();
  Task<Sent> put();
  Task<bool> learn_mirrored();
  Task<Ended> read_answer(http::UpstreamResponse response);
  Task<Ended> read_events(http::UpstreamResponse response);
  Ended settle(mcp::Message message);
  Ended failed(int code, std::string_view message) const;
  Task<std::optional<json::Value>> ask_client(InputRequired input, int round);
  static Task<void> go_on(std::shared_ptr<LegacyCall> self, std::optional<http::UpstreamResponse> response, std::optional<InputRequired> input);
  http::UpstreamResponse open_stream();
  void end();
  void leave();

  const EraParts& parts_;
  const std::shared_ptr<ClientSession> session_;
  Request from_;
  const mcp::RequestId client_id_;
  Executor* const executor_;
  // On its loop from here on.
  http::Cancellation cancellation_;
  http::BodyStream* body_ = nullptr;             // that is being read
  bool cancelled_ = false, has_learned_ = false;
  std::optional<mcp::RequestId> sent_id_;
  std::optional<RetryWith> retry_;
  std::vector<std::string> questions_;
  std::shared_ptr<ReplayStream> stream_;
};

// Statuses that are no judgement of the message: passed on as they are, without a body.
bool is_refusal(int status);
http::UpstreamResponse refusal_of(const http::UpstreamResponse& response);

}  // namespace writ::upstreams
