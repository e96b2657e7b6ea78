#include "adapters/net/upstream.h"

#include <algorithm>
#include <limits>

#include "adapters/net/client_contexts.h"
#include "adapters/net/loop.h"
#include "adapters/net/upstream_connect.h"
#include "adapters/net/upstream_pool.h"
#include "encoding/uri.h"
#include "http/chunked.h"
#include "http/write.h"

namespace writ::net {
namespace {

using Kind = IoResult::Kind;
using http::Framing;
using http::StreamEnd;
using http::UpstreamFailure;
using http::UpstreamRequest;
using http::UpstreamResponse;
using FailureKind = UpstreamFailure::Kind;

constexpr int kInterimAnswersMax = 8;

Unexpected<UpstreamFailure> failed(FailureKind kind, std::string detail) { return Unexpected(UpstreamFailure{kind, std::move(detail)}); }

bool is_safe(std::string_view method) { return method == "GET" || method == "HEAD" || method == "OPTIONS"; }

// Takes the hook away again, whichever way send() ends: the exchange it points to is gone then.
class CancellationHook {
 public:
  CancellationHook(http::Cancellation* cancellation, Exchange& exchange) : cancellation_(cancellation) {
    if (cancellation_) cancellation_->on_request([&exchange] { exchange.cancel(); });
  }
  ~CancellationHook() { release(); }
  CancellationHook(const CancellationHook&) = delete;
  CancellationHook& operator=(const CancellationHook&) = delete;
  void release() {
    if (cancellation_) std::exchange(cancellation_, nullptr)->on_request(nullptr);
  }

 private:
  http::Cancellation* cancellation_;
};

struct Progress {
  std::size_t written = 0;
  bool is_written_whole = false;
  bool has_answer_bytes = false;
};

Task<void> write_request(Exchange& exchange, std::string_view head, std::string_view body, Progress& progress) {
  while (!head.empty() || !body.empty()) {
    const IoResult result = exchange.channel->write_some(head, body);
    if (result.kind == Kind::done) {
      progress.written += result.bytes;
      const std::size_t of_head = std::min(result.bytes, head.size());
      head.remove_prefix(of_head);
      body.remove_prefix(std::min(result.bytes - of_head, body.size()));
      continue;
    }
    // A server may answer and close before it has read everything; its answer counts, so a failure to write is not yet the end.
    if (result.kind != Kind::want_read && result.kind != Kind::want_write) co_return;
    co_await exchange.channel->wait_for(result.kind);
    if (exchange.is_stopped()) co_return;
  }
  progress.is_written_whole = true;
  exchange.asked = true;
}

Task<Result<http::ResponseHead, UpstreamFailure>> read_head(Exchange& exchange, std::string_view method, const http::HeadLimits& limits,
                                                            Progress& progress) {
  for (int interim = 0; interim <= kInterimAnswersMax; ++interim) {
    http::HeadEnd end;
    std::size_t head_bytes = 0;
    while (head_bytes == 0) {
      if (!exchange.input.empty()) {
        progress.has_answer_bytes = true;
        const auto found = end.find(exchange.input, limits);
        if (!found) co_return failed(FailureKind::bad_response, found.error().what);
        if (*found) {
          head_bytes = **found;
          break;
        }
      }
      const Kind kind = co_await read_more(exchange);
      if (exchange.is_stopped()) co_return unexpected(exchange.why_stopped("waiting for the response"));
      if (kind != Kind::done) co_return failed(FailureKind::closed, "the connection ended before the response");
    }
    auto head = http::parse_response_head(std::string_view(exchange.input).substr(0, head_bytes), method, limits);
    if (!head) co_return failed(FailureKind::bad_response, head.error().what);
    exchange.input.erase(0, head_bytes);
    if (head->status == 101) co_return failed(FailureKind::bad_response, "switches protocols without being asked");
    if (head->status >= 200) co_return std::move(*head);
  }
  co_return failed(FailureKind::bad_response, "too many interim responses");
}

}  // namespace

struct PooledUpstream::State {
  State(EventLoops& all_loops, UpstreamOptions with) : loops(all_loops), options(with), pools(loops.size()) {}

