#include "telemetry/trail.h"

namespace writ::telemetry {
namespace {

constexpr std::size_t kSpansMax = 64;   // of one request: a loop must not fill the memory

}  // namespace

Step::Step(Trail* trail, const char* name, Span::Kind kind) : trail_(trail && trail->is_traced() ? trail : nullptr) {
  if (!trail_) return;
  started_ = std::chrono::steady_clock::now();
  span_.kind = kind;
  span_.trace = trail_->own->trace;
  span_.id = new_span_id();
  span_.parent = trail_->own->span;
  span_.name = name;
  span_.started = trail_->started + std::chrono::duration_cast<Milliseconds>(started_ - trail_->started_steady);
}

void Step::note(std::string key, std::variant<std::string, std::int64_t> value) {
  if (trail_) span_.attributes.push_back({std::move(key), std::move(value)});
}

void Step::end() {
  if (Trail* trail = std::exchange(trail_, nullptr); trail && !trail->is_over && trail->spans.size() < kSpansMax) {
    span_.duration = std::chrono::steady_clock::now() - started_;
    trail->spans.push_back(std::move(span_));
  }
}

}  // namespace writ::telemetry
