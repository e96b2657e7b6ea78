#include "adapters/net/connection.h"

#include <algorithm>
#include <cstring>
#include <exception>

#include "adapters/net/proxy.h"
#include "http/chunked.h"
#include "http/write.h"

namespace writ::net {
namespace {

using Kind = IoResult::Kind;
using http::BadMessage;
using http::Framing;

constexpr std::size_t kJoinBytesMax = 16 * 1024;      // a body up to this goes out in one write with its head
constexpr std::size_t kLingerBytesMax = 4 * 1024 * 1024;
constexpr milliseconds kLingerDeadline{2'000};
constexpr int kBusyTurnsMax = 32;

const BadMessage kGone{0, "connection lost"};

}  // namespace

Connection::Connection(std::shared_ptr<ServerState> state, std::shared_ptr<const Binding> binding, Loop& loop, int descriptor,
                       std::string address)
    : state_(std::move(state)), binding_(std::move(binding)), loop_(loop), channel_(std::make_shared<Channel>(loop, descriptor)),
      deadline_(loop, [this] { expired_ = true, channel_->wake(); }),
      // By way of the loop: a stream that ends may end the connection, and deadlines must not go away while the loop looks at them.
      stream_deadline_(loop, [this] {
        loop_.post([this, shared = state_, index = loop_.index()] {
          if (shared->connections_on[index].contains(this)) cancel_stream();
        });
      }) {
  peer_.address = std::move(address);
  peer_.secure = binding_->is_tls();
  peer_.local_socket = binding_->is_local;
  state_->connections_on[loop_.index()].insert(this);
}

Connection::~Connection() {
  state_->connections_on[loop_.index()].erase(this);
  channel_->close();
  loop_.give_buffer(std::move(buffer_));
}

Task<void> Connection::run() {
  if (binding_->listener.proxy_protocol) {
    deadline_.set(state_->options.limits.head_deadline);
    const auto read = co_await read_proxy_header();
    if (!read) co_return;
  }
  if (binding_->is_tls()) {
    deadline_.set(state_->options.limits.handshake_deadline);
    const bool shaken = co_await shake_hands();
    if (!shaken) co_return;
  }
  if (state_->draining) begin_drain();
  while (true) {
    const Step step = co_await serve_request();
    if (step == Step::end || gone_) break;
    if (++busy_turns_ >= kBusyTurnsMax) {   // a client that pipelines must not starve the loop's other connections
      busy_turns_ = 0;
      co_await loop_.yield();
    }
  }
}

Task<bool> Connection::shake_hands() {
  SslPointer ssl = accept_tls(binding_->tls_context());
  if (!ssl) co_return false;
  channel_->start_tls(std::move(ssl));
  while (!expired_) {
    const IoResult result = channel_->handshake();
    if (result.kind == Kind::done) {
      if (binding_->listener.tls->asks_clients) peer_.certificate = client_certificate(channel_->ssl());
      co_return true;
    }
    if (result.kind != Kind::want_read && result.kind != Kind::want_write) break;
    const bool usable = co_await channel_->wait_for(result.kind);
    if (!usable) break;
  }
  co_return false;
}

Task<Connection::Step> Connection::serve_request() {
  const auto head_bytes = co_await read_head();
  if (!head_bytes) {
    const Step step = co_await refuse(head_bytes.error());
    co_return step;
  }
  auto parsed = http::parse_request_head(buffered().substr(0, *head_bytes), state_->options.limits.head);
  consume(*head_bytes);
  if (!parsed) {
    const Step step = co_await refuse(parsed.error());
    co_return step;
  }
  http::RequestHead head = std::move(*parsed);
  const Verdict admitted = admit(head);
  if (!admitted) {
    const Step step = co_await refuse(admitted.error());
    co_return step;
  }
  if (!take_whole_body(head)) {
    const Verdict body = co_await read_body(head);
    if (!body) {
      const Step step = co_await refuse(body.error());
      co_return step;
    }
  }
  deadline_.clear();
  was_used_ = true;
  if (begin_ == end_) loop_.give_buffer(std::move(buffer_)), begin_ = end_ = 0;   // the answer may take hours

  http::Cancellation cancellation;
  head.request.client_gone = &cancellation;
  if (binding_->listener.begin) binding_->listener.begin(head.request, comes_from_proxy());
  cancellation_ = &cancellation;
  auto response = co_await handle(head.request);
  cancellation_ = nullptr;
  cancellation.on_request(nullptr);
  if (!response) {
    const Step step = co_await refuse({500, "internal error"});
    co_return step;
  }
  if (!head.keep_alive) closing_ = true;
  Step step = Step::end;
  const auto withdrawn = std::move(response->withdrawn);
  withdrawn_ = withdrawn.get();
  if (response->stream) {
    // Nobody looks at the request any more, and a stream stands for long: its fields (a token among them) need not be kept as long.
    head.request.headers = http::Headers();
    head.request.body = std::string();
    step = co_await answer_with_stream(head, std::move(*response));
  } else {
    step = co_await answer(head, std::move(*response));
  }
  withdrawn_ = nullptr;
  co_return step;
}

// ---- reading

IoResult Connection::read_into_buffer() {
  if (!buffer_) buffer_ = loop_.take_buffer(), begin_ = end_ = 0;
  if (begin_ > 0 && end_ == kBufferBytes) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_, begin_ = 0;
  }
  // What came short last time has left nothing behind: asking the system again would only tell so. Under TLS more may be waiting inside.
  if (std::exchange(drained_, false)) return {Kind::want_read, 0};
  const std::size_t space = kBufferBytes - end_;
  const IoResult result = channel_->read_some(buffer_.get() + end_, space);
  if (result.kind == Kind::done) {
    end_ += result.bytes;
    drained_ = result.bytes < space && !channel_->is_tls();
  }
  return result;
}

void Connection::consume(std::size_t bytes) {
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

Task<Connection::Verdict> Connection::fill() {
  while (true) {
    if (expired_) co_return unexpected(BadMessage{408, "the request took too long"});
    const IoResult result = read_into_buffer();
    if (result.kind == Kind::done) co_return Verdict{};
    if (result.kind != Kind::want_read && result.kind != Kind::want_write) co_return unexpected(kGone);
    if (begin_ == end_) loop_.give_buffer(std::move(buffer_)), begin_ = end_ = 0;
    busy_turns_ = 0;
    const bool usable = co_await channel_->wait_for(result.kind);
    if (!usable || (idle_ && closing_)) co_return unexpected(kGone);
  }
}

Task<Result<std::size_t, BadMessage>> Connection::read_head() {
  const ServerLimits& limits = state_->options.limits;
  expired_ = false;
  idle_ = begin_ == end_;
  if (closing_ && idle_) co_return unexpected(kGone);
  deadline_.set(idle_ && was_used_ ? limits.idle_deadline : limits.head_deadline);
  http::HeadEnd end;
  while (true) {
    if (begin_ != end_) {
      if (idle_ && was_used_) deadline_.set(limits.head_deadline);   // the request has begun
      idle_ = false;
      const auto found = end.find(buffered(), limits.head);
      if (!found) co_return unexpected(found.error());
      if (*found) co_return **found;
    }
    const Verdict filled = co_await fill();
    // Nothing of a request has come: there is nothing to answer either.
    if (!filled) co_return unexpected(begin_ == end_ ? kGone : filled.error());
  }
}

Connection::Verdict Connection::admit(http::RequestHead& head) {
  http::Request& request = head.request;
  request.peer = peer_;
  apply_forwarding_fields(request);
  if (!binding_->answers_host(request.host, request.peer.secure)) return unexpected(BadMessage{421, "this server does not answer to that Host"});
  return {};
}

std::size_t Connection::body_bytes_max(const http::Request& request) const {
  const auto& own_limit = binding_->listener.body_bytes_max;
  return own_limit ? own_limit(request.path) : state_->options.limits.body_bytes_max;
}

// The usual case: no body, or one that came with the head.
bool Connection::take_whole_body(http::RequestHead& head) {
  const Framing& framing = head.framing;
  if (framing.kind == Framing::Kind::none) return true;
  if (framing.kind != Framing::Kind::length || framing.length > end_ - begin_ || framing.length > body_bytes_max(head.request)) return false;
  head.request.body.assign(buffered().substr(0, framing.length));
  consume(framing.length);
  return true;
}

Task<Connection::Verdict> Connection::read_body(http::RequestHead& head) {
  http::Request& request = head.request;
  const std::size_t bytes_max = body_bytes_max(request);
  // Before the client is told to go on, and before anything is stored.
  if (head.framing.length > bytes_max) co_return unexpected(BadMessage{413, "body too large"});
  if (head.expects_continue && begin_ == end_) {
    const bool written = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
    if (!written) co_return unexpected(kGone);
  }
  deadline_.set(state_->options.limits.body_deadline);
  if (head.framing.kind == Framing::Kind::chunked) {
    Verdict verdict = co_await read_chunked_body(request.body, bytes_max);
    co_return verdict;
  }
  Verdict verdict = co_await read_known_body(request.body, head.framing.length);
  co_return verdict;
}

Task<Connection::Verdict> Connection::read_known_body(std::string& body, std::uint64_t length) {
  // Grows with what has arrived: a length that is announced but never sent costs no memory.
  while (true) {
    const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(length - body.size(), end_ - begin_));
    body.append(buffered().substr(0, take));
    consume(take);
    if (body.size() == length) co_return Verdict{};
    Verdict filled = co_await fill();
    if (!filled) co_return filled;
  }
}

Task<Connection::Verdict> Connection::read_chunked_body(std::string& body, std::size_t bytes_max) {
  http::ChunkedDecoder decoder;
  while (true) {
    const auto taken = decoder.feed(buffered(), body, bytes_max + 1, bytes_max);
    if (!taken) co_return unexpected(taken.error());
    consume(*taken);
    if (decoder.is_done()) co_return Verdict{};
    Verdict filled = co_await fill();
    if (!filled) co_return filled;
  }
}

// ---- who is it

Task<bool> Connection::read_proxy_header() {
  std::optional<std::size_t> size;
  while (true) {
    if (!size && end_ - begin_ >= kProxyHeaderStart) {
      size = proxy_header_size(buffered());
      if (!size) co_return false;
    }
    if (size && end_ - begin_ >= *size) break;
    // Byte for byte up to its end: what follows may be a TLS handshake, which reads from the socket itself.
    if (!buffer_) buffer_ = loop_.take_buffer();
    const std::size_t wanted = size ? *size : kProxyHeaderStart;
    const IoResult result = channel_->read_below_tls(buffer_.get() + end_, wanted - end_);
    if (result.kind == Kind::done) {
      end_ += result.bytes;
      continue;
    }
    if (result.kind != Kind::want_read || expired_) co_return false;
    const bool usable = co_await channel_->readable();
    if (!usable) co_return false;
  }
  const auto client = parse_proxy_header(buffered());
  consume(*size);
  if (!client) co_return false;
  if (!client->address.empty()) peer_.address = client->address;
  if (client->secure) peer_.secure = peer_.secure || *client->secure;
  co_return true;
}

bool Connection::comes_from_proxy() const { return !binding_->proxies.empty() && contains(binding_->proxies, peer_.address); }

void Connection::apply_forwarding_fields(http::Request& request) const {
  if (!comes_from_proxy()) return;
  request.peer.certificate = nullptr;   // the proxy's: it must not authenticate whomever it hands on
  const bool standard = binding_->listener.forwarding_fields == Listener::ForwardingFields::forwarded;
  const ProxiedClient client = standard ? from_forwarded(request.headers, binding_->proxies) : from_x_forwarded(request.headers, binding_->proxies);
  if (!client.address.empty()) request.peer.address = client.address;
  if (client.secure) request.peer.secure = *client.secure;
}

// ---- handling

// Awaits the handler's task; only when it really waits is the client watched meanwhile.
struct Connection::Handling {
  Connection& connection;
  Task<http::Response>::Awaiter task;
  bool await_ready() noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    if (!task.await_suspend(waiting)) return false;
    connection.busy_turns_ = 0;
    connection.channel_->watch([self = &connection] { return self->on_client_while_busy(); });
    return true;
  }
  http::Response await_resume() { return task.await_resume(); }
};

