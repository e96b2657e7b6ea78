#pragma once

// What stands behind the gateway, as the gateway sees it: an MCP server that speaks Streamable HTTP in the era of the client at hand. What
// really stands there (another era, a program on stdio, the old HTTP+SSE transport, a server that wants credentials of its own, one that is
// down) is the business of the layers that implement this interface; each takes the one below it. apps/writd puts them together.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/task.h"
#include "http/message.h"
#include "mcp/json_rpc.h"
#include "mcp/methods.h"
#include "registry/snapshot.h"

namespace writ::upstreams {

// For whom. No session, connection, credential, answer, or program (unless its server says that it is shared) is ever used for two keys (G13).
struct Principal {
  std::string key;                   // of (issuer, sub, client_id, resource) of the access token; never shown, never logged
  std::string issuer;                // of the access token
  std::string session;               // the IdP session behind it (`sid`); may be empty
  std::string token_id;              // its `jti`
  std::string id_jag_jti;            // the grant that it came from; may be empty
};

struct Request {
  std::shared_ptr<const registry::Snapshot> snapshot;   // keeps `server` alive
  const registry::Server* server = nullptr;             // never null, and has an upstream
  const registry::User* user = nullptr;                 // never null; in the snapshot
  const registry::Agent* agent = nullptr;               // never null; in the snapshot
  std::shared_ptr<const Principal> principal;           // never null
  mcp::Era era = mcp::Era::legacy;                      // of the client: the answer is in this era too
  // The decided message of a POST; null for GET and DELETE. Lives until the answer's body was let go of.
  std::shared_ptr<const mcp::Message> message;
  std::shared_ptr<telemetry::Trail> trail{};            // of the client's request; may be null
  bool stands = false;                                  // GET streams and subscriptions/listen: there is no answer to wait for
  // Method, MCP header fields, and as body the message, written again (G7). No credential, no URL: the layers below put them in.
  http::UpstreamRequest http;
};

struct Failure {
  enum class Kind {
    connect, tls, timeout, bad_response, closed,
    credential,        // the gateway's own credential cannot be had, or the server refuses it
    needs_account,     // the person must link an account first, at `url`
    unavailable,       // known to be down, or as many as may be are running: try again after `retry_after`
    not_translatable,  // the era of the server has no such thing: `detail` says which, in words for the client
  } kind;
  std::string detail;                 // for logs, never a secret; of not_translatable for the client
  std::string url;
  std::optional<Seconds> retry_after;
};

// Safe to share between threads; resumes on the caller's executor.
class Upstream {
 public:
  virtual ~Upstream() = default;
  virtual Task<Result<http::UpstreamResponse, Failure>> send(Request request) = 0;
};

}  // namespace writ::upstreams
