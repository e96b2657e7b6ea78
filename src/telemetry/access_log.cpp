#include "telemetry/access_log.h"

#include <algorithm>
#include <cstdio>

#include "audit/record.h"
#include "encoding/json.h"

namespace writ::telemetry {
namespace {

constexpr std::size_t kSegmentBytesMax = 40, kPathBytesMax = 256, kTextBytesMax = 128;

class Line {
 public:
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    key(name);
    // Bytes that could turn what is around them on a screen are left out (S4); what is written is always valid JSON.
    std::string plain;
    for (const char c : value.substr(0, kPathBytesMax)) plain += c >= 0x20 && c < 0x7F ? c : '?';
    json::append_quoted(out_, plain);
  }
  void number(std::string_view name, std::uint64_t value) {
    key(name);
    out_ += std::to_string(value);
  }
  void raw(std::string_view name, std::string_view value) {
    key(name);
    out_ += value;
  }
  std::string finish() && { return std::move(out_ += '}'); }

 private:
  void key(std::string_view name) {
    out_ += out_.size() > 1 ? ",\"" : "\"";
    out_ += name;
    out_ += "\":";
  }
  std::string out_ = "{";
};

}  // namespace

std::string shown_path(std::string_view path) {
  std::string shown;
  while (!path.empty() && shown.size() < kPathBytesMax) {
    const auto slash = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, slash);
    const std::size_t name_size = segment.size() - (segment[0] == '/' ? 1 : 0);
    if (name_size > kSegmentBytesMax) shown += "/...";
    else shown += segment;
    path.remove_prefix(slash);
  }
  return shown;
}

std::string access_line(const Answered& answered, const Trail& trail) {
  Line line;
  line.text("time", audit::to_iso8601(trail.started));
  line.text("request_id", trail.request_id);
  if (const TraceContext* trace = trail.onward()) line.text("trace_id", to_hex(trace->trace));
  line.text("listener", answered.listener);
  line.text("role", answered.role);
  line.text("route", answered.route);
  line.text("method", answered.method.substr(0, 16));
  line.text("path", shown_path(answered.path));
  line.number("status", static_cast<std::uint64_t>(answered.status));
  line.number("bytes_in", answered.bytes_in);
  line.number("bytes_out", answered.bytes_out);
  char milliseconds[32];
  std::snprintf(milliseconds, sizeof milliseconds, "%.3f", std::chrono::duration<double, std::milli>(answered.duration).count());
  line.raw("duration_ms", milliseconds);
  if (answered.is_stream) line.raw("stream", "true");
  if (answered.is_broken) line.raw("broken", "true");
  line.text("peer", answered.peer);
  line.text("user", trail.user);
  line.text("agent", trail.agent);
  line.text("server", trail.server);
  line.text("rpc_method", std::string_view(trail.rpc_method).substr(0, kTextBytesMax));
  line.text("effect", trail.effect);
  line.text("reason", trail.reason);
  line.text("code", trail.code);
  return std::move(line).finish();
}

}  // namespace writ::telemetry
