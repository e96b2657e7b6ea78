#include "http/chunked.h"

#include <algorithm>

namespace writ::http {
namespace {

constexpr std::size_t kOverheadBytesMax = 16 * 1024;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_text(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7F);
}

// Of `name=token;name`. Quoted strings are refused: readers differ about where the line of an unfinished one ends.
bool is_extension_byte(char c) { return c == ';' || c == '=' || is_token(std::string_view(&c, 1)); }

}  // namespace

Result<std::size_t, BadMessage> ChunkedDecoder::feed(std::string_view bytes, std::string& out, std::size_t out_bytes_max,
                                                     std::uint64_t body_bytes_max) {
  const auto bad = [](const char* what, int status = 400) { return Unexpected(BadMessage{status, what}); };
  std::size_t at = 0;
  while (at < bytes.size() && state_ != State::done) {
    if (state_ == State::data) {
      if (out.size() >= out_bytes_max) break;
      const std::size_t take = static_cast<std::size_t>(
          std::min<std::uint64_t>({remaining_, bytes.size() - at, out_bytes_max - out.size()}));
      out.append(bytes.substr(at, take));
      at += take;
      remaining_ -= take;
      if (remaining_ == 0) state_ = State::data_cr;
      continue;
    }
    const char c = bytes[at++];
    switch (state_) {
      case State::size_first:
      case State::size: {
        const int value = hex_value(c);
        if (value >= 0) {
          if (++digits_ > 15) return bad("chunk size too long");
          remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(value);
          state_ = State::size;
        } else if (state_ == State::size_first) {
          return bad("malformed chunk size");
        } else if (c == '\r') {
          state_ = State::size_lf;
        } else if (c == ';') {
          state_ = State::extension;
        } else {
          return bad("malformed chunk size");
        }
        break;
      }
      case State::extension:
        if (++overhead_ > kOverheadBytesMax) return bad("chunk extensions too large");
        if (c == '\r') {
          state_ = State::size_lf;
        } else if (!is_extension_byte(c)) {
          return bad("malformed chunk extension");
        }
        break;
      case State::size_lf:
        if (c != '\n') return bad("bare carriage return in the chunked body");
        digits_ = 0;
        total_ += remaining_;
        if (total_ > body_bytes_max) return bad("body too large", 413);
        state_ = remaining_ == 0 ? State::trailer_start : State::data;
        break;
      case State::data_cr:
        if (c != '\r') return bad("chunk longer than its size");
        state_ = State::data_lf;
        break;
      case State::data_lf:
        if (c != '\n') return bad("bare carriage return in the chunked body");
        state_ = State::size_first;
        break;
      case State::trailer_start:
        if (c == '\r') {
          state_ = State::end_lf;
          break;
        }
        if (c == ' ' || c == '\t') return bad("folded trailer field");
        if (!is_token(std::string_view(&c, 1))) return bad("malformed trailer field");
        state_ = State::trailer_name;
        break;
      case State::trailer_name:
        if (++overhead_ > kOverheadBytesMax) return bad("trailers too large", 431);
        if (c == ':') {
          state_ = State::trailer;
        } else if (!is_token(std::string_view(&c, 1))) {
          return bad("malformed trailer field");
        }
        break;
      case State::trailer:
        if (++overhead_ > kOverheadBytesMax) return bad("trailers too large", 431);
        if (c == '\r') {
          state_ = State::trailer_lf;
        } else if (!is_text(c)) {
          return bad("malformed trailer field");
        }
        break;
      case State::trailer_lf:
        if (c != '\n') return bad("bare carriage return in the chunked body");
        state_ = State::trailer_start;
        break;
      case State::end_lf:
        if (c != '\n') return bad("bare carriage return in the chunked body");
        state_ = State::done;
        break;
      case State::data:
      case State::done:
        break;
    }
  }
  return at;
}

}  // namespace writ::http
