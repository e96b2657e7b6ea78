#include "upstreams/http_sse/http_sse.h"

#include <string>
#include <thread>

#include "upstreams/http_sse/old_server_fixture.h"

namespace writ::upstreams::http_sse {
namespace {

std::string list(const std::string& id, const std::string& token = "") {
  const std::string meta = token.empty() ? "" : R"(,"params":{"_meta":{"progressToken":)" + token + "}}";
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"tools/list")" + meta + "}";
}
std::string answer_to(const std::string& id) { return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{}})"; }
std::string notification(const std::string& method, const std::string& params = "{}") {
  return R"({"jsonrpc":"2.0","method":")" + method + R"(","params":)" + params + "}";
}
std::string event(const std::string& text) { return "data: " + text + "\n\n"; }

// ---- opening

TEST_F(HttpSseTest, InitializeOpensAStreamAndItsAnswerCarriesASessionIdOfOurs) {
  auto answer = send(request("POST", kInitialize));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->status, 200);
  ASSERT_TRUE(answer->headers.find_single("Mcp-Session-Id"));
  EXPECT_EQ(answer->headers.find_single("Mcp-Session-Id")->find("s1"), std::string::npos) << "the server's own id stays here";
  EXPECT_EQ(read(*answer), R"({"jsonrpc":"2.0","id":0,"result":{"ok":true}}[complete])");

  ASSERT_EQ(old.requests.size(), 2u);
  EXPECT_EQ(old.requests[0].method, "GET");
  EXPECT_EQ(old.requests[0].url, "http://127.0.0.1:9000/sse");
  EXPECT_EQ(*old.requests[0].headers.find_single("Accept"), "text/event-stream");
  EXPECT_EQ(old.requests[0].headers.count("Content-Type"), 0u);
  EXPECT_EQ(old.requests[0].body, "");
  EXPECT_EQ(old.requests[0].idle_timeout_ms, 0);
  EXPECT_EQ(old.requests[1].method, "POST");
  EXPECT_EQ(old.requests[1].url, "http://127.0.0.1:9000/messages?sessionId=s1");
  EXPECT_EQ(old.requests[1].body, kInitialize);
  for (const auto& sent : old.requests) {
    EXPECT_EQ(*sent.headers.find_single("X-Key"), "of-the-gateway") << "the credential goes with both";
    EXPECT_EQ(sent.pool_key, "notes\nalice");
  }
}

struct BadOpening {
  const char* name;
  std::function<void(OldServer&)> change;
  Failure::Kind kind;
  const char* detail;
};
class BadOpenings : public HttpSseTest, public testing::WithParamInterface<BadOpening> {};

TEST_P(BadOpenings, FailAndLeaveNothingBehind) {
  GetParam().change(old);
  auto answer = send(request("POST", kInitialize));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, GetParam().kind) << answer.error().detail;
  EXPECT_NE(answer.error().detail.find(GetParam().detail), std::string::npos) << answer.error().detail;
  for (const auto& sent : old.requests) EXPECT_NE(sent.method, "POST") << "nothing may be sent to such a server";
  layer->sweep(clock.now());
  EXPECT_EQ(layer->sessions(), 0u);
  for (const auto& stream : old.streams) EXPECT_TRUE(stream->destroyed);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadOpenings,
    testing::Values(
        BadOpening{"endpoint_elsewhere", [](OldServer& s) { s.first_event = "event: endpoint\ndata: http://127.0.0.1:9001/m\n\n"; }, Failure::Kind::bad_response, "another origin"},
        BadOpening{"message_first", [](OldServer& s) { s.first_event = "data: {}\n\n"; }, Failure::Kind::bad_response, "no usable endpoint"},
        BadOpening{"endpoint_as_message", [](OldServer& s) { s.first_event = "data: /messages\n\n"; }, Failure::Kind::bad_response, "no usable endpoint"},
        BadOpening{"no_event_stream", [](OldServer& s) { s.on_open = [](const auto&) { return OldServer::answer(200, {{"Content-Type", "application/json"}}, "{}"); }; }, Failure::Kind::bad_response, "does not speak HTTP+SSE"},
        BadOpening{"compressed", [](OldServer& s) { s.on_open = [](const auto&) { return OldServer::answer(200, {{"Content-Type", "text/event-stream"}, {"Content-Encoding", "gzip"}}); }; }, Failure::Kind::bad_response, "does not speak"},
        BadOpening{"ends_at_once", [](OldServer& s) { s.on_open = [](const auto&) { return OldServer::answer(200, {{"Content-Type", "text/event-stream"}}); }; }, Failure::Kind::closed, "ended"},
        BadOpening{"refuses_connections", [](OldServer& s) { s.on_open = [](const auto&) { return OldServer::Answer(unexpected(http::UpstreamFailure{http::UpstreamFailure::Kind::connect, "refused"})); }; }, Failure::Kind::connect, "refused"}),
    [](const auto& row) { return row.param.name; });

