#include "http/head.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace writ::http {
namespace {

constexpr std::array<bool, 256> kTokenBytes = [] {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) table[static_cast<std::size_t>(c)] = true;
  return table;
}();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Unexpected<BadMessage> bad(const char* what, int status = 400) { return Unexpected(BadMessage{status, what}); }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes the next line off `rest`; HeadEnd has made sure that every line ends in CRLF and has no other CR, LF or NUL.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(rest.size(), end == std::string_view::npos ? end : end + 2));
  return line;
}

Result<Headers, BadMessage> parse_fields(std::string_view rest, const HeadLimits& limits) {
  Headers headers;
  headers.reserve(16);
  std::size_t count = 0;
  while (true) {
    const std::string_view line = take_line(rest);
    if (line.empty()) return headers;
    if (++count > limits.fields_max) return bad("too many header fields", 431);
    // A line that starts with a space continues the previous one in old readers and starts a new field in others (RFC 9112 §5.2).
    if (line.front() == ' ' || line.front() == '\t') return bad("folded header field");
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return bad("header field without colon");
    const std::string_view name = line.substr(0, colon);
    // Covers the space before the colon, which some readers drop and others take for part of the name (RFC 9112 §5.1).
    if (!is_token(name)) return bad("malformed header field name");
    const std::string_view value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return bad("control character in a header field");
    headers.add(std::string(name), std::string(value));
  }
}

Result<std::optional<std::uint64_t>, BadMessage> content_length(const Headers& headers) {
  const std::string* value = headers.find("content-length");
  if (!value) return std::optional<std::uint64_t>();
  // Equal lengths are refused too: whoever repeats them did not mean well, and a list "5, 5" is read differently everywhere.
  if (headers.count("content-length") != 1) return bad("more than one Content-Length");
  if (value->empty() || value->size() > 18 || !std::all_of(value->begin(), value->end(), is_digit)) return bad("malformed Content-Length");
  std::uint64_t length = 0;
  for (const char c : *value) length = length * 10 + static_cast<std::uint64_t>(c - '0');
  return std::optional(length);
}

// True for the one transfer coding that is understood, `chunked`, alone.
Result<bool, BadMessage> is_chunked(const Headers& headers, int minor_version, bool has_length) {
  const std::string* value = headers.find("transfer-encoding");
  if (!value) return false;
  if (has_length) return bad("Content-Length beside Transfer-Encoding");   // RFC 9112 §6.3: the classic smuggling attempt
  if (minor_version == 0) return bad("Transfer-Encoding in HTTP/1.0");
  if (headers.count("transfer-encoding") != 1) return bad("more than one Transfer-Encoding");
  if (!equals_ignoring_case(*value, "chunked")) return bad("unknown transfer coding", 501);
  return true;
}

bool list_contains(const Headers& headers, std::string_view name, std::string_view word) {
  for (std::string_view rest : headers.find_all(name)) {
    while (true) {
      const std::size_t comma = rest.find(',');
      if (equals_ignoring_case(trim(rest.substr(0, comma)), word)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

// Origin form only. Visible ASCII; no fragment, and no backslash, which some readers take for a slash.
bool is_origin_form(std::string_view target) {
  if (target.empty() || target.front() != '/') return false;
  return std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7F && c != '#' && c != '\\'; });
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return kTokenBytes[static_cast<unsigned char>(c)]; });
}

// Without a branch for each byte, in blocks: tokens are long, and compilers turn this into vector instructions.
bool is_field_value(std::string_view text) {
  const auto is_control = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return static_cast<unsigned char>((byte < 0x20 && byte != '\t') | (byte == 0x7F));
  };
  constexpr std::size_t kBlock = 32;
  std::size_t at = 0;
  unsigned char bad = 0;
  for (; at + kBlock <= text.size(); at += kBlock) {
    for (std::size_t i = 0; i < kBlock; ++i) bad = static_cast<unsigned char>(bad | is_control(text[at + i]));
  }
  for (; at < text.size(); ++at) bad = static_cast<unsigned char>(bad | is_control(text[at]));
  return bad == 0;
}

bool is_host(std::string_view text) {
  if (text.empty() || text.size() > 261) return false;
  std::string_view name = text;
  std::string_view port;
  bool has_port = false;
  if (text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    name = text.substr(1, end - 1);
    const bool digits = std::all_of(name.begin(), name.end(), [](char c) {
      return is_digit(c) || c == ':' || c == '.' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
    if (name.empty() || !digits) return false;
    const std::string_view after = text.substr(end + 1);
    if (!after.empty() && after.front() != ':') return false;
    has_port = !after.empty();
    if (has_port) port = after.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    name = text.substr(0, colon);
    has_port = colon != std::string_view::npos;
    if (has_port) port = text.substr(colon + 1);
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
      return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
    });
    if (name.empty() || !plain) return false;
  }
  return !has_port || (!port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit));
}

