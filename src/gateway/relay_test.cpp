#include "gateway/relay.h"

#include <algorithm>

#include "gateway/gateway_fixture.h"

namespace writ::gateway {
namespace {

std::string data(const std::string& text) { return "data: " + text + "\n\n"; }
std::string progress(int step) {
  return R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":)" + std::to_string(step) + "}}";
}
const std::string kAnswer = R"({"jsonrpc":"2.0","id":1,"result":{"content":[]}})";
const std::string kTools = R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"search_notes"},{"name":"forget"}]}})";
const std::string kListTools = R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})";

class Streams : public GatewayTest {
 public:
  // One piece of the answer; "" and how it ended.
  std::string next(http::Response& response) {
    auto piece = run(executor, response.stream->next());
    if (!piece) ended = piece.error();
    return piece ? *piece : "";
  }
  void answer_with(std::vector<std::string> pieces, std::optional<http::StreamEnd> end = http::StreamEnd::complete) {
    upstream.respond = [this, pieces, end](const http::UpstreamRequest&) { return upstream.events(pieces, end); };
  }
  // A stream that waits: what the connection does.
  struct Waiting {
    std::optional<Result<std::string, http::StreamEnd>> piece;
  };
  std::shared_ptr<Waiting> wait_for_next(http::Response& response) {
    auto waiting = std::make_shared<Waiting>();
    auto done = [waiting](std::exception_ptr, std::optional<Result<std::string, http::StreamEnd>> piece) { waiting->piece = std::move(piece); };
    spawn(response.stream->next(), std::move(done));
    return waiting;
  }
  std::string open_session() {
    upstream.respond = [this](const http::UpstreamRequest&) { return upstream.json(kAnswer, {{"Mcp-Session-Id", "up"}}); };
    const http::Response response = post(R"({"jsonrpc":"2.0","id":1,"method":"initialize"})");
    return *response.headers.find_single("Mcp-Session-Id");
  }
  http::Request with_session(http::Request made, const std::string& id) const {
    made.headers.add("Mcp-Session-Id", id);
    return made;
  }
  std::optional<http::StreamEnd> ended;
};

TEST_F(Streams, EventsArriveWhileTheCallIsStillRunning) {
  answer_with({data(progress(1))}, std::nullopt);
  http::Response response = post(call_text("search_notes"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.headers.find_single("Content-Type"), "text/event-stream");
  EXPECT_EQ(*response.headers.find_single("X-Accel-Buffering"), "no");
  EXPECT_EQ(next(response), data(progress(1)));
  const auto waiting = wait_for_next(response);
  EXPECT_FALSE(waiting->piece);
  upstream.body->push(data(kAnswer));
  ASSERT_TRUE(waiting->piece);
  EXPECT_EQ(**waiting->piece, data(kAnswer));
  upstream.body->finish(http::StreamEnd::complete);
  EXPECT_EQ(next(response), "");
  EXPECT_EQ(ended, http::StreamEnd::complete);
  const auto outcomes = records(audit::Event::outcome);
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].reason, "completed");
  EXPECT_EQ(outcomes[0].bytes, static_cast<std::int64_t>(data(progress(1)).size() + data(kAnswer).size()));
}

TEST_F(Streams, NothingIsReadAheadOfTheClient) {
  answer_with({data(progress(1)), data(progress(2)), data(progress(3)), data(kAnswer)});
  http::Response response = post(call_text("search_notes"));
  EXPECT_EQ(upstream.body->taken, 0);
  next(response);
  EXPECT_EQ(upstream.body->taken, 1);
}

TEST_F(Streams, ListsAreFilteredHoweverTheStreamIsCut) {
  const std::string stream = "id: 7\n" + data(progress(1)) + "event: message\r\nid: 8\r\ndata: " + kTools + "\r\n\r\n";
  for (std::size_t at = 1; at < stream.size(); at += 5) {
    answer_with({stream.substr(0, at), stream.substr(at)});
    http::Response response = post(kListTools);
    const std::string all = read_all(response);
    EXPECT_EQ(all.find("forget"), std::string::npos) << at;
    EXPECT_EQ(all, "id: 7\n" + data(progress(1)) + "id: 8\nevent: message\n" + data(R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"search_notes"}]}})"));
  }
}