TEST_F(HttpSseTest, AStatusAtTheStreamIsTheServersOwnWord) {
  old.on_open = [](const auto&) { return OldServer::answer(401, {{"WWW-Authenticate", "Bearer"}}); };
  auto answer = send(request("POST", kInitialize));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 401);   // the layer above knows what to do about the gateway's credential
  EXPECT_EQ(layer->sessions(), 0u);
}

TEST_F(HttpSseTest, AServerThatNamesNoEndpointIsGivenUpInTime) {
  old.first_event = "";
  auto made = request("POST", kInitialize);
  made.http.head_timeout_ms = 60'000;
  auto answer = start(std::move(made));
  clock.passed = Milliseconds{59'999};
  layer->sweep(clock.now());
  settle();
  EXPECT_FALSE(answer->has_value());
  clock.passed = Milliseconds{60'000};
  layer->sweep(clock.now());
  settle();
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((**answer).error().kind, Failure::Kind::timeout);
  EXPECT_TRUE(old.stream().cancelled);
}

TEST_F(HttpSseTest, AClientThatGoesAwayWhileTheSessionOpensEndsIt) {
  old.first_event = "";
  http::Cancellation cancellation;
  auto made = request("POST", kInitialize);
  made.http.cancellation = &cancellation;
  auto answer = start(std::move(made));
  cancellation.request();
  settle();
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((**answer).error().kind, Failure::Kind::closed);
  EXPECT_TRUE(old.stream().destroyed);
}

TEST_F(HttpSseTest, AnErrorToInitializeOpensNoSession) {
  old.on_message = [](auto& stream, const mcp::Message& message) { OldServer::say(stream, json::write(mcp::error_response(message.id(), -32602, "no"))); };
  auto answer = send(request("POST", kInitialize));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->headers.count("Mcp-Session-Id"), 0u);
  settle();
  EXPECT_TRUE(old.stream().destroyed);
}

TEST_F(HttpSseTest, AModernMessageIsAnsweredAsAnOldServerDoes) {
  auto made = request("POST", list("1"));
  made.era = mcp::Era::modern;
  auto answer = send(std::move(made));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 400);
  EXPECT_EQ(read(*answer), "[complete]");
  EXPECT_TRUE(old.requests.empty());
}

// ---- whose session it is

struct Stranger {
  const char* name;
  std::function<void(HttpSseTest&, std::string& session)> change;
};
class Strangers : public HttpSseTest, public testing::WithParamInterface<Stranger> {};

TEST_P(Strangers, FindNoSession) {
  std::string session = open_session();
  GetParam().change(*this, session);
  const auto before = old.requests.size();
  for (const char* method : {"POST", "GET", "DELETE"}) {
    auto answer = send(request(method, std::string(method) == "POST" ? list("1") : "", session));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 404) << method;
  }
  EXPECT_EQ(old.requests.size(), before);
}