  EventLoops& loops;
  const UpstreamOptions options;
  std::vector<std::unique_ptr<UpstreamPool>> pools;   // each made and used on its loop

  ClientContexts contexts;

  UpstreamPool& pool(Loop& loop) {
    auto& pool = pools[loop.index()];
    if (!pool) pool = std::make_unique<UpstreamPool>(loop, options.keep_idle, options.idle_connections_per_key_max);
    return *pool;
  }
};

namespace {

// The body as it comes, in pieces. Gives the connection back to the pool when it has ended as it should; otherwise the connection is closed.
class UpstreamBody final : public http::BodyStream {
 public:
  using PutBack = std::function<void(std::shared_ptr<Channel>)>;

  UpstreamBody(std::unique_ptr<Exchange> exchange, Framing framing, int idle_timeout_ms, std::size_t piece_bytes_max, PutBack put_back)
      : exchange_(std::move(exchange)), framing_(framing), idle_timeout_ms_(idle_timeout_ms), piece_bytes_max_(piece_bytes_max),
        put_back_(std::move(put_back)) {
    if (framing_.kind == Framing::Kind::none) end(StreamEnd::complete);
  }

  void cancel() override {
    if (exchange_) exchange_->cancel();
  }

  Task<Result<std::string, StreamEnd>> next() override {
    std::string piece;
    while (exchange_) {
      if (exchange_->is_stopped()) {
        end(StreamEnd::broken);
        break;
      }
      if (!take(piece)) end(StreamEnd::broken);
      if (!piece.empty()) co_return piece;
      if (!exchange_) break;
      if (idle_timeout_ms_ > 0) exchange_->deadline.set(milliseconds(idle_timeout_ms_));
      const Kind kind = co_await read_more(*exchange_);
      exchange_->deadline.clear();
      if (kind == Kind::done) continue;
      const bool is_whole = kind == Kind::ended && framing_.kind == Framing::Kind::until_close && !exchange_->is_stopped();
      end(is_whole ? StreamEnd::complete : StreamEnd::broken);
    }
    co_return unexpected(end_);
  }

 private:
  // Moves what is there into `piece`; false when it is malformed.
  bool take(std::string& piece) {
    std::string& input = exchange_->input;
    switch (framing_.kind) {
      case Framing::Kind::length: {
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>({framing_.length, input.size(), piece_bytes_max_}));
        piece.assign(input, 0, size);
        input.erase(0, size);
        framing_.length -= size;
        if (framing_.length == 0) end(StreamEnd::complete);
        return true;
      }
      case Framing::Kind::chunked: {
        const auto taken = decoder_.feed(input, piece, piece_bytes_max_, std::numeric_limits<std::uint64_t>::max() / 4);
        if (!taken) return false;
        input.erase(0, *taken);
        if (decoder_.is_done()) end(StreamEnd::complete);
        return true;
      }
      case Framing::Kind::until_close:
        piece.assign(input, 0, piece_bytes_max_);
        input.erase(0, piece.size());
        return true;
      case Framing::Kind::none:
        return true;
    }
    return false;
  }

  void end(StreamEnd how) {
    if (!exchange_) return;
    end_ = how;
    // Bytes behind the body were not asked for: the connection is out of step and must not carry another request (G13, G15).
    const bool is_clean = how == StreamEnd::complete && exchange_->input.empty() && !exchange_->is_stopped();
    if (is_clean && put_back_) put_back_(std::move(exchange_->channel));
    exchange_ = nullptr;
  }

  std::unique_ptr<Exchange> exchange_;
  Framing framing_;
  int idle_timeout_ms_;
  std::size_t piece_bytes_max_;
  PutBack put_back_;
  http::ChunkedDecoder decoder_;
  StreamEnd end_ = StreamEnd::broken;
};

}  // namespace

PooledUpstream::PooledUpstream(EventLoops& loops, UpstreamOptions options) : state_(std::make_shared<State>(loops, options)) {}

