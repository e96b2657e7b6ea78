#pragma once

// Responses and requests as bytes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace writ::http {

// Appends status line, fields and the empty line. False, with `out` unchanged, when a name or value could break out of its line: a handler's
// mistake must not become response splitting. Framing fields in `headers` are dropped: the connection decides them.
struct ResponseFraming {
  std::optional<std::uint64_t> content_length;   // absent: chunked, or until the connection closes
  bool chunked = false;
  bool keep_alive = true;
  std::string_view date;                         // IMF-fixdate (RFC 9110 §5.6.7)
};
[[nodiscard]] bool append_response_head(std::string& out, int status, const Headers& headers, const ResponseFraming& framing);

// Appends request line, Host, fields, Content-Length (for a body, or a method that usually has one) and the empty line. Same rule.
[[nodiscard]] bool append_request_head(std::string& out, std::string_view method, std::string_view target, std::string_view host,
                                       const Headers& headers, std::size_t body_bytes);

void append_chunk(std::string& out, std::string_view piece);   // `piece` is not empty
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

std::string_view reason_phrase(int status);
std::string format_date(std::int64_t unix_seconds);

}  // namespace writ::http
