#pragma once

// One client connection: reads a request, has it handled, writes the answer, again. Private to this folder.

#include <memory>
#include <optional>
#include <string>

#include "adapters/net/channel.h"
#include "adapters/net/server_state.h"
#include "base/task.h"
#include "http/head.h"
#include "http/message.h"

namespace writ::net {

class Connection {
 public:
  Connection(std::shared_ptr<ServerState> state, std::shared_ptr<const Binding> binding, Loop& loop, int descriptor, std::string address);
  ~Connection();

  Task<void> run();
  void begin_drain();
  void break_off();

 private:
  enum class Step { next, end };
  using Verdict = Result<void, http::BadMessage>;   // status 0: the connection is gone, there is nobody to answer

  Task<bool> shake_hands();
  Task<bool> read_proxy_header();
  Task<Step> serve_request();
  Task<Result<std::size_t, http::BadMessage>> read_head();
  Task<Verdict> read_body(http::RequestHead& head);
  Task<Verdict> read_known_body(std::string& body, std::uint64_t length);
  Task<Verdict> read_chunked_body(std::string& body, std::size_t bytes_max);
  bool take_whole_body(http::RequestHead& head);
  std::size_t body_bytes_max(const http::Request& request) const;
  Task<Verdict> fill();   // at least one more byte in the buffer
  Verdict admit(http::RequestHead& head);
  bool comes_from_proxy() const;
  void apply_forwarding_fields(http::Request& request) const;

  Task<std::optional<http::Response>> handle(const http::Request& request);
  Task<Step> answer(const http::RequestHead& head, http::Response response);
  Task<Step> answer_with_stream(const http::RequestHead& head, http::Response response);
  Task<Step> refuse(http::BadMessage bad);
  Task<bool> write(std::string_view first, std::string_view second = {});
  Task<void> linger();

  bool on_client_while_busy();
  void client_is_gone();
  void cancel_stream();
  std::string_view buffered() const { return {buffer_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes);
  IoResult read_into_buffer();

  struct Handling;

  std::shared_ptr<ServerState> state_;
  std::shared_ptr<const Binding> binding_;
  Loop& loop_;
  std::shared_ptr<Channel> channel_;
  Deadline deadline_;
  Deadline stream_deadline_;      // of a drain
  http::Peer peer_;

  Buffer buffer_;                 // holds bytes [begin_, end_); absent while there are none
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string output_;            // reused from answer to answer

  http::Cancellation* cancellation_ = nullptr;   // of the request in hand
  http::BodyStream* stream_ = nullptr;           // being written and not cancelled
  http::Cancellation* withdrawn_ = nullptr;      // of the answer that is being written
  int busy_turns_ = 0;            // requests or pieces served without waiting for anything
  bool drained_ = false;          // the last read took all there was
  bool expired_ = false;          // the deadline has passed
  bool idle_ = true;              // between requests
  bool was_used_ = false;         // has served a request
  bool closing_ = false;          // no further request
  bool gone_ = false;             // the client hung up
};

}  // namespace writ::net
