#include "mcp/streamable_http.h"

#include <gtest/gtest.h>

#include <functional>

namespace writ::mcp {
namespace {

struct Parts {
  json::Value body;
  http::Headers headers;
};
Parts good_call() {
  Parts parts;
  parts.body = json::Value{{"jsonrpc", "2.0"},
                           {"id", 1},
                           {"method", "tools/call"},
                           {"params", json::Value{{"_meta", json::Value{{kMetaVersion.data(), "2026-07-28"}, {kMetaCapabilities.data(), json::Object{}}}},
                                                  {"name", "read_note"},
                                                  {"arguments", json::Object{}}}}};
  parts.headers = {{"mcp-protocol-version", "2026-07-28"}, {"mcp-method", "tools/call"}, {"MCP-NAME", "read_note"}};
  return parts;
}
json::Value& params(Parts& parts) { return const_cast<json::Value&>(*parts.body.find("params")); }
json::Value& meta(Parts& parts) { return const_cast<json::Value&>(*params(parts).find("_meta")); }

struct Row {
  const char* name;
  std::function<void(Parts&)> change;
  const char* reason;   // empty: accepted
  int code = 0;
};
class ModernRequests : public testing::TestWithParam<Row> {};

TEST_P(ModernRequests, AreCheckedAgainstTheirBody) {
  Parts parts = good_call();
  GetParam().change(parts);
  const auto message = Message::parse(json::write(parts.body), {});
  ASSERT_TRUE(message);
  EXPECT_EQ(era_of(*message, parts.headers), Era::modern);
  const auto checked = check_modern(*message, parts.headers);
  if (std::string_view(GetParam().reason).empty()) {
    EXPECT_TRUE(checked) << checked.error().reason;
    return;
  }
  ASSERT_FALSE(checked);
  EXPECT_STREQ(checked.error().reason, GetParam().reason);
  EXPECT_EQ(checked.error().error_code, GetParam().code);
  EXPECT_EQ(checked.error().status, 400);
}

INSTANTIATE_TEST_SUITE_P(
    Headers, ModernRequests,
    testing::Values(
        Row{"good", [](Parts&) {}, ""},
        Row{"no_meta", [](Parts& p) { params(p).erase("_meta"); }, "meta_version_missing", -32602},
        Row{"version_is_a_number", [](Parts& p) { meta(p).set(kMetaVersion, 1); }, "meta_version_missing", -32602},
        Row{"no_capabilities", [](Parts& p) { meta(p).erase(kMetaCapabilities); }, "meta_capabilities_missing", -32602},
        Row{"capabilities_are_text", [](Parts& p) { meta(p).set(kMetaCapabilities, "x"); }, "meta_capabilities_missing", -32602},
        Row{"version_header_absent", [](Parts& p) { p.headers.erase("MCP-Protocol-Version"); }, "version_header_missing", -32020},
        Row{"version_header_repeated", [](Parts& p) { p.headers.add("MCP-Protocol-Version", "2026-07-28"); }, "version_header_missing", -32020},
        Row{"version_header_differs", [](Parts& p) { p.headers.set("MCP-Protocol-Version", "2025-11-25"); }, "version_mismatch", -32020},
        Row{"meta_differs", [](Parts& p) { meta(p).set(kMetaVersion, "2025-11-25"); }, "version_mismatch", -32020},
        Row{"both_unsupported", [](Parts& p) { meta(p).set(kMetaVersion, "2099-01-01"), p.headers.set("MCP-Protocol-Version", "2099-01-01"); },
            "version_unsupported", -32022},
        Row{"version_with_spaces", [](Parts& p) { p.headers.set("MCP-Protocol-Version", " 2026-07-28\t"); }, ""},
        Row{"method_absent", [](Parts& p) { p.headers.erase("Mcp-Method"); }, "method_mismatch", -32020},
        Row{"method_differs", [](Parts& p) { p.headers.set("Mcp-Method", "tools/list"); }, "method_mismatch", -32020},
        Row{"method_in_other_case", [](Parts& p) { p.headers.set("Mcp-Method", "Tools/Call"); }, "method_mismatch", -32020},
        Row{"method_repeated", [](Parts& p) { p.headers.add("Mcp-Method", "tools/call"); }, "method_mismatch", -32020},
        Row{"name_absent", [](Parts& p) { p.headers.erase("Mcp-Name"); }, "name_mismatch", -32020},
        Row{"name_differs", [](Parts& p) { p.headers.set("Mcp-Name", "delete_note"); }, "name_mismatch", -32020},
        Row{"name_repeated", [](Parts& p) { p.headers.add("Mcp-Name", "read_note"); }, "name_mismatch", -32020},
        Row{"name_encoded", [](Parts& p) { p.headers.set("Mcp-Name", "=?base64?cmVhZF9ub3Rl?="); }, ""},
        Row{"name_encoded_other", [](Parts& p) { p.headers.set("Mcp-Name", "=?base64?ZGVsZXRlX25vdGU=?="); }, "name_mismatch", -32020},
        Row{"name_encoded_badly", [](Parts& p) { p.headers.set("Mcp-Name", "=?base64?cmVhZF9ub3Rl===?="); }, "name_mismatch", -32020},
        Row{"name_marker_in_capitals", [](Parts& p) { p.headers.set("Mcp-Name", "=?BASE64?cmVhZF9ub3Rl?="); }, "name_mismatch", -32020},
        Row{"param_plain", [](Parts& p) { p.headers.add("Mcp-Param-Region", "eu"); }, ""},
        Row{"param_not_ascii", [](Parts& p) { p.headers.add("Mcp-Param-Region", "\xC3\xA9"); }, "param_malformed", -32020},
        Row{"param_repeated", [](Parts& p) { p.headers.add("Mcp-Param-Region", "a"), p.headers.add("mcp-param-region", "b"); }, "param_malformed", -32020}),
    [](const auto& row) { return row.param.name; });

TEST(ModernNotifications, NeedNoMirroredHeadersButMayNotContradict) {
  const auto message = Message::parse(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"requestId":1}})", {});
  http::Headers headers{{"MCP-Protocol-Version", "2026-07-28"}};
  EXPECT_TRUE(check_modern(*message, headers));
  headers.add("Mcp-Method", "tools/call");
  EXPECT_STREQ(check_modern(*message, headers).error().reason, "method_mismatch");
}

