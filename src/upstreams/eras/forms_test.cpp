#include <gtest/gtest.h>

#include "upstreams/eras/legacy_form.h"
#include "upstreams/eras/modern_form.h"

namespace writ::upstreams {
namespace {

json::Value value(const std::string& text) {
  auto parsed = json::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed ? std::move(*parsed) : json::Value();
}
mcp::Message message(const std::string& text) { return std::move(*mcp::Message::parse(text, {})); }

struct TextRow {
  const char *name, *from, *to;
};
std::string name_of(const testing::TestParamInfo<TextRow>& row) { return row.param.name; }

class ClientCapabilities : public testing::TestWithParam<TextRow> {};
TEST_P(ClientCapabilities, AreWhatTheBridgeCanKeep) { EXPECT_EQ(json::write(modern_capabilities(value(GetParam().from))), GetParam().to); }
INSTANTIATE_TEST_SUITE_P(All, ClientCapabilities,
                         testing::Values(TextRow{"none", "{}", "{}"}, TextRow{"elicitation", R"({"elicitation":{}})", R"({"elicitation":{}})"},
                                         TextRow{"roots_without_their_notification", R"({"roots":{"listChanged":true}})", R"({"roots":{}})"},
                                         TextRow{"sampling_with_tools", R"({"sampling":{"tools":{}}})", R"({"sampling":{"tools":{}}})"},
                                         TextRow{"tasks_and_extensions_not", R"({"tasks":{"list":{}},"experimental":{"a":{}},"extensions":{"io.modelcontextprotocol/tasks":{}}})", "{}"},
                                         TextRow{"of_a_wrong_type_not", R"({"elicitation":true})", "{}"}, TextRow{"no_object", "[]", "{}"}),
                         name_of);

ClientFacts facts() {
  ClientFacts client;
  client.info = json::Value{{"name", "t"}, {"version", "1"}};
  client.capabilities = value(R"({"elicitation":{}})");
  return client;
}

TEST(ModernRequests, CarryTheSessionInMeta) {
  ClientFacts client = facts();
  const auto call = message(R"({"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"x","arguments":{"n":1},"_meta":{"progressToken":7}}})");
  EXPECT_EQ(json::write(modern_request(call, 5, client, nullptr)),
            R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"x","arguments":{"n":1},"_meta":{"progressToken":7,"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
            R"("io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}}}})");
  client.log_level = "info";
  EXPECT_NE(json::write(modern_request(call, 5, client, nullptr)).find(R"("io.modelcontextprotocol/logLevel":"info")"), std::string::npos);
}

TEST(ModernRequests, TakeNothingReservedFromTheClient) {
  const auto sly = message(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","inputResponses":{"a":{}},"requestState":"s","_meta":{"io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"own":1}}})");
  const std::string text = json::write(modern_request(sly, 2, facts(), nullptr));
  EXPECT_EQ(text.find("sampling"), std::string::npos) << text;
  EXPECT_EQ(text.find("inputResponses"), std::string::npos) << text;
  EXPECT_EQ(text.find("requestState"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("own":1)"), std::string::npos) << text;
}

TEST(ModernRequests, GiveTheStateBackAsItCame) {
  const auto call = message(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x"}})");
  RetryWith retry;
  retry.responses = value(R"({"a":{"action":"accept"}})");
  retry.state = "opaque \xC3\xA9 \" \\ \n state";
  const json::Value made = modern_request(call, 9, facts(), &retry);
  EXPECT_EQ(*made.find("params")->find_string("requestState"), *retry.state);
  EXPECT_EQ(json::write(*made.find("params")->find("inputResponses")), R"({"a":{"action":"accept"}})");
  retry.state.reset();
  EXPECT_EQ(modern_request(call, 9, facts(), &retry).find("params")->find("requestState"), nullptr);
}

TEST(ModernRequests, HaveTheirMirroredHeaders) {
  mcp::MirroredHeaders tools;
  json::Value list = value(R"({"tools":[{"name":"x","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}}]})");
  EXPECT_TRUE(tools.learn_tools(list).empty());
  const auto request = modern_http(message(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"region":"eu"}}})"), tools);
  EXPECT_EQ(request.method, "POST");
  for (const auto& [name, expected] : {std::pair{"Mcp-Method", "tools/call"}, {"Mcp-Name", "x"}, {"Mcp-Param-Region", "eu"}, {"MCP-Protocol-Version", "2026-07-28"}}) {
    ASSERT_TRUE(request.headers.find_single(name)) << name;
    EXPECT_EQ(*request.headers.find_single(name), expected);
  }
}

