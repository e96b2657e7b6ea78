#include <gmock/gmock.h>

#include "gateway/combined/combined_fixture.h"

namespace writ::gateway::combined {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CombinedStreams : public CombinedTest {
 public:
  http::Response get() {
    http::Response response = send(to_all("GET", ""), "");
    EXPECT_EQ(response.status, 200) << response.body;
    settle();
    return response;
  }
  static std::string message(const std::string& text) { return "data: " + text + "\n\n"; }
};

TEST_F(CombinedStreams, MembersRequestsFindTheirWayBack) {
  open();
  http::Response stream = get();
  ASSERT_TRUE(fakes["notes"].stream && fakes["wiki"].stream);
  fakes["notes"].stream->push(message(R"({"jsonrpc":"2.0","id":5,"method":"roots/list","params":{"_meta":{"progressToken":"p"}}})"));
  EXPECT_EQ(next_of(stream), message(R"({"jsonrpc":"2.0","id":"notes/i/5","method":"roots/list","params":{"_meta":{"progressToken":"notes/s/p"}}})"));
  fakes["wiki"].stream->push(message(R"({"jsonrpc":"2.0","id":"5","method":"ping"})"));
  EXPECT_EQ(next_of(stream), message(R"({"jsonrpc":"2.0","id":"wiki/s/5","method":"ping"})"));

  EXPECT_EQ(say(R"({"jsonrpc":"2.0","id":"wiki/s/5","result":{}})").status, 202);
  EXPECT_EQ(json::write(fakes["wiki"].got.back()), R"({"jsonrpc":"2.0","id":"5","result":{}})");
  EXPECT_EQ(say(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"notes/s/p","progress":1}})").status, 202);
  EXPECT_EQ(*fakes["notes"].got.back().find("params")->find_string("progressToken"), "p");
  EXPECT_EQ(say(R"({"jsonrpc":"2.0","id":"notes/i/5","result":{"roots":[]}})").status, 202);
  EXPECT_EQ(json::write(fakes["notes"].got.back()), R"({"jsonrpc":"2.0","id":5,"result":{"roots":[]}})");
  EXPECT_EQ(*fakes["notes"].requests.back().headers.find("Mcp-Session-Id"), "upstream-notes-1");

  const std::size_t notes = fakes["notes"].got.size(), wiki = fakes["wiki"].got.size();
  for (const char* nobodys : {R"(5)", R"("5")", R"("hidden/i/5")", R"("notes/i/05")"}) {
    const int status = say(R"({"jsonrpc":"2.0","id":)" + std::string(nobodys) + R"(,"result":{}})").status;
    EXPECT_EQ(status, 202) << "decided, and led nowhere";
  }
  EXPECT_EQ(fakes["notes"].got.size(), notes);
  EXPECT_EQ(fakes["wiki"].got.size(), wiki);

  fakes["notes"].stream->push(message(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":6}})"));
  EXPECT_THAT(next_of(stream), HasSubstr(R"("requestId":"notes/i/6")"));
}

