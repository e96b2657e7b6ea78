#pragma once

// The head of an HTTP/1.1 message, read strictly and without a socket (RFC 9112). What two readers could understand differently is refused,
// because a request that a proxy in front reads in another way is how requests are smuggled (threat G1): bare CR or LF, folded lines, spaces
// around names, NUL, two lengths, a length beside a coding, codings other than `chunked`. Nothing is repaired.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace writ::http {

struct HeadLimits {
  std::size_t head_bytes_max = 16 * 1024;
  std::size_t line_bytes_max = 8 * 1024;   // without CRLF
  std::size_t fields_max = 100;
};

// What a server answers to a message it will not read. `what` is fixed text: the input is never echoed (T11).
struct BadMessage {
  int status = 400;
  const char* what = "";
};

// Finds where a head ends in bytes that arrive in any pieces. The verdict does not depend on the pieces.
class HeadEnd {
 public:
  // `bytes` is everything received since the head's first byte; it may only grow between calls. Answers the head's length including the
  // empty line, or nothing when more is needed.
  Result<std::optional<std::size_t>, BadMessage> find(std::string_view bytes, const HeadLimits& limits);

 private:
  std::size_t line_ = 0;      // where the current line starts
  std::size_t scanned_ = 0;   // up to here there is no line feed in the current line
  std::size_t lines_ = 0;
};

// How long the body is (RFC 9112 §6.3).
struct Framing {
  enum class Kind { none, length, chunked, until_close } kind = Kind::none;
  std::uint64_t length = 0;
};

struct RequestHead {
  Request request;                // without body and peer
  Framing framing;                // none, length or chunked
  int minor_version = 1;          // HTTP/1.x
  bool keep_alive = true;
  bool expects_continue = false;
};

// `head` ends with the empty line, as HeadEnd found it.
Result<RequestHead, BadMessage> parse_request_head(std::string_view head, const HeadLimits& limits);

struct ResponseHead {
  int status = 0;
  Headers headers;
  Framing framing;
  bool keep_alive = true;
};

// The framing depends on the method of the request that is answered.
Result<ResponseHead, BadMessage> parse_response_head(std::string_view head, std::string_view request_method, const HeadLimits& limits);

bool is_token(std::string_view text);         // RFC 9110 §5.6.2
bool is_field_value(std::string_view text);   // no control characters but tab
// host or host:port as in a Host field: a name, an IPv4 address or an IPv6 address in brackets; no user information, no escapes.
bool is_host(std::string_view text);

}  // namespace writ::http
