#include "adapters/net/upstream_connect.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstring>
#include <vector>

namespace writ::net {
namespace {

using Kind = IoResult::Kind;
using boost::asio::ip::tcp;
using http::UpstreamFailure;
using FailureKind = UpstreamFailure::Kind;

Unexpected<UpstreamFailure> failed(FailureKind kind, std::string detail) { return Unexpected(UpstreamFailure{kind, std::move(detail)}); }

constexpr std::size_t kKeptInputBytes = 1'024;

// A name that takes too long is given up while the system still looks for it, so the answer may come after everybody has gone.
struct Lookup {
  explicit Lookup(Loop& loop) : resolver(loop.context()) {}
  tcp::resolver resolver;
  std::vector<tcp::endpoint> endpoints;
  std::function<void(bool)> resume;
};

void finish(const std::shared_ptr<Lookup>& lookup) {
  if (lookup->resume) std::exchange(lookup->resume, nullptr)(true);
}

Task<std::vector<tcp::endpoint>> resolve(Exchange& exchange, std::string host, std::uint16_t port) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (!error) co_return std::vector<tcp::endpoint>{tcp::endpoint(address, port)};
  const auto lookup = std::make_shared<Lookup>(exchange.loop);
  const std::string service = std::to_string(port);
  // Completes by way of the loop in every case, so that the deadline's sweep never runs a coroutine.
  exchange.wake = [lookup, &loop = exchange.loop] {
    lookup->resolver.cancel();
    loop.post([lookup] { finish(lookup); });
  };
  auto wait = suspend_until<bool>([&](std::function<void(bool)> resume) {
    lookup->resume = std::move(resume);
    lookup->resolver.async_resolve(host, service, tcp::resolver::numeric_service,
                                   [lookup](const boost::system::error_code& failure, const tcp::resolver::results_type& results) {
                                     if (!failure) {
                                       for (const auto& result : results) lookup->endpoints.push_back(result.endpoint());
                                     }
                                     finish(lookup);
                                   });
  });
  co_await wait;
  exchange.wake = nullptr;
  co_return lookup->endpoints;
}

Task<Result<void, UpstreamFailure>> connect_to(Exchange& exchange, tcp::endpoint endpoint) {
  const int descriptor = ::socket(endpoint.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) co_return failed(FailureKind::connect, std::string("cannot open a socket: ") + std::strerror(errno));
  exchange.channel = std::make_shared<Channel>(exchange.loop, descriptor);
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  int error = 0;
  if (::connect(descriptor, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) {
    error = errno;
    if (error == EINPROGRESS) {
      co_await exchange.channel->writable();
      if (exchange.is_stopped()) co_return unexpected(exchange.why_stopped("connecting"));
      socklen_t size = sizeof(error);
      if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    }
  }
  if (error != 0) co_return failed(FailureKind::connect, std::string("cannot connect: ") + std::strerror(error));
  co_return Result<void, UpstreamFailure>{};
}

std::string tls_failure(SSL* ssl) {
  const long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) return std::string("certificate not accepted: ") + X509_verify_cert_error_string(verified);
  const unsigned long code = ERR_peek_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return std::string("TLS handshake failed") + (reason ? std::string(": ") + reason : std::string());
}

Task<Result<void, UpstreamFailure>> shake_hands(Exchange& exchange, SslContext tls, std::string host) {
  SslPointer ssl = connect_tls(tls, host);
  if (!ssl) co_return failed(FailureKind::tls, "cannot set up TLS for this host");
  exchange.channel->start_tls(std::move(ssl));
  while (true) {
    const IoResult result = exchange.channel->handshake();
    if (result.kind == Kind::done) co_return Result<void, UpstreamFailure>{};
    if (result.kind != Kind::want_read && result.kind != Kind::want_write) co_return failed(FailureKind::tls, tls_failure(exchange.channel->ssl()));
    co_await exchange.channel->wait_for(result.kind);
    if (exchange.is_stopped()) co_return unexpected(exchange.why_stopped("the TLS handshake"));
  }
}

}  // namespace

Exchange::Exchange(Loop& on) : loop(on), deadline(on, [this] { expired_ = true, stop(); }) {}

void Exchange::cancel() {
  cancelled_ = true;
  stop();
}

void Exchange::stop() {
  if (channel) channel->cancel();
  if (wake) wake();
}

UpstreamFailure Exchange::why_stopped(const char* doing) const {
  if (cancelled_) return {FailureKind::closed, std::string("given up by the caller while ") + doing};
  return {FailureKind::timeout, std::string("took too long: ") + doing};
}

Task<Result<void, UpstreamFailure>> connect(Exchange& exchange, Target target) {
  exchange.channel = nullptr;
  exchange.input.clear();
  const std::vector<tcp::endpoint> endpoints = co_await resolve(exchange, target.host, target.port);
  if (exchange.is_stopped()) co_return unexpected(exchange.why_stopped("looking up the name"));
  if (endpoints.empty()) co_return failed(FailureKind::connect, "the host name has no address");
  UpstreamFailure last{FailureKind::connect, ""};
  for (const tcp::endpoint& endpoint : endpoints) {
    auto connected = co_await connect_to(exchange, endpoint);
    if (connected) {
      if (!target.tls) co_return connected;
      auto shaken = co_await shake_hands(exchange, target.tls, target.host);
      co_return shaken;
    }
    last = std::move(connected).error();
    if (exchange.is_stopped()) break;
  }
  co_return unexpected(std::move(last));
}

Task<Kind> read_more(Exchange& exchange) {
  Kind kind = Kind::failed;
  // Right after a request was written there is nothing yet: asking the system would only tell so. Under TLS more may be waiting inside.
  if (std::exchange(exchange.asked, false) && !exchange.channel->is_tls()) co_await exchange.channel->readable();
  while (true) {
    if (exchange.is_stopped()) co_return Kind::failed;
    Buffer buffer = exchange.loop.take_buffer();
    const IoResult result = exchange.channel->read_some(buffer.get(), kBufferBytes);
    if (result.kind == Kind::done) exchange.input.append(buffer.get(), result.bytes);
    exchange.loop.give_buffer(std::move(buffer));
    kind = result.kind;
    if (kind != Kind::want_read && kind != Kind::want_write) co_return kind;
    // What a burst has left behind is not kept through the silence after it.
    if (exchange.input.empty() && exchange.input.capacity() > kKeptInputBytes) exchange.input = std::string();
    co_await exchange.channel->wait_for(kind);
  }
}

}  // namespace writ::net
