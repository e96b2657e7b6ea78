#include <string>
#include <string_view>
#include <vector>

#include "expect.h"
#include "mcp/sse.h"

namespace mcp = writ::mcp;

namespace {

struct Read {
  std::vector<mcp::Event> events;
  bool failed = false;
};

Read read(std::string_view text, std::size_t piece) {
  Read result;
  mcp::SseParser parser(4'096);
  for (std::size_t at = 0; at < text.size() && !result.failed; at += piece) {
    result.failed = !parser.feed(text.substr(at, piece), result.events);
  }
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Read whole = read(text, size + 1);
  for (const std::size_t piece : {1, 2, 7}) {
    const Read pieces = read(text, piece);
    EXPECT(pieces.failed == whole.failed);
    if (!whole.failed) EXPECT(pieces.events == whole.events);
  }
  // Written again, each event is one event with the same parts: content never becomes fields.
  for (const mcp::Event& event : whole.events) {
    std::string bytes;
    mcp::append_event(bytes, event);
    const Read again = read(bytes, 3);
    if (again.failed) continue;   // `data: ` takes more room than `data:`
    EXPECT(again.events.size() == 1 && again.events.front() == event);
  }
  // The whole input as content.
  mcp::Event hostile;
  hostile.data = std::string(text.substr(0, 1'000));
  hostile.has_data = true;
  std::string bytes;
  mcp::append_event(bytes, hostile);
  const Read again = read(bytes, bytes.size());
  EXPECT(again.failed || (again.events.size() == 1 && !again.events.front().id && again.events.front().type.empty()));
  return 0;
}
