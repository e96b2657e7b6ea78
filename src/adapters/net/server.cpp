#include "adapters/net/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdio>
#include <cstring>
#include <future>

#include "adapters/net/loop.h"
#include "adapters/net/server_state.h"

namespace writ::net {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return result;
}

std::string_view without_default_port(std::string_view host, bool secure) {
  const std::string_view port = secure ? ":443" : ":80";
  return host.ends_with(port) ? host.substr(0, host.size() - port.size()) : host;
}

std::string system_error(std::string what) { return what.append(": ").append(std::strerror(errno)); }

// Owns a descriptor until release().
class OpenSocket {
 public:
  explicit OpenSocket(int descriptor) : descriptor_(descriptor) {}
  ~OpenSocket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenSocket(const OpenSocket&) = delete;
  OpenSocket& operator=(const OpenSocket&) = delete;
  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

Result<int, std::string> listen_on_address(const std::string& address, std::uint16_t port) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET, v4->sin_port = htons(port), size = sizeof(sockaddr_in);
  } else if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6, v6->sin6_port = htons(port), size = sizeof(sockaddr_in6);
  } else {
    return unexpected("`" + address + "` is no numeric address");
  }
  OpenSocket socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return unexpected(system_error("cannot open a socket"));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (storage.ss_family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 || ::listen(socket.get(), 1024) != 0) {
    return unexpected(system_error("cannot listen on `" + address + "` port " + std::to_string(port)));
  }
  return socket.release();
}

Result<int, std::string> listen_on_path(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof(name.sun_path)) return unexpected("the socket path `" + path + "` is too long");
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  const auto* address = reinterpret_cast<const sockaddr*>(&name);

  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) return unexpected("`" + path + "` exists and is no socket");
    // A socket that nobody listens on is left over from a crash; a live one belongs to another server.
    const OpenSocket probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(probe.get(), address, sizeof(name)) == 0) return unexpected("another server listens on `" + path + "`");
    if (::unlink(path.c_str()) != 0) return unexpected(system_error("cannot remove the old socket `" + path + "`"));
  }
  OpenSocket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return unexpected(system_error("cannot open a socket"));
  if (::bind(socket.get(), address, sizeof(name)) != 0) return unexpected(system_error("cannot listen on `" + path + "`"));
  // Before listen(): until then connecting is refused, so nobody slips in under a wider mode.
  if (::chmod(path.c_str(), 0600) != 0 || ::listen(socket.get(), 1024) != 0) return unexpected(system_error("cannot listen on `" + path + "`"));
  return socket.release();
}

std::uint16_t bound_port(int descriptor) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
}

bool is_loopback(const std::string& address) { return address == "::1" || address.starts_with("127."); }

std::string numeric(const sockaddr_storage& storage) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage).sin_addr, text.data(), text.size());
  } else if (storage.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr, text.data(), text.size());
  }
  return text.data();
}

bool is_own_user(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && (peer.uid == ::geteuid() || peer.uid == 0);
}

}  // namespace

bool Binding::answers_host(std::string_view host, bool secure) const {
  if (hosts.empty()) return is_local;
  const std::string_view wanted = without_default_port(host, secure);
  return std::any_of(hosts.begin(), hosts.end(), [wanted](const std::string& known) { return http::equals_ignoring_case(known, wanted); });
}

bool ServerState::admit(const std::string& source, bool is_local) {
  const std::lock_guard lock(mutex);
  if (draining || (!is_local && connections >= options.limits.connections_max)) return false;
  if (!source.empty()) {
    std::size_t& of_source = sources[source];
    if (of_source >= options.limits.connections_per_source_max) return false;
    ++of_source;
  }
  ++connections;
  return true;
}

void ServerState::dismiss(const std::string& source) {
  const std::lock_guard lock(mutex);
  if (!source.empty()) {
    const auto found = sources.find(source);
    if (found != sources.end() && --found->second == 0) sources.erase(found);
  }
  if (--connections == 0) gone.notify_all();
}

void ServerState::log(std::string_view line) const {
  if (options.log) return options.log(line);
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

// Accepts on the first loop and deals the connections out in turn, so that few long-lived connections still use all cores.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(std::shared_ptr<ServerState> state, std::shared_ptr<Binding> binding, int descriptor)
      : state_(std::move(state)), binding_(std::move(binding)), loop_(state_->loops.loop(0)), descriptor_(loop_.context(), descriptor),
        pause_(loop_.context()) {}

  void wait() {
    descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const boost::system::error_code& error) {
                             if (!error && self->descriptor_.is_open()) self->accept_waiting();
                           });
  }

  void close() {
    boost::system::error_code ignored;
    if (!descriptor_.is_open()) return;
    descriptor_.close(ignored);
    pause_.cancel();
    if (binding_->is_local) ::unlink(binding_->listener.unix_path.c_str());
  }

 private:
  void accept_waiting() {
    for (int i = 0; i < 64; ++i) {
      sockaddr_storage address{};
      socklen_t size = sizeof(address);
      const int accepted = ::accept4(descriptor_.native_handle(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (accepted >= 0) {
        start(accepted, address);
        continue;
      }
      if (errno == ECONNABORTED || errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return wait_a_moment();   // out of descriptors: others must end first
      break;
    }
    wait();
  }

  void wait_a_moment() {
    pause_.expires_after(milliseconds(100));
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error && self->descriptor_.is_open()) self->accept_waiting();
    });
  }

  void start(int accepted, const sockaddr_storage& from) {
    OpenSocket socket(accepted);
    std::string address = binding_->is_local ? "" : numeric(from);
    if (binding_->is_local && !is_own_user(accepted)) return;
    // One proxy stands for many clients. With the PROXY protocol nobody else may connect at all: they could claim any address.
    const bool is_proxy = contains(binding_->proxies, address);
    if (binding_->listener.proxy_protocol && !is_proxy) return;
    std::string source = is_proxy ? "" : address;
    if (!state_->admit(source, binding_->is_local)) return;
    const int on = 1;
    if (!binding_->is_local) ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    Loop& loop = state_->loops.loop(state_->next_loop++ % state_->loops.size());
    socket.release();
    loop.post([state = state_, binding = binding_, &loop, accepted, address = std::move(address), source = std::move(source)]() mutable {
      serve(std::move(state), std::move(binding), loop, accepted, std::move(address), std::move(source));
    });
  }

  std::shared_ptr<ServerState> state_;
  std::shared_ptr<Binding> binding_;
  Loop& loop_;
  boost::asio::posix::stream_descriptor descriptor_;
  boost::asio::steady_timer pause_;
};