INSTANTIATE_TEST_SUITE_P(All, Strangers,
                         testing::Values(Stranger{"another_principal", [](HttpSseTest& test, std::string&) { test.principal = "mallory"; }},
                                         Stranger{"another_server", [](HttpSseTest& test, std::string&) { test.server.id = "wiki"; }},
                                         Stranger{"the_address_changed", [](HttpSseTest& test, std::string&) { test.server.upstream->url = "http://127.0.0.1:9009/sse"; }},
                                         Stranger{"the_servers_own_id", [](HttpSseTest&, std::string& session) { session = "s1"; }},
                                         Stranger{"an_unknown_id", [](HttpSseTest&, std::string& session) { session += "x"; }}),
                         [](const auto& row) { return row.param.name; });

TEST_F(HttpSseTest, WithoutASessionNothingIsSent) {
  EXPECT_EQ(send(request("POST", list("1")))->status, 400);
  EXPECT_EQ(send(request("GET", ""))->status, 405);
  EXPECT_TRUE(old.requests.empty());
}

TEST_F(HttpSseTest, DeleteClosesTheStreamAndTheSessionIsGone) {
  const auto session = open_session();
  EXPECT_EQ(send(request("DELETE", "", session))->status, 200);
  EXPECT_TRUE(old.stream().cancelled);
  EXPECT_EQ(send(request("POST", list("1"), session))->status, 404);
  EXPECT_EQ(layer->sessions(), 0u);
}

TEST_F(HttpSseTest, WhoOpensTooManySessionsLosesItsOldestAndNobodyElses) {
  Settings settings;
  settings.sessions_per_owner_max = 2;
  make(settings);
  principal = "bob";
  const auto of_bob = open_session();
  principal = "alice";
  const auto first = open_session(), second = open_session(), third = open_session();
  EXPECT_EQ(send(request("POST", list("1"), first))->status, 404);
  for (const auto& alive : {second, third}) EXPECT_EQ(send(request("POST", R"({"jsonrpc":"2.0","method":"notifications/initialized"})", alive))->status, 202);
  principal = "bob";
  EXPECT_EQ(send(request("POST", R"({"jsonrpc":"2.0","method":"notifications/initialized"})", of_bob))->status, 202);
}

TEST_F(HttpSseTest, WithoutRoomASessionIsUnavailable) {
  Settings settings;
  settings.sessions_max = 1;
  make(settings);
  open_session();
  principal = "bob";
  auto answer = send(request("POST", kInitialize));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Failure::Kind::unavailable);
  EXPECT_TRUE(old.stream().cancelled);
}

TEST_F(HttpSseTest, AnIdleSessionEndsAndAUsedOneDoesNot) {
  const auto session = open_session();
  clock.passed = Milliseconds{3'600'000};
  layer->sweep(clock.now());
  EXPECT_EQ(send(request("POST", R"({"jsonrpc":"2.0","method":"notifications/initialized"})", session))->status, 202);
  clock.passed += Milliseconds{3'600'000};
  layer->sweep(clock.now());
  EXPECT_EQ(layer->sessions(), 1u);
  clock.passed += Milliseconds{1};
  layer->sweep(clock.now());
  settle();
  EXPECT_EQ(layer->sessions(), 0u);
  EXPECT_TRUE(old.stream().destroyed);
}

TEST_F(HttpSseTest, AStandingStreamKeepsItsSession) {
  const auto session = open_session();
  auto standing = send(request("GET", "", session));
  ASSERT_TRUE(standing);
  clock.passed = Milliseconds{7'200'000};
  layer->sweep(clock.now());
  EXPECT_EQ(layer->sessions(), 1u);
}

// ---- answers

