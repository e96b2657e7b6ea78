#include "upstreams/stdio/stdio_programs.h"

#include "upstreams/stdio/stdio_fixture.h"

namespace writ::upstreams::stdio {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

using LegacyProgram = StdioTest;

TEST_F(LegacyProgram, IsASessionOfItsOwn) {
  const auto opened = send(request(initialize_message("first")));
  ASSERT_EQ(opened->status(), 200);
  EXPECT_EQ(opened->json().find("id")->as_string() ? *opened->json().find_string("id") : "", "first");
  const std::string session = opened->session();
  EXPECT_GE(session.size(), 22U);
  // What the client says of itself reaches the program.
  EXPECT_EQ(json::write(*fakes.last().got_of("initialize")[0].find("params")), json::write(*initialize_message().find("params")));

  const auto told = send(request(notification("notifications/initialized"), "alice", session));
  EXPECT_EQ(told->status(), 202);
  EXPECT_EQ(fakes.last().got_of("notifications/initialized").size(), 1U);
  const auto listed = send(request(call(7, json::Object{}, "tools/list"), "alice", session));
  EXPECT_EQ(listed->status(), 200);
  EXPECT_EQ(*listed->json().find_int("id"), 7);
  EXPECT_FALSE(listed->is_stream());
}

TEST_F(LegacyProgram, IsNeverSharedByTwoPrincipalsOrTwoSessions) {
  const std::string alice = open_session("alice"), bob = open_session("bob"), alice_again = open_session("alice");
  EXPECT_EQ(fakes.all.size(), 3U);
  for (const auto& running : fakes.all) EXPECT_EQ(running->got_of("initialize").size(), 1U);
  // Another's session is no session (G12).
  EXPECT_EQ(send(request(call(1), "bob", alice))->status(), 404);
  EXPECT_EQ(send(request(json::Value(), "bob", alice, "GET"))->status(), 404);
  EXPECT_EQ(send(request(json::Value(), "bob", alice, "DELETE"))->status(), 404);
  EXPECT_EQ(send(request(call(1), "alice", "made-up"))->status(), 404);
  EXPECT_TRUE(fakes.all[0]->got_of("tools/call").empty());
}

TEST_F(LegacyProgram, IsAskedWhichEraItSpeaksOnceForAll) {
  open_session("alice");
  open_session("bob");
  EXPECT_EQ(fakes.all[0]->got_of("server/discover").size(), 1U);
  EXPECT_EQ(fakes.all[1]->got_of("server/discover").size(), 0U);
}

TEST_F(LegacyProgram, ThatSaysNothingToDiscoverIsLegacy) {
  fakes.answer = [](FakeProgram& self, const json::Value& message) {
    if (method_of(message) != "server/discover") legacy_program(self, message);
  };
  const auto opening = send(request(initialize_message()));
  EXPECT_FALSE(opening->answer);
  advance(Milliseconds(2'400));
  EXPECT_FALSE(opening->answer);
  advance(Milliseconds(200));
  EXPECT_EQ(opening->status(), 200);
}

TEST_F(LegacyProgram, ThatDiesOfDiscoverIsStartedAgainWithoutIt) {
  fakes.answer = [](FakeProgram& self, const json::Value& message) {
    if (method_of(message) == "server/discover") self.crash();
    else legacy_program(self, message);
  };
  EXPECT_EQ(send(request(initialize_message()))->status(), 200);
  EXPECT_EQ(fakes.all.size(), 2U);
}

TEST_F(LegacyProgram, TellsAModernClientThatItIsLegacy) {
  const auto asked = send(request(modern("writ-era", "server/discover")));
  EXPECT_EQ(asked->status(), 400);
  EXPECT_EQ(*asked->json().find("error")->find_int("code"), mcp::code::kInvalidRequest);
  // The program that was started for it serves the session that follows, and the next time none is needed.
  open_session();
  EXPECT_EQ(fakes.all.size(), 1U);
  EXPECT_EQ(send(request(modern(1, "tools/list"), "bob"))->status(), 400);
  EXPECT_EQ(fakes.all.size(), 1U);
}

TEST_F(LegacyProgram, WantsItsSession) {
  EXPECT_EQ(send(request(call(1, json::Object{}, "tools/list")))->status(), 400);
  EXPECT_EQ(send(request(json::Value(), "alice", "", "GET"))->status(), 405);
  EXPECT_EQ(send(request(json::Value(), "alice", "", "DELETE"))->status(), 405);
  EXPECT_TRUE(fakes.all.empty());
}

TEST_F(LegacyProgram, GetsOurNumbersForIdsAndProgressTokens) {
  const std::string session = open_session();
  const auto first = send(request(call("a", json::Value{{"name", "t"}, {"_meta", json::Value{{"progressToken", "mine"}}}}), "alice", session));
  const auto second = send(request(call("b"), "alice", session));
  const auto calls = fakes.last().got_of("tools/call");
  ASSERT_EQ(calls.size(), 2U);
  const std::int64_t number = *calls[0].find_int("id");
  EXPECT_EQ(*calls[0].find("params")->find("_meta")->find_int("progressToken"), number);
  EXPECT_NE(number, *calls[1].find_int("id"));

  fakes.last().say(notification("notifications/progress", json::Value{{"progressToken", number}, {"progress", 1}}));
  fakes.last().result(calls[1], json::Value{{"content", json::Array{}}});
  fakes.last().result(calls[0], json::Value{{"content", json::Array{}}});
  settle();
  EXPECT_FALSE(second->is_stream());
  EXPECT_EQ(*second->json().find_string("id"), "b");
  ASSERT_TRUE(first->is_stream());
  ASSERT_EQ(first->messages().size(), 2U);
  EXPECT_EQ(*first->messages()[0].find("params")->find_string("progressToken"), "mine");
  EXPECT_EQ(*first->messages()[1].find_string("id"), "a");
  EXPECT_EQ(first->end, http::StreamEnd::complete);
}

TEST_F(LegacyProgram, AsksTheClientOnTheLatestCallAndGetsItsAnswer) {
  const std::string session = open_session();
  const auto calling = send(request(call(5), "alice", session));
  fakes.last().say(call("from-program", json::Object{}, "sampling/createMessage"));
  settle();
  ASSERT_TRUE(calling->is_stream());
  EXPECT_EQ(*calling->messages()[0].find_string("method"), "sampling/createMessage");
  const json::Value answer{{"jsonrpc", "2.0"}, {"id", "from-program"}, {"result", json::Object{}}};
  EXPECT_EQ(send(request(answer, "alice", session))->status(), 202);
  EXPECT_EQ(fakes.last().got.back(), answer);
  // Once, and only what was asked.
  const auto before = fakes.last().got.size();
  send(request(answer, "alice", session));
  send(request(json::Value{{"jsonrpc", "2.0"}, {"id", "never asked"}, {"result", json::Object{}}}, "alice", session));
  EXPECT_EQ(fakes.last().got.size(), before);
}

TEST_F(LegacyProgram, SaysTheRestOnTheSessionsOwnStream) {
  const std::string session = open_session();
  fakes.last().say(notification("notifications/tools/list_changed"));   // before anybody listens: kept
  const auto first = send(request(json::Value(), "alice", session, "GET"));
  EXPECT_EQ(first->messages().size(), 1U);
  fakes.last().say(notification("notifications/resources/updated", json::Value{{"uri", "x:y"}}));
  settle();
  EXPECT_EQ(first->messages().size(), 2U);
  // A second stream takes the first one's place, so that none says what the other said (TR-30).
  const auto second = send(request(json::Value(), "alice", session, "GET"));
  EXPECT_EQ(first->end, http::StreamEnd::complete);
  fakes.last().say(notification("notifications/prompts/list_changed"));
  settle();
  EXPECT_EQ(first->messages().size(), 2U);
  EXPECT_EQ(second->messages().size(), 1U);
}

TEST_F(LegacyProgram, AnswersOfNobodyAndGarbageAreDroppedAndALittleOfThatIsLogged) {
  const std::string session = open_session();
  const auto calling = send(request(call(5), "alice", session));
  for (int i = 0; i < 100; ++i) fakes.last().say_text("Listening on stdio...");
  fakes.last().say_text(R"([{"jsonrpc":"2.0","id":3,"result":{}}])");
  fakes.last().say(json::Value{{"jsonrpc", "2.0"}, {"id", 4711}, {"result", json::Object{}}});
  fakes.last().say(json::Value{{"jsonrpc", "2.0"}, {"id", "5"}, {"result", json::Object{}}});
  settle();
  EXPECT_FALSE(calling->answer);
  EXPECT_EQ(log.size(), 5U);
  EXPECT_THAT(log[0], HasSubstr("program of server `tools`: a line on its standard output is no message"));
  fakes.last().result(fakes.last().got_of("tools/call")[0], json::Object{});
  settle();
  EXPECT_EQ(calling->status(), 200);
}

TEST_F(LegacyProgram, ALostLineFailsTheCallThatItWouldHaveAnswered) {
  const std::string session = open_session();
  const auto one = send(request(call(1), "alice", session)), two = send(request(call(2), "alice", session));
  const auto calls = fakes.last().got_of("tools/call");
  fakes.last().lose("{\"result\":{\"content\":[{", "\"}]},\"jsonrpc\":\"2.0\",\"id\":" + std::to_string(*calls[1].find_int("id")) + "}");
  settle();
  EXPECT_FALSE(one->answer);
  ASSERT_TRUE(two->failure());
  EXPECT_EQ(two->failure()->kind, Failure::Kind::bad_response);
  fakes.last().lose("{\"result\":{\"content\":[{", "\"}}}");
  settle();
  ASSERT_TRUE(one->failure());
}

TEST_F(LegacyProgram, ACrashFailsItsCallsAndNobodyElses) {
  const std::string alice = open_session("alice"), bob = open_session("bob");
  const auto of_alice = send(request(call(1), "alice", alice)), of_bob = send(request(call(1), "bob", bob));
  fakes.all[0]->crash();
  settle();
  ASSERT_TRUE(of_alice->failure());
  EXPECT_EQ(of_alice->failure()->kind, Failure::Kind::closed);
  EXPECT_THAT(of_alice->failure()->detail, HasSubstr("exit status 7"));
  EXPECT_FALSE(of_bob->answer);
  fakes.all[1]->result(fakes.all[1]->got_of("tools/call")[0], json::Object{});
  settle();
  EXPECT_EQ(of_bob->status(), 200);
  EXPECT_EQ(send(request(call(2), "alice", alice))->status(), 404);   // and starts over (TR-25)
}

TEST_F(LegacyProgram, IsStartedAgainLaterAndLater) {
  const auto crash = [&] {
    fakes.last().crash();
    settle();
  };
  open_session();
  crash();
  open_session();   // the first crash of one that had served: at once
  crash();
  for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
    const auto refused = send(request(initialize_message()));
    ASSERT_TRUE(refused->failure()) << wait;
    EXPECT_EQ(refused->failure()->kind, Failure::Kind::unavailable);
    EXPECT_EQ(refused->failure()->retry_after, Seconds(wait));
    const auto others = send(request(initialize_message(), "bob"));
    EXPECT_EQ(others->status(), 200) << "another principal is not harmed";
    send(request(json::Value(), "bob", others->session(), "DELETE"));
    advance(Seconds(wait));
    open_session();
    crash();
  }
  advance(Seconds(60));
  open_session();
  now += Seconds(31);   // it was stable again
  crash();
  open_session();
}

TEST_F(LegacyProgram, ThatCannotBeStartedSaysWhyInTheLogOnly) {
  fakes.refuse = "was not started: user namespaces are not available";
  const auto refused = send(request(initialize_message()));
  ASSERT_TRUE(refused->failure());
  EXPECT_EQ(refused->failure()->kind, Failure::Kind::connect);
  EXPECT_THAT(refused->failure()->detail, HasSubstr("user namespaces are not available"));
  EXPECT_EQ(send(request(initialize_message()))->failure()->kind, Failure::Kind::unavailable);
}

TEST_F(LegacyProgram, EndsWhenItsSessionDoes) {
  const std::string session = open_session();
  const auto stream = send(request(json::Value(), "alice", session, "GET"));
  EXPECT_EQ(send(request(json::Value(), "alice", session, "DELETE"))->status(), 200);
  EXPECT_TRUE(fakes.last().was_asked_to_end);
  EXPECT_TRUE(stream->end);
  EXPECT_EQ(send(request(call(2), "alice", session))->status(), 404);
  open_session();   // it was no failure
}

TEST_F(LegacyProgram, EndsWhenNobodyUsesItAndNotBefore) {
  program.idle_seconds = 60;
  const std::string session = open_session();
  send(request(json::Value(), "alice", session, "GET"));   // a stream is no use
  Request long_call = request(call(1), "alice", session);
  long_call.http.head_timeout_ms = 0;
  const auto calling = send(std::move(long_call));
  advance(Seconds(120));
  EXPECT_FALSE(fakes.last().was_asked_to_end) << "a call is under way";
  fakes.last().result(fakes.last().got_of("tools/call")[0], json::Object{});
  settle();
  advance(Seconds(59));
  EXPECT_FALSE(fakes.last().was_asked_to_end);
  advance(Seconds(2));
  EXPECT_TRUE(fakes.last().was_asked_to_end);
  advance(Seconds(1));
  EXPECT_EQ(layer().running(), 0U);
}

TEST_F(LegacyProgram, EndsWithItsServerObjectItsUserAndTheLayer) {
  open_session("alice");
  open_session("bob");
  set_objects(true, false);
  advance(Milliseconds(100));
  EXPECT_TRUE(fakes.all[0]->was_asked_to_end);
  EXPECT_FALSE(fakes.all[1]->was_asked_to_end);
  program.environment["MODE"] = "other";
  set_objects();
  advance(Milliseconds(100));
  EXPECT_TRUE(fakes.all[1]->was_asked_to_end);
  open_session("bob");
  set_objects(false);
  advance(Milliseconds(100));
  EXPECT_TRUE(fakes.all[2]->was_asked_to_end);
  set_objects();
  open_session("bob");
  stdio.reset();
  EXPECT_TRUE(fakes.all[3]->was_asked_to_end);
}

TEST_F(LegacyProgram, RunsInABoundedNumberThatIsSharedFairly) {
  program.instances_max = 3;
  const std::string first = open_session("alice");
  advance(Seconds(10));
  const std::string second = open_session("alice"), third = open_session("alice");
  advance(Seconds(10));
  const std::string bob = open_session("bob");   // alice, who has most, gives up the one that was longest without use
  EXPECT_TRUE(fakes.all[0]->was_asked_to_end);
  EXPECT_EQ(send(request(call(1), "alice", first))->status(), 404);
  const auto busy_two = send(request(call(1), "alice", second)), busy_three = send(request(call(1), "alice", third));
  const auto refused = send(request(initialize_message(), "carol"));
  ASSERT_TRUE(refused->failure()) << "the others are at work, or their owner's only one";
  EXPECT_EQ(refused->failure()->kind, Failure::Kind::unavailable);
  EXPECT_EQ(refused->failure()->retry_after, Seconds(5));
  EXPECT_EQ(layer().running(), 3U);
}

TEST_F(LegacyProgram, IsToldWhenNobodyWaitsAnyMore) {
  const std::string session = open_session();
  Request late = request(call(1), "alice", session);
  late.http.head_timeout_ms = 5'000;
  const auto timed_out = send(std::move(late));
  http::Cancellation gone;
  Request stopped = request(call(2), "alice", session);
  stopped.http.cancellation = &gone;
  const auto cancelled = send(std::move(stopped));
  gone.request();
  settle();
  ASSERT_TRUE(cancelled->failure());
  EXPECT_EQ(cancelled->failure()->kind, Failure::Kind::closed);
  advance(Milliseconds(5'100));
  ASSERT_TRUE(timed_out->failure());
  EXPECT_EQ(timed_out->failure()->kind, Failure::Kind::timeout);
  const auto calls = fakes.last().got_of("tools/call"), cancels = fakes.last().got_of("notifications/cancelled");
  ASSERT_EQ(cancels.size(), 2U);
  EXPECT_EQ(*cancels[0].find("params")->find_int("requestId"), *calls[1].find_int("id"));
  EXPECT_EQ(*cancels[1].find("params")->find_int("requestId"), *calls[0].find_int("id"));
  fakes.last().result(calls[0], json::Object{});   // too late: nobody is told, nothing is logged
  settle();
  EXPECT_TRUE(log.empty());
}

TEST_F(LegacyProgram, IsToldOfAClientsCancellationByOurNumber) {
  const std::string session = open_session();
  const auto calling = send(request(call("x"), "alice", session));
  send(request(notification("notifications/cancelled", json::Value{{"requestId", "x"}}), "alice", session));
  send(request(notification("notifications/cancelled", json::Value{{"requestId", "y"}}), "alice", session));
  const auto cancels = fakes.last().got_of("notifications/cancelled");
  ASSERT_EQ(cancels.size(), 1U);
  EXPECT_EQ(*cancels[0].find("params")->find_int("requestId"), *fakes.last().got_of("tools/call")[0].find_int("id"));
}

TEST_F(LegacyProgram, WhoNeverReadsCostsABoundedQueueAndHarmsNobody) {
  settings.waiting_bytes_max = 10'000;
  const std::string session = open_session();
  const json::Value token{{"_meta", json::Value{{"progressToken", 1}}}};
  const auto stuck = send(request(call(1, token), "alice", session), false), honest = send(request(call(2), "alice", session));
  const auto calls = fakes.last().got_of("tools/call");
  for (int i = 0; i < 200; ++i) {
    fakes.last().say(notification("notifications/progress", json::Value{{"progressToken", *calls[0].find_int("id")}, {"progress", i}, {"message", std::string(100, 'x')}}));
  }
  settle();
  EXPECT_EQ(fakes.last().got_of("notifications/cancelled").size(), 1U) << "the stuck reader's call was given up";
  fakes.last().result(calls[1], json::Object{});
  settle();
  EXPECT_EQ(honest->status(), 200);
}

TEST_F(LegacyProgram, ThatDoesNotReadIsUnavailable) {
  const std::string session = open_session();
  fakes.last().is_full = true;
  const auto refused = send(request(call(1), "alice", session));
  ASSERT_TRUE(refused->failure());
  EXPECT_EQ(refused->failure()->kind, Failure::Kind::unavailable);
}

TEST_F(LegacyProgram, ThatRefusesInitializeHasNoSession) {
  fakes.answer = [](FakeProgram& self, const json::Value& message) {
    if (message.find("id")) self.error(message, -32602);
  };
  const auto refused = send(request(initialize_message()));
  EXPECT_EQ(refused->status(), 200);
  EXPECT_EQ(refused->session(), "");
  EXPECT_EQ(*refused->json().find("error")->find_int("code"), -32602);
  EXPECT_TRUE(fakes.last().was_asked_to_end);
}

TEST_F(LegacyProgram, GetsACleanEnvironmentAndItsSecrets) {
  program.environment = {{"MODE", "x"}, {"LANG", "de_DE.UTF-8"}};
  program.secret_environment = {{"KEY", "key-file"}};
  open_session();
  std::map<std::string, std::string> environment;
  for (const auto& [name, value] : fakes.last().launch.environment) environment[name] = value;
  for (const auto& [name, value] : fakes.last().launch.secret_environment) environment[name] = std::string(value.reveal());
  EXPECT_EQ(environment, (std::map<std::string, std::string>{{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", "/home/program"}, {"TMPDIR", "/tmp"}, {"LANG", "de_DE.UTF-8"},
                                                             {"MODE", "x"}, {"KEY", "secret of key-file"}}));
}

TEST_F(LegacyProgram, IsNotStartedWithoutItsSecret) {
  program.secret_environment = {{"KEY", "missing"}};
  const auto refused = send(request(initialize_message()));
  ASSERT_TRUE(refused->failure());
  EXPECT_EQ(refused->failure()->kind, Failure::Kind::credential);
  EXPECT_TRUE(fakes.all.empty());
}

TEST_F(LegacyProgram, OfWhichManyBeginAtOnceAreManyPrograms) {
  open_session("bob");   // the era is known
  std::vector<std::shared_ptr<Sending>> opening;
  for (int i = 0; i < 6; ++i) {
    auto sending = std::make_shared<Sending>();
    auto task = go(&layer(), request(initialize_message()), sending, true);
    spawn(std::move(task), [](std::exception_ptr) {});
    opening.push_back(std::move(sending));
  }
  settle();
  std::set<std::string> sessions;
  for (const auto& each : opening) sessions.insert(each->session());
  EXPECT_EQ(sessions.size(), 6U);
  EXPECT_EQ(fakes.all.size(), 7U);
}

}  // namespace
}  // namespace writ::upstreams::stdio