TEST_F(CombinedStreams, AChangeOfAnyListIsToldOnce) {
  open();
  http::Response stream = get();
  const std::string changed = message(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
  fakes["notes"].stream->push(changed);
  fakes["wiki"].stream->push(changed);
  EXPECT_EQ(next_of(stream), changed);
  fakes["wiki"].stream->push("id: 17\nretry: 5\n" + changed);
  fakes["notes"].stream->push("id: n1\n" + changed);
  const std::string told = next_of(stream);
  EXPECT_THAT(told, testing::StartsWith("id: "));
  EXPECT_THAT(told, testing::EndsWith("\n" + changed));
  EXPECT_EQ(told.find("list_changed"), told.rfind("list_changed")) << told;
  fakes["wiki"].stream->push(message(R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///a"}})"));
  EXPECT_THAT(next_of(stream), HasSubstr(R"("uri":"writ+wiki:file:///a")"));
}

TEST_F(CombinedStreams, APolicyThatChangesIsToldOnce) {
  open();
  http::Response stream = get();
  set_usual_grants();
  gateway->check_streams(clock.now());
  settle();
  EXPECT_EQ(next_of(stream), message(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})") + message(R"({"jsonrpc":"2.0","method":"notifications/prompts/list_changed"})"));
  fakes["wiki"].stream->push(message(R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}})"));
  EXPECT_THAT(next_of(stream), HasSubstr("notifications/message")) << "nothing else before it";
}

TEST_F(CombinedStreams, AMemberThatComesLaterJoins) {
  set_world({"notes", "wiki"});
  upstream.respond = [this](const http::UpstreamRequest& sent) -> HandUpstream::Answer {
    if (sent.url.ends_with("/wiki")) return unexpected(http::UpstreamFailure{http::UpstreamFailure::Kind::connect, ""});
    return respond(sent);
  };
  open();
  http::Response stream = get();
  EXPECT_FALSE(fakes["wiki"].stream);
  upstream.respond = [this](const http::UpstreamRequest& sent) { return respond(sent); };
  EXPECT_THAT(say(call_text("wiki__read_note")).body, HasSubstr("wiki did read_note"));
  settle();
  ASSERT_TRUE(fakes["wiki"].stream) << "its stream was opened with its session";
  fakes["wiki"].stream->push(message(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"));
  EXPECT_THAT(next_of(stream), HasSubstr("wiki/i/1"));
}

TEST_F(CombinedStreams, OneThatEndsIsOpenedAgainAndTheOthersGoOn) {
  open();
  http::Response stream = get();
  fakes["notes"].stream->finish(http::StreamEnd::complete);
  fakes["notes"].stream.reset();
  settle();
  fakes["wiki"].stream->push(message(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"));
  EXPECT_THAT(next_of(stream), HasSubstr("wiki/i/1"));
  clock.seconds += 2;
  gateway->check_streams(clock.now());
  settle();
  ASSERT_TRUE(fakes["notes"].stream);
  fakes["notes"].stream->push(message(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"));
  EXPECT_THAT(next_of(stream), HasSubstr("notes/i/1"));
}

TEST_F(CombinedStreams, AMemberThatIsTakenAwayEndsAlone) {
  open();
  http::Response stream = get();
  const auto notes = fakes["notes"].stream;
  set_grants({{"all", "eng", {false, {"cursor"}}, "all", {true, {}}, {true, {}}}, {"wiki", "eng", {false, {"cursor"}}, "wiki", {true, {}}, {true, {}}}});
  gateway->check_streams(clock.now());
  settle();
  EXPECT_TRUE(notes->cancelled);
  EXPECT_THAT(next_of(stream), HasSubstr("list_changed"));
  fakes["wiki"].stream->push(message(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"));
  EXPECT_THAT(next_of(stream), HasSubstr("wiki/i/1"));
}

TEST_F(CombinedStreams, EndWithTheConnectionToTheCombinedServer) {
  open();
  http::Response stream = get();
  const auto notes = fakes["notes"].stream, wiki = fakes["wiki"].stream;
  set_grants({});
  gateway->check_streams(clock.now());
  settle();
  std::string all;
  for (std::string next = next_of(stream); next != "END"; next = next_of(stream)) all += next;
  EXPECT_THAT(all, HasSubstr("no longer allowed"));
  EXPECT_THAT(all, HasSubstr("writ/decision"));
  settle();
  EXPECT_TRUE(notes->cancelled);
  EXPECT_TRUE(wiki->cancelled);
  EXPECT_EQ(gateway->live_exchanges(), 1u) << "the stream's own exchange, as long as somebody holds it";
}

TEST_F(CombinedStreams, EndWithTheToken) {
  open();
  http::Response stream = get();
  clock.seconds += 300;
  gateway->check_streams(clock.now());
  settle();
  EXPECT_EQ(next_of(stream), "END");
}

TEST_F(CombinedStreams, GoOnWhileTheSessionHasANewerToken) {
  open();
  http::Response stream = get();
  clock.seconds += 200;
  bearer = all_token([&](json::Value& claims) { claims.set("iat", clock.seconds), claims.set("exp", clock.seconds + 300); });
  EXPECT_EQ(say(R"({"jsonrpc":"2.0","id":1,"method":"ping"})").status, 200);
  clock.seconds += 200;
  gateway->check_streams(clock.now());
  settle();
  fakes["notes"].stream->push(message(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"));
  EXPECT_THAT(next_of(stream), HasSubstr("notes/i/1"));
}

TEST_F(CombinedStreams, AClientThatGoesAwayEndsThemAll) {
  open();
  {
    http::Response stream = get();
    stream.stream->cancel();
  }
  settle();
  EXPECT_TRUE(fakes["notes"].stream->cancelled);
  EXPECT_TRUE(fakes["wiki"].stream->cancelled);
  EXPECT_EQ(gateway->live_exchanges(), 0u);
}

TEST_F(CombinedStreams, AReaderThatNeverReadsCostsABoundedBuffer) {
  open();
  http::Response stream = get();
  const auto notes = fakes["notes"].stream;
  const std::string big = message(R"({"jsonrpc":"2.0","method":"notifications/message","params":{"data":")" + std::string(100'000, 'x') + "\"}}");
  for (int i = 0; i < 20; ++i) notes->push(big);
  settle();
  EXPECT_GE(notes->pieces.size(), 15u) << "it is not read any further";
  std::size_t total = 0;
  for (int i = 0; i < 20 && total < 20 * big.size(); ++i) total += next_of(stream).size();
  EXPECT_EQ(total, 20 * big.size());
}

TEST_F(CombinedStreams, OfACallHoldOnlyItsOwnProgress) {
  open();
  upstream.respond = [this](const http::UpstreamRequest&) -> HandUpstream::Answer {
    return upstream.events({message(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":9,"progress":1}})"),
                            message(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"9","progress":1}})"),
                            "id: e1\n" + message(R"({"jsonrpc":"2.0","id":3,"method":"sampling/createMessage","params":{}})"),
                            "id: e2\n" + message(R"({"jsonrpc":"2.0","id":4,"result":{"content":[{"type":"resource_link","uri":"file:///a"},{"type":"resource","resource":{"uri":"file:///b","text":"file:///c"}}]}})")});
  };
  http::Response response = say(R"({"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"notes__search_notes","arguments":{},"_meta":{"progressToken":9}}})");
  ASSERT_TRUE(response.stream);
  EXPECT_EQ(read_all(response), message(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":9,"progress":1}})") +
                                    "id: notes/e1\n" + message(R"({"jsonrpc":"2.0","id":"notes/i/3","method":"sampling/createMessage","params":{}})") +
                                    "id: notes/e2\n" + message(R"({"jsonrpc":"2.0","id":4,"result":{"content":[{"type":"resource_link","uri":"writ+notes:file:///a"},{"type":"resource","resource":{"uri":"writ+notes:file:///b","text":"file:///c"}}]}})"));
}

TEST_F(CombinedStreams, AreResumedAtTheirMember) {
  open();
  http::Request made = to_all("GET", "");
  made.headers.add("Last-Event-ID", "wiki/e/1");
  http::Response stream = send(made, "");
  ASSERT_TRUE(stream.stream);
  EXPECT_EQ(*fakes["wiki"].requests.back().headers.find("Last-Event-ID"), "e/1");
  EXPECT_EQ(*fakes["wiki"].requests.back().headers.find("Mcp-Session-Id"), "upstream-wiki-2");
  EXPECT_FALSE(fakes["notes"].stream);
  // An answer that nobody asked for on this session stays hidden, and a list is filtered (rules §5.4).
  fakes["wiki"].stream->push("id: e2\n" + message(R"({"jsonrpc":"2.0","id":99,"result":{"tools":[{"name":"secret"}]}})"));
  fakes["wiki"].stream->push("id: e3\n" + message(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"));
  EXPECT_EQ(next_of(stream), "id: wiki/e2\ndata: \n\n");
  EXPECT_EQ(next_of(stream), "id: wiki/e3\n" + message(R"({"jsonrpc":"2.0","id":"wiki/i/1","method":"ping"})"));
}

// The id on the last event that has one.
std::string last_event_id(const std::string& events) {
  const std::size_t at = events.rfind("id: ");
  return at == std::string::npos ? "" : events.substr(at + 4, events.find('\n', at) - at - 4);
}

TEST_F(CombinedStreams, OfAllMembersAreResumedAtEachMembersPoint) {
  open();
  std::string seen;
  {
    http::Response stream = get();
    fakes["notes"].stream->push("id: n1\ndata: \n\n");
    seen += next_of(stream);
    EXPECT_THAT(seen, testing::EndsWith("\ndata: \n\n")) << "a point, and nothing else";
    fakes["wiki"].stream->push("id: w1\n" + message(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"));
    seen += next_of(stream);
    fakes["notes"].stream->push("id: n2\n" + message(R"({"jsonrpc":"2.0","id":2,"method":"ping"})"));
    seen += next_of(stream);
    EXPECT_THAT(seen, HasSubstr("notes/i/2"));
    stream.stream->cancel();
  }
  settle();
  http::Request again = to_all("GET", "");
  again.headers.add("Last-Event-ID", last_event_id(seen));
  http::Response stream = send(again, "");
  ASSERT_TRUE(stream.stream);
  settle();
  for (const auto& [member, point] : {std::pair("notes", "n2"), std::pair("wiki", "w1")}) {
    const auto* sent = fakes[member].requests.back().headers.find("Last-Event-ID");
    ASSERT_TRUE(sent) << member;
    EXPECT_EQ(*sent, point);
  }
  fakes["wiki"].stream->push(message(R"({"jsonrpc":"2.0","id":3,"method":"ping"})"));
  EXPECT_THAT(next_of(stream), HasSubstr("wiki/i/3"));
}

TEST_F(CombinedStreams, APointOfAnotherSessionIsNoPoint) {
  open();
  std::string seen;
  {
    http::Response stream = get();
    fakes["notes"].stream->push("id: n1\n" + message(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"));
    seen = next_of(stream);
  }
  settle();
  open();
  http::Request other = to_all("GET", "");
  other.headers.add("Last-Event-ID", last_event_id(seen));
  http::Response stream = send(other, "");
  ASSERT_TRUE(stream.stream);
  settle();
  EXPECT_FALSE(fakes["notes"].requests.back().headers.find("Last-Event-ID"));
}

TEST_F(CombinedStreams, AMemberThatBrokeOffGoesOnFromItsPoint) {
  open();
  http::Response stream = get();
  fakes["notes"].stream->push("id: n1\n" + message(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"));
  EXPECT_THAT(next_of(stream), HasSubstr("notes/i/1"));
  fakes["notes"].stream->finish(http::StreamEnd::broken);
  settle();
  clock.seconds += 2;
  gateway->check_streams(clock.now());
  settle();
  ASSERT_TRUE(fakes["notes"].requests.back().headers.find("Last-Event-ID"));
  EXPECT_EQ(*fakes["notes"].requests.back().headers.find("Last-Event-ID"), "n1");
}

TEST_F(CombinedStreams, AMemberThatDoesNotKnowItsPointBeginsAnew) {
  open();
  http::Response stream = get();
  fakes["notes"].stream->push("id: n1\n" + message(R"({"jsonrpc":"2.0","id":1,"method":"ping"})"));
  next_of(stream);
  int refused = 0;
  upstream.respond = [&](const http::UpstreamRequest& sent) -> HandUpstream::Answer {
    if (sent.method == "GET" && sent.headers.find("Last-Event-ID")) {
      ++refused;
      return upstream.answer(400, {}, {});
    }
    return respond(sent);
  };
  fakes["notes"].stream->finish(http::StreamEnd::broken);
  fakes["notes"].stream.reset();
  settle();
  clock.seconds += 2;
  gateway->check_streams(clock.now());
  settle();
  EXPECT_EQ(refused, 1);
  ASSERT_TRUE(fakes["notes"].stream) << "at once, and without the point";
  fakes["notes"].stream->push(message(R"({"jsonrpc":"2.0","id":2,"method":"ping"})"));
  const std::string told = next_of(stream);
  EXPECT_THAT(told, testing::StartsWith("data: ")) << "there is no point any more";
  EXPECT_THAT(told, HasSubstr("notes/i/2"));
}

TEST_F(CombinedStreams, CancellationsReachTheMemberThatWorks) {
  open();
  say(call_text("wiki__read_note", "{}", "41"));
  EXPECT_EQ(say(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":41}})").status, 202);
  EXPECT_EQ(fakes["wiki"].methods().back(), "notifications/cancelled");
  EXPECT_EQ(*fakes["wiki"].got.back().find("params")->find_int("requestId"), 41);
  EXPECT_THAT(fakes["notes"].methods(), Not(testing::Contains("notifications/cancelled")));
  EXPECT_EQ(say(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"41"}})").status, 202);
  EXPECT_EQ(fakes["wiki"].methods().size(), 4u) << "another id: nobody's";
}

TEST_F(CombinedStreams, LogLevelsGoToAllAndToThoseThatComeLater) {
  upstream.respond = [this](const http::UpstreamRequest& sent) -> HandUpstream::Answer {
    if (sent.url.ends_with("/wiki")) return unexpected(http::UpstreamFailure{http::UpstreamFailure::Kind::connect, ""});
    return respond(sent);
  };
  open();
  EXPECT_EQ(say(R"({"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"debug"}})").body, R"({"jsonrpc":"2.0","id":1,"result":{}})");
  EXPECT_EQ(fakes["notes"].methods().back(), "logging/setLevel");
  upstream.respond = [this](const http::UpstreamRequest& sent) { return respond(sent); };
  say(call_text("wiki__read_note"));
  EXPECT_THAT(fakes["wiki"].methods(), ElementsAre("initialize", "notifications/initialized", "logging/setLevel", "tools/call"));
  EXPECT_EQ(*fakes["wiki"].got[2].find("params")->find_string("level"), "debug");
  EXPECT_EQ(say(R"({"jsonrpc":"2.0","method":"notifications/roots/list_changed"})").status, 202);
  EXPECT_EQ(fakes["notes"].methods().back(), "notifications/roots/list_changed");
  EXPECT_EQ(fakes["wiki"].methods().back(), "notifications/roots/list_changed");
}

TEST_F(CombinedStreams, ResourcesPromptsAndCompletionsGoToTheirMember) {
  for (const char* id : {"notes", "wiki"}) {
    fakes[id].resources = {"file:///a"};
    fakes[id].prompts = {"greet"};
    fakes[id].capabilities = json::Value{{"tools", json::Object{}}, {"prompts", json::Object{}}, {"resources", json::Value{{"subscribe", true}}}, {"completions", json::Object{}}};
    approve(id, json::Value{{"name", "greet"}, {"description", std::string("of ") + id}}, registry::ObjectKind::prompt);
  }
  publish();
  set_grants({{"all", "eng", {false, {"cursor"}}, "all", {true, {}}, {true, {}}},
              {"notes", "eng", {false, {"cursor"}}, "notes", {true, {}}, {true, {}}},
              {"wiki", "eng", {false, {"cursor"}}, "wiki", {true, {}}, {true, {}}}});
  open();
  EXPECT_THAT(names(result_of(say(list_text("resources/list"))), "resources", "uri"), ElementsAre("writ+notes:file:///a", "writ+wiki:file:///a"));
  EXPECT_THAT(names(result_of(say(list_text("prompts/list"))), "prompts"), ElementsAre("notes__greet", "wiki__greet"));
  struct {
    const char *sent, *got;
  } const rows[] = {
      {R"({"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"writ+wiki:file:///a"}})", R"({"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///a"}})"},
      {R"({"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"writ+wiki:file:///a"}})", R"({"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"file:///a"}})"},
      {R"({"jsonrpc":"2.0","id":1,"method":"resources/unsubscribe","params":{"uri":"writ+wiki:file:///a"}})", R"({"jsonrpc":"2.0","id":1,"method":"resources/unsubscribe","params":{"uri":"file:///a"}})"},
      {R"({"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"wiki__greet"}})", R"({"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"greet"}})"},
      {R"({"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"wiki__greet"},"argument":{"name":"a","value":"b"}}})",
       R"({"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"a","value":"b"}}})"},
      {R"({"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"writ+wiki:file:///{x}"},"argument":{"name":"x","value":"b"}}})",
       R"({"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"file:///{x}"},"argument":{"name":"x","value":"b"}}})"},
  };
  for (const auto& row : rows) {
    const http::Response response = say(row.sent);
    EXPECT_THAT(response.body, HasSubstr("\"ok\":true")) << row.sent;
    EXPECT_EQ(json::write(fakes["wiki"].got.back()), row.got);
  }
  const std::size_t wiki = fakes["wiki"].got.size(), notes = fakes["notes"].got.size();
  for (const char* uri : {"file:///a", "writ+hidden:file:///a", "writ+wiki2:file:///a"}) {
    const json::Value body = parsed(say(R"({"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":")" + std::string(uri) + "\"}}").body);
    EXPECT_TRUE(body.find("error")) << uri;
  }
  EXPECT_EQ(fakes["wiki"].got.size(), wiki);
  EXPECT_EQ(fakes["notes"].got.size(), notes);
}

TEST_F(CombinedStreams, TasksBelongToTheirMemberAndToWhoseCallMadeThem) {
  fakes["wiki"].capabilities = json::Value{{"tools", json::Object{}}, {"tasks", json::Object{}}};
  fakes["wiki"].result = [](const json::Value& sent) -> std::optional<json::Value> {
    const std::string& method = *sent.find_string("method");
    if (method == "tools/call") return json::Value{{"task", json::Value{{"taskId", "t1"}, {"status", "working"}}}};
    if (method == "tasks/list") return json::Value{{"tasks", json::Array{json::Value{{"taskId", "t1"}}, json::Value{{"taskId", "somebody else's"}}}}};
    if (method == "tasks/get") return json::Value{{"taskId", *sent.find("params")->find_string("taskId")}, {"status", "completed"}};
    return std::nullopt;
  };
  const json::Value opened = open();
  EXPECT_TRUE(opened.find("result")->find("capabilities")->find("tasks"));
  EXPECT_THAT(say(call_text("wiki__read_note")).body, HasSubstr(R"("taskId":"wiki/t1")"));
  const auto about = [&](const char* task) { return say(R"({"jsonrpc":"2.0","id":9,"method":"tasks/get","params":{"taskId":")" + std::string(task) + "\"}}").body; };
  EXPECT_THAT(about("wiki/t1"), HasSubstr(R"("taskId":"wiki/t1","status":"completed")"));
  EXPECT_EQ(*fakes["wiki"].got.back().find("params")->find_string("taskId"), "t1");
  const std::size_t asked = fakes["wiki"].got.size();
  for (const char* nobodys : {"t1", "notes/t1", "wiki/t2"}) EXPECT_THAT(about(nobodys), HasSubstr("unknown task")) << nobodys;
  EXPECT_EQ(fakes["wiki"].got.size(), asked);
  EXPECT_THAT(names(result_of(say(list_text("tasks/list"))), "tasks", "taskId"), ElementsAre("wiki/t1"));
}

// ---- the modern era

class CombinedModern : public CombinedStreams {};

TEST_F(CombinedModern, NeedsNoSession) {
  fakes["notes"].capabilities = json::Value{{"tools", json::Object{}}, {"prompts", json::Object{}}};
  const json::Value discovered = result_of(say_modern("server/discover", json::Object{}));
  EXPECT_EQ(json::write(*discovered.find("supportedVersions")), R"(["2026-07-28"])");
  EXPECT_EQ(json::write(*discovered.find("capabilities")), R"({"tools":{"listChanged":true},"prompts":{},"logging":{}})");
  EXPECT_EQ(*discovered.find_string("resultType"), "complete");
  EXPECT_EQ(*discovered.find_string("cacheScope"), "private");
  const json::Value result = result_of(say_modern("tools/list", json::Object{}));
  EXPECT_THAT(names(result), ElementsAre("writ_servers", "writ_whoami", "notes__search_notes", "notes__add_note", "wiki__search_notes", "wiki__read_note"));
  EXPECT_EQ(*result.find_string("resultType"), "complete");
  EXPECT_EQ(*result.find_string("cacheScope"), "private");
  EXPECT_EQ(*result.find_int("ttlMs"), 60'000);
  const json::Value called = result_of(say_modern("tools/call", json::Value{{"name", "wiki__read_note"}, {"arguments", json::Object{}}}));
  EXPECT_THAT(json::write(called), HasSubstr("wiki did read_note"));
  EXPECT_EQ(*fakes["wiki"].requests.back().headers.find("Mcp-Name"), "read_note") << "the mirrored name is the member's";
  EXPECT_EQ(*fakes["wiki"].requests.back().headers.find("Mcp-Method"), "tools/call");
  const json::Value where = result_of(say_modern("tools/call", json::Value{{"name", "writ_servers"}, {"arguments", json::Object{}}}));
  EXPECT_EQ(*where.find_string("resultType"), "complete");
  EXPECT_THAT(json::write(where), HasSubstr(R"({"id":"wiki","name":"wiki","url":"https://writ.example/mcp/wiki","state":"available"})"));
  for (const auto& sent : upstream.requests) EXPECT_EQ(sent.headers.count("Mcp-Session-Id"), 0u);
}

TEST_F(CombinedModern, MayBeKeptNoLongerThanTheFirstPartThatChanges) {
  set_world({"notes", "dead"});
  EXPECT_EQ(*result_of(say_modern("tools/list", json::Object{})).find_int("ttlMs"), 0) << "who is missing now may be there at once";
}

TEST_F(CombinedModern, AStateGoesBackToTheMemberThatGaveIt) {
  const auto asks = [](const json::Value& message) -> std::optional<json::Value> {
    if (*message.find_string("method") != "tools/call" || message.find("params")->find("requestState")) return std::nullopt;
    return json::Value{{"resultType", "input_required"}, {"requestState", "notes' own"}, {"inputRequests", json::Value{{"a", json::Value{{"method", "elicitation/create"}}}}}};
  };
  fakes["notes"].result = asks;
  json::Value call{{"name", "notes__search_notes"}, {"arguments", json::Object{}}};
  const json::Value asked = result_of(say_modern("tools/call", call));
  EXPECT_EQ(*asked.find_string("resultType"), "input_required");
  EXPECT_TRUE(asked.find("inputRequests")->find("a"));
  const std::string state = *asked.find_string("requestState");
  EXPECT_EQ(state.find("own"), std::string::npos);
  const auto again = [&](const char* tool, const std::string& handle, const std::function<void(json::Value&)>& claims = [](json::Value&) {}) {
    json::Value retry{{"name", tool}, {"arguments", json::Object{}}, {"requestState", handle}, {"inputResponses", json::Value{{"a", json::Value{{"action", "accept"}}}}}};
    return say_modern("tools/call", std::move(retry), claims);
  };
  EXPECT_THAT(again("notes__search_notes", state).body, HasSubstr("notes did search_notes"));
  EXPECT_EQ(*fakes["notes"].got.back().find("params")->find_string("requestState"), "notes' own");
  const std::size_t notes = fakes["notes"].got.size();
  for (const auto& [tool, handle] : std::vector<std::pair<const char*, std::string>>{{"wiki__search_notes", state}, {"notes__add_note", state}, {"notes__search_notes", state + "A"}, {"notes__search_notes", "notes' own"}}) {
    const http::Response refused = again(tool, handle);
    EXPECT_EQ(refused.status, 400) << tool << handle;
    EXPECT_EQ(*parsed(refused.body).find("error")->find_int("code"), -32602);
    EXPECT_EQ(last_reason(), "bad_request_state");
  }
  EXPECT_EQ(fakes["notes"].got.size(), notes);
  EXPECT_THAT(fakes["wiki"].methods(), IsEmpty());
}

TEST_F(CombinedModern, ListensToAllAndAcknowledgesOnce) {
  json::Value wanted{{"toolsListChanged", true}, {"resourceSubscriptions", json::Array{"writ+wiki:file:///a", "writ+notes:file:///b", "file:///nobodys"}}};
  set_grants({{"all", "eng", {false, {"cursor"}}, "all", {true, {}}, {true, {}}},
              {"notes", "eng", {false, {"cursor"}}, "notes", {true, {}}, {true, {}}},
              {"wiki", "eng", {false, {"cursor"}}, "wiki", {true, {}}, {true, {}}}});
  http::Response stream = say_modern("subscriptions/listen", json::Value{{"notifications", wanted}});
  ASSERT_TRUE(stream.stream) << stream.body;
  EXPECT_EQ(next_of(stream), message(R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1},)"
                                     R"("notifications":{"toolsListChanged":true,"resourceSubscriptions":["writ+notes:file:///b","writ+wiki:file:///a"]}}})"));
  EXPECT_EQ(json::write(*fakes["wiki"].got.back().find("params")->find("notifications")), R"({"toolsListChanged":true,"resourceSubscriptions":["file:///a"]})");
  EXPECT_EQ(json::write(*fakes["notes"].got.back().find("params")->find("notifications")), R"({"toolsListChanged":true,"resourceSubscriptions":["file:///b"]})");
  fakes["wiki"].stream->push(message(R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"file:///a","_meta":{"io.modelcontextprotocol/subscriptionId":1}}})"));
  EXPECT_EQ(next_of(stream), message(R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"writ+wiki:file:///a","_meta":{"io.modelcontextprotocol/subscriptionId":1}}})"));
  // A member that ends its own is asked again; the client hears only that something may have happened.
  fakes["notes"].stream->push(message(R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"complete"}})"));
  fakes["notes"].stream->finish(http::StreamEnd::complete);
  settle();
  clock.seconds += 2;
  gateway->check_streams(clock.now());
  EXPECT_EQ(next_of(stream), message(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1}}})"));
  clock.seconds += 300;
  gateway->check_streams(clock.now());
  EXPECT_EQ(next_of(stream), message(R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":1}}})"));
  EXPECT_EQ(next_of(stream), "END");
}

TEST_F(CombinedModern, AcknowledgesWithoutWhoIsDead) {
  set_world({"dead", "notes"});
  http::Response stream = say_modern("subscriptions/listen", json::Value{{"notifications", json::Value{{"toolsListChanged", true}}}});
  EXPECT_THAT(next_of(stream), HasSubstr("notifications/subscriptions/acknowledged"));
}

TEST_F(CombinedModern, ASubscriptionThatAMemberDeniesIsNotHonoured) {
  http::Response stream = say_modern("subscriptions/listen", json::Value{{"notifications", json::Value{{"toolsListChanged", true}, {"resourceSubscriptions", json::Array{"writ+notes:file:///b"}}}}});
  EXPECT_THAT(next_of(stream), HasSubstr(R"("notifications":{"toolsListChanged":true}})"));
  ASSERT_THAT(fakes["notes"].methods(), ElementsAre("subscriptions/listen"));
  EXPECT_EQ(json::write(*fakes["notes"].got[0].find("params")->find("notifications")), R"({"toolsListChanged":true})");
  EXPECT_EQ(records(audit::Event::call)[1].reason, "no_permit") << "the denial is recorded";
}

TEST_F(CombinedModern, HasNoGet) {
  http::Request made = to_all("GET", "");
  made.headers.add("MCP-Protocol-Version", "2026-07-28");
  EXPECT_EQ(send(made, "").status, 405);
}

}  // namespace
}  // namespace writ::gateway::combined
