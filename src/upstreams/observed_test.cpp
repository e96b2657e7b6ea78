#include "upstreams/observed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "telemetry/trail.h"

namespace writ::upstreams {
namespace {

using testing::HasSubstr;

// A server that answers as it is told.
struct Below final : Upstream {
  Task<Result<http::UpstreamResponse, Failure>> send(Request request) override {
    headers = request.http.headers;
    if (failure) co_return unexpected(*failure);
    http::UpstreamResponse response;
    response.status = status;
    co_return response;
  }
  int status = 200;
  std::optional<Failure> failure;
  http::Headers headers;
};

struct World {
  Result<http::UpstreamResponse, Failure> send(std::shared_ptr<telemetry::Trail> trail = nullptr) {
    Request request;
    registry::Objects objects;
    registry::Server notes;
    notes.id = "notes";
    objects.servers.push_back(notes);
    request.snapshot = std::make_shared<registry::Snapshot>(std::move(objects), 1);
    request.server = request.snapshot->server("notes");
    request.trail = std::move(trail);
    request.http.method = "POST";
    request.http.headers = {{"traceparent", "of the request"}};
    return run(observed.send(std::move(request)));
  }
  std::string text() const { return registry.text(); }
  telemetry::Registry registry;
  telemetry::Instruments instruments{registry};
  Below below;
  Observed observed{below, instruments};
};

std::shared_ptr<telemetry::Trail> traced(bool is_sampled) {
  auto trail = std::make_shared<telemetry::Trail>();
  trail->own = telemetry::TraceContext{telemetry::new_trace_id(), telemetry::new_span_id(), is_sampled, "a=1"};
  trail->started_steady = std::chrono::steady_clock::now();
  return trail;
}

TEST(ObservedUpstream, CountsWhatCameOfEachRequest) {
  struct Row {
    const char* outcome;
    int status;
    std::optional<Failure::Kind> failure;
  };
  using Kind = Failure::Kind;
  for (const Row& row : {Row{"answered", 200, {}}, Row{"answered", 202, {}}, Row{"refused", 404, {}}, Row{"error_status", 503, {}}, Row{"connect", 0, Kind::connect}, Row{"tls", 0, Kind::tls},
                         Row{"timeout", 0, Kind::timeout}, Row{"bad_response", 0, Kind::bad_response}, Row{"closed", 0, Kind::closed}, Row{"credential", 0, Kind::credential},
                         Row{"needs_account", 0, Kind::needs_account}, Row{"unavailable", 0, Kind::unavailable}, Row{"not_translatable", 0, Kind::not_translatable}}) {
    World world;
    world.below.status = row.status;
    if (row.failure) world.below.failure = Failure{*row.failure, "", "", std::nullopt};
    const auto sent = world.send();
    EXPECT_EQ(sent.has_value(), !row.failure) << row.outcome;
    EXPECT_THAT(world.text(), HasSubstr("writ_upstream_requests_total{server=\"notes\",outcome=\"" + std::string(row.outcome) + "\"} 1\n"));
    EXPECT_THAT(world.text(), HasSubstr("writ_upstream_request_duration_seconds_count{server=\"notes\"} 1\n"));
  }
}

TEST(ObservedUpstream, IsToldTheStepThatAsksIt) {
  World world;
  const auto trail = traced(true);
  ASSERT_TRUE(world.send(trail));
  ASSERT_EQ(trail->spans.size(), 1u);
  const telemetry::Span& span = trail->spans[0];
  EXPECT_EQ(span.kind, telemetry::Span::Kind::client);
  EXPECT_EQ(span.parent, trail->own->span);
  EXPECT_FALSE(span.has_failed);
  const std::string* parent = world.below.headers.find_single("traceparent");
  ASSERT_NE(parent, nullptr);
  EXPECT_EQ(*parent, "00-" + telemetry::to_hex(trail->own->trace) + "-" + telemetry::to_hex(span.id) + "-01");
  EXPECT_EQ(*world.below.headers.find_single("tracestate"), "a=1");
}

TEST(ObservedUpstream, ThatFailsIsAFailedStep) {
  World world;
  world.below.status = 500;
  const auto trail = traced(true);
  ASSERT_TRUE(world.send(trail));
  EXPECT_TRUE(trail->spans.at(0).has_failed);
}

TEST(ObservedUpstream, HearsNothingNewWhenNothingIsTraced) {
  for (const auto& trail : {std::shared_ptr<telemetry::Trail>(), traced(false)}) {
    World world;
    ASSERT_TRUE(world.send(trail));
    EXPECT_EQ(*world.below.headers.find_single("traceparent"), "of the request");
  }
}

}  // namespace
}  // namespace writ::upstreams
