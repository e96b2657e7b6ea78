#include <string>
#include <string_view>

#include "expect.h"
#include "mcp/json_rpc.h"
#include "mcp/streamable_http.h"

namespace mcp = writ::mcp;

namespace {

// What is decided on is what goes on: read again, the written message is the same one.
void expect_same_when_written(const mcp::Message& message) {
  const std::string text = message.write();
  const auto again = mcp::Message::parse_from_server(text, {});
  EXPECT(again);
  EXPECT(again->kind() == message.kind() && again->method() == message.method() && again->id() == message.id());
  EXPECT(again->value() == message.value());
  EXPECT(again->write() == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto message = mcp::Message::parse_from_server(text, {})) expect_same_when_written(*message);
  const auto message = mcp::Message::parse(text, {});
  if (!message) return 0;
  expect_same_when_written(*message);
  EXPECT(message->id() || message->kind() == mcp::Message::Kind::notification);
  EXPECT(message->is_response() == message->method().empty());
  // Only the name as it is spelled counts, and no second spelling of it comes along.
  int names = 0;
  if (const auto* params = message->params()) {
    for (const auto& member : *params->as_object()) names += mcp::equals_folded(member.name, "name") ? 1 : 0;
  }
  EXPECT(names <= 1);
  const writ::http::Headers headers{{"MCP-Protocol-Version", "2026-07-28"}, {"Mcp-Method", message->method()}};
  if (mcp::era_of(*message, headers) == mcp::Era::modern) (void)mcp::check_modern(*message, headers);
  // A mirrored value comes back as it was.
  const auto value = mcp::decode_header_value(mcp::encode_header_value(message->method()));
  EXPECT(value && *value == message->method());
  return 0;
}