TEST_F(HttpSseTest, AnswersAreHandedToWhoAskedWhateverTheirOrder) {
  const auto session = open_session();
  old.on_message = [](auto&, const auto&) {};
  auto one = start(request("POST", list("1"), session)), two = start(request("POST", list(R"("1")"), session)), three = start(request("POST", list("3"), session));
  EXPECT_FALSE(one->has_value() || two->has_value() || three->has_value());
  for (const char* id : {"3", "1", R"("1")"}) OldServer::say(old.stream(), answer_to(id));
  settle();
  ASSERT_TRUE(one->has_value() && two->has_value() && three->has_value());
  EXPECT_EQ(read(***one), answer_to("1") + "[complete]");
  EXPECT_EQ(read(***two), answer_to(R"("1")") + "[complete]");
  EXPECT_EQ(read(***three), answer_to("3") + "[complete]");
}

TEST_F(HttpSseTest, AnAnswerBeforeThe202IsNotLost) {
  const auto session = open_session();   // the fixture answers on the stream first, then with 202
  auto answer = send(request("POST", list("7"), session));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_TRUE(mcp::is_json(answer->headers));
  EXPECT_EQ(old.requests.back().headers.count("Mcp-Session-Id"), 0u) << "our id is nothing to the server";
}

TEST_F(HttpSseTest, AnAnswerThatNobodyWaitsForIsDropped) {
  const auto session = open_session();
  OldServer::say(old.stream(), answer_to("9"));
  OldServer::say(old.stream(), answer_to("0"));   // that of initialize, again
  settle();
  auto standing = send(request("GET", "", session));
  ASSERT_TRUE(standing);
  EXPECT_EQ(read(*standing), "[open]");
}

TEST_F(HttpSseTest, AnIdInFlightCannotBeUsedAgain) {
  const auto session = open_session();
  old.on_message = [](auto&, const auto&) {};
  auto first = start(request("POST", list("1"), session));
  const auto before = old.requests.size();
  auto second = send(request("POST", list("1"), session));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->status, 400);
  EXPECT_EQ(old.requests.size(), before);
  OldServer::say(old.stream(), answer_to("1"));
  settle();
  ASSERT_TRUE(first->has_value());
  EXPECT_EQ((**first)->status, 200);
  old.on_message = [](auto& stream, const mcp::Message& message) { OldServer::say(stream, json::write(mcp::result_response(*message.id(), json::Object{}))); };
  EXPECT_EQ(send(request("POST", list("1"), session))->status, 200) << "once answered, it can";
}

TEST_F(HttpSseTest, RequestsInFlightAreBounded) {
  Settings settings;
  settings.waiting_max = 2;
  make(settings);
  const auto session = open_session();
  old.on_message = [](auto&, const auto&) {};
  auto one = start(request("POST", list("1"), session)), two = start(request("POST", list("2"), session));
  auto three = send(request("POST", list("3"), session));
  ASSERT_FALSE(three);
  EXPECT_EQ(three.error().kind, Failure::Kind::unavailable);
}

