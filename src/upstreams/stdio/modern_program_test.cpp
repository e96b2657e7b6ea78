#include "upstreams/stdio/message_edits.h"
#include "upstreams/stdio/stdio_fixture.h"
#include "upstreams/stdio/stdio_programs.h"

namespace writ::upstreams::stdio {
namespace {

class ModernProgram : public StdioTest {
 protected:
  ModernProgram() { fakes.answer = modern_program; }
};

TEST_F(ModernProgram, ServesAllRequestsOfOnePrincipalWithoutSessions) {
  const auto discovered = send(request(modern("d", "server/discover")));
  EXPECT_EQ(discovered->status(), 200);
  EXPECT_EQ(discovered->session(), "");
  EXPECT_TRUE(discovered->json().find("result")->find_array("supportedVersions"));
  EXPECT_EQ(send(request(modern(1, "tools/list")))->status(), 200);
  EXPECT_EQ(fakes.all.size(), 1U);
  EXPECT_EQ(send(request(modern(1, "tools/list"), "bob"))->status(), 200);
  EXPECT_EQ(fakes.all.size(), 2U);
  EXPECT_EQ(send(request(json::Value(), "alice", "", "GET"))->status(), 405);
}

TEST_F(ModernProgram, SaysItsErrorsWithTheirStatus) {
  const auto refused = send(request(initialize_message()));
  EXPECT_EQ(refused->status(), 400);
  EXPECT_EQ(*refused->json().find("error")->find_int("code"), mcp::code::kUnsupportedVersion);
  EXPECT_EQ(send(request(modern(1, "unknown/method")))->status(), 404);
}

TEST_F(ModernProgram, SubscriptionsGetWhatIsTheirs) {
  Request listen = request(modern("mine", "subscriptions/listen", json::Value{{"notifications", json::Value{{"toolsListChanged", true}}}}));
  listen.stands = true;
  const auto listening = send(std::move(listen));
  const auto asked = fakes.last().got_of("subscriptions/listen");
  ASSERT_EQ(asked.size(), 1U);
  const auto about = [&](std::string_view method, const json::Value& id) {
    json::Value meta = json::Object{};
    meta.set(kSubscriptionId, id);
    return notification(method, json::Value{{"_meta", std::move(meta)}});
  };
  fakes.last().say(about("notifications/subscriptions/acknowledged", *asked[0].find("id")));
  fakes.last().say(about("notifications/tools/list_changed", *asked[0].find("id")));
  fakes.last().say(about("notifications/tools/list_changed", 99));
  fakes.last().say(notification("notifications/tools/list_changed"));
  settle();
  ASSERT_TRUE(listening->is_stream());
  ASSERT_EQ(listening->messages().size(), 2U);
  for (const auto& message : listening->messages()) EXPECT_EQ(*message.find("params")->find("_meta")->find_string(kSubscriptionId), "mine");   // TR-72
  // Who lets go, cancels (TR-111).
  listening->body->cancel();
  settle();
  const auto cancels = fakes.last().got_of("notifications/cancelled");
  ASSERT_EQ(cancels.size(), 1U);
  EXPECT_EQ(*cancels[0].find("params")->find("requestId"), *asked[0].find("id"));
}

TEST_F(ModernProgram, LogMessagesGoToTheCallThatWantedSomeAndRequestsToNobody) {
  const json::Value wants{{"_meta", json::Value{{"io.modelcontextprotocol/logLevel", "info"}}}};
  const auto calling = send(request(modern(1, "tools/call", wants))), other = send(request(modern(2, "tools/call")));
  fakes.last().say(notification("notifications/message", json::Value{{"level", "info"}, {"data", "x"}}));
  fakes.last().say(call("q", json::Object{}, "sampling/createMessage"));
  settle();
  ASSERT_EQ(calling->messages().size(), 1U);
  EXPECT_FALSE(other->answer);
  EXPECT_EQ(*fakes.last().got.back().find("error")->find_int("code"), mcp::code::kMethodNotFound);   // TR-112
}

TEST_F(ModernProgram, SharedServesEverybodyAndTellsNobodyOfAnother) {
  program.runs = registry::UpstreamProgram::Runs::shared;
  const json::Value wants{{"_meta", json::Value{{"io.modelcontextprotocol/logLevel", "info"}}}};
  const auto of_alice = send(request(modern(1, "tools/call", wants), "alice")), of_bob = send(request(modern(1, "tools/call", wants), "bob"));
  ASSERT_EQ(fakes.all.size(), 1U);
  fakes.last().say(notification("notifications/message", json::Value{{"level", "info"}, {"data", "x"}}));
  fakes.last().result(fakes.last().got_of("tools/call")[1], json::Value{{"for", "bob"}});
  settle();
  EXPECT_FALSE(of_alice->answer);
  EXPECT_EQ(*of_bob->json().find("result")->find_string("for"), "bob");
  EXPECT_FALSE(of_bob->is_stream());
}

TEST_F(ModernProgram, ConfiguredIsNotAskedWhatItIs) {
  era = registry::UpstreamAddress::Era::modern;
  EXPECT_EQ(send(request(modern(1, "tools/list")))->status(), 200);
  EXPECT_TRUE(fakes.last().got_of("server/discover").empty());
}

struct LostLine {
  const char* name;
  std::string beginning, end;
  std::optional<std::int64_t> number;
};
class LostLines : public testing::TestWithParam<LostLine> {};
TEST_P(LostLines, TellTheirIdOnlyWhereNoContentCanStand) { EXPECT_EQ(number_of_lost_line(GetParam().beginning, GetParam().end), GetParam().number); }
INSTANTIATE_TEST_SUITE_P(MessageEdits, LostLines,
                         testing::Values(LostLine{"id_first", R"({"jsonrpc":"2.0","id":17,"result":{)", "", 17}, LostLine{"id_alone_first", R"({"id":17,"result":{)", "", 17},
                                         LostLine{"with_spaces", R"({"jsonrpc": "2.0", "id": 17, "result": {)", "", 17},
                                         LostLine{"id_last", R"({"result":{)", R"(xx"}]},"jsonrpc":"2.0","id":17})", 17}, LostLine{"version_last", R"({"result":{)", R"(x"}]},"id":17,"jsonrpc":"2.0"})", 17},
                                         LostLine{"text_id", R"({"jsonrpc":"2.0","id":"17","result":{)", "", std::nullopt},
                                         LostLine{"half_an_id", R"({"jsonrpc":"2.0","id":17)", "", std::nullopt},
                                         LostLine{"id_within_the_result", R"({"result":{)", R"(,"jsonrpc":"2.0","id":17}})", std::nullopt},
                                         LostLine{"id_within_a_string", R"({"result":{)", R"(\"jsonrpc\":\"2.0\",\"id\":17}"})", std::nullopt},
                                         LostLine{"nothing", "", "", std::nullopt}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(MessageEdits, LeaveEverythingElseAsItWas) {
  const auto message = mcp::Message::parse(R"({"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"t","arguments":{"id":1,"progressToken":"x"},"_meta":{"progressToken":"p","other":1}}})", {});
  ASSERT_TRUE(message);
  EXPECT_EQ(with_own_number(*message, 9),
            R"({"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"t","arguments":{"id":1,"progressToken":"x"},"_meta":{"progressToken":9,"other":1}}})");
  EXPECT_EQ(*progress_token_of(*message)->as_string(), "p");
}

}  // namespace
}  // namespace writ::upstreams::stdio
