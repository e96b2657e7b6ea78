#pragma once

// What is noted about one request while it is answered: for the access log, for metrics, for traces. It decides nothing, and holds no token,
// no argument and no query. Lives on the event loop of its request; made by RequestObserver, and may outlive the request.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "telemetry/trace_context.h"

namespace writ::telemetry {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Attribute {
  std::string key;                        // a name of OpenTelemetry's semantic conventions, or writ.…
  std::variant<std::string, std::int64_t> value;
};

// A step that has ended. Plain data.
struct Span {
  enum class Kind { internal = 1, server = 2, client = 3 } kind = Kind::internal;
  TraceId trace{};
  SpanId id{};
  SpanId parent{};                        // all zero: none
  std::optional<TraceContext> link{};     // the sender's trace, when its word is not taken
  std::string name;
  Instant started{};
  std::chrono::nanoseconds duration{0};
  std::vector<Attribute> attributes{};
  bool has_failed = false;
};

struct Trail {
  std::string request_id;
  const Executor* home = nullptr;         // its event loop; what happens elsewhere on its behalf is not noted
  Instant started{};
  SteadyTime started_steady{};

  // Of the span of this request. Absent: nothing is traced.
  std::optional<TraceContext> own;
  SpanId parent{};                        // of the span, when the sender's word is taken
  std::optional<TraceContext> received;   // what the sender said
  // What those are told that are asked on behalf of this request: our own, or what came when nothing is traced here. Absent: nothing.
  const TraceContext* onward() const { return own ? &*own : received ? &*received : nullptr; }
  bool is_traced() const { return own && own->is_sampled && (!home || home == Executor::current()) && !is_over; }

  // As far as it becomes known.
  std::string user, agent, server, effect, reason, code;
  std::string rpc_method, tool;           // MCP method; name of a tool that may be called
  std::vector<Span> spans;                // steps that have ended, while it is traced
  bool is_over = false;                   // written down: nothing that is noted now is read any more
};

// One step of a request, from here to the end of the scope. Costs a look at a pointer unless the request is traced. `trail` outlives it.
class Step {
 public:
  Step(Trail* trail, const char* name, Span::Kind kind = Span::Kind::internal);
  Step(const std::shared_ptr<Trail>& trail, const char* name) : Step(trail.get(), name) {}
  ~Step() { end(); }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  bool is_traced() const { return trail_ != nullptr; }
  const SpanId& id() const { return span_.id; }
  void note(std::string key, std::variant<std::string, std::int64_t> value);
  void fail() { span_.has_failed = true; }
  void end();                             // at most once

 private:
  Trail* trail_;                          // null: not traced
  Span span_;
  SteadyTime started_{};
};

}  // namespace writ::telemetry
