#include "telemetry/request_observer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "encoding/json.h"

namespace writ::telemetry {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct FixedClock final : Clock {
  Instant now() const override { return from_unix_seconds(1'795'000'000); }
};
struct KeptLines final : AccessLog {
  void write(std::string line) override { lines.push_back(std::move(line)); }
  std::vector<std::string> lines;
};
struct KeptSpans final : SpanSink {
  void offer(std::vector<Span> offered) override {
    for (Span& span : offered) spans.push_back(std::move(span));
  }
  std::vector<Span> spans;
};

class Pieces final : public http::BodyStream {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  Task<Result<std::string, http::StreamEnd>> next() override {
    if (at_ < pieces_.size()) co_return pieces_[at_++];
    co_return unexpected(http::StreamEnd::complete);
  }
  void cancel() override { at_ = pieces_.size(); }

 private:
  std::vector<std::string> pieces_;
  std::size_t at_ = 0;
};

struct World {
  explicit World(RequestObserver::Settings settings = {0, false, true}) : observer(instruments, clock, settings, &lines, &spans) {
    http::Router role;
    role.add("POST", "/mcp/*", [this](const http::Request& asked) { return handle(asked); });
    role.add("GET", "/stream", [](const http::Request&) { return stream(); });
    role.add("GET", "/throws", [](const http::Request&) -> Task<http::Response> {
      throw std::runtime_error("x");
      co_return http::Response();
    });
    router.add_all(role, "gateway");
  }
  static Task<http::Response> stream() {
    http::Response response;
    response.stream = std::make_unique<Pieces>(std::vector<std::string>{"one", "three"});
    co_return response;
  }
  Task<http::Response> handle(const http::Request& asked) {
    seen = asked.trail;
    asked.trail->user = "usr_1", asked.trail->agent = "cursor", asked.trail->server = "notes", asked.trail->reason = "no_grant", asked.trail->code = "W-7K2F-9Q";
    asked.trail->rpc_method = "tools/call";
    { Step step(asked.trail, "decide"); }
    co_return http::text(200, "four");
  }
  http::Response ask(http::Request request, bool proxied = false) {
    request.peer.address = "192.0.2.7";
    observer.begin(request, proxied);
    const http::Handler handler = observer.observe("public", router);
    return run(handler(request));
  }
  static http::Request post(http::Headers headers = {}) {
    http::Request request;
    request.method = "POST", request.path = "/mcp/notes", request.query = "access_token=eyJsecret", request.body = "12345", request.headers = std::move(headers);
    request.headers.add("Authorization", "Bearer eyJsecret");
    return request;
  }
  json::Value line(std::size_t index = 0) { return *json::parse(lines.lines.at(index)); }
  std::string text() const { return registry.text(); }

  Registry registry;
  Instruments instruments{registry};
  FixedClock clock;
  KeptLines lines;
  KeptSpans spans;
  http::Router router;
  RequestObserver observer;
  std::shared_ptr<Trail> seen;
};

TEST(RequestIds, OfATrustedProxyAreKeptAndOthersMadeAnew) {
  struct Row {
    const char* name;
    bool proxied;
    http::Headers headers;
    bool is_kept;
  };
  for (const Row& row : {Row{"of a proxy", true, {{"X-Request-Id", "abc-1._Z"}}, true}, Row{"of a stranger", false, {{"X-Request-Id", "abc-1._Z"}}, false},
                         Row{"absent", true, {}, false}, Row{"twice", true, {{"X-Request-Id", "abc-1._Z"}, {"X-Request-Id", "abc-1._Z"}}, false},
                         Row{"with a space", true, {{"X-Request-Id", "a b"}}, false}, Row{"with a quote", true, {{"X-Request-Id", "a\"b"}}, false},
                         Row{"too long", true, {{"X-Request-Id", std::string(65, 'a')}}, false}, Row{"empty", true, {{"X-Request-Id", ""}}, false}}) {
    World world;
    const auto response = world.ask(World::post(row.headers), row.proxied);
    const std::string* id = response.headers.find_single("X-Request-Id");
    ASSERT_NE(id, nullptr) << row.name;
    EXPECT_EQ(*id == "abc-1._Z", row.is_kept) << row.name;
    EXPECT_TRUE(is_request_id(*id)) << row.name;
    EXPECT_EQ(*world.line().find_string("request_id"), *id) << row.name;
  }
}

TEST(AccessLine, SaysWhoAndWhatAndNoSecret) {
  World world;
  world.ask(World::post());
  const json::Value line = world.line();
  for (const auto& [name, value] : {std::pair{"time", "2026-11-18T11:06:40.000Z"}, {"listener", "public"}, {"role", "gateway"}, {"route", "/mcp/*"}, {"method", "POST"}, {"path", "/mcp/notes"},
                                    {"peer", "192.0.2.7"}, {"user", "usr_1"}, {"agent", "cursor"}, {"server", "notes"}, {"rpc_method", "tools/call"}, {"reason", "no_grant"}, {"code", "W-7K2F-9Q"}}) {
    ASSERT_NE(line.find_string(name), nullptr) << name;
    EXPECT_EQ(*line.find_string(name), value);
  }
  EXPECT_EQ(*line.find_int("status"), 200);
  EXPECT_EQ(*line.find_int("bytes_in"), 5);
  EXPECT_EQ(*line.find_int("bytes_out"), 4);
  EXPECT_EQ(line.find("stream"), nullptr);
  EXPECT_THAT(world.lines.lines[0], Not(HasSubstr("eyJ"))) << "neither query nor header fields are logged (S6)";
}

TEST(AccessLine, ShowsNoTokenThatWasPutIntoThePath) {
  EXPECT_EQ(shown_path("/mcp/notes"), "/mcp/notes");
  EXPECT_EQ(shown_path("/admin/v1/users/usr_12345678901234567890/x"), "/admin/v1/users/usr_12345678901234567890/x");
  EXPECT_EQ(shown_path("/mcp/" + std::string(41, 'e') + "/x"), "/mcp/.../x");
  EXPECT_EQ(shown_path(std::string(41, 'e')), "/...");
  EXPECT_LE(shown_path("/" + std::string(100, '/') + std::string(2'000, '/')).size(), 300u);
}

TEST(AccessLine, IsOneLineOfJsonWhateverWasSent) {
  World world;
  http::Request request = World::post();
  request.method = "PO\"ST\n{", request.path = "/a\"b\n\x01\xE2\x80\xAE";
  world.ask(request);
  EXPECT_THAT(world.lines.lines[0], Not(HasSubstr("\n")));
  EXPECT_EQ(*world.line().find_string("path"), "/a\"b?????");
  EXPECT_THAT(world.text(), HasSubstr("writ_http_requests_total{role=\"none\",route=\"none\",method=\"other\",status_class=\"4xx\"} 1"));
}

TEST(AccessLine, IsNotWrittenWhenThereIsNoAccessLog) {
  World world({0, false, false});
  world.ask(World::post());
  EXPECT_TRUE(world.lines.lines.empty());
}

TEST(Requests, AreCountedByTheirRoute) {
  World world;
  for (int i = 0; i < 3; ++i) world.ask(World::post());
  EXPECT_THAT(world.text(), HasSubstr("writ_http_requests_total{role=\"gateway\",route=\"/mcp/*\",method=\"POST\",status_class=\"2xx\"} 3"));
  EXPECT_THAT(world.text(), HasSubstr("writ_http_request_duration_seconds_count{role=\"gateway\",route=\"/mcp/*\"} 3"));
  EXPECT_THAT(world.text(), HasSubstr("writ_http_requests_in_flight 0"));
}

TEST(Requests, OfAHandlerThatThrowsAreCounted) {
  World world;
  http::Request request;
  request.method = "GET", request.path = "/throws";
  EXPECT_THROW(world.ask(request), std::runtime_error);
  EXPECT_EQ(*world.line().find_int("status"), 500);
  EXPECT_THAT(world.text(), HasSubstr("writ_http_requests_in_flight 0"));
}

TEST(Streams, AreCountedWhenTheyEnd) {
  World world;
  http::Request request;
  request.method = "GET", request.path = "/stream";
  auto response = world.ask(request);
  EXPECT_THAT(world.text(), HasSubstr("writ_http_streams 1"));
  EXPECT_TRUE(world.lines.lines.empty());
  while (true) {
    const auto piece = run(response.stream->next());
    if (!piece) break;
  }
  response.stream.reset();
  EXPECT_EQ(*world.line().find_int("bytes_out"), 8);
  EXPECT_TRUE(*world.line().find_bool("stream"));
  EXPECT_EQ(world.line().find("broken"), nullptr);
  EXPECT_THAT(world.text(), HasSubstr("writ_http_streams 0"));
  EXPECT_THAT(world.text(), HasSubstr("writ_http_stream_duration_seconds_count 1"));
}

TEST(Streams, ThatAreTakenBackAreBroken) {
  World world;
  http::Request request;
  request.method = "GET", request.path = "/stream";
  auto response = world.ask(request);
  response.stream->cancel();
  response.stream.reset();
  EXPECT_TRUE(*world.line().find_bool("broken"));
}

TEST(Tracing, OffPassesOnWhatCame) {
  World world;
  world.ask(World::post({{"traceparent", kParent}, {"tracestate", "a=1"}}));
  ASSERT_NE(world.seen->onward(), nullptr);
  EXPECT_EQ(write_traceparent(*world.seen->onward()), kParent);
  EXPECT_EQ(world.seen->onward()->state, "a=1");
  EXPECT_TRUE(world.spans.spans.empty());
  EXPECT_EQ(*world.line().find_string("trace_id"), kParent.substr(3, 32));
  world.ask(World::post());
  EXPECT_EQ(world.seen->onward(), nullptr) << "nothing came, and nothing is made up";
}

TEST(Tracing, LinksTheTraceOfASenderThatIsNotTrusted) {
  World world({1, false, true});
  world.ask(World::post({{"traceparent", kParent}, {"tracestate", "a=1"}}));
  ASSERT_EQ(world.spans.spans.size(), 2u);
  const Span &step = world.spans.spans[0], &request = world.spans.spans[1];
  EXPECT_EQ(request.name, "POST /mcp/*");
  EXPECT_EQ(request.kind, Span::Kind::server);
  EXPECT_NE(to_hex(request.trace), kParent.substr(3, 32)) << "a trace of its own";
  EXPECT_EQ(request.parent, SpanId{});
  ASSERT_TRUE(request.link);
  EXPECT_EQ(to_hex(request.link->trace), kParent.substr(3, 32));
  EXPECT_EQ(step.name, "decide");
  EXPECT_EQ(step.parent, request.id);
  EXPECT_EQ(step.trace, request.trace);
  EXPECT_EQ(world.seen->onward()->trace, request.trace);
  EXPECT_EQ(world.seen->onward()->state, "") << "the state belongs to the sender's trace";
}

TEST(Tracing, ContinuesTheTraceOfASenderThatIsTrusted) {
  World world({0.000001, true, true});
  world.ask(World::post({{"traceparent", kParent}, {"tracestate", "a=1"}}));
  ASSERT_EQ(world.spans.spans.size(), 2u) << "the sender said that it is sampled";
  EXPECT_EQ(to_hex(world.spans.spans[1].trace), kParent.substr(3, 32));
  EXPECT_EQ(to_hex(world.spans.spans[1].parent), kParent.substr(36, 16));
  EXPECT_FALSE(world.spans.spans[1].link);
  EXPECT_EQ(world.seen->onward()->state, "a=1");
  world.ask(World::post({{"traceparent", kParent.substr(0, 53) + "00"}}));
  EXPECT_EQ(world.spans.spans.size(), 2u) << "the sender said that it is not";
  EXPECT_EQ(to_hex(world.seen->onward()->trace), kParent.substr(3, 32));
}

TEST(Tracing, OfWhatIsNotSampledMakesNoSpansButOneTrace) {
  World world({1e-12, false, true});
  world.ask(World::post({{"traceparent", kParent}}));
  EXPECT_TRUE(world.spans.spans.empty());
  ASSERT_NE(world.seen->onward(), nullptr);
  EXPECT_FALSE(world.seen->onward()->is_sampled) << "a stranger's word makes nobody behind us trace";
  EXPECT_NE(to_hex(world.seen->onward()->trace), kParent.substr(3, 32));
}

TEST(Tracing, SamplesAboutTheShareThatIsAskedFor) {
  World world({0.25, false, false});
  for (int i = 0; i < 4'000; ++i) world.ask(World::post());
  const auto requests = std::count_if(world.spans.spans.begin(), world.spans.spans.end(), [](const Span& span) { return span.kind == Span::Kind::server; });
  EXPECT_NEAR(static_cast<double>(requests), 1'000, 200);
}

TEST(Tracing, HoldsNoSecret) {
  World world({1, false, true});
  world.ask(World::post());
  for (const Span& span : world.spans.spans) {
    EXPECT_THAT(span.name, Not(HasSubstr("eyJ")));
    for (const Attribute& attribute : span.attributes) {
      if (const auto* text = std::get_if<std::string>(&attribute.value)) {
        EXPECT_THAT(*text, Not(HasSubstr("eyJ"))) << attribute.key;
        EXPECT_THAT(*text, Not(HasSubstr("usr_1"))) << attribute.key << ": people are named in the audit trail, not at a collector";
      }
    }
  }
}

TEST(Steps, OfOneRequestAreBoundedAndEndWithIt) {
  World world({1, false, true});
  http::Request request;
  world.observer.begin(request, false);
  for (int i = 0; i < 1'000; ++i) Step step(request.trail, "again");
  EXPECT_EQ(request.trail->spans.size(), 64u);
  request.trail->is_over = true;
  request.trail->spans.clear();
  { Step late(request.trail, "late"); }
  EXPECT_TRUE(request.trail->spans.empty());
}

}  // namespace
}  // namespace writ::telemetry