Task<std::optional<http::Response>> Connection::handle(const http::Request& request) {
  std::optional<http::Response> response;
  const char* what = nullptr;
  std::string text;
  try {
    Task<http::Response> task = binding_->listener.handler(request);
    Handling handling{*this, std::move(task).operator co_await()};
    http::Response value = co_await handling;
    response.emplace(std::move(value));
  } catch (const std::exception& exception) {
    text = exception.what();
    what = text.c_str();
  } catch (...) {
    what = "unknown exception";
  }
  channel_->unwatch();
  if (what) state_->log(std::string("a request handler failed: ") + what);
  co_return response;
}

bool Connection::on_client_while_busy() {
  // Bytes of the next request are kept until the buffer is full, so that the end of the stream behind them is seen.
  while (end_ - begin_ < kBufferBytes) {
    const IoResult result = read_into_buffer();
    if (result.kind == Kind::done) continue;
    if (result.kind == Kind::want_read || result.kind == Kind::want_write) {
      if (begin_ == end_) loop_.give_buffer(std::move(buffer_)), begin_ = end_ = 0;
      return true;
    }
    client_is_gone();
    return false;
  }
  return false;
}

void Connection::client_is_gone() {
  gone_ = true;
  // Either call may resume the coroutine that serves this connection and so end it: nothing of `this` may be touched afterwards.
  if (stream_) return cancel_stream();
  if (cancellation_) cancellation_->request();
}

