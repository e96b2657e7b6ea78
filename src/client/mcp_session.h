#pragma once

// One request after the other to an MCP server, in either era: for programs that use a tool, not for relaying (bridge/ does that).

#include <string>

#include "client/mcp_http.h"
#include "encoding/json.h"
#include "mcp/json_rpc.h"

namespace writ::client {

struct ClientInfo {
  std::string name, version;
};

class McpSession {
 public:
  // `revision` decides the era: 2026-07-28 is stateless, anything earlier starts with `initialize`.
  McpSession(McpHttp& http, std::string revision, ClientInfo info) : http_(http), revision_(std::move(revision)), info_(std::move(info)) {}

  // Legacy: initialize and notifications/initialized. Modern: server/discover, whose answer is not needed to go on.
  Task<Result<void, Failure>> open();
  // The response, a result or a JSON-RPC error; notifications on the way are dropped.
  Task<Result<mcp::Message, Failure>> request(std::string method, json::Value params);
  // Ends a legacy session that the server gave an id. A server may not want that (405): then nothing happens.
  Task<void> close();

 private:
  bool is_modern() const;
  json::Value with_meta(json::Value params) const;
  http::Headers headers_for(const std::string& method, const json::Value& params) const;
  Task<Result<mcp::Message, Failure>> read_response(http::UpstreamResponse response, mcp::RequestId id);

  McpHttp& http_;
  std::string revision_;
  ClientInfo info_;
  std::string session_id_;
  std::int64_t next_id_ = 1;
};

}  // namespace writ::client