struct DeclaredRow {
  const char *name, *capabilities, *method, *params;
  bool declared;
};
class ServerQuestions : public testing::TestWithParam<DeclaredRow> {};
TEST_P(ServerQuestions, NeedWhatTheClientDeclared) {
  const json::Value params = value(GetParam().params);
  EXPECT_EQ(is_declared(value(GetParam().capabilities), GetParam().method, &params), GetParam().declared);
}
INSTANTIATE_TEST_SUITE_P(All, ServerQuestions,
                         testing::Values(DeclaredRow{"a_form", R"({"elicitation":{}})", "elicitation/create", "{}", true},
                                         DeclaredRow{"a_form_by_name", R"({"elicitation":{"form":{}}})", "elicitation/create", R"({"mode":"form"})", true},
                                         DeclaredRow{"a_form_of_who_has_only_urls", R"({"elicitation":{"url":{}}})", "elicitation/create", "{}", false},
                                         DeclaredRow{"a_url", R"({"elicitation":{"url":{}}})", "elicitation/create", R"({"mode":"url"})", true},
                                         DeclaredRow{"a_url_of_who_has_only_forms", R"({"elicitation":{}})", "elicitation/create", R"({"mode":"url"})", false},
                                         DeclaredRow{"elicitation_undeclared", R"({"sampling":{}})", "elicitation/create", "{}", false},
                                         DeclaredRow{"sampling", R"({"sampling":{}})", "sampling/createMessage", "{}", true},
                                         DeclaredRow{"sampling_with_tools_undeclared", R"({"sampling":{}})", "sampling/createMessage", R"({"tools":[]})", false},
                                         DeclaredRow{"sampling_with_tools", R"({"sampling":{"tools":{}}})", "sampling/createMessage", R"({"tools":[]})", true},
                                         DeclaredRow{"roots", R"({"roots":{}})", "roots/list", "{}", true}, DeclaredRow{"roots_undeclared", "{}", "roots/list", "{}", false},
                                         DeclaredRow{"anything_else", R"({"elicitation":{},"sampling":{},"roots":{}})", "tools/call", "{}", false}),
                         [](const auto& row) { return row.param.name; });

TEST(Initialize, IsNegotiatedAmongTheLegacyRevisions) {
  for (const auto& [asked, agreed] : {std::pair{"2025-03-26", "2025-03-26"}, {"2025-06-18", "2025-06-18"}, {"2025-11-25", "2025-11-25"},
                                      {"2026-07-28", "2025-11-25"}, {"2024-11-05", "2025-11-25"}, {"", "2025-11-25"}}) {
    EXPECT_EQ(negotiated_version(asked), agreed) << asked;
  }
}

TEST(Initialize, SaysWhatTheServerDiscoveredSays) {
  const json::Value discovered = value(R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{},)"
                                       R"("completions":{},"tasks":{},"experimental":{"a":{}},"extensions":{"io.modelcontextprotocol/tasks":{}}},"instructions":"Be kind.","ttlMs":1,"cacheScope":"public",)"
                                       R"("_meta":{"io.modelcontextprotocol/serverInfo":{"name":"srv","version":"2"}}})");
  EXPECT_EQ(json::write(initialize_result(discovered, "2025-06-18", "notes")),
            R"({"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"resources":{"subscribe":true},"completions":{},"logging":{}},)"
            R"("serverInfo":{"name":"srv","version":"2"},"instructions":"Be kind."})");
  EXPECT_EQ(json::write(initialize_result(json::Object{}, "2025-11-25", "notes")), R"({"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"notes","version":""}})");
}

