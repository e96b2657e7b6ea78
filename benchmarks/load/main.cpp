// Load for script/bench: sends prepared HTTP/1.1 requests over keep-alive connections and says how it went, as JSON.
//
//   writ-load --port 8420 --requests FILE [--connections 32] [--seconds 3] [--rate 0] [--once] [--status 200]
//   writ-load --serve PORT [--answer-bytes 2048]      an MCP server that answers every call with the same result
//
// FILE holds requests one after the other, each behind its length as eight hexadecimal digits. They are sent in turn; with --once each only once, and
// the run ends with the last one. --rate 0 is a closed loop: each connection sends its next request when its answer is there. Another rate is an
// open loop: requests have times of their own, and latency counts from that time, also when a slow answer kept the request waiting.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "load.h"
#include "upstream_stub.h"

int main(int argc, char** argv) {
  writ::load::Options options;
  int serve = 0;
  std::size_t answer_bytes = 2048;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--once") {
      options.once = true;
      continue;
    }
    const char* value = i + 1 < argc ? argv[++i] : "";
    if (name == "--port") options.port = static_cast<std::uint16_t>(std::atoi(value));
    else if (name == "--requests") options.requests_file = value;
    else if (name == "--connections") options.connections = std::strtoul(value, nullptr, 10);
    else if (name == "--seconds") options.seconds = std::strtod(value, nullptr);
    else if (name == "--rate") options.rate = std::strtod(value, nullptr);
    else if (name == "--status") options.status = value;
    else if (name == "--serve") serve = std::atoi(value);
    else if (name == "--answer-bytes") answer_bytes = std::strtoul(value, nullptr, 10);
    else return std::fprintf(stderr, "writ-load: unknown option %s\n", argv[i]), 2;
  }
  if (serve != 0) return writ::load::serve_stub(static_cast<std::uint16_t>(serve), answer_bytes);
  return writ::load::run(options);
}