TEST_F(HttpSseTest, AServerThatAcceptsAndNeverAnswersTimesOut) {
  const auto session = open_session();
  old.on_message = [](auto&, const auto&) {};
  auto made = request("POST", list("1"), session);
  made.http.head_timeout_ms = 60'000;
  auto answer = start(std::move(made));
  clock.passed = Milliseconds{60'000};
  layer->sweep(clock.now());
  settle();
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((**answer).error().kind, Failure::Kind::timeout);
  OldServer::say(old.stream(), answer_to("1"));   // too late: for nobody
  settle();
  EXPECT_EQ(send(request("POST", R"({"jsonrpc":"2.0","method":"notifications/initialized"})", session))->status, 202) << "the session goes on";
}

TEST_F(HttpSseTest, AnAnswerThatStopsInTheMiddleIsBrokenAfterTheIdleTime) {
  const auto session = open_session();
  old.on_message = [](auto& stream, const auto&) { OldServer::say(stream, notification("notifications/message")); };
  auto made = request("POST", list("1"), session);
  made.http.idle_timeout_ms = 1'000;
  auto answer = send(std::move(made));
  ASSERT_TRUE(answer);
  ASSERT_TRUE(mcp::is_event_stream(answer->headers));
  auto first = run(executor, answer->body->next());
  EXPECT_EQ(first.value_or(""), event(notification("notifications/message")));
  auto ended = std::make_shared<std::optional<http::StreamEnd>>();
  auto task = answer->body->next();
  executor.post([&task, ended] { spawn(std::move(task), [ended](std::exception_ptr, std::optional<PushedBody::Piece> piece) { *ended = piece->error(); }); });
  settle();
  EXPECT_FALSE(ended->has_value());
  clock.passed = Milliseconds{1'000};
  layer->sweep(clock.now());
  settle();
  EXPECT_EQ(*ended, http::StreamEnd::broken);
}

TEST_F(HttpSseTest, NotificationsAndResponsesAreAccepted) {
  const auto session = open_session();
  for (const char* text : {R"({"jsonrpc":"2.0","method":"notifications/initialized"})", R"({"jsonrpc":"2.0","id":5,"result":{"roots":[]}})"}) {
    auto answer = send(request("POST", text, session));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 202);
    EXPECT_EQ(old.requests.back().body, text);
  }
}

TEST_F(HttpSseTest, ARefusalAtTheEndpointIsHandedOn) {
  const auto session = open_session();
  old.on_post = [](const auto&) { return OldServer::answer(429, {{"Retry-After", "7"}}, "slow down"); };
  auto answer = send(request("POST", list("1"), session));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 429);
  EXPECT_EQ(*answer->headers.find_single("Retry-After"), "7");
  old.on_post = nullptr;
  EXPECT_EQ(send(request("POST", list("1"), session))->status, 200) << "its id is free again";
}

TEST_F(HttpSseTest, AServerThatForgotTheSessionEndsIt) {
  const auto session = open_session();
  old.on_post = [](const auto&) { return OldServer::answer(404); };
  EXPECT_EQ(send(request("POST", list("1"), session))->status, 404);
  old.on_post = nullptr;
  EXPECT_EQ(send(request("POST", list("2"), session))->status, 404);
  EXPECT_TRUE(old.stream().cancelled);
}

TEST_F(HttpSseTest, TheEndOfTheStreamFailsWhatWaitsAndEndsTheSession) {
  const auto session = open_session();
  old.on_message = [](auto&, const auto&) {};
  auto standing = send(request("GET", "", session));
  ASSERT_TRUE(standing);
  auto one = start(request("POST", list("1"), session)), two = start(request("POST", list("2"), session));
  old.stream().finish(http::StreamEnd::complete);
  settle();
  for (const auto& answer : {one, two}) {
    ASSERT_TRUE(answer->has_value());
    ASSERT_FALSE(**answer);
    EXPECT_EQ((**answer).error().kind, Failure::Kind::closed);
  }
  EXPECT_EQ(read(*standing), "[broken]");
  EXPECT_EQ(send(request("POST", list("3"), session))->status, 404) << "the client starts over";
}

TEST_F(HttpSseTest, AnEventThatIsTooLargeEndsTheSession) {
  Settings settings;
  settings.event_bytes_max = 1'000;
  make(settings);
  const auto session = open_session();
  old.on_message = [](auto&, const auto&) {};
  auto answer = start(request("POST", list("1"), session));
  OldServer::say(old.stream(), R"({"jsonrpc":"2.0","id":1,"result":{"text":")" + std::string(2'000, 'x') + R"("}})");
  settle();
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((**answer).error().kind, Failure::Kind::bad_response);
  EXPECT_TRUE(old.stream().destroyed);
}

// ---- what belongs to what

