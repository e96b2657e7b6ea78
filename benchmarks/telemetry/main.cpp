// What observing costs a call: the same request through the same router and the same two commits (its decision and its outcome), with and without the
// observers around them. Everything else is empty, so the difference is what they cost.

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "telemetry/observed_log.h"
#include "telemetry/request_observer.h"

namespace writ {
namespace {

// Takes everything and keeps nothing.
class NoLog final : public audit::DecisionsLog {
 public:
  Task<Result<audit::Committed, Unavailable>> commit(audit::Commit commit) override {
    bytes += audit::to_json_line(commit.record, ++position, "node1").size();   // what is added to a record is written, too
    co_return audit::Committed{false, position};
  }
  std::uint64_t position = 0, bytes = 0;
};

class NoSpans final : public telemetry::SpanSink {
 public:
  void offer(std::vector<telemetry::Span>) override {}
};
class NoLines final : public telemetry::AccessLog {
 public:
  void write(std::string) override {}
};

audit::Commit record(const http::Request& request, audit::Event event) {
  audit::Commit commit;
  commit.record.event = event;
  commit.record.effect = event == audit::Event::call ? audit::Effect::allow : audit::Effect::none;
  commit.record.reason = "allowed", commit.record.user = "usr_0123456789", commit.record.user_name = "alice", commit.record.agent = "cursor", commit.record.client_id = "cursor-at-ras";
  commit.record.server = "notes", commit.record.resource = "https://writ.example.com/mcp/notes", commit.record.method = "tools/call", commit.record.tool = "search";
  commit.record.session = "ses_0123456789012345678901", commit.record.access_token_jti = "0123456789012345678901", commit.record.policy_version = std::string(64, 'a');
  commit.record.peer = request.peer.address, commit.record.trail = request.trail;
  commit.record.status = 200, commit.record.duration_us = 1'000;
  commit.durability = audit::Durability::process;
  return commit;
}

struct World {
  audit::DecisionsLog* log = nullptr;
  Task<http::Response> handle(const http::Request& request) {
    for (const auto event : {audit::Event::call, audit::Event::outcome}) {
      audit::Commit commit = record(request, event);
      const auto committed = co_await log->commit(std::move(commit));
      if (!committed) co_return http::text(503, "");
    }
    co_return http::json(200, "{}");
  }
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) + static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
}

http::Request request() {
  http::Request made;
  made.method = "POST", made.path = "/mcp/notes", made.peer.address = "192.0.2.7";
  made.headers = {{"Host", "writ.example.com"}, {"Content-Type", "application/json"}, {"Accept", "application/json, text/event-stream"}, {"Authorization", "Bearer x"}, {"MCP-Protocol-Version", "2025-11-25"}};
  return made;
}

// Microseconds of processor time for one request; the least of several runs.
template <class Ask>
double measure(const char* what, int requests, const Ask& ask) {
  double least = 1e9;
  for (int round = 0; round < 7; ++round) {
    const double before = cpu_seconds();
    for (int i = 0; i < requests; ++i) ask();
    least = std::min(least, (cpu_seconds() - before) * 1e6 / requests);
  }
  std::printf("%-36s %6.2f us a request\n", what, least);
  return least;
}

void finish(Task<http::Response> task) {
  spawn(std::move(task), [](std::exception_ptr, const std::optional<http::Response>&) {});
}

}  // namespace
}  // namespace writ

int main() {
  using namespace writ;
  constexpr int kRequests = 50'000;
  SystemClock clock;
  NoLog log;
  NoSpans spans;
  NoLines lines;
  telemetry::Registry registry;
  telemetry::Instruments instruments(registry);
  telemetry::ObservedLog observed_log(log, instruments, [](std::string_view name) { return name == "tools/call"; });
  World world;
  http::Router router;
  for (int i = 0; i < 60; ++i) router.add("GET", "/idp/route" + std::to_string(i), [](const http::Request&) -> Task<http::Response> { co_return http::text(200, ""); });   // as many as the program has
  router.add("POST", "/mcp/*", [&world](const http::Request& asked) { return world.handle(asked); });

  world.log = &log;
  const double bare = measure("nothing observed", kRequests, [&] {
    const http::Request asked = request();
    finish(router.handle(asked));
  });
  world.log = &observed_log;
  const auto with = [&](const char* what, telemetry::RequestObserver::Settings settings) {
    const telemetry::RequestObserver observer(instruments, clock, settings, &lines, &spans);
    const http::Handler handler = observer.observe("public", router);
    return measure(what, kRequests, [&] {
      http::Request asked = request();
      observer.begin(asked, false);
      finish(handler(asked));
    });
  };
  std::printf("%-36s %6.2f us more\n", "", with("metrics", {0, false, false}) - bare);
  std::printf("%-36s %6.2f us more\n", "", with("metrics, access log", {0, false, true}) - bare);
  std::printf("%-36s %6.2f us more\n", "", with("metrics, 1 % traced", {0.01, false, false}) - bare);
  std::printf("%-36s %6.2f us more\n", "", with("metrics, all traced, access log", {1, false, true}) - bare);
  return 0;
}
