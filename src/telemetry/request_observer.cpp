#include "telemetry/request_observer.h"

#include <algorithm>
#include <array>
#include <exception>
#include <optional>

namespace writ::telemetry {
namespace {

constexpr const char* kRequestId = "X-Request-Id";

std::string new_request_id() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id(24, '0');
  std::uint64_t number = random_number();
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 16) number = random_number();
    id[i] = kDigits[number & 15];
    number >>= 4;
  }
  return id;
}

// Methods are chosen by whoever asks: only those that exist are names.
std::string_view known(std::string_view method) {
  constexpr std::array<std::string_view, 7> kMethods = {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"};
  const auto found = std::find(kMethods.begin(), kMethods.end(), method);
  return found == kMethods.end() ? kOther : *found;
}

std::string_view class_of(int status) {
  constexpr std::array<std::string_view, 5> kClasses = {"1xx", "2xx", "3xx", "4xx", "5xx"};
  return status >= 100 && status < 600 ? kClasses[static_cast<std::size_t>(status / 100 - 1)] : kOther;
}

std::string_view or_none(std::string_view text) { return text.empty() ? std::string_view("none") : text; }

}  // namespace

bool is_request_id(std::string_view value) {
  return !value.empty() && value.size() <= 64 && std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

struct RequestObserver::Ending {
  std::shared_ptr<Trail> trail;
  std::string listener;
  http::Router::Place place;
  std::string method, path, peer;
  int status = 0;
  std::uint64_t bytes_in = 0, bytes_out = 0;
  bool is_stream = false, is_broken = false;
};

// Counts what passes, and ends the request when it is let go of.
class RequestObserver::CountedStream final : public http::BodyStream {
 public:
  CountedStream(const RequestObserver& observer, std::unique_ptr<http::BodyStream> inner, Ending ending)
      : observer_(observer), inner_(std::move(inner)), ending_(std::move(ending)) {
    observer_.instruments_.http_streams.add(1);
  }
  ~CountedStream() override {
    inner_.reset();   // what it still has to note, it notes first
    observer_.instruments_.http_streams.add(-1);
    observer_.finish(ending_);
  }
  Task<Result<std::string, http::StreamEnd>> next() override {
    auto piece = co_await inner_->next();
    if (piece) ending_.bytes_out += piece->size();
    else ending_.is_broken = piece.error() == http::StreamEnd::broken;
    co_return piece;
  }
  void cancel() override {
    ending_.is_broken = true;
    inner_->cancel();
  }

 private:
  const RequestObserver& observer_;
  std::unique_ptr<http::BodyStream> inner_;
  Ending ending_;
};

void RequestObserver::begin(http::Request& request, bool proxied) const {
  auto trail = std::make_shared<Trail>();
  trail->home = Executor::current();
  trail->started = clock_.now();
  trail->started_steady = std::chrono::steady_clock::now();
  const std::string* given = proxied ? request.headers.find_single(kRequestId) : nullptr;
  trail->request_id = given && is_request_id(*given) ? *given : new_request_id();
  trail->received = read_trace_context(request.headers);
  if (settings_.sampling > 0 && spans_) {
    TraceContext& own = trail->own.emplace();
    own.span = new_span_id();
    if (settings_.trusts_senders && trail->received) {
      own.trace = trail->received->trace;
      own.state = trail->received->state;
      own.is_sampled = trail->received->is_sampled;
      trail->parent = trail->received->span;
    } else {
      constexpr double kTwoTo64 = 18446744073709551616.0;
      own.trace = new_trace_id();
      own.is_sampled = settings_.sampling >= 1 || static_cast<double>(random_number()) < settings_.sampling * kTwoTo64;
    }
  }
  request.trail = std::move(trail);
}

http::Handler RequestObserver::observe(std::string listener, const http::Router& router) const {
  return [this, listener = std::move(listener), &router](const http::Request& request) { return answer(listener, router, request); };
}

Task<http::Response> RequestObserver::answer(const std::string& listener, const http::Router& router, const http::Request& request) const {
  Ending ending{request.trail, listener, router.place_of(request.path), request.method, request.path, request.peer.address, 500, request.body.size(), 0, false, false};
  const SteadyTime started = ending.trail ? ending.trail->started_steady : std::chrono::steady_clock::now();
  std::optional<http::Response> response;
  std::exception_ptr failure;
  instruments_.http_in_flight.add(1);
  Task<http::Response> task = router.handle(request);
  try {
    http::Response value = co_await task;
    response.emplace(std::move(value));
  } catch (...) {
    failure = std::current_exception();
  }
  instruments_.http_in_flight.add(-1);
  instruments_.http_durations.of({or_none(ending.place.role), or_none(ending.place.path)}).observe(std::chrono::steady_clock::now() - started);
  if (failure) {
    finish(ending);
    std::rethrow_exception(failure);
  }
  ending.status = response->status;
  // Who names requests themselves (AuthZEN) keeps their name.
  if (ending.trail && !response->headers.find(kRequestId)) response->headers.add(kRequestId, ending.trail->request_id);
  if (response->stream) {
    ending.is_stream = true;
    response->stream = std::make_unique<CountedStream>(*this, std::move(response->stream), std::move(ending));
  } else {
    ending.bytes_out = response->body.size();
    finish(ending);
  }
  co_return std::move(*response);
}

void RequestObserver::finish(const Ending& ending) const {
  const std::string_view role = or_none(ending.place.role), route = or_none(ending.place.path);
  instruments_.http_requests.of({role, route, known(ending.method), class_of(ending.status)}).add();
  if (!ending.trail) return;
  const auto duration = std::chrono::steady_clock::now() - ending.trail->started_steady;
  if (ending.is_stream) instruments_.http_stream_durations.observe(duration);
  if (ending.trail->is_traced()) trace(ending);
  if (log_ && settings_.has_access_log) {
    log_->write(access_line({ending.listener, role, route, ending.method, ending.path, ending.peer, ending.status, ending.bytes_in, ending.bytes_out, duration,
                             ending.is_stream, ending.is_broken},
                            *ending.trail));
  }
  ending.trail->is_over = true;
}

void RequestObserver::trace(const Ending& ending) const {
  Trail& trail = *ending.trail;
  Span span;
  span.kind = Span::Kind::server;
  span.trace = trail.own->trace;
  span.id = trail.own->span;
  span.parent = trail.parent;
  if (!settings_.trusts_senders) span.link = trail.received;
  const std::string method(known(ending.method));
  span.name = method + " " + std::string(or_none(ending.place.path));
  span.started = trail.started;
  span.duration = std::chrono::steady_clock::now() - trail.started_steady;
  const auto note = [&](const char* key, std::string_view value) {
    if (!value.empty()) span.attributes.push_back({key, std::string(value)});
  };
  note("http.request.method", method == kOther ? std::string_view("_OTHER") : method);
  note("http.route", ending.place.path);
  span.attributes.push_back({"http.response.status_code", std::int64_t{ending.status}});
  note("mcp.method.name", trail.rpc_method);
  note("gen_ai.tool.name", trail.tool);
  note("writ.request_id", trail.request_id);
  note("writ.role", ending.place.role);
  note("writ.server", trail.server);
  note("writ.agent", trail.agent);
  note("writ.effect", trail.effect);
  note("writ.reason", trail.reason);
  note("writ.denial_code", trail.code);
  span.has_failed = ending.status >= 500;
  if (span.has_failed) note("error.type", std::to_string(ending.status));
  std::vector<Span> spans = std::move(trail.spans);
  spans.push_back(std::move(span));
  spans_->offer(std::move(spans));
}

}  // namespace writ::telemetry
