#pragma once

// Sends spans to a collector in batches. What it cannot take or send is dropped and counted: no request ever waits for it or fails by it.

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/secret.h"
#include "telemetry/instruments.h"
#include "telemetry/otlp.h"
#include "telemetry/request_observer.h"

namespace writ::telemetry {

// Safe to share between threads.
class SpanExporter final : public SpanSink {
 public:
  struct Settings {
    std::string url;                                            // of the collector: …/v1/traces
    std::function<Result<Secret, Unavailable>()> authorization; // value of the field sent along; empty: none
    Resource resource;
    std::size_t queue_max = 8'192, batch_max = 512;
    int timeout_ms = 5'000;
  };
  // What is passed by reference outlives the object.
  SpanExporter(http::Outgoing& outgoing, Instruments& instruments, Settings settings) : outgoing_(outgoing), instruments_(instruments), settings_(std::move(settings)) {}

  void offer(std::vector<Span> spans) override;
  // Sends what is there. Returns at once when that is being done already. Always on the same executor.
  Task<void> flush();
  // The same, for at most about `within`; afterwards nothing is sent any more, and `outgoing` may end.
  Task<bool> finish(std::chrono::milliseconds within);

 private:
  std::vector<Span> take_batch();
  Task<bool> send(std::vector<Span> batch);

  http::Outgoing& outgoing_;
  Instruments& instruments_;
  const Settings settings_;
  std::mutex mutex_;
  std::deque<Span> queue_;
  // Touched by the executor of flush() alone.
  bool sending_ = false;
  SteadyTime send_until_ = SteadyTime::max();
};

}  // namespace writ::telemetry