TEST_F(Streams, AnswersThatNobodyAskedForAreDropped) {
  // A list under the id of another type, under an unknown id, and as a call's own answer.
  answer_with({data(R"({"jsonrpc":"2.0","id":"1","result":{"tools":[{"name":"forget"}]}})"), data(R"({"jsonrpc":"2.0","id":2,"result":{}})"), data("not json"),
               "event: other\n" + data(kAnswer), data(kAnswer)});
  http::Response response = post(call_text("search_notes"));
  EXPECT_EQ(read_all(response), data(kAnswer));
  std::vector<std::string> reasons;
  for (const auto& record : records(audit::Event::outcome)) reasons.push_back(record.reason);
  EXPECT_EQ(reasons, (std::vector<std::string>{"unknown_response_id", "unknown_response_id", "upstream_message_malformed", "unknown_event_type", "completed"}));
}

TEST_F(Streams, TextCannotBecomeEvents) {
  const std::string hostile = R"({"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"a\r\n\r\nid: 9\r\ndata: {}\r\n\r\n"}]}})";
  answer_with({data(hostile)});
  http::Response response = post(call_text("search_notes"));
  EXPECT_EQ(read_all(response), data(hostile));   // the line breaks stay escapes inside one data line
}

TEST_F(Streams, ServersAskInTheLegacyEraOnly) {
  const std::string ask = R"({"jsonrpc":"2.0","id":77,"method":"sampling/createMessage","params":{}})";
  answer_with({data(ask), data(kAnswer)});
  http::Response legacy = post(call_text("search_notes"));
  EXPECT_EQ(read_all(legacy), data(ask) + data(kAnswer));
  http::Response modern_answer = send(modern("tools/call", json::Value{{"name", "search_notes"}, {"arguments", json::Object{}}}));
  EXPECT_EQ(read_all(modern_answer), data(kAnswer));
}

TEST_F(Streams, AListMayArriveOnTheGetStream) {
  const std::string id = open_session();
  // The list is asked for and its stream breaks; the answer comes on the GET stream that resumes it.
  upstream.respond = [&](const http::UpstreamRequest&) { return upstream.events({"id: 1\ndata:\n\n"}, http::StreamEnd::broken); };
  http::Response first = send(with_session(request("POST", R"({"jsonrpc":"2.0","id":5,"method":"tools/list"})", token()), id));
  EXPECT_EQ(next(first), "id: 1\ndata: \n\n");
  EXPECT_EQ(next(first), "");
  const std::string list = R"({"jsonrpc":"2.0","id":5,"result":{"tools":[{"name":"forget"},{"name":"read_note"}]}})";
  answer_with({"id: 2\n" + data(list), data(R"({"jsonrpc":"2.0","id":"5","result":{"tools":[{"name":"forget"}]}})")});
  http::Request resume = with_session(request("GET", "", token()), id);
  resume.headers.add("Last-Event-ID", "1");
  http::Response second = send(resume);
  EXPECT_EQ(*upstream.requests.back().headers.find_single("Last-Event-ID"), "1");
  EXPECT_EQ(read_all(second), "id: 2\n" + data(R"({"jsonrpc":"2.0","id":5,"result":{"tools":[{"name":"read_note"}]}})"));
}

TEST_F(Streams, AnIdUsedTwiceIsFilteredByBoth) {
  const std::string id = open_session();
  upstream.respond = [&](const http::UpstreamRequest&) { return upstream.events({"id: 1\ndata:\n\n"}, std::nullopt); };
  http::Response list = send(with_session(request("POST", R"({"jsonrpc":"2.0","id":5,"method":"tools/list"})", token()), id));
  const auto list_body = upstream.body;
  // The same id for a call, to have the list's answer taken for the call's.
  answer_with({data(R"({"jsonrpc":"2.0","id":5,"result":{"tools":[{"name":"forget"}]}})")});
  http::Response call = send(with_session(request("POST", call_text("search_notes", "{}", "5"), token()), id));
  EXPECT_EQ(read_all(call), data(R"({"jsonrpc":"2.0","id":5,"result":{"tools":[]}})"));
  list_body->finish(http::StreamEnd::complete);
}

TEST_F(Streams, GetWithoutSessionShowsNoAnswers) {
  answer_with({data(kTools), data(progress(1))});
  http::Response response = send(request("GET", "", token()));
  EXPECT_EQ(read_all(response), data(progress(1)));
}

TEST_F(Streams, AreNotForTheModernEra) {
  for (const char* method : {"GET", "DELETE"}) {
    http::Request made = request(method, "", token());
    made.headers.add("MCP-Protocol-Version", "2026-07-28");
    const http::Response response = send(made);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(*response.headers.find_single("Allow"), "POST");
  }
  EXPECT_TRUE(upstream.requests.empty());
}