void Connection::cancel_stream() {
  if (http::BodyStream* stream = std::exchange(stream_, nullptr)) stream->cancel();
}

// ---- writing

Task<bool> Connection::write(std::string_view first, std::string_view second) {
  while (!first.empty() || !second.empty()) {
    const IoResult result = channel_->write_some(first, second);
    if (result.kind == Kind::done) {
      const std::size_t of_first = std::min(result.bytes, first.size());
      first.remove_prefix(of_first);
      second.remove_prefix(std::min(result.bytes - of_first, second.size()));
      continue;
    }
    if (result.kind != Kind::want_read && result.kind != Kind::want_write) co_return false;
    busy_turns_ = 0;
    expired_ = false;
    deadline_.set(state_->options.limits.write_deadline);   // for each step forward: slow is allowed, standing still is not
    // What was begun before the withdrawal ends with it; what is written after it is how the answer ends.
    http::Cancellation* const withdrawn = withdrawn_ && !withdrawn_->is_requested() ? withdrawn_ : nullptr;
    if (withdrawn) withdrawn->on_request([this] { channel_->cancel(); });
    const bool usable = co_await channel_->wait_for(result.kind);
    if (withdrawn) withdrawn->on_request(nullptr);
    deadline_.clear();
    if (!usable || expired_) co_return false;
  }
  co_return true;
}

