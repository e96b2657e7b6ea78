#include "adapters/net/channel.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <climits>
#include <utility>

namespace writ::net {
namespace {
using Kind = IoResult::Kind;
using boost::asio::posix::stream_descriptor;

bool is_would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }
}  // namespace

Channel::Channel(Loop& loop, int descriptor) : loop_(loop), descriptor_(loop.context(), descriptor) {}

void Channel::start_tls(SslPointer ssl) {
  ssl_ = std::move(ssl);
  SSL_set_fd(ssl_.get(), descriptor_.native_handle());
}

IoResult Channel::from_ssl(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: return {Kind::want_read, 0};
    case SSL_ERROR_WANT_WRITE: return {Kind::want_write, 0};
    case SSL_ERROR_ZERO_RETURN: return {Kind::ended, 0};
    default: return {Kind::failed, 0};
  }
}

IoResult Channel::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  return result == 1 ? IoResult{Kind::done, 0} : from_ssl(result);
}

IoResult Channel::read_some(char* bytes, std::size_t size) {
  if (!is_usable()) return {Kind::failed, 0};
  if (ssl_) {
    ERR_clear_error();
    const int result = SSL_read(ssl_.get(), bytes, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
    return result > 0 ? IoResult{Kind::done, static_cast<std::size_t>(result)} : from_ssl(result);
  }
  return read_below_tls(bytes, size);
}

IoResult Channel::read_below_tls(char* bytes, std::size_t size) {
  if (!is_usable()) return {Kind::failed, 0};
  const ssize_t result = ::recv(descriptor_.native_handle(), bytes, size, 0);
  if (result > 0) return {Kind::done, static_cast<std::size_t>(result)};
  if (result == 0) return {Kind::ended, 0};
  return {is_would_block(errno) ? Kind::want_read : Kind::failed, 0};
}

IoResult Channel::write_some(std::string_view first, std::string_view second) {
  if (!is_usable()) return {Kind::failed, 0};
  if (ssl_) {
    const std::string_view part = first.empty() ? second : first;
    ERR_clear_error();
    const int result = SSL_write(ssl_.get(), part.data(), static_cast<int>(std::min<std::size_t>(part.size(), INT_MAX)));
    return result > 0 ? IoResult{Kind::done, static_cast<std::size_t>(result)} : from_ssl(result);
  }
  std::array<iovec, 2> parts{iovec{const_cast<char*>(first.data()), first.size()}, iovec{const_cast<char*>(second.data()), second.size()}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = second.empty() ? 1 : 2;
  const ssize_t result = ::sendmsg(descriptor_.native_handle(), &message, MSG_NOSIGNAL);
  if (result >= 0) return {Kind::done, static_cast<std::size_t>(result)};
  return {is_would_block(errno) ? Kind::want_write : Kind::failed, 0};
}

void Channel::watch(std::function<bool()> readable) {
  watcher_ = std::move(readable);
  arm_read();
}

void Channel::arm(bool for_write, std::coroutine_handle<> waiter) {
  if (!for_write) {
    read_waiter_ = waiter;
    arm_read();
    return;
  }
  write_waiter_ = waiter;
  descriptor_.async_wait(stream_descriptor::wait_write, [self = shared_from_this()](const boost::system::error_code&) { self->on_writable(); });
}

void Channel::arm_read() {
  if (read_armed_ || !is_usable()) return;
  read_armed_ = true;
  descriptor_.async_wait(stream_descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code&) {
    self->read_armed_ = false;
    self->on_readable();
  });
}

void Channel::on_readable() {
  if (read_waiter_) return std::exchange(read_waiter_, nullptr).resume();
  if (!watcher_ || !is_usable()) return;
  // Moved out while it runs: it may take itself away or put another in its place.
  const std::function<bool()> watcher = std::exchange(watcher_, nullptr);
  if (watcher() && !watcher_ && is_usable()) watch(watcher);
}

void Channel::on_writable() {
  if (write_waiter_) std::exchange(write_waiter_, nullptr).resume();
}

void Channel::cancel() {
  if (cancelled_) return;
  cancelled_ = true;
  wake();
}

void Channel::wake() {
  boost::system::error_code ignored;
  if (descriptor_.is_open()) descriptor_.cancel(ignored);   // the waits complete by way of the loop, never inside this call
}

void Channel::close() {
  boost::system::error_code ignored;
  watcher_ = nullptr;
  if (descriptor_.is_open()) descriptor_.close(ignored);
}

void Channel::end_output() {
  if (!descriptor_.is_open()) return;
  if (ssl_ && SSL_is_init_finished(ssl_.get())) ERR_clear_error(), SSL_shutdown(ssl_.get());
  ::shutdown(descriptor_.native_handle(), SHUT_WR);
}

}  // namespace writ::net