PooledUpstream::~PooledUpstream() {
  for (std::size_t i = 0; i < state_->pools.size(); ++i) {
    state_->loops.loop(i).post([state = state_, i] { state->pools[i] = nullptr; });
  }
}

Task<Result<UpstreamResponse, UpstreamFailure>> PooledUpstream::send(UpstreamRequest request) {
  Loop* const loop = Loop::current();
  if (!loop) co_return failed(FailureKind::closed, "not called on an event loop");
  const auto uri = uri::parse(request.url);
  if (!uri || uri->fragment || uri->has_userinfo) co_return failed(FailureKind::connect, "the upstream URL is malformed");
  const bool is_https = uri->scheme == "https";
  if (!is_https && !state_->options.allow_plain_http && !uri->is_loopback()) {
    co_return failed(FailureKind::connect, "plain http is allowed to loopback only");
  }
  Target target{uri->host, uri->effective_port(), nullptr};
  if (is_https) {
    auto context = state_->contexts.find(request.ca_file, request.client_certificate_file, request.client_key_file);
    if (!context) co_return failed(FailureKind::tls, std::move(context).error());
    target.tls = std::move(*context);
  }
  std::string host = uri->host.find(':') == std::string::npos ? uri->host : "[" + uri->host + "]";
  if (uri->port) host.append(":").append(std::to_string(*uri->port));
  std::string path = uri->path.empty() ? "/" : uri->path;
  if (uri->query) path.append("?").append(*uri->query);
  std::string head;
  if (!http::append_request_head(head, request.method, path, host, request.headers, request.body.size())) {
    co_return failed(FailureKind::bad_response, "the request has a malformed method, target or header field");
  }
  const std::string key = uri->scheme + "\n" + host + "\n" + request.ca_file + "\n" + request.client_certificate_file + "\n" + request.pool_key;
  UpstreamPool& pool = state_->pool(*loop);

  auto exchange = std::make_unique<Exchange>(*loop);
  CancellationHook hook(request.cancellation, *exchange);
  for (bool may_reuse = true;; may_reuse = false) {
    if (exchange->is_stopped()) co_return unexpected(exchange->why_stopped("starting"));
    exchange->channel = may_reuse ? pool.take(key) : nullptr;
    const bool is_reused = exchange->channel != nullptr;
    if (!is_reused) {
      exchange->deadline.set(state_->options.connect_deadline);
      auto connected = co_await connect(*exchange, target);
      if (!connected) co_return unexpected(std::move(connected).error());
    }
    exchange->deadline.set(milliseconds(request.head_timeout_ms));
    Progress progress;
    co_await loop->turn_end();
    if (exchange->is_stopped()) co_return unexpected(exchange->why_stopped("starting"));
    co_await write_request(*exchange, head, request.body, progress);
    auto answer = co_await read_head(*exchange, request.method, state_->options.head, progress);
    if (answer) {
      exchange->deadline.clear();
      hook.release();
      UpstreamResponse response;
      response.status = answer->status;
      response.headers = std::move(answer->headers);
      UpstreamBody::PutBack put_back;
      if (answer->keep_alive && progress.is_written_whole) {
        put_back = [&pool, key](std::shared_ptr<Channel> channel) { pool.put(key, std::move(channel)); };
      }
      response.body = std::make_unique<UpstreamBody>(std::move(exchange), answer->framing, request.idle_timeout_ms, state_->options.piece_bytes_max,
                                                     std::move(put_back));
      co_return response;
    }
    // A kept connection that the server closed meanwhile says nothing about this request. Once bytes of it may have arrived, only a method
    // that changes nothing is sent again: a call must never run twice on the caller's behalf.
    const bool is_stale = is_reused && answer.error().kind == FailureKind::closed && !progress.has_answer_bytes && !exchange->is_stopped();
    if (!is_stale || (progress.written > 0 && !is_safe(request.method))) co_return unexpected(std::move(answer).error());
  }
}

}  // namespace writ::net
