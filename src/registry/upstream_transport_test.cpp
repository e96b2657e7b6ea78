#include "registry/upstream_transport.h"

#include <gtest/gtest.h>

#include "adapters/yaml/yaml.h"
#include "registry/read.h"

namespace writ::registry {
namespace {

struct Row {
  const char* name;
  const char* upstream;      // as written
  const char* problem;       // "": none
  UpstreamAddress::Transport transport = UpstreamAddress::Transport::streamable_http;
};
class UpstreamTransports : public testing::TestWithParam<Row> {};

TEST_P(UpstreamTransports, AreReadAndJudged) {
  const auto node = yaml::parse(GetParam().upstream, "f.yaml");
  ASSERT_TRUE(node);
  Problems problems;
  Fields fields(*node, "`upstream`", problems);
  UpstreamAddress address;
  read_transport(fields, address);
  if (const auto* era = fields.find("era"); era && era->text == "modern") address.era = UpstreamAddress::Era::modern;
  fields.finish();
  std::string all = to_string(problems);
  if (problems.empty()) {
    for (const auto& [path, message] : problems_of_transport(address)) all += path + ": " + message + "\n";
  }
  if (*GetParam().problem) {
    EXPECT_NE(all.find(GetParam().problem), std::string::npos) << all;
    return;
  }
  EXPECT_EQ(all, "");
  EXPECT_EQ(address.transport, GetParam().transport);
  json::Value written = json::Object{};
  write_transport(address, written);
  const auto again = yaml::parse(json::write(written), "f.yaml");
  ASSERT_TRUE(again);
  Fields read_again(*again, "`upstream`", problems);
  UpstreamAddress same;
  read_transport(read_again, same);
  EXPECT_EQ(same.transport, address.transport) << json::write(written);
  EXPECT_EQ(same.url, address.url);
}

using Transport = UpstreamAddress::Transport;
INSTANTIATE_TEST_SUITE_P(
    All, UpstreamTransports,
    testing::Values(Row{"streamable_http_unless_said", "{url: 'https://m.example/mcp'}", ""},
                    Row{"streamable_http_said", "{transport: streamable_http, url: 'https://m.example/mcp'}", ""},
                    Row{"http_sse", "{transport: http_sse, url: 'https://m.example/sse'}", "", Transport::http_sse},
                    Row{"stdio", "{transport: stdio}", "", Transport::stdio},
                    Row{"unknown", "{transport: websocket, url: 'https://m.example/mcp'}", "`transport` must be `streamable_http`, `http_sse` or `stdio`, not `websocket`"},
                    Row{"http_without_url", "{transport: http_sse}", "needs `url`"},
                    Row{"stdio_with_url", "{transport: stdio, url: 'https://m.example/mcp'}", "url: a program on stdio has no `url`"},
                    Row{"plain_http", "{transport: http_sse, url: 'http://10.0.0.1/sse'}", "url: `url` must be an https URL (http only on loopback), not `http://10.0.0.1/sse`"},
                    Row{"fragment", "{url: 'https://m.example/mcp#x'}", "url: `url` must be an https URL"},
                    Row{"user_information", "{url: 'https://u:p@m.example/mcp'}", "url: `url` must be an https URL"},
                    Row{"http_sse_in_the_modern_era", "{transport: http_sse, url: 'https://m.example/sse', era: modern}", "era: the HTTP+SSE transport is older than the modern era"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace writ::registry
