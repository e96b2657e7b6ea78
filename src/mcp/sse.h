#pragma once

// Server-sent events (WHATWG HTML §9.2), read in any pieces and written again from their parts. A gateway re-frames every event, so that
// `id`, `event` and `data` never come out of content (G17).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace writ::mcp {

struct Event {
  std::optional<std::string> id;     // as it stands on this event; may be empty
  std::string type;                  // empty: "message"
  std::string data;                  // lines joined by \n
  bool has_data = false;             // an event may consist of nothing but an id: a point to resume from (TR-31)
  std::optional<std::int64_t> retry_ms;
  friend bool operator==(const Event&, const Event&) = default;
};

enum class SseProblem { line_too_long, event_too_large };

// Differs from a browser in one thing: an event without data is handed on when it has an id or retry, because a proxy must pass it on.
class SseParser {
 public:
  explicit SseParser(std::size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}
  // Appends the events that `bytes` completes. After a problem the stream cannot be read any further.
  Result<void, SseProblem> feed(std::string_view bytes, std::vector<Event>& out);

 private:
  void end_line(std::string_view line, std::vector<Event>& out);
  std::size_t event_bytes_max_;
  std::string line_;                 // an unfinished line
  Event event_;
  bool has_fields_ = false;
  bool after_cr_ = false;            // LF right after CR belongs to it, also in the next piece
  std::size_t bom_bytes_ = 0;        // of a byte order mark at the start of the stream
  bool started_ = false;
};

// One event as bytes. Line breaks of any kind in `data` become lines of their own; an id or type that holds one is left out.
void append_event(std::string& out, const Event& event);
// A comment line: keeps connections alive, clients ignore it (TR-54).
inline constexpr std::string_view kSseComment = ":\n\n";

}  // namespace writ::mcp
