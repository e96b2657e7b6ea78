#pragma once

// The HTTP/1.1 server.
//
//   net::EventLoops loops;                       // built first, destroyed last
//   net::Server server(loops, {});
//   net::Listener listener;
//   listener.address = "127.0.0.1";
//   listener.port = 8420;                        // 0: the system chooses; listen() answers the port
//   listener.hosts = {"id.example.com"};         // what Host may say; on a loopback address it may stay empty
//   listener.handler = [&](const http::Request& request) { return router.handle(request); };
//   const auto port = server.listen(std::move(listener));
//   ...
//   server.drain(std::chrono::seconds(10));      // from the main thread, before the handler's world is destroyed
//
// The handler sees only requests that were read completely and strictly (http/head.h), whose Host is configured, and whose body is within its
// limit. It runs on the connection's loop; while it waits, `request.client_gone` tells when nobody waits for the answer any more. An
// exception becomes 500. Requests of one connection are handled one after the other, so each is checked on its own (G14).

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/net/event_loops.h"
#include "base/result.h"
#include "http/head.h"
#include "http/message.h"

namespace writ::net {

struct ServerState;

struct ServerLimits {
  http::HeadLimits head;
  std::size_t body_bytes_max = 1024 * 1024;
  std::chrono::milliseconds head_deadline{10'000};        // from the connection, or the request's first byte, to the end of the head
  std::chrono::milliseconds body_deadline{15'000};        // from the end of the head to the end of the body
  std::chrono::milliseconds idle_deadline{60'000};        // between two requests
  std::chrono::milliseconds write_deadline{30'000};       // a client that takes nothing for so long is dropped (G16)
  std::chrono::milliseconds handshake_deadline{10'000};
  std::chrono::milliseconds stream_drain_deadline{1'000};  // how long open streams may go on once the server drains
  std::size_t connections_max = 16'384;
  std::size_t connections_per_source_max = 1'024;         // not for local sockets and trusted proxies
};

struct ServerOptions {
  ServerLimits limits;
  std::function<void(std::string_view)> log;   // one line, no secrets; called from any loop. Empty: standard error
  std::function<void(int status)> refused{};   // told of each request that never reaches a handler, or whose handler failed; from any loop. May be empty
};

struct TlsFiles {
  std::string certificate_file;   // PEM, the chain
  std::string key_file;           // PEM, not open to group or others
  // Clients are asked for a certificate, and served without one, and with one of whoever's: `peer.certificate` says what was shown, and whether one of
  // these authorities (PEM; empty: none) vouches for it.
  bool asks_clients = false;
  std::string client_authorities_file{};
};

struct Listener {
  std::string address = "127.0.0.1";   // numeric
  std::uint16_t port = 0;
  std::string unix_path;               // instead of address and port: a local socket, mode 0600; peers are our own user or root
  // The values of Host that are answered, without regard to case; the scheme's default port may be written or not. Others get 421 (T9, G2).
  // Empty: on a loopback address its literals and `localhost` with the port (TR-04); on a local socket any; elsewhere listen() refuses.
  std::vector<std::string> hosts;
  // Called with each complete request before the handler: what only the edge knows is noted in it. `proxied`: a trusted proxy handed it on,
  // so its fields are the proxy's. May be empty.
  std::function<void(http::Request&, bool proxied)> begin{};
  http::Handler handler;
  std::function<std::size_t(std::string_view path)> body_bytes_max;   // empty: the server's limit
  std::unique_ptr<TlsFiles> tls;
  // Networks (CIDR) whose forwarding fields are believed (rules §8.1). From anybody else they are handed on as the plain, meaningless fields
  // that they are, and `peer` is the connection's. One kind is believed, not both: a proxy that writes one hands on a client's own other.
  std::vector<std::string> trusted_proxies;
  enum class ForwardingFields { x_forwarded, forwarded } forwarding_fields = ForwardingFields::x_forwarded;
  bool proxy_protocol = false;         // every connection starts with a PROXY v2 header; needs trusted_proxies
};

class Server {
 public:
  Server(EventLoops& loops, ServerOptions options);
  ~Server();   // drain(0)
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Starts to accept. Answers the port (0 for a local socket), or a sentence for the operator.
  Result<std::uint16_t, std::string> listen(Listener listener);

  // Reads certificates and keys again. New handshakes use them; if one cannot be used, all keep what they have.
  Result<void, std::string> reload_certificates();

  // Stops accepting, closes idle connections, lets requests and streams end within their deadlines, then breaks off the rest. Blocks until
  // every connection is gone; call it from a thread that is no loop.
  void drain(std::chrono::milliseconds deadline);

  std::size_t connections() const;

  // Of the listeners with TLS, as they listen: what they show now, and until when it is valid.
  struct Certificate {
    std::string listener;              // address:port
    std::int64_t expires_seconds = 0;  // since 1970
  };
  std::vector<Certificate> certificates() const;

 private:
  std::shared_ptr<ServerState> state_;
};

}  // namespace writ::net