Server::Server(EventLoops& loops, ServerOptions options) : state_(std::make_shared<ServerState>(loops, std::move(options))) {}

Server::~Server() { drain(milliseconds(0)); }

Result<std::uint16_t, std::string> Server::listen(Listener listener) {
  auto binding = std::make_shared<Binding>();
  binding->is_local = !listener.unix_path.empty();
  for (const std::string& text : listener.trusted_proxies) {
    const auto network = Network::parse(text);
    if (!network) return unexpected("`" + text + "` in trusted_proxies is no network such as 10.0.0.0/8");
    binding->proxies.push_back(*network);
  }
  if (listener.proxy_protocol && binding->proxies.empty()) return unexpected(std::string("proxy_protocol needs trusted_proxies"));
  if (listener.tls) binding->set_tls_context(TRY(load_server_tls(*listener.tls)));

  const int descriptor = binding->is_local ? TRY(listen_on_path(listener.unix_path)) : TRY(listen_on_address(listener.address, listener.port));
  OpenSocket socket(descriptor);
  binding->port = binding->is_local ? std::uint16_t{0} : bound_port(descriptor);
  const bool secure = listener.tls != nullptr;
  for (const std::string& host : listener.hosts) {
    if (!http::is_host(host)) return unexpected("`" + host + "` is no host name as a Host field has it");
    binding->hosts.emplace_back(without_default_port(lower(host), secure));
  }
  if (binding->hosts.empty() && !binding->is_local) {
    if (!is_loopback(listener.address)) return unexpected(std::string("a listener that others can reach needs the host names it answers to"));
    for (const std::string& name : {std::string("localhost"), std::string("127.0.0.1"), std::string("[::1]")}) {
      binding->hosts.emplace_back(without_default_port(name + ":" + std::to_string(binding->port), secure));
    }
  }
  binding->listener = std::move(listener);

  auto acceptor = std::make_shared<Acceptor>(state_, binding, socket.release());
  {
    const std::lock_guard lock(state_->mutex);
    state_->bindings.push_back(binding);
    state_->acceptors.push_back(acceptor);
  }
  state_->loops.loop(0).post([acceptor] { acceptor->wait(); });
  return binding->port;
}

Result<void, std::string> Server::reload_certificates() {
  std::vector<std::shared_ptr<Binding>> bindings;
  {
    const std::lock_guard lock(state_->mutex);
    bindings = state_->bindings;
  }
  std::vector<std::pair<std::shared_ptr<Binding>, SslContext>> loaded;
  for (const auto& binding : bindings) {
    if (!binding->is_tls()) continue;
    const TlsFiles& files = *binding->listener.tls;
    loaded.emplace_back(binding, TRY(load_server_tls(files)));
  }
  for (auto& [binding, context] : loaded) binding->set_tls_context(std::move(context));
  return {};
}

void Server::drain(milliseconds deadline) {
  std::vector<std::shared_ptr<Acceptor>> acceptors;
  {
    const std::lock_guard lock(state_->mutex);
    state_->draining = true;
    acceptors.swap(state_->acceptors);
  }
  if (state_->loops.is_stopped()) return;   // nothing runs any more that could end
  const auto closed = std::make_shared<std::promise<void>>();
  state_->loops.loop(0).post([acceptors, closed] {
    for (const auto& acceptor : acceptors) acceptor->close();
    closed->set_value();
  });
  closed->get_future().wait();   // afterwards the address is free
  const auto on_every_loop = [this](void (*work)(ServerState&, std::size_t)) {
    for (std::size_t i = 0; i < state_->loops.size(); ++i) {
      state_->loops.loop(i).post([state = state_, i, work] { work(*state, i); });
    }
  };
  const auto all_gone = [this] { return state_->connections == 0; };
  std::unique_lock lock(state_->mutex);
  if (all_gone()) return;
  lock.unlock();
  on_every_loop(begin_drain);
  lock.lock();
  if (state_->gone.wait_for(lock, deadline, all_gone)) return;
  lock.unlock();
  on_every_loop(break_off);
  lock.lock();
  if (!state_->gone.wait_for(lock, std::chrono::seconds(5), all_gone)) {
    lock.unlock();
    state_->log("some requests did not end although they were told to; they are abandoned");
  }
}

std::size_t Server::connections() const {
  const std::lock_guard lock(state_->mutex);
  return state_->connections;
}

std::vector<Server::Certificate> Server::certificates() const {
  std::vector<std::shared_ptr<Binding>> bindings;
  {
    const std::lock_guard lock(state_->mutex);
    bindings = state_->bindings;
  }
  std::vector<Certificate> certificates;
  for (const auto& binding : bindings) {
    if (binding->is_tls()) certificates.push_back({binding->listener.address + ":" + std::to_string(binding->port), certificate_expiry(binding->tls_context())});
  }
  return certificates;
}

}  // namespace writ::net