TEST_F(Streams, AnEarlyEndIsSaid) {
  for (const auto end : {http::StreamEnd::complete, http::StreamEnd::broken}) {
    answer_with({data(progress(1))}, end);
    http::Response response = post(call_text("search_notes"));
    const std::string all = read_all(response);
    EXPECT_NE(all.find(R"("id":1,"error":{"code":502)"), std::string::npos) << all;
    EXPECT_EQ(last_reason(), "upstream_did_not_answer");
  }
}

TEST_F(Streams, AnEndlessLineIsNotCollected) {
  settings.answer_bytes_max = 1'000;
  answer_with({std::string(600, 'x'), std::string(600, 'x'), data(kAnswer)}, std::nullopt);
  http::Response response = post(call_text("search_notes"));
  EXPECT_NE(read_all(response).find("\"code\":502"), std::string::npos);
  EXPECT_TRUE(upstream.body->cancelled);
}

// ---- clients that go away

TEST_F(Streams, ModernDisconnectCancelsTheUpstream) {
  answer_with({data(progress(1))}, std::nullopt);
  http::Response response = send(modern("tools/call", json::Value{{"name", "search_notes"}, {"arguments", json::Object{}}}));
  next(response);
  const auto waiting = wait_for_next(response);
  response.stream->cancel();
  ASSERT_TRUE(waiting->piece);
  EXPECT_TRUE(upstream.body->cancelled);
  EXPECT_EQ(last_reason(), "client_gone");
}

TEST_F(Streams, LegacyDisconnectLetsTheUpstreamFinish) {
  answer_with({data(progress(1))}, std::nullopt);
  http::Response response = post(call_text("search_notes"));
  next(response);
  const auto waiting = wait_for_next(response);
  response.stream->cancel();
  ASSERT_TRUE(waiting->piece);   // the connection is let go at once
  response = http::Response();
  EXPECT_FALSE(upstream.body->cancelled);
  const auto body = upstream.body;
  for (int i = 0; i < 3; ++i) body->push(data(progress(i)));
  EXPECT_TRUE(body->pieces.empty());   // still read
  EXPECT_EQ(gateway->live_exchanges(), 1u);
  body->finish(http::StreamEnd::complete);
  EXPECT_EQ(gateway->live_exchanges(), 0u);
}

