#include "http/write.h"

#include <array>
#include <charconv>
#include <chrono>

#include "http/head.h"

namespace writ::http {
namespace {

void append_number(std::string& out, std::uint64_t number, int base = 10) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base);
  out.append(digits.data(), end.ptr);
}

bool is_framing_field(std::string_view name) {
  for (const std::string_view framing : {"connection", "content-length", "date", "keep-alive", "transfer-encoding", "upgrade"}) {
    if (equals_ignoring_case(name, framing)) return true;
  }
  return false;
}

bool append_fields(std::string& out, const Headers& headers, bool drop_host) {
  for (const auto& [name, value] : headers.fields()) {
    if (!is_token(name) || !is_field_value(value)) return false;
    if (is_framing_field(name) || (drop_host && equals_ignoring_case(name, "host"))) continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
  return true;
}

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";   // RFC 9112 §4: the phrase may be empty
  }
}

std::string format_date(std::int64_t unix_seconds) {
  constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds instant{std::chrono::seconds{unix_seconds}};
  const auto day = std::chrono::floor<std::chrono::days>(instant);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{instant - day};
  const auto two = [](std::string& out, std::int64_t value) { out += static_cast<char>('0' + value / 10), out += static_cast<char>('0' + value % 10); };
  std::string out = kDays[std::chrono::weekday{day}.c_encoding()];
  out += ", ";
  two(out, static_cast<unsigned>(date.day()));
  out.append(" ").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append(" ");
  append_number(out, static_cast<std::uint64_t>(static_cast<int>(date.year())));
  out += ' ';
  two(out, time.hours().count()), out += ':';
  two(out, time.minutes().count()), out += ':';
  two(out, time.seconds().count()), out += " GMT";
  return out;
}

bool append_response_head(std::string& out, int status, const Headers& headers, const ResponseFraming& framing) {
  if (status < 200 || status > 599) return false;   // interim answers are the connection's own business
  const std::size_t start = out.size();
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(status));
  out.append(" ").append(reason_phrase(status)).append("\r\n");
  if (!append_fields(out, headers, false)) return out.resize(start), false;
  if (!framing.date.empty()) out.append("Date: ").append(framing.date).append("\r\n");
  if (framing.content_length) {
    out.append("Content-Length: ");
    append_number(out, *framing.content_length);
    out.append("\r\n");
  } else if (framing.chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  out.append(framing.keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
  return true;
}

bool append_request_head(std::string& out, std::string_view method, std::string_view target, std::string_view host, const Headers& headers,
                         std::size_t body_bytes) {
  if (!is_token(method) || !is_host(host) || target.empty() || target.front() != '/') return false;
  for (const char c : target) {
    if (c <= 0x20 || c >= 0x7F || c == '#') return false;
  }
  const std::size_t start = out.size();
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: ").append(host).append("\r\n");
  if (!append_fields(out, headers, true)) return out.resize(start), false;
  if (body_bytes > 0 || method == "POST" || method == "PUT" || method == "PATCH") {
    out.append("Content-Length: ");
    append_number(out, body_bytes);
    out.append("\r\n");
  }
  out.append("\r\n");
  return true;
}

void append_chunk(std::string& out, std::string_view piece) {
  append_number(out, piece.size(), 16);
  out.append("\r\n").append(piece).append("\r\n");
}

}  // namespace writ::http
