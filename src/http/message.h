#pragma once

// HTTP requests and responses as plain values: no sockets here. adapters/net reads and writes them, tests make them by hand.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"

namespace writ::telemetry {
struct Trail;
}
namespace writ::crypto {
struct ClientCertificate;
}

namespace writ::http {

// Header fields in order. Names compare without regard to case (RFC 9110 §5.1); values do not.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  // The value when the field stands exactly once; null when absent or repeated. Most security decisions want this one.
  const std::string* find_single(std::string_view name) const;
  // The first value, or null.
  const std::string* find(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  std::vector<std::string_view> find_all(std::string_view name) const;
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string name, std::string value);    // replaces all fields of that name
  void erase(std::string_view name);
  void reserve(std::size_t count) { fields_.reserve(count); }
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

bool equals_ignoring_case(std::string_view a, std::string_view b);

// Who sent a request, after trusted proxies were taken into account (rules §8.1).
struct Peer {
  std::string address;      // numeric, without port
  bool secure = false;      // the request came over TLS (here or at a trusted proxy)
  bool local_socket = false;  // over the local administration socket, as the service's own user
  bool by_node = false;       // another node of this deployment handed it on: who sent it is that node's word
  // Of whoever made this TLS connection, when the listener asks for one: its key was proved, nothing else of it is believed yet. Null: none. Never
  // a proxy's that only hands requests on.
  std::shared_ptr<const crypto::ClientCertificate> certificate{};
};

// Tells whoever works for a client that nobody waits for the answer any more: the client went away, or the server stops.
// Lives on one executor.
class Cancellation {
 public:
  bool is_requested() const { return requested_; }
  // At most one hook at a time; it is called at once when cancellation was requested before. An empty function takes it away.
  void on_request(std::function<void()> hook) {
    hook_ = std::move(hook);
    if (requested_ && hook_) std::exchange(hook_, nullptr)();
  }
  void request() {
    requested_ = true;
    if (hook_) std::exchange(hook_, nullptr)();
  }

 private:
  bool requested_ = false;
  std::function<void()> hook_;
};

struct Request {
  std::string method;       // as sent: methods are case-sensitive
  std::string path;         // origin form, as sent (not decoded), without query
  std::string query;        // without `?`
  std::string host;         // value of Host, checked by the listener against its configured hosts
  Headers headers;
  std::string body;         // complete; the listener bounds it
  Peer peer;
  Cancellation* client_gone = nullptr;   // set by the listener, null elsewhere; valid as long as the handler's task runs
  std::shared_ptr<telemetry::Trail> trail{};   // where logs, metrics and traces note what is learned of it; may be null, and decides nothing
};

// How a body that is produced piece by piece ends: after its last byte, or broken off.
enum class StreamEnd { complete, broken };

// A response body that is pulled by the connection when the client can take more: back-pressure comes for free.
// Lives on one executor. `cancel` is called when the client went away; `next` then returns soon, and nothing more is asked.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  virtual Task<Result<std::string, StreamEnd>> next() = 0;   // a non-empty piece, or how it ended
  virtual void cancel() = 0;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  std::unique_ptr<BodyStream> stream;   // when set, `body` is empty and the length is not known
  // What was answered may be taken back while a slow client still reads: when this is requested during a write, the connection is broken off
  // and the rest is not sent. May be null.
  std::shared_ptr<Cancellation> withdrawn = nullptr;
};

// Answers one request. The request outlives the task. Handlers are shared by all event loops: they must be safe to call from several threads.
using Handler = std::function<Task<Response>(const Request&)>;

Response text(int status, std::string body);
Response json(int status, std::string body);                  // application/json
Response no_store(Response response);                          // adds Cache-Control: no-store and Pragma: no-cache

// ---- outgoing, control plane (discovery, key sets, metadata): adapters/outgoing implements it with curl

struct OutgoingRequest {
  std::string method = "GET";
  std::string url;                 // absolute; https or loopback http, else refused
  Headers headers;
  std::string body;
  std::size_t response_bytes_max = 64 * 1024;
  int timeout_ms = 5'000;          // for the whole exchange
  bool public_addresses_only = false;   // for URLs that a stranger chose: addresses are checked after resolution and pinned (threat N1)
  std::string ca_file;             // empty: as the client was set up
  std::string client_certificate_file, client_key_file;   // mutual TLS; PEM, both or neither
};
struct OutgoingResponse {
  int status = 0;
  Headers headers;
  std::string body;
};
// Redirects are never followed. `detail` is for logs.
struct OutgoingFailure {
  enum class Kind { refused_url, refused_address, connect, tls, timeout, too_large, broken } kind;
  std::string detail;
};
// Safe to share between threads; resumes on the caller's executor.
class Outgoing {
 public:
  virtual ~Outgoing() = default;
  virtual Task<Result<OutgoingResponse, OutgoingFailure>> fetch(OutgoingRequest request) = 0;
};

// ---- outgoing, the gateway's data path: adapters/net implements it on the event loop with pooled connections

struct UpstreamRequest {
  std::string method;
  std::string url;
  Headers headers;                 // exactly these are sent, plus Host, Content-Length and connection handling
  std::string body;
  int head_timeout_ms = 60'000;    // until the response head
  int idle_timeout_ms = 300'000;   // between two pieces of the body; 0: none
  std::string pool_key;            // connections are only shared between requests with equal keys (threat G13)
  std::string ca_file;             // empty: the system's
  std::string client_certificate_file, client_key_file;   // mutual TLS; PEM, both or neither; read again when they change
  Cancellation* cancellation = nullptr;   // when requested before the head is there, send() ends with `closed`; the body has cancel()
};
struct UpstreamResponse {
  int status = 0;
  Headers headers;
  std::unique_ptr<BodyStream> body;   // never null; the head arrives before the body is complete
};
struct UpstreamFailure {
  enum class Kind { connect, tls, timeout, bad_response, closed } kind;
  std::string detail;
};
class Upstream {
 public:
  virtual ~Upstream() = default;
  virtual Task<Result<UpstreamResponse, UpstreamFailure>> send(UpstreamRequest request) = 0;
};

}  // namespace writ::http