TEST_F(Streams, AnAnswerWithoutEndIsNotReadForEverForAClientThatHasGone) {
  settings.answer_bytes_max = 1'000;
  answer_with({data(progress(1))}, std::nullopt);
  http::Response response = post(call_text("search_notes"));
  next(response);
  const auto waiting = wait_for_next(response);
  response.stream->cancel();
  response = http::Response();
  const auto body = upstream.body;
  body->push(std::string(1'000, ' '));
  EXPECT_FALSE(body->cancelled);
  body->push(" ");
  EXPECT_TRUE(body->cancelled);
  EXPECT_EQ(gateway->live_exchanges(), 0u);
}

TEST_F(Streams, ADisconnectWhileWaitingForTheHead) {
  for (const bool is_modern : {true, false}) {
    http::Cancellation client_gone;
    bool was_cancelled = false;
    upstream.respond = [&](const http::UpstreamRequest& sent) -> HandUpstream::Answer {
      sent.cancellation->on_request([&] { was_cancelled = true; });
      client_gone.request();
      sent.cancellation->on_request(nullptr);
      if (was_cancelled) return unexpected(http::UpstreamFailure{http::UpstreamFailure::Kind::closed, ""});
      return upstream.json(kAnswer);
    };
    http::Request made = is_modern ? modern("tools/call", json::Value{{"name", "search_notes"}, {"arguments", json::Object{}}})
                                   : request("POST", call_text("search_notes"), token());
    made.client_gone = &client_gone;
    send(made);
    EXPECT_EQ(was_cancelled, is_modern);
    EXPECT_EQ(last_reason(), is_modern ? "client_gone" : "completed");
  }
}

// ---- what is no longer allowed

class Revocation : public Streams {
 public:
  void check() {
    gateway->check_streams(clock.now());
    settle();
  }
};

TEST_F(Revocation, StandingStreamsEndWithTheirToken) {
  answer_with({data(progress(1))}, std::nullopt);
  http::Response response = send(request("GET", "", token()));
  next(response);
  const auto waiting = wait_for_next(response);
  clock.seconds = kNow + 299;
  check();
  EXPECT_FALSE(waiting->piece);
  clock.seconds = kNow + 300;
  check();
  ASSERT_TRUE(waiting->piece);
  EXPECT_EQ(waiting->piece->error(), http::StreamEnd::complete);
  EXPECT_TRUE(upstream.body->cancelled);
  EXPECT_EQ(last_reason(), "token_expired");
}

TEST_F(Revocation, ANewerTokenOnTheSessionKeepsThem) {
  const std::string id = open_session();
  answer_with({data(progress(1))}, std::nullopt);
  http::Response response = send(with_session(request("GET", "", token()), id));
  next(response);
  const auto waiting = wait_for_next(response);
  const auto stream = upstream.body;
  clock.seconds = kNow + 250;
  upstream.respond = [&](const http::UpstreamRequest& sent) { return default_answer(sent); };
  const auto newer = token([](json::Value& c) { c.set("jti", "at-2"), c.set("iat", kNow + 240), c.set("exp", kNow + 540); });
  EXPECT_EQ(send(with_session(request("POST", call_text("search_notes"), newer), id)).status, 200);
  clock.seconds = kNow + 400;
  check();
  EXPECT_FALSE(waiting->piece);
  clock.seconds = kNow + 540;
  check();
  EXPECT_TRUE(waiting->piece);
  EXPECT_TRUE(stream->cancelled);
}

TEST_F(Revocation, AModernSubscriptionEndsWithItsResult) {
  answer_with({data(R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}})")}, std::nullopt);
  http::Response response = send(modern("subscriptions/listen", json::Value{{"notifications", json::Value{{"toolsListChanged", true}}}}));
  EXPECT_EQ(response.status, 200) << last_reason();
  next(response);
  const auto waiting = wait_for_next(response);
  clock.seconds = kNow + 300;
  check();
  ASSERT_TRUE(waiting->piece && *waiting->piece);
  EXPECT_EQ(**waiting->piece,
            data(R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":1}}})"));
}

struct Change {
  const char* name;
  const char* reason;   // of the record; the client is told of policies only
  std::function<void(GatewayTest&)> make;
};
class Changes : public Revocation, public testing::WithParamInterface<Change> {
 public:
  // The record that a denial code leads to.
  audit::Record record_of(const json::Value& denial) const {
    const auto* code = denial.find_string("code");
    const auto position = audit::parse_denial_code(code ? *code : "");
    EXPECT_TRUE(position) << json::write(denial);
    return log.records().at(position ? position->position - 1 : 0);
  }
  void expect_denial(const json::Value* denial) {
    ASSERT_TRUE(denial);
    const bool is_policys = std::string(GetParam().reason) == "no_permit";
    const bool is_decided = is_policys || std::string(GetParam().name) == "server_disabled";
    EXPECT_EQ(*denial->find_string("kind"), is_decided ? GetParam().reason : "no_longer_allowed");
    EXPECT_EQ(*denial->find_string("effect"), "deny");
    const audit::Record record = record_of(*denial);
    EXPECT_EQ(record.event, audit::Event::call);
    EXPECT_EQ(record.effect, audit::Effect::deny);
    EXPECT_EQ(record.reason, GetParam().reason);
    EXPECT_EQ(record.user, "usr_alice");
    EXPECT_EQ(log.records().at(record.of_position - 1).effect, audit::Effect::allow);
  }
};

TEST_P(Changes, EndCallsAndStreams) {
  answer_with({data(progress(1))}, std::nullopt);
  http::Response call = post(call_text("search_notes"));
  next(call);
  const auto call_waits = wait_for_next(call);
  const auto call_body = upstream.body;
  answer_with({data(progress(1))}, std::nullopt);
  http::Response stream = send(request("GET", "", token()));
  next(stream);
  const auto stream_waits = wait_for_next(stream);
  check();
  EXPECT_FALSE(call_waits->piece || stream_waits->piece);
  GetParam().make(*this);
  check();
  ASSERT_TRUE(call_waits->piece && *call_waits->piece);
  const json::Value said = parsed((*call_waits->piece)->substr(6));
  EXPECT_EQ(*said.find_int("id"), 1);
  ASSERT_TRUE(said.find("error")) << **call_waits->piece;
  EXPECT_EQ(*said.find("error")->find_int("code"), 403);
  expect_denial(said.find("error")->find("data"));
  // Nothing was asked on a GET stream: its last event is a message for the client's log.
  ASSERT_TRUE(stream_waits->piece && *stream_waits->piece);
  const json::Value last = parsed((*stream_waits->piece)->substr(6));
  EXPECT_EQ(*last.find_string("method"), "notifications/message");
  expect_denial(last.find("params")->find("data")->find("writ/decision"));
  for (http::Response* response : {&call, &stream}) {
    EXPECT_EQ(next(*response), "");
    EXPECT_EQ(ended, http::StreamEnd::complete);
  }
  EXPECT_TRUE(call_body->cancelled);
  EXPECT_TRUE(upstream.body->cancelled);
  EXPECT_EQ(last_reason(), "no_longer_allowed");
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Changes,
    testing::Values(
        Change{"user_disabled", "user_disabled", [](GatewayTest& g) { g.set_objects([](registry::Objects& o) { o.users[0].active = false; }); }},
        Change{"agent_disabled", "agent_disabled", [](GatewayTest& g) { g.set_objects([](registry::Objects& o) { o.agents[0].active = false; }); }},
        Change{"server_disabled", "server_disabled", [](GatewayTest& g) { g.set_objects([](registry::Objects& o) { o.servers[0].active = false; }); }},
        Change{"server_removed", "server_disabled", [](GatewayTest& g) { g.set_objects([](registry::Objects& o) { o.servers.erase(o.servers.begin()); }); }},
        Change{"group_left", "no_permit", [](GatewayTest& g) { g.set_objects([](registry::Objects& o) { o.users[0].groups.clear(); }); }},
        Change{"token_revoked", "token_revoked", [](GatewayTest& g) { EXPECT_TRUE(run(g.executor, g.revocations->revoke_token("at-1", from_unix_seconds(kNow + 900)))); }},
        Change{"session_ended", "session_ended", [](GatewayTest& g) { EXPECT_TRUE(run(g.executor, g.revocations->end_session("session-1", from_unix_seconds(kNow + 900)))); }},
        Change{"policy_denies", "no_permit", [](GatewayTest& g) { g.set_grants({}); }}),
    [](const auto& row) { return row.param.name; });

TEST_F(Revocation, ACallThatWasDecidedMayOutliveItsTokenButNotTheDeadline) {
  answer_with({data(progress(1))}, std::nullopt);
  http::Response response = post(call_text("search_notes"));
  next(response);
  const auto waiting = wait_for_next(response);
  clock.seconds = kNow + 1'000;
  set_objects([](registry::Objects&) {});   // a change that does not concern it
  check();
  EXPECT_FALSE(waiting->piece);
  clock.seconds = kNow + 1'800;
  check();
  ASSERT_TRUE(waiting->piece && *waiting->piece);
  EXPECT_NE((*waiting->piece)->find(R"("code":504)"), std::string::npos);
}

TEST_F(Revocation, ManyAreJudgedSomeAtATimeAndNoneIsForgotten) {
  answer_with({data(progress(1))}, std::nullopt);
  std::vector<http::Response> streams;
  std::vector<std::shared_ptr<Waiting>> waiting;
  for (int i = 0; i < 100; ++i) {
    streams.push_back(send(request("GET", "", token())));
    next(streams.back());
    waiting.push_back(wait_for_next(streams.back()));
  }
  const auto told = [&] { return std::count_if(waiting.begin(), waiting.end(), [](const auto& one) { return one->piece.has_value(); }); };
  set_objects([](registry::Objects& o) { o.users[0].active = false; });
  check();
  EXPECT_GT(told(), 0);
  EXPECT_LT(told(), 100);   // other work of the loop has its turn in between
  for (int i = 0; i < 10; ++i) settle();
  EXPECT_EQ(told(), 100);
}

TEST_F(Revocation, AModernSubscriptionThatIsCutOffGetsTheDenial) {
  answer_with({data(R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{}})")}, std::nullopt);
  http::Response response = send(modern("subscriptions/listen", json::Value{{"notifications", json::Value{{"toolsListChanged", true}}}}));
  next(response);
  const auto waiting = wait_for_next(response);
  set_objects([](registry::Objects& o) { o.users[0].active = false; });
  check();
  ASSERT_TRUE(waiting->piece && *waiting->piece);
  const json::Value said = parsed((*waiting->piece)->substr(6));
  EXPECT_EQ(*said.find_int("id"), 1);
  EXPECT_TRUE(said.find("error")->find("data")->find_string("code"));
}

TEST_F(Revocation, WithoutARecordAStreamEndsAllTheSame) {
  answer_with({data(progress(1))}, std::nullopt);
  http::Response response = post(call_text("search_notes"));
  next(response);
  const auto waiting = wait_for_next(response);
  log.fail_from_now_on(true);
  set_objects([](registry::Objects& o) { o.users[0].active = false; });
  check();
  ASSERT_TRUE(waiting->piece && *waiting->piece);
  const json::Value said = parsed((*waiting->piece)->substr(6));
  EXPECT_EQ(*said.find("error")->find_int("code"), 403);
  EXPECT_FALSE(said.find("error")->find("data"));
  EXPECT_TRUE(upstream.body->cancelled);
}

TEST_F(Revocation, ACallThatIsAnsweredByAnObjectGetsTheDenialToo) {
  upstream.respond = [&](const http::UpstreamRequest&) { return upstream.answer(200, {{"Content-Type", "application/json"}}, {}, std::nullopt); };
  const http::Request made = request("POST", call_text("search_notes"), token());
  std::optional<http::Response> response;
  spawn(gateway->handle(made, "notes"), [&](std::exception_ptr, std::optional<http::Response> answer) { response = std::move(answer); });
  EXPECT_FALSE(response);
  set_objects([](registry::Objects& o) { o.users[0].active = false; });
  check();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 403);
  const json::Value said = parsed(response->body);
  EXPECT_EQ(*said.find_int("id"), 1);
  EXPECT_TRUE(said.find("error")->find("data")->find_string("code")) << response->body;
  EXPECT_TRUE(upstream.body->cancelled);
  EXPECT_EQ(last_reason(), "user_disabled");   // the new decision; the outcome was written first
}

TEST_F(Revocation, WhatTheClientStillReadsIsWithdrawn) {
  http::Response response = post(call_text("search_notes"));
  ASSERT_TRUE(response.withdrawn);
  check();
  EXPECT_FALSE(response.withdrawn->is_requested());
  set_objects([](registry::Objects& o) { o.users[0].active = false; });
  check();
  EXPECT_TRUE(response.withdrawn->is_requested());
}

// A log during whose write something happens.
class BusyLog final : public audit::DecisionsLog {
 public:
  explicit BusyLog(audit::DecisionsLog& log) : log_(log) {}
  Task<Result<audit::Committed, Unavailable>> commit(audit::Commit commit) override {
    auto committed = co_await log_.commit(std::move(commit));
    if (const auto happens = std::exchange(meanwhile, nullptr)) happens();
    co_return committed;
  }
  std::function<void()> meanwhile;

 private:
  audit::DecisionsLog& log_;
};

TEST_F(Revocation, AChangeWhileTheRecordIsWrittenStopsTheCall) {
  BusyLog busy(log);
  Dependencies dependencies{settings, clock, objects, policy, *revocations, busy, keys, *with_credential};
  Gateway other(std::move(dependencies));
  const auto status_after = [&](std::function<void()> meanwhile) {
    busy.meanwhile = std::move(meanwhile);
    return run(executor, other.handle(request("POST", call_text("search_notes"), token()), "notes")).status;
  };
  EXPECT_EQ(status_after([&] { set_objects([](registry::Objects& o) { o.users[1].active = false; }); }), 200);   // somebody else's
  upstream.requests.clear();
  EXPECT_EQ(status_after([&] { set_objects([](registry::Objects& o) { o.users[0].active = false; }); }), 403);
  EXPECT_TRUE(upstream.requests.empty());
  EXPECT_EQ(last_reason(), "user_disabled");
  EXPECT_EQ(records(audit::Event::outcome).back().reason, "no_longer_allowed");
}

TEST_F(Revocation, AnotherPersonsChangeLeavesStreamsAlone) {
  answer_with({data(progress(1))}, std::nullopt);
  http::Response response = send(request("GET", "", token()));
  next(response);
  const auto waiting = wait_for_next(response);
  set_objects([](registry::Objects& o) { o.users[1].active = false; });
  check();
  EXPECT_FALSE(waiting->piece);
  response.stream->cancel();
}

TEST_F(Revocation, NoExchangeIsForgottenOrKept) {
  answer_with({data(kAnswer)});
  for (int i = 0; i < 5; ++i) {
    http::Response response = post(call_text("search_notes"));
    EXPECT_EQ(gateway->live_exchanges(), 1u);
    read_all(response);
  }
  post(call_text("forget"));
  EXPECT_EQ(gateway->live_exchanges(), 0u);
}

}  // namespace
}  // namespace writ::gateway