Result<std::optional<std::size_t>, BadMessage> HeadEnd::find(std::string_view bytes, const HeadLimits& limits) {
  while (true) {
    // Whichever limit comes first in the byte order decides, also when the whole line is here already: otherwise the verdict would
    // depend on how the bytes were cut.
    const std::size_t line_limit = line_ + limits.line_bytes_max + 2;
    const std::size_t end_max = std::min(line_limit, limits.head_bytes_max);
    const std::size_t from = std::max(line_, scanned_);
    const void* found = from < bytes.size() ? std::memchr(bytes.data() + from, '\n', bytes.size() - from) : nullptr;
    const std::size_t end = found ? static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) + 1 : bytes.size() + 1;
    if (end > end_max) {
      if (end_max < line_limit) return bad("head too large", 431);
      return lines_ == 0 ? bad("request line too long", 414) : bad("header field too long", 431);
    }
    if (!found) {
      scanned_ = bytes.size();
      return std::optional<std::size_t>();
    }
    const std::string_view line = bytes.substr(line_, end - line_ - 1);
    if (line.empty() || line.back() != '\r') return bad("line feed without carriage return");
    if (line.find('\r') != line.size() - 1) return bad("bare carriage return");
    if (line.find('\0') != std::string_view::npos) return bad("NUL in the head");
    line_ = end;
    if (line.size() == 1) {
      if (lines_ == 0) return bad("empty line before the first line");
      return std::optional(end);
    }
    ++lines_;
  }
}

Result<RequestHead, BadMessage> parse_request_head(std::string_view head, const HeadLimits& limits) {
  std::string_view rest = head;
  const std::string_view line = take_line(rest);
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return bad("malformed request line");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!is_token(method) || method.size() > 32) return bad("malformed method");
  if (method == "CONNECT") return bad("CONNECT is not supported", 501);
  if (!is_origin_form(target)) return bad("request target is not in origin form");
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' || !is_digit(version[7])) {
    return bad("malformed HTTP version");
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return bad("HTTP version not supported", 505);
  const int minor_version = version[7] - '0';

  RequestHead result;
  result.minor_version = minor_version;
  Request& request = result.request;
  request.headers = TRY(parse_fields(rest, limits));
  const Headers& headers = request.headers;

  const std::string* host = headers.find_single("host");
  if (!host) return bad(headers.count("host") == 0 ? "Host is missing" : "more than one Host");
  if (!is_host(*host)) return bad("malformed Host");
  const auto length = TRY(content_length(headers));
  const bool chunked = TRY(is_chunked(headers, minor_version, length.has_value()));
  if (headers.count("upgrade") != 0) return bad("upgrade is not supported");
  if (const std::string* expectation = headers.find("expect")) {
    if (headers.count("expect") != 1 || !equals_ignoring_case(*expectation, "100-continue")) return bad("unknown expectation", 417);
    result.expects_continue = minor_version == 1;
  }
  // Decoding is where the bombs are (T3); a coding nobody asked for is not decoded.
  for (const std::string_view coding : headers.find_all("content-encoding")) {
    if (!equals_ignoring_case(coding, "identity")) return bad("content codings are not accepted", 415);
  }

  if (chunked) result.framing.kind = Framing::Kind::chunked;
  if (length && *length > 0) result.framing = {Framing::Kind::length, *length};
  result.keep_alive = minor_version == 1 && !list_contains(headers, "connection", "close");
  request.method = method;
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = target.substr(question + 1);
  request.host = *host;
  return result;
}

Result<ResponseHead, BadMessage> parse_response_head(std::string_view head, std::string_view request_method, const HeadLimits& limits) {
  std::string_view rest = head;
  const std::string_view line = take_line(rest);
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || (line[7] != '0' && line[7] != '1') || line[8] != ' ') return bad("malformed status line");
  if (line[9] < '1' || line[9] > '5' || !is_digit(line[10]) || !is_digit(line[11])) return bad("malformed status");
  if (line.size() > 12 && (line[12] != ' ' || !is_field_value(line.substr(13)))) return bad("malformed reason phrase");
  const int minor_version = line[7] - '0';

  ResponseHead result;
  result.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  result.headers = TRY(parse_fields(rest, limits));
  const auto length = TRY(content_length(result.headers));
  const bool chunked = TRY(is_chunked(result.headers, minor_version, length.has_value()));
  const bool bodyless = request_method == "HEAD" || result.status < 200 || result.status == 204 || result.status == 304;
  if (bodyless) {
    result.framing.kind = Framing::Kind::none;
  } else if (chunked) {
    result.framing.kind = Framing::Kind::chunked;
  } else if (length) {
    result.framing = *length > 0 ? Framing{Framing::Kind::length, *length} : Framing{};
  } else {
    result.framing.kind = Framing::Kind::until_close;
  }
  result.keep_alive = minor_version == 1 && result.framing.kind != Framing::Kind::until_close && !list_contains(result.headers, "connection", "close");
  return result;
}

}  // namespace writ::http
