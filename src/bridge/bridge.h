#pragma once

// Between a host that speaks MCP on stdio and a protected MCP server on HTTP: one JSON-RPC message a line on one side, Streamable HTTP with
// tokens on the other (TR-110 to TR-115). Messages pass unchanged; both protocol eras do.
//
// Everything runs on one executor. stdout belongs to the messages alone; what people should know goes to the log.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "mcp/mirrored_headers.h"
#include "client/mcp_http.h"
#include "mcp/json_rpc.h"
#include "mcp/methods.h"

namespace writ::bridge {

struct Parts {
  client::McpHttp& http;
  std::function<void(std::string_view line)> write_line;     // one message, without its line end
  std::function<void(std::string_view sentence)> log;
  std::function<Task<void>(Milliseconds)> pause;
};

class Bridge {
 public:
  explicit Bridge(Parts parts) : parts_(std::move(parts)) {}

  // A line from the host. Requests run side by side; what must keep its order (initialize, notifications, responses) is sent before the next.
  void receive(std::string line);
  // The host closed its side: cancels what runs and ends the session. Completes when everything has ended.
  Task<void> finish();

 private:
  struct InFlight {
    http::Cancellation cancellation;
    http::BodyStream* body = nullptr;
  };
  // How far an answer was relayed.
  struct Relayed {
    bool answered = false;
    std::string last_event_id;
    Milliseconds retry{1'000};
  };

  void pump();
  Task<void> send_in_order(mcp::Message message);
  Task<void> send_request(mcp::Message message);
  Task<Relayed> relay(http::UpstreamResponse& response, std::optional<mcp::RequestId> id, bool may_have_tools);
  Task<void> resume(const mcp::Message& request, Relayed relayed);
  Task<void> listen();
  bool cancel_modern(const mcp::Message& message);
  http::Headers headers_for(const mcp::Message& message) const;
  http::Headers session_headers(std::string_view accept) const;
  std::string write_from_server(mcp::Message message, bool may_have_tools);
  void write_failure(const mcp::Message& message, const client::Failure& failure);
  void write_status(const mcp::Message& message, int status);
  void begin_task(Task<void> task);
  mcp::Era era_of(const mcp::Message& message) const;

  Parts parts_;
  mcp::MirroredHeaders mirrored_;
  std::deque<mcp::Message> waiting_;
  bool sending_ = false, finishing_ = false, listening_ = false;
  std::map<std::string, std::shared_ptr<InFlight>> in_flight_;   // by the key of the request id
  std::shared_ptr<InFlight> listener_;
  std::string session_id_, version_;                              // of a legacy session
  int tasks_ = 0;
  std::function<void()> all_done_;
};

}  // namespace writ::bridge