class LegacyResults : public testing::TestWithParam<TextRow> {};
TEST_P(LegacyResults, HaveNothingOfTheModernEra) {
  json::Value result = value(GetParam().from);
  make_legacy_result(result);
  EXPECT_EQ(json::write(result), GetParam().to);
}
INSTANTIATE_TEST_SUITE_P(All, LegacyResults,
                         testing::Values(TextRow{"type_and_cache_hints", R"({"resultType":"complete","tools":[],"ttlMs":5,"cacheScope":"public"})", R"({"tools":[]})"},
                                         TextRow{"server_info", R"({"content":[],"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"}}})", R"({"content":[]})"},
                                         TextRow{"other_meta_stays", R"({"_meta":{"a":1,"io.modelcontextprotocol/serverInfo":{}}})", R"({"_meta":{"a":1}})"},
                                         TextRow{"content_stays", R"({"content":[{"resultType":"complete","ttlMs":1}]})", R"({"content":[{"resultType":"complete","ttlMs":1}]})"}),
                         name_of);

class LegacyNotifications : public testing::TestWithParam<TextRow> {};
TEST_P(LegacyNotifications, HaveNoSubscriptionId) {
  json::Value notification = value(GetParam().from);
  make_legacy_notification(notification);
  EXPECT_EQ(json::write(notification), GetParam().to);
}
INSTANTIATE_TEST_SUITE_P(All, LegacyNotifications,
                         testing::Values(TextRow{"alone", R"({"method":"m","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":3}}})", R"({"method":"m"})"},
                                         TextRow{"beside_a_uri", R"({"method":"m","params":{"uri":"a:b","_meta":{"io.modelcontextprotocol/subscriptionId":3}}})", R"({"method":"m","params":{"uri":"a:b"}})"},
                                         TextRow{"none", R"({"method":"m"})", R"({"method":"m"})"}),
                         name_of);

struct InputRow {
  const char *name, *result;
  int requests;   // -1: malformed
};
class InputRequiredResults : public testing::TestWithParam<InputRow> {};
TEST_P(InputRequiredResults, AreReadOrRefused) {
  const auto read = parse_input_required(value(GetParam().result));
  ASSERT_EQ(read.has_value(), GetParam().requests >= 0);
  if (read) {
    EXPECT_EQ(read->requests.size(), static_cast<std::size_t>(GetParam().requests));
  }
}
INSTANTIATE_TEST_SUITE_P(All, InputRequiredResults,
                         testing::Values(InputRow{"a_request", R"({"inputRequests":{"a":{"method":"roots/list"}}})", 1}, InputRow{"a_state_alone", R"({"requestState":"s"})", 0},
                                         InputRow{"neither", "{}", -1}, InputRow{"empty", R"({"inputRequests":{}})", -1}, InputRow{"state_is_no_string", R"({"requestState":1})", -1},
                                         InputRow{"requests_are_a_list", R"({"inputRequests":[]})", -1}, InputRow{"no_method", R"({"inputRequests":{"a":{}}})", -1},
                                         InputRow{"params_are_a_list", R"({"inputRequests":{"a":{"method":"roots/list","params":[]}}})", -1},
                                         InputRow{"too_many", R"({"inputRequests":{"a":{"method":"m"},"b":{"method":"m"},"c":{"method":"m"},"d":{"method":"m"},"e":{"method":"m"},"f":{"method":"m"},)"
                                                              R"("g":{"method":"m"},"h":{"method":"m"},"i":{"method":"m"},"j":{"method":"m"},"k":{"method":"m"},"l":{"method":"m"},"m":{"method":"m"},)"
                                                              R"("n":{"method":"m"},"o":{"method":"m"},"p":{"method":"m"},"q":{"method":"m"}}})",
                                                  -1}),
                         [](const auto& row) { return row.param.name; });

TEST(Results, AreOfAKind) {
  EXPECT_EQ(kind_of_result(value("{}")), ResultKind::complete);
  EXPECT_EQ(kind_of_result(value(R"({"resultType":"complete"})")), ResultKind::complete);
  EXPECT_EQ(kind_of_result(value(R"({"resultType":"input_required"})")), ResultKind::input_required);
  EXPECT_EQ(kind_of_result(value(R"({"resultType":"task"})")), ResultKind::unknown);
  EXPECT_EQ(kind_of_result(value(R"({"resultType":1})")), ResultKind::unknown);
}

}  // namespace
}  // namespace writ::upstreams