struct Routing {
  const char* name;
  const char* said;                    // by the server, while requests 1 (token "a") and 2 (token 7) are in flight, or only 1
  int in_flight;
  bool has_standing;
  const char* where;                   // "1", "2", "standing", "later"
};
class Routes : public HttpSseTest, public testing::WithParamInterface<Routing> {};

TEST_P(Routes, GoWhereTheyBelong) {
  const Routing& row = GetParam();
  const auto session = open_session();
  old.on_message = [](auto&, const auto&) {};
  std::vector<std::shared_ptr<std::optional<Answer>>> answers;
  if (row.in_flight > 0) answers.push_back(start(request("POST", list("1", R"("a")"), session)));
  if (row.in_flight > 1) answers.push_back(start(request("POST", list("2", "7"), session)));
  std::optional<Answer> standing;
  if (row.has_standing) standing.emplace(send(request("GET", "", session)));
  OldServer::say(old.stream(), row.said);
  for (int i = 1; i <= row.in_flight; ++i) OldServer::say(old.stream(), answer_to(std::to_string(i)));
  settle();
  for (int i = 1; i <= row.in_flight; ++i) {
    ASSERT_TRUE(answers[static_cast<std::size_t>(i - 1)]->has_value());
    auto& answer = ***answers[static_cast<std::size_t>(i - 1)];
    const bool is_here = std::to_string(i) == row.where;
    EXPECT_EQ(mcp::is_event_stream(answer.headers), is_here) << i;
    EXPECT_EQ(read(answer), is_here ? event(row.said) + event(answer_to(std::to_string(i))) + "[complete]" : answer_to(std::to_string(i)) + "[complete]");
  }
  if (!row.has_standing) standing.emplace(send(request("GET", "", session)));
  const bool is_here = std::string(row.where) == (row.has_standing ? "standing" : "later");
  EXPECT_EQ(read(**standing), (is_here ? event(row.said) : "") + "[open]");
}

constexpr const char* kProgressOf2 = R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7,"progress":1}})";
constexpr const char* kProgressOfText7 = R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"7","progress":1}})";
constexpr const char* kLog = R"({"jsonrpc":"2.0","method":"notifications/message","params":{}})";
constexpr const char* kChanged = R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})";
constexpr const char* kSampling = R"({"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}})";

INSTANTIATE_TEST_SUITE_P(All, Routes,
                         testing::Values(Routing{"progress_to_its_request", kProgressOf2, 2, true, "2"},
                                         Routing{"a_token_of_another_type_is_another", kProgressOfText7, 2, true, "standing"},
                                         Routing{"a_log_line_to_the_only_request", kLog, 1, true, "1"},
                                         Routing{"a_log_line_to_the_standing_stream_with_two", kLog, 2, true, "standing"},
                                         Routing{"a_log_line_to_the_oldest_without_one", kLog, 2, false, "1"},
                                         Routing{"a_log_line_with_nothing_in_flight", kLog, 0, true, "standing"},
                                         Routing{"a_log_line_waits", kLog, 0, false, "later"},
                                         Routing{"a_request_of_the_server_to_the_only_one", kSampling, 1, true, "1"},
                                         Routing{"a_request_of_the_server_with_two", kSampling, 2, true, "standing"},
                                         Routing{"a_request_of_the_server_is_not_left_waiting", kSampling, 2, false, "1"},
                                         Routing{"news_to_the_standing_stream", kChanged, 1, true, "standing"},
                                         Routing{"news_to_the_only_request_without_one", kChanged, 1, false, "1"},
                                         Routing{"news_can_wait", kChanged, 2, false, "later"}),
                         [](const auto& row) { return row.param.name; });

