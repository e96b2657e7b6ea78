#pragma once

// A connected byte stream: TCP or a local socket, plain or under TLS. Private to this folder. It tries first and waits only when it must; the
// event loop is used for waiting alone. Belongs to one loop.

#include <openssl/ssl.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <coroutine>
#include <functional>
#include <memory>
#include <string_view>

#include "adapters/net/loop.h"

namespace writ::net {

struct SslDeleter {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslPointer = std::unique_ptr<SSL, SslDeleter>;

struct IoResult {
  enum class Kind { done, want_read, want_write, ended, failed } kind;
  std::size_t bytes = 0;
};

class Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(Loop& loop, int descriptor);   // takes the non-blocking descriptor over
  ~Channel() { close(); }

  void start_tls(SslPointer ssl);
  bool is_tls() const { return ssl_ != nullptr; }
  SSL* ssl() { return ssl_.get(); }
  Loop& loop() { return loop_; }
  int descriptor() { return descriptor_.is_open() ? descriptor_.native_handle() : -1; }

  IoResult handshake();
  IoResult read_some(char* bytes, std::size_t size);
  IoResult read_below_tls(char* bytes, std::size_t size);
  IoResult write_some(std::string_view first, std::string_view second = {});

  // co_await: true when it is worth trying again, false when the channel was cancelled or closed. One waiter for each direction.
  struct Wait {
    Channel& channel;
    bool for_write;
    bool await_ready() noexcept { return !channel.is_usable(); }
    void await_suspend(std::coroutine_handle<> handle) { channel.arm(for_write, handle); }
    bool await_resume() noexcept { return channel.is_usable(); }
  };
  Wait readable() { return {*this, false}; }
  Wait writable() { return {*this, true}; }
  Wait wait_for(IoResult::Kind kind) { return {*this, kind == IoResult::Kind::want_write}; }

  // Calls `readable` whenever there is something to read (or the peer went away) and nobody waits for it in a coroutine. `readable` answers
  // whether it wants to be called again.
  void watch(std::function<bool()> readable);
  void unwatch() { watcher_ = nullptr; }

  // Wakes all waiters, so that they look at what has changed.
  void wake();
  // Wakes all waiters with false, now and from now on.
  void cancel();
  void close();
  void end_output();   // tells the peer that nothing more follows
  bool is_usable() const { return !cancelled_ && descriptor_.is_open(); }

 private:
  void arm(bool for_write, std::coroutine_handle<> waiter);
  void arm_read();
  void on_readable();
  void on_writable();
  IoResult from_ssl(int result);

  Loop& loop_;
  boost::asio::posix::stream_descriptor descriptor_;
  SslPointer ssl_;
  std::coroutine_handle<> read_waiter_;
  std::coroutine_handle<> write_waiter_;
  std::function<bool()> watcher_;
  bool read_armed_ = false;
  bool cancelled_ = false;
};

}  // namespace writ::net