Task<Connection::Step> Connection::answer(const http::RequestHead& head, http::Response response) {
  const bool bodyless = response.status == 204 || response.status == 304;
  http::ResponseFraming framing;
  if (!bodyless) framing.content_length = response.body.size();
  framing.keep_alive = !closing_;
  framing.date = loop_.date();
  output_.clear();
  if (!http::append_response_head(output_, response.status, response.headers, framing)) {
    state_->log("a request handler answered with a malformed status or header field");
    const Step step = co_await refuse({500, "internal error"});
    co_return step;
  }
  std::string_view body;
  if (!bodyless && head.request.method != "HEAD") body = response.body;
  if (body.size() <= kJoinBytesMax) output_.append(body), body = {};
  bool written = false;
  co_await loop_.turn_end();
  const IoResult result = channel_->write_some(output_, body);   // nearly always takes everything
  if (result.kind == Kind::done && result.bytes == output_.size() + body.size()) {
    written = true;
  } else if (result.kind == Kind::done || result.kind == Kind::want_write || result.kind == Kind::want_read) {
    std::string_view rest = output_;
    const std::size_t of_head = std::min(result.bytes, rest.size());
    rest.remove_prefix(of_head);
    body.remove_prefix(result.bytes - of_head);
    written = co_await write(rest, body);
  }
  if (output_.capacity() > 4 * kJoinBytesMax) output_ = std::string();
  if (!written) co_return Step::end;
  if (!closing_) co_return Step::next;
  co_await linger();
  co_return Step::end;
}