TEST(Eras, AreToldFromTheMessageAlone) {
  const auto era = [](std::string_view text, http::Headers headers) { return era_of(*Message::parse(text, {}), headers); };
  EXPECT_EQ(era(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})", {}), Era::legacy);
  EXPECT_EQ(era(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})", {{"MCP-Protocol-Version", "2025-11-25"}}), Era::legacy);
  EXPECT_EQ(era(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})", {{"MCP-Protocol-Version", "2026-07-28"}}), Era::modern);
  EXPECT_EQ(era(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}})", {}), Era::legacy);
  EXPECT_EQ(era(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}})", {}), Era::modern);
  EXPECT_EQ(era(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}})", {}), Era::modern);
}

TEST(LegacyVersion, IsKnownOrAbsent) {
  EXPECT_TRUE(check_legacy_version({}));
  EXPECT_TRUE(check_legacy_version({{"MCP-Protocol-Version", "2025-03-26"}}));
  EXPECT_TRUE(check_legacy_version({{"MCP-Protocol-Version", "2025-11-25"}}));
  for (const char* bad : {"", "2025-11-26", "latest", "2025-11-25, 2025-06-18"}) {
    const auto checked = check_legacy_version({{"MCP-Protocol-Version", bad}});
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().error_code, code::kUnsupportedVersion);
  }
  EXPECT_FALSE(check_legacy_version({{"MCP-Protocol-Version", "2025-11-25"}, {"MCP-Protocol-Version", "2025-11-25"}}));
}

TEST(HeaderValues, AreReadAgainAsWritten) {
  for (const char* text : {"plain", "with space", " edge", "edge ", "caf\xC3\xA9", "a\nb", "=?base64?x?=", "", "tab\tinside"}) {
    EXPECT_EQ(decode_header_value(encode_header_value(text)), text);
  }
  EXPECT_EQ(encode_header_value("a\nb"), "=?base64?YQpi?=");
  EXPECT_FALSE(decode_header_value("=?base64?/w==?="));   // no UTF-8
}

TEST(MediaTypes, DecideWithoutRegardToCase) {
  const auto json = [](const char* type) { return is_json({{"Content-Type", type}}); };
  EXPECT_TRUE(json("application/json"));
  EXPECT_TRUE(json("Application/JSON; charset=UTF-8"));
  EXPECT_TRUE(json("application/json;charset=\"utf-8\""));
  for (const char* bad : {"", "text/plain", "application/json; charset=utf-16", "application/json-rpc", "application/jsonx", "application/json, text/plain",
                          "application/json; boundary=x"}) {
    EXPECT_FALSE(json(bad)) << bad;
  }
  EXPECT_FALSE(is_json({}));
  EXPECT_FALSE(is_json({{"Content-Type", "application/json"}, {"Content-Type", "application/json"}}));
  EXPECT_TRUE(is_event_stream({{"Content-Type", "Text/Event-Stream; charset=utf-8"}}));
}

TEST(Accept, KnowsRangesAndQuality) {
  const auto takes = [](const char* value) { return accepts({{"Accept", value}}, "text/event-stream"); };
  EXPECT_TRUE(accepts({}, "text/event-stream"));
  EXPECT_TRUE(takes("application/json, text/event-stream"));
  EXPECT_TRUE(takes("*/*"));
  EXPECT_TRUE(takes("text/*;q=0.1"));
  EXPECT_FALSE(takes("application/json"));
  EXPECT_FALSE(takes("text/event-stream;q=0"));
  EXPECT_FALSE(takes("text/event-streams"));
}

}  // namespace
}  // namespace writ::mcp