TEST_F(HttpSseTest, ACancelledRequestTakesNothingMore) {
  const auto session = open_session();
  old.on_message = [](auto&, const auto&) {};
  auto one = start(request("POST", list("1"), session)), two = start(request("POST", list("2"), session));
  EXPECT_EQ(send(request("POST", notification("notifications/cancelled", R"({"requestId":1})"), session))->status, 202);
  OldServer::say(old.stream(), kLog);
  settle();
  EXPECT_FALSE(one->has_value());
  ASSERT_TRUE(two->has_value());
  EXPECT_TRUE(mcp::is_event_stream((**two)->headers));
}

TEST_F(HttpSseTest, AServerThatAnswersThePostWhenTheWorkIsDoneMayAskMeanwhile) {
  const auto session = open_session();
  old.holds_posts = true;
  old.on_message = [](auto& stream, const mcp::Message& message) {
    if (message.method() == "tools/list") OldServer::say(stream, kSampling);
  };
  auto answer = start(request("POST", list("1"), session));
  ASSERT_TRUE(answer->has_value()) << "the question must not wait for the answer to the POST";
  ASSERT_TRUE(**answer) << (**answer).error().detail;
  auto& stream = ***answer;
  EXPECT_EQ(run(executor, stream.body->next()).value_or(""), event(kSampling));
  OldServer::say(old.stream(), answer_to("1"));
  std::exchange(*old.held_posts[0], nullptr)(true);
  EXPECT_EQ(read(stream), event(answer_to("1")) + "[complete]");
  EXPECT_EQ(old.cancelled_posts, 0);
}

TEST_F(HttpSseTest, APostThatBreaksAfterTheServerBeganToAnswerEndsNothing) {
  const auto session = open_session();
  old.holds_posts = true;
  old.on_message = [](auto& stream, const auto&) { OldServer::say(stream, kLog); };
  auto answer = start(request("POST", list("1"), session));
  ASSERT_TRUE(answer->has_value());
  std::exchange(*old.held_posts[0], nullptr)(false);
  OldServer::say(old.stream(), answer_to("1"));
  EXPECT_EQ(read(***answer), event(kLog) + event(answer_to("1")) + "[complete]");
}

struct GivenUp {
  const char* name;
  bool has_begun;      // the answer
};
class GivenUpRequests : public HttpSseTest, public testing::WithParamInterface<GivenUp> {};

TEST_P(GivenUpRequests, EndTheirPost) {
  const auto session = open_session();
  old.holds_posts = true;
  old.on_message = [](auto& stream, const auto&) {
    if (GetParam().has_begun) OldServer::say(stream, kLog);
  };
  http::Cancellation cancellation;
  auto made = request("POST", list("1"), session);
  made.http.cancellation = &cancellation;
  auto answer = start(std::move(made));
  EXPECT_EQ(answer->has_value(), GetParam().has_begun);
  if (GetParam().has_begun) (**answer)->body = nullptr;
  else cancellation.request();
  settle();
  EXPECT_EQ(old.cancelled_posts, 1);
  ASSERT_TRUE(answer->has_value());
  if (!GetParam().has_begun) {
    EXPECT_EQ((**answer).error().kind, Failure::Kind::closed);
  }
}
INSTANTIATE_TEST_SUITE_P(All, GivenUpRequests, testing::Values(GivenUp{"before_the_answer", false}, GivenUp{"in_the_middle", true}), [](const auto& row) { return row.param.name; });

TEST_F(HttpSseTest, OneStandingStreamAtATime) {
  const auto session = open_session();
  auto first = send(request("GET", "", session));
  EXPECT_EQ(send(request("GET", "", session))->status, 409);
  first->body = nullptr;
  EXPECT_EQ(send(request("GET", "", session))->status, 200) << "after the first has gone";
}

TEST_F(HttpSseTest, WhatIsKeptForAStandingStreamIsBounded) {
  Settings settings;
  settings.early_messages_max = 2;
  make(settings);
  const auto session = open_session();
  for (const char* n : {"1", "2", "3"}) OldServer::say(old.stream(), notification("notifications/message", std::string(R"({"n":)") + n + "}"));
  settle();
  auto standing = send(request("GET", "", session));
  EXPECT_EQ(read(*standing), event(notification("notifications/message", R"({"n":2})")) + event(notification("notifications/message", R"({"n":3})")) + "[open]");
}