Task<Connection::Step> Connection::answer_with_stream(const http::RequestHead& head, http::Response response) {
  http::BodyStream& stream = *response.stream;
  const bool has_body = head.request.method != "HEAD" && response.status != 204 && response.status != 304;
  const bool chunked = has_body && head.minor_version == 1;   // HTTP/1.0 knows no chunks: there the end of the connection ends the body
  if (has_body && !chunked) closing_ = true;
  http::ResponseFraming framing;
  framing.chunked = chunked;
  framing.keep_alive = !closing_;
  framing.date = loop_.date();
  output_.clear();
  if (!http::append_response_head(output_, response.status, response.headers, framing)) {
    state_->log("a request handler answered with a malformed status or header field");
    stream.cancel();
    const Step step = co_await refuse({500, "internal error"});
    co_return step;
  }
  bool written = co_await write(output_);
  if (!written || !has_body || gone_) {
    stream.cancel();
    co_return written && !has_body && !closing_ ? Step::next : Step::end;
  }

  stream_ = &stream;
  if (closing_ && state_->draining) stream_deadline_.set(state_->options.limits.stream_drain_deadline);
  channel_->watch([this] { return on_client_while_busy(); });
  bool complete = false;
  while (written && !gone_) {
    const auto piece = co_await stream.next();
    if (!piece) {
      complete = piece.error() == http::StreamEnd::complete;
      break;
    }
    if (piece->empty() || gone_) continue;
    output_.clear();
    if (chunked) http::append_chunk(output_, *piece);
    written = co_await write(chunked ? std::string_view(output_) : std::string_view(*piece));   // only then the next piece: back-pressure
    if (output_.capacity() > kJoinBytesMax) output_ = std::string();   // the next one may be long in coming
    if (++busy_turns_ >= kBusyTurnsMax) {
      busy_turns_ = 0;
      co_await loop_.yield();
    }
  }
  channel_->unwatch();
  stream_deadline_.clear();
  if (!written || gone_) {
    cancel_stream();
    co_return Step::end;
  }
  const bool was_ended_by_drain = std::exchange(stream_, nullptr) == nullptr;
  // An event stream that is ended because the server stops is whole as far as it goes; any other body that breaks off must look broken.
  const std::string* type = response.headers.find("content-type");
  if (was_ended_by_drain && type && type->starts_with("text/event-stream")) complete = true;
  if (!complete) co_return Step::end;
  if (chunked) written = co_await write(http::kLastChunk);
  if (!written) co_return Step::end;
  if (!closing_) co_return Step::next;
  co_await linger();
  co_return Step::end;
}

Task<Connection::Step> Connection::refuse(BadMessage bad) {
  closing_ = true;
  if (bad.status == 0) co_return Step::end;
  if (state_->options.refused) state_->options.refused(bad.status);
  http::ResponseFraming framing;
  const std::string body = std::string(bad.what) + "\n";
  framing.content_length = body.size();
  framing.keep_alive = false;
  framing.date = loop_.date();
  output_.clear();
  const bool formed = http::append_response_head(
      output_, bad.status, {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}}, framing);
  if (!formed) co_return Step::end;
  output_ += body;
  const bool written = co_await write(output_);
  if (written) co_await linger();
  co_return Step::end;
}

// Closing while the client still sends makes the system reset the connection, and the client may never see the answer (RFC 9112 §9.6).
// What still comes is read and thrown away for a moment.
Task<void> Connection::linger() {
  channel_->end_output();
  begin_ = end_ = 0;
  expired_ = false;
  deadline_.set(kLingerDeadline);
  std::size_t discarded = 0;
  if (!buffer_) buffer_ = loop_.take_buffer();
  while (!expired_ && discarded < kLingerBytesMax) {
    const IoResult result = channel_->read_below_tls(buffer_.get(), kBufferBytes);   // nobody cares what it would decrypt to
    if (result.kind == Kind::done) {
      discarded += result.bytes;
      continue;
    }
    if (result.kind != Kind::want_read) co_return;
    const bool usable = co_await channel_->readable();
    if (!usable) co_return;
  }
}

// ---- drain

void Connection::begin_drain() {
  closing_ = true;
  if (idle_) return channel_->wake();   // fill() sees that there is nothing to wait for
  if (stream_) stream_deadline_.set(state_->options.limits.stream_drain_deadline);
}

void Connection::break_off() {
  closing_ = true;
  channel_->cancel();
  if (stream_) return cancel_stream();
  if (cancellation_) cancellation_->request();
}

void begin_drain(ServerState& state, std::size_t loop_index) {
  const std::vector<Connection*> connections(state.connections_on[loop_index].begin(), state.connections_on[loop_index].end());
  for (Connection* connection : connections) {
    if (state.connections_on[loop_index].contains(connection)) connection->begin_drain();
  }
}

void break_off(ServerState& state, std::size_t loop_index) {
  const std::vector<Connection*> connections(state.connections_on[loop_index].begin(), state.connections_on[loop_index].end());
  for (Connection* connection : connections) {
    if (state.connections_on[loop_index].contains(connection)) connection->break_off();
  }
}

void serve(std::shared_ptr<ServerState> state, std::shared_ptr<const Binding> binding, Loop& loop, int descriptor, std::string address,
           std::string source) {
  auto connection = std::make_shared<Connection>(state, std::move(binding), loop, descriptor, std::move(address));
  Task<void> task = connection->run();
  spawn(std::move(task), [connection = std::move(connection), state = std::move(state), source = std::move(source)](std::exception_ptr exception) mutable {
    if (exception) state->log("a connection failed with an exception");
    connection.reset();
    state->dismiss(source);
  });
}

}  // namespace writ::net
