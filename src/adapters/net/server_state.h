#pragma once

// What the parts of the server share. Private to this folder.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "adapters/net/network.h"
#include "adapters/net/server.h"
#include "adapters/net/tls.h"

namespace writ::net {

class Connection;
class Acceptor;

// One listener, running. Immutable but for the certificate.
struct Binding {
  Listener listener;
  bool is_local = false;
  std::uint16_t port = 0;
  std::vector<std::string> hosts;   // lower case, without the scheme's default port; empty: any
  std::vector<Network> proxies;

  bool is_tls() const { return listener.tls != nullptr; }
  SslContext tls_context() const {
    const std::lock_guard lock(tls_mutex);
    return tls;
  }
  void set_tls_context(SslContext context) {
    const std::lock_guard lock(tls_mutex);
    tls = std::move(context);
  }
  bool answers_host(std::string_view host, bool secure) const;

 private:
  mutable std::mutex tls_mutex;   // taken once per handshake
  SslContext tls;
};

struct ServerState {
  ServerState(EventLoops& all_loops, ServerOptions with) : loops(all_loops), options(std::move(with)), connections_on(loops.size()) {}

  EventLoops& loops;
  const ServerOptions options;
  std::atomic<bool> draining{false};
  std::vector<std::unordered_set<Connection*>> connections_on;   // each touched by its loop only
  std::size_t next_loop = 0;                                     // touched by the first loop only: it accepts

  std::mutex mutex;                                              // taken when a connection comes or goes, never by a request
  std::condition_variable gone;
  std::size_t connections = 0;
  std::unordered_map<std::string, std::size_t> sources;
  std::vector<std::shared_ptr<Binding>> bindings;
  std::vector<std::shared_ptr<Acceptor>> acceptors;

  // Counts a new connection, or refuses it. `source` empty: not counted for a source. Local ones are never too many: whoever fills the house with
  // connections must not lock its administrator out.
  bool admit(const std::string& source, bool is_local);
  void dismiss(const std::string& source);
  void log(std::string_view line) const;
};

// Serves a connection on its loop until it ends. `source` was admitted; it is dismissed at the end.
void serve(std::shared_ptr<ServerState> state, std::shared_ptr<const Binding> binding, Loop& loop, int descriptor, std::string address,
           std::string source);
void begin_drain(ServerState& state, std::size_t loop_index);
void break_off(ServerState& state, std::size_t loop_index);

}  // namespace writ::net