TEST_F(HttpSseTest, AReaderThatNeverReadsStopsTheReadingAndCostsABoundedBuffer) {
  Settings settings;
  settings.backlog_bytes_max = 4'000;
  make(settings);
  const auto session = open_session();
  auto standing = send(request("GET", "", session));
  ASSERT_TRUE(standing);
  const std::string large = notification("notifications/message", R"({"data":")" + std::string(1'000, 'x') + R"("})");
  for (int i = 0; i < 50; ++i) OldServer::say(old.stream(), large);
  settle();
  EXPECT_GE(old.stream().pieces.size(), 44u) << "not read any further";
  int got = 0;
  while (got < 50) {
    auto piece = run(executor, standing->body->next());
    ASSERT_TRUE(piece);
    EXPECT_EQ(*piece, event(large));
    ++got;
  }
  EXPECT_TRUE(old.stream().pieces.empty());
}

TEST_F(HttpSseTest, WhatIsNoMessageIsDropped) {
  const auto session = open_session();
  old.stream().push("data: not json\n\nevent: endpoint\ndata: http://evil.example/\n\nevent: other\ndata: " + std::string(kLog) + "\n\n: comment\n\ndata: [1]\n\n");
  settle();
  EXPECT_EQ(send(request("POST", list("1"), session))->status, 200);
  EXPECT_EQ(old.requests.back().url, "http://127.0.0.1:9000/messages?sessionId=s1") << "a second endpoint changes nothing";
  auto standing = send(request("GET", "", session));
  EXPECT_EQ(read(*standing), "[open]");
}

TEST_F(HttpSseTest, TheStreamMayBeCutAnywhere) {
  const auto session = open_session();
  const std::string text = "event: message\r\ndata: " + answer_to("1") + "\r\n\r\n";
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    old.on_message = [](auto&, const auto&) {};
    auto answer = start(request("POST", list("1"), session));
    old.stream().push(text.substr(0, cut));
    old.stream().push(text.substr(cut));
    settle();
    ASSERT_TRUE(answer->has_value()) << cut;
    EXPECT_EQ(read(***answer), answer_to("1") + "[complete]");
  }
}

// ---- threads

TEST(HttpSseInbox, CarriesMessagesFromOneLoopToAnother) {
  QueueExecutor reader, taker;
  constexpr int kMessages = 5'000;
  std::shared_ptr<Backlog> backlog;
  std::shared_ptr<Inbox> inbox;
  {
    const Executor::Scope scope(taker);
    backlog = std::make_shared<Backlog>(reader, 100);
    inbox = std::make_shared<Inbox>(backlog);
  }
  std::thread writing([&] {
    const Executor::Scope scope(reader);
    struct Write {
      static Task<void> all(Inbox& to, Backlog& room) {
        for (int i = 0; i < kMessages; ++i) {
          to.put({std::to_string(i), i == kMessages - 1, false});
          co_await room.until_room();
        }
      }
    };
    run(reader, Write::all(*inbox, *backlog));
  });
  {
    const Executor::Scope scope(taker);
    for (int i = 0; i < kMessages; ++i) {
      auto item = run(taker, inbox->take(Instant::max()));
      ASSERT_TRUE(item);
      ASSERT_EQ(item->text, std::to_string(i));
      ASSERT_EQ(item->is_last, i == kMessages - 1);
    }
  }
  writing.join();
  inbox->end({Failure::Kind::closed, "over", "", std::nullopt});
  const Executor::Scope scope(taker);
  EXPECT_EQ(run(taker, inbox->take(Instant::max())).error().detail, "over");
}

}  // namespace
}  // namespace writ::upstreams::http_sse
