#include "telemetry/span_exporter.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace writ::telemetry {

void SpanExporter::offer(std::vector<Span> spans) {
  std::size_t taken = 0;
  {
    const std::lock_guard lock(mutex_);
    taken = std::min(spans.size(), settings_.queue_max - std::min(queue_.size(), settings_.queue_max));
    std::move(spans.begin(), spans.begin() + static_cast<std::ptrdiff_t>(taken), std::back_inserter(queue_));
  }
  if (taken < spans.size()) instruments_.spans.of({"dropped"}).add(spans.size() - taken);
}

std::vector<Span> SpanExporter::take_batch() {
  const std::lock_guard lock(mutex_);
  std::vector<Span> batch;
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), settings_.batch_max));
  std::move(queue_.begin(), end, std::back_inserter(batch));
  queue_.erase(queue_.begin(), end);
  return batch;
}

Task<bool> SpanExporter::send(std::vector<Span> batch) {
  http::OutgoingRequest request;
  request.method = "POST";
  request.url = settings_.url;
  request.headers = {{"Content-Type", "application/json"}};
  request.timeout_ms = settings_.timeout_ms;
  if (settings_.authorization) {
    const auto secret = settings_.authorization();
    if (!secret) co_return false;
    request.headers.add("Authorization", std::string(secret->reveal()));
  }
  request.body = otlp_json(settings_.resource, batch);
  const auto answered = co_await outgoing_.fetch(std::move(request));
  co_return answered && answered->status >= 200 && answered->status < 300;
}

Task<void> SpanExporter::flush() {
  if (std::exchange(sending_, true)) co_return;
  while (std::chrono::steady_clock::now() < send_until_) {
    auto batch = take_batch();
    if (batch.empty()) break;
    const std::size_t count = batch.size();
    const bool sent = co_await send(std::move(batch));
    instruments_.spans.of({sent ? std::string_view("exported") : std::string_view("failed")}).add(count);
    if (!sent) break;   // the collector is not there: the rest waits, and what finds no room is dropped
  }
  sending_ = false;
}

Task<bool> SpanExporter::finish(std::chrono::milliseconds within) {
  send_until_ = std::min(send_until_, std::chrono::steady_clock::now() + within);
  co_await flush();
  send_until_ = SteadyTime::min();
  co_return true;
}

}  // namespace writ::telemetry
