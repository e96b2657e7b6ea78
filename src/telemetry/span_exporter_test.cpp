#include "telemetry/span_exporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "encoding/json.h"

namespace writ::telemetry {
namespace {

using testing::HasSubstr;

// A collector that answers as it is told.
struct Collector final : http::Outgoing {
  Task<Result<http::OutgoingResponse, http::OutgoingFailure>> fetch(http::OutgoingRequest request) override {
    requests.push_back(std::move(request));
    if (status == 0) co_return unexpected(http::OutgoingFailure{http::OutgoingFailure::Kind::connect, "refused"});
    co_return http::OutgoingResponse{status, {}, "{}"};
  }
  int status = 200;
  std::vector<http::OutgoingRequest> requests;
};

std::vector<Span> spans(std::size_t count) {
  std::vector<Span> made;
  for (std::size_t i = 0; i < count; ++i) {
    Span span;
    span.trace = new_trace_id(), span.id = new_span_id(), span.name = "POST /mcp/*", span.started = from_unix_seconds(1'795'000'000), span.duration = std::chrono::microseconds(1'500);
    made.push_back(std::move(span));
  }
  return made;
}

struct World {
  explicit World(std::size_t queue_max = 100, std::size_t batch_max = 10) {
    SpanExporter::Settings settings;
    settings.url = "https://collector.example/v1/traces";
    settings.resource = {"writ", "0.1.0", "node1"};
    settings.queue_max = queue_max, settings.batch_max = batch_max;
    settings.authorization = [this]() -> Result<Secret, Unavailable> {
      if (!has_secret) return unexpected(Unavailable{"secret"});
      return Secret(std::string("Bearer s3cret"));
    };
    exporter.emplace(collector, instruments, std::move(settings));
  }
  std::string text() const { return registry.text(); }
  Registry registry;
  Instruments instruments{registry};
  Collector collector;
  bool has_secret = true;
  std::optional<SpanExporter> exporter;
};

TEST(SpanExport, SendsWhatACollectorUnderstands) {
  World world;
  auto offered = spans(1);
  Span& span = offered[0];
  span.kind = Span::Kind::server;
  span.parent = new_span_id();
  span.link = TraceContext{new_trace_id(), new_span_id(), true, ""};
  span.attributes = {{"http.route", "/mcp/*"}, {"http.response.status_code", std::int64_t{502}}};
  span.has_failed = true;
  const Span sent = span;
  world.exporter->offer(std::move(offered));
  run(world.exporter->flush());
  ASSERT_EQ(world.collector.requests.size(), 1u);
  const http::OutgoingRequest& request = world.collector.requests[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url, "https://collector.example/v1/traces");
  EXPECT_EQ(*request.headers.find("Content-Type"), "application/json");
  EXPECT_EQ(*request.headers.find("Authorization"), "Bearer s3cret");
  const auto body = json::parse(request.body);
  ASSERT_TRUE(body);
  const json::Value& resource_spans = body->find_array("resourceSpans")->at(0);
  const json::Array& described = *resource_spans.find("resource")->find_array("attributes");
  EXPECT_EQ(json::write(described[0]), R"({"key":"service.name","value":{"stringValue":"writ"}})");
  EXPECT_EQ(json::write(described[2]), R"({"key":"service.instance.id","value":{"stringValue":"node1"}})");
  const json::Value& written = resource_spans.find_array("scopeSpans")->at(0).find_array("spans")->at(0);
  EXPECT_EQ(*written.find_string("traceId"), to_hex(sent.trace));
  EXPECT_EQ(*written.find_string("spanId"), to_hex(sent.id));
  EXPECT_EQ(*written.find_string("parentSpanId"), to_hex(sent.parent));
  EXPECT_EQ(*written.find_int("kind"), 2);
  EXPECT_EQ(*written.find_string("startTimeUnixNano"), "1795000000000000000");
  EXPECT_EQ(*written.find_string("endTimeUnixNano"), "1795000000001500000");
  EXPECT_EQ(json::write(*written.find("attributes")), R"([{"key":"http.route","value":{"stringValue":"/mcp/*"}},{"key":"http.response.status_code","value":{"intValue":"502"}}])");
  EXPECT_EQ(*written.find_array("links")->at(0).find_string("traceId"), to_hex(sent.link->trace));
  EXPECT_EQ(json::write(*written.find("status")), R"({"code":2})");
}

TEST(SpanExport, LeavesOutWhatIsNotThere) {
  const auto body = json::parse(otlp_json({}, spans(1)));
  const json::Value& written = body->find_array("resourceSpans")->at(0).find_array("scopeSpans")->at(0).find_array("spans")->at(0);
  for (const char* absent : {"parentSpanId", "attributes", "links", "status"}) EXPECT_EQ(written.find(absent), nullptr) << absent;
}

TEST(SpanExport, GoesInBatches) {
  World world;
  world.exporter->offer(spans(25));
  run(world.exporter->flush());
  EXPECT_EQ(world.collector.requests.size(), 3u);
  EXPECT_THAT(world.text(), HasSubstr("writ_trace_spans_total{outcome=\"exported\"} 25\n"));
  run(world.exporter->flush());
  EXPECT_EQ(world.collector.requests.size(), 3u) << "nothing is sent twice";
}

TEST(SpanExport, DropsAndCountsWhatFindsNoRoom) {
  World world(100);
  world.exporter->offer(spans(60));
  world.exporter->offer(spans(60));
  world.exporter->offer(spans(60));
  EXPECT_THAT(world.text(), HasSubstr("writ_trace_spans_total{outcome=\"dropped\"} 80\n"));
  run(world.exporter->flush());
  EXPECT_THAT(world.text(), HasSubstr("writ_trace_spans_total{outcome=\"exported\"} 100\n"));
  world.exporter->offer(spans(60));
  EXPECT_THAT(world.text(), HasSubstr("writ_trace_spans_total{outcome=\"dropped\"} 80\n")) << "there is room again";
}

TEST(SpanExport, OfACollectorThatFailsLosesOneBatchATime) {
  for (const int status : {0, 400, 503, 302}) {
    World world;
    world.collector.status = status;
    world.exporter->offer(spans(25));
    run(world.exporter->flush());
    EXPECT_EQ(world.collector.requests.size(), 1u) << status;
    EXPECT_THAT(world.text(), HasSubstr("writ_trace_spans_total{outcome=\"failed\"} 10\n")) << status;
    world.collector.status = 200;
    run(world.exporter->flush());
    EXPECT_THAT(world.text(), HasSubstr("writ_trace_spans_total{outcome=\"exported\"} 15\n")) << status;
  }
}

TEST(SpanExport, SendsNothingWithoutItsSecret) {
  World world;
  world.has_secret = false;
  world.exporter->offer(spans(1));
  run(world.exporter->flush());
  EXPECT_TRUE(world.collector.requests.empty());
  EXPECT_THAT(world.text(), HasSubstr("writ_trace_spans_total{outcome=\"failed\"} 1\n"));
}

TEST(SpanExport, SendsNothingAfterItsEnd) {
  World world;
  world.exporter->offer(spans(5));
  EXPECT_TRUE(run(world.exporter->finish(std::chrono::milliseconds(1'000))));
  EXPECT_EQ(world.collector.requests.size(), 1u);
  world.exporter->offer(spans(5));
  run(world.exporter->flush());
  EXPECT_EQ(world.collector.requests.size(), 1u);
}

}  // namespace
}  // namespace writ::telemetry
